/*
 * relaxed.c - wasm relaxed SIMD: multiply-add and the int8 dot product. The dot's second operand is
 * 0..127, for which every engine computes the same; multiply-add rounds once where the processor
 * fuses it.
 */
#include "kernels/wasm.h"

#define TILE_ROWS_Q8 6

typedef vi va, vw;
typedef v128_t vx;

static inline vf vf_madd(vf a, vf b, vf c)
{
    return (vf){wasm_f32x4_relaxed_madd(a.low, b.low, c.low),
                wasm_f32x4_relaxed_madd(a.high, b.high, c.high)};
}

static inline va va_zero(void)
{
    return vi_set1(0);
}

static inline vi va_finish(va sum)
{
    return sum;
}

static inline vw vw_load(const int8_t *p)
{
    return (vw){wasm_v128_load(p), wasm_v128_load(p + 16)};
}

static inline vx vx_splat(const uint8_t *p)
{
    return wasm_v128_load32_splat(p);
}

static inline va va_dot(va sum, vw w, vx x)
{
    return (va){wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w.low, x, sum.low),
                wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w.high, x, sum.high)};
}

#include "kernels/vector.h"

const struct sedd_kernels sedd_kernels_relaxed = SEDD_VECTOR_TABLE("relaxed");
