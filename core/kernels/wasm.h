/*
 * wasm.h - the primitives of vector_template.h in wasm SIMD128. Two vectors hold the eight lanes.
 * The including file adds multiply-add and the int8 product.
 */
#include <stdint.h>
#include <wasm_simd128.h>

typedef struct {
    v128_t low, high;
} vf;
typedef vf vi;
typedef v128_t rf, ri;

#define PANEL_REGISTERS 2
#define TILE_PANELS 1
#define TILE_ROWS_PLAIN 4
#define TILE_ROWS_ATTEND 4
#define TILE_PANELS_Q8 1

#define rf_zero() wasm_f32x4_splat(0.0f)
#define rf_load wasm_v128_load
#define rf_store wasm_v128_store
#define rf_splat wasm_v128_load32_splat
#define rf_add wasm_f32x4_add
#define rf_mul wasm_f32x4_mul
#define ri_zero() wasm_i32x4_splat(0)
#define ri_load wasm_v128_load
#define ri_store wasm_v128_store
#define ri_splat wasm_v128_load32_splat

/* Defines NAME(a, b), which applies OPERATION to both halves of two eight-lane vectors. */
#define DEFINE_PAIRWISE(NAME, OPERATION)                                                           \
    static inline vf NAME(vf a, vf b)                                                              \
    {                                                                                              \
        return (vf){OPERATION(a.low, b.low), OPERATION(a.high, b.high)};                           \
    }

DEFINE_PAIRWISE(vf_add, wasm_f32x4_add)
DEFINE_PAIRWISE(vf_sub, wasm_f32x4_sub)
DEFINE_PAIRWISE(vf_mul, wasm_f32x4_mul)
DEFINE_PAIRWISE(vf_div, wasm_f32x4_div)
DEFINE_PAIRWISE(vi_add, wasm_i32x4_add)
DEFINE_PAIRWISE(vi_sub, wasm_i32x4_sub)
DEFINE_PAIRWISE(vi_mul, wasm_i32x4_mul)
DEFINE_PAIRWISE(vi_larger, wasm_i32x4_max)
DEFINE_PAIRWISE(vi_larger_unsigned, wasm_u32x4_max)

static inline vf vf_load(const float *p)
{
    return (vf){wasm_v128_load(p), wasm_v128_load(p + 4)};
}

static inline void vf_store(float *p, vf v)
{
    wasm_v128_store(p, v.low);
    wasm_v128_store(p + 4, v.high);
}

static inline vf vf_set1(float x)
{
    v128_t v = wasm_f32x4_splat(x);
    return (vf){v, v};
}

static inline vf vf_splat(const float *x)
{
    v128_t v = wasm_v128_load32_splat(x);
    return (vf){v, v};
}

static inline vf vf_smaller(vf a, vf b) /* pmin(p, q) is q < p ? q : p */
{
    return (vf){wasm_f32x4_pmin(b.low, a.low), wasm_f32x4_pmin(b.high, a.high)};
}

static inline vf vf_larger(vf a, vf b) /* pmax(p, q) is p < q ? q : p */
{
    return (vf){wasm_f32x4_pmax(b.low, a.low), wasm_f32x4_pmax(b.high, a.high)};
}

static inline vf vf_zero_below(vf v, vf x, vf limit)
{
    return (vf){wasm_v128_andnot(v.low, wasm_f32x4_lt(x.low, limit.low)),
                wasm_v128_andnot(v.high, wasm_f32x4_lt(x.high, limit.high))};
}

static inline vf vf_zero_nan(vf x)
{
    return (vf){wasm_v128_and(x.low, wasm_f32x4_eq(x.low, x.low)),
                wasm_v128_and(x.high, wasm_f32x4_eq(x.high, x.high))};
}

static inline vf vf_from_vi(vi v)
{
    return (vf){wasm_f32x4_convert_i32x4(v.low), wasm_f32x4_convert_i32x4(v.high)};
}

static inline vi vi_bits(vf v)
{
    return v;
}

static inline vf vf_times_power(vf v, vf t)
{
    return (vf){wasm_i32x4_add(v.low, wasm_i32x4_shl(t.low, 23)),
                wasm_i32x4_add(v.high, wasm_i32x4_shl(t.high, 23))};
}

static inline vi vi_set1(int32_t x)
{
    v128_t v = wasm_i32x4_splat(x);
    return (vi){v, v};
}

static inline vi vi_load(const int32_t *p)
{
    return (vi){wasm_v128_load(p), wasm_v128_load(p + 4)};
}

static inline void vi_store(int32_t *p, vi v)
{
    wasm_v128_store(p, v.low);
    wasm_v128_store(p + 4, v.high);
}

static inline v128_t pair_words(v128_t a, v128_t b)
{
    return wasm_i16x8_shuffle(a, wasm_i32x4_shl(b, 16), 0, 9, 2, 11, 4, 13, 6, 15);
}

static inline vi vi_pair(vi a, vi b)
{
    return (vi){pair_words(a.low, b.low), pair_words(a.high, b.high)};
}

static inline ri ri_dot(ri sum, ri a, ri b)
{
    return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(a, b));
}

static inline void vi_store_q7(uint8_t *bytes, vi v)
{
    v128_t words = wasm_i16x8_min(wasm_i16x8_narrow_i32x4(v.low, v.high), wasm_i16x8_splat(127));
    wasm_v128_store64_lane(bytes, wasm_u8x16_narrow_i16x8(words, words), 0);
}
