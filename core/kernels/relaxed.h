/*
 * relaxed.h - the primitives that both relaxed SIMD tables share: multiply-add, and the sums and
 * loads of the int8 product. Each table defines its own qs_dot, the inner step of that product.
 */
#define TILE_ROWS_F32 6
#define rf_madd wasm_f32x4_relaxed_madd
#define Q8_PARTS 1

typedef vi qs, qw;
typedef v128_t qx;

#define qs_add vi_add

static inline qs qs_zero(void)
{
    return vi_set1(0);
}

static inline void qs_store(int32_t *dots, qs sum)
{
    wasm_v128_store(dots, sum.low);
    wasm_v128_store(dots + 4, sum.high);
}

static inline qw qw_load(const int8_t *p, int part)
{
    (void)part;
    return (qw){wasm_v128_load(p), wasm_v128_load(p + 16)};
}

static inline qx qx_load(const uint8_t *p)
{
    return wasm_v128_load32_splat(p);
}
