/*
 * relaxed.c - wasm relaxed SIMD where the int8 dot product is one instruction of the processor
 * (AVX-VNNI, ARM). The dot's second operand is 0..127, for which every engine computes the same;
 * multiply-add rounds once where the processor fuses it.
 */
#include "kernels/wasm.h"
#include "kernels/relaxed.h"

#define TILE_ROWS_Q8 6
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

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return (qs){wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w.low, x, sum.low),
                wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w.high, x, sum.high)};
}

#include "kernels/vector.h"

const struct sedd_kernels sedd_kernels_relaxed = SEDD_VECTOR_TABLE("relaxed");
