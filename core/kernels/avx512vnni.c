/*
 * avx512vnni.c - the table for AVX2 with FMA and VPDPBUSD in its AVX-512 encoding, which is the
 * only encoding on most servers and on AMD's Zen 4. Registers are 256 bits wide, because Zen 4 runs
 * 512-bit operations as two halves and gains nothing from them.
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

#include "kernels/vector_template.h"

const struct sedd_kernels sedd_kernels_avx512vnni = SEDD_VECTOR_TABLE("avx512vnni");
