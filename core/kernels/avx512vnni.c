/*
 * avx512vnni.c - AVX2 with FMA and VPDPBUSD in its AVX-512 encoding, on 256 bits: most servers and
 * AMD's Zen 4 have that one only. 512 bits gain nothing where they run as two halves (Zen 4).
 */
#include "kernels/x86.h"

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return _mm256_dpbusd_epi32(sum, x, w);
}

static inline ri ri_dot(ri sum, ri a, ri b)
{
    return _mm256_dpwssd_epi32(sum, a, b);
}

#include "kernels/vector.h"

const struct sedd_kernels sedd_kernels_avx512vnni = SEDD_VECTOR_TABLE("avx512vnni");
