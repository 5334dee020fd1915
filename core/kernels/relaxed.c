/*
 * relaxed.c - the table for wasm relaxed SIMD where the int8 dot product is one instruction of the
 * processor (AVX-VNNI, ARM). The second operand is in 0..127, for which every engine gives the same
 * result. Multiply-add rounds once where the processor fuses it.
 */
#include "kernels/wasm.h"
#include "kernels/relaxed.h"

#define TILE_ROWS_Q8 6
#define Q8_PARTS 2
#define Q8_TOGETHER 2

typedef v128_t qs, qw, qx;

#define qs_add wasm_i32x4_add
#define qs_store wasm_v128_store

static inline qs qs_zero(void)
{
    return wasm_i32x4_splat(0);
}

static inline qw qw_load(const int8_t *p, int part)
{
    return wasm_v128_load(p + 16 * part);
}

static inline qx qx_load(const uint8_t *p)
{
    return wasm_v128_load32_splat(p);
}

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w, x, sum);
}

#include "kernels/vector_template.h"

const struct sedd_kernels sedd_kernels_relaxed = SEDD_VECTOR_TABLE("relaxed");
