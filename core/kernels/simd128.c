/*
 * simd128.c - wasm SIMD128 as every current browser has it. The int8 product widens to 16 bits and
 * keeps two partial sums a channel, which are added at the end; a tile covers a panel in two passes
 * of four channels, because four rows of eight would need more registers than there are.
 */
#include "kernels/wasm.h"

#define TILE_ROWS_F32 TILE_ROWS_PLAIN
#define TILE_ROWS_Q8 4
#define Q8_PARTS 2

typedef struct {
    v128_t pair[2]; /* channels 0-1 and 2-3, two sums each */
} qs;
typedef qs qw;
typedef v128_t qx;

static inline rf rf_madd(rf a, rf b, rf c)
{
    return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
}

static inline qs qs_zero(void)
{
    v128_t zero = wasm_i32x4_splat(0);
    return (qs){{zero, zero}};
}

static inline void qs_store(int32_t *dots, qs sum)
{
    v128_t even = wasm_i32x4_shuffle(sum.pair[0], sum.pair[1], 0, 2, 4, 6);
    v128_t odd = wasm_i32x4_shuffle(sum.pair[0], sum.pair[1], 1, 3, 5, 7);
    wasm_v128_store(dots, wasm_i32x4_add(even, odd));
}

static inline qw qw_load(const int8_t *p, int part)
{
    p += 16 * part;
    return (qw){{wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8)}};
}

static inline qx qx_load(const uint8_t *p)
{
    return wasm_u16x8_extend_low_u8x16(wasm_v128_load32_splat(p));
}

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return (qs){{wasm_i32x4_add(sum.pair[0], wasm_i32x4_dot_i16x8(w.pair[0], x)),
                 wasm_i32x4_add(sum.pair[1], wasm_i32x4_dot_i16x8(w.pair[1], x))}};
}

#include "kernels/vector.h"

const struct sedd_kernels sedd_kernels_simd128 = SEDD_VECTOR_TABLE("simd128");
