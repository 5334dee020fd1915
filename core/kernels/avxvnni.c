/* avxvnni.c - the table for AVX2 with FMA and VPDPBUSD, which computes the int8 product. */
#include "kernels/x86.h"

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return _mm256_dpbusd_avx_epi32(sum, x, w);
}

static inline ri ri_dot(ri sum, ri a, ri b)
{
    return _mm256_dpwssd_avx_epi32(sum, a, b);
}

#include "kernels/vector_template.h"

const struct sedd_kernels sedd_kernels_avxvnni = SEDD_VECTOR_TABLE("avxvnni");
