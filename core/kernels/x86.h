/*
 * x86.h - the primitives of vector_template.h in AVX2 with fused multiply-add. The including file
 * adds the two dot products, qs_dot and ri_dot.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef __m256 vf, rf;
typedef __m256i vi, ri, qs, qw, qx;

#define PANEL_REGISTERS 1
#define TILE_PANELS 2
#define TILE_ROWS_F32 6
#define TILE_ROWS_PLAIN 6
#define TILE_ROWS_ATTEND 8
#define TILE_PANELS_Q8 2
#define TILE_ROWS_Q8 6
#define Q8_PARTS 1
#define Q8_TOGETHER 1

#define vf_load _mm256_loadu_ps
#define vf_store _mm256_storeu_ps
#define vf_set1 _mm256_set1_ps
#define vf_splat _mm256_broadcast_ss
#define vf_add _mm256_add_ps
#define vf_sub _mm256_sub_ps
#define vf_mul _mm256_mul_ps
#define vf_div _mm256_div_ps
#define vf_smaller _mm256_min_ps
#define vf_larger _mm256_max_ps
#define vf_from_vi _mm256_cvtepi32_ps
#define vi_bits _mm256_castps_si256
#define vi_set1 _mm256_set1_epi32
#define vi_add _mm256_add_epi32
#define vi_sub _mm256_sub_epi32
#define vi_mul _mm256_mullo_epi32
#define vi_larger _mm256_max_epi32
#define vi_larger_unsigned _mm256_max_epu32
#define rf_zero _mm256_setzero_ps
#define rf_load _mm256_loadu_ps
#define rf_store _mm256_storeu_ps
#define rf_splat _mm256_broadcast_ss
#define rf_add _mm256_add_ps
#define rf_mul _mm256_mul_ps
#define rf_madd _mm256_fmadd_ps
#define ri_zero _mm256_setzero_si256
#define ri_load vi_load
#define ri_store vi_store
#define qs_zero _mm256_setzero_si256
#define qs_add _mm256_add_epi32

static inline vf vf_zero_below(vf v, vf x, vf limit)
{
    return _mm256_andnot_ps(_mm256_cmp_ps(x, limit, _CMP_LT_OQ), v);
}

static inline vf vf_zero_nan(vf x)
{
    return _mm256_and_ps(x, _mm256_cmp_ps(x, x, _CMP_ORD_Q));
}

static inline vf vf_times_power(vf v, vf t)
{
    __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), exponent));
}

static inline vi vi_load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline void vi_store(int32_t *p, vi v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

static inline vi vi_pair(vi a, vi b)
{
    return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xAA);
}

static inline ri ri_splat(const int32_t *p)
{
    return _mm256_set1_epi32(*p);
}

static inline void vi_store_q7(uint8_t *bytes, vi v)
{
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    words = _mm_min_epi16(words, _mm_set1_epi16(127));
    _mm_storel_epi64((__m128i *)bytes, _mm_packus_epi16(words, words));
}

static inline qw qw_load(const int8_t *p, int part)
{
    (void)part;
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline qx qx_load(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

static inline void qs_store(int32_t *dots, qs sum)
{
    _mm256_storeu_si256((__m256i *)dots, sum);
}
