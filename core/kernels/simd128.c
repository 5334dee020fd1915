/*
 * simd128.c - wasm SIMD128 as every current browser has it. The int8 product widens to 16 bits and
 * keeps two partial sums a channel, which are added at the end: three rows fill the registers.
 */
#include "kernels/wasm.h"

#define TILE_ROWS_Q8 3

typedef struct {
    v128_t pair[4]; /* channels 0-1, 2-3, 4-5, 6-7, two sums each */
} va;
typedef va vw;
typedef v128_t vx;

static inline vf vf_madd(vf a, vf b, vf c)
{
    return vf_add(vf_mul(a, b), c);
}

static inline va va_zero(void)
{
    v128_t zero = wasm_i32x4_splat(0);
    return (va){{zero, zero, zero, zero}};
}

static inline vi va_finish(va sum)
{
    v128_t even = wasm_i32x4_shuffle(sum.pair[0], sum.pair[1], 0, 2, 4, 6);
    v128_t odd = wasm_i32x4_shuffle(sum.pair[0], sum.pair[1], 1, 3, 5, 7);
    v128_t even_high = wasm_i32x4_shuffle(sum.pair[2], sum.pair[3], 0, 2, 4, 6);
    v128_t odd_high = wasm_i32x4_shuffle(sum.pair[2], sum.pair[3], 1, 3, 5, 7);
    return (vi){wasm_i32x4_add(even, odd), wasm_i32x4_add(even_high, odd_high)};
}

static inline vw vw_load(const int8_t *p)
{
    return (vw){{wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8), wasm_i16x8_load8x8(p + 16),
                 wasm_i16x8_load8x8(p + 24)}};
}

static inline vx vx_splat(const uint8_t *p)
{
    return wasm_u16x8_extend_low_u8x16(wasm_v128_load32_splat(p));
}

static inline va va_dot(va sum, vw w, vx x)
{
    return (va){{wasm_i32x4_add(sum.pair[0], wasm_i32x4_dot_i16x8(w.pair[0], x)),
                 wasm_i32x4_add(sum.pair[1], wasm_i32x4_dot_i16x8(w.pair[1], x)),
                 wasm_i32x4_add(sum.pair[2], wasm_i32x4_dot_i16x8(w.pair[2], x)),
                 wasm_i32x4_add(sum.pair[3], wasm_i32x4_dot_i16x8(w.pair[3], x))}};
}

#include "kernels/vector.h"

const struct sedd_kernels sedd_kernels_simd128 = SEDD_VECTOR_TABLE("simd128");
