/*
 * avx2.c - the table for AVX2 with FMA. The int8 product is pmaddubsw followed by pmaddwd. A pair's
 * sum is at most 2 * 127 * 128, which fits in 16 bits, so nothing saturates.
 */
#include "kernels/x86.h"

static inline qs qs_dot(qs sum, qw w, qx x)
{
    __m256i pairs = _mm256_maddubs_epi16(x, w);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline ri ri_dot(ri sum, ri a, ri b)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

#include "kernels/vector_template.h"

const struct sedd_kernels sedd_kernels_avx2 = SEDD_VECTOR_TABLE("avx2");
