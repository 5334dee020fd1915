/*
 * relaxed.c - the table for wasm relaxed SIMD where the int8 dot product is one instruction of the
 * processor (AVX-VNNI, ARM). The second operand is in 0..127, for which every engine gives the same
 * result. Multiply-add rounds once where the processor fuses it.
 */
#include "kernels/wasm.h"
#include "kernels/relaxed.h"

#define TILE_ROWS_Q8 6

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return (qs){wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w.low, x, sum.low),
                wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w.high, x, sum.high)};
}

#include "kernels/vector_template.h"

const struct sedd_kernels sedd_kernels_relaxed = SEDD_VECTOR_TABLE("relaxed");
