/*
 * vector.h - every kernel once, over eight lanes. An instruction set's file defines the primitives
 * listed here, includes this file, and gets its table; results obey the bit contract of kernels.h.
 *
 *   vf                    eight floats
 *   vf_load vf_store      unaligned
 *   vf_set1 vf_add vf_sub vf_mul vf_div
 *   vf_smaller(a, b)      a < b ? a : b       vf_larger(a, b)  a > b ? a : b  (b for a NaN)
 *   vf_zero_below(v, x, limit)   x < limit ? 0 : v
 *   vf_zero_nan(x)        x is a NaN ? 0 : x
 *   vf_power(t)           2^n for t = n + SEDD_EXP_ROUND, n whole in -126..127
 *   vi                    eight int32: vi_load vi_set1 vi_add vi_sub vi_mul
 *   vf_from_vi, vi_bits (of eight floats), vi_store_q7 (clamped to 0..127 -> eight bytes)
 * and, for products, in the registers of the machine (tiles.h):
 *   rf, PANEL_REGISTERS   one register of floats, how many hold a panel's eight channels
 *   rf_load rf_store rf_splat(address) rf_add rf_mul
 *   rf_madd(a, b, c)      a * b + c, fused if the instruction set has it
 *   TILE_PANELS           panels a full tile of floats covers; TILE_ROWS_F32, TILE_ROWS_PLAIN its rows
 *   TILE_ROWS_Q8          rows of an int8 tile, at most 6; TILE_PANELS_Q8 its panels
 *   Q8_PARTS              passes over a panel, each over 8 / Q8_PARTS of its channels
 *   qs, qs_zero, qs_store(int32 *, qs)   the sums of a part's channels
 *   qw, qw_load(weights of four inputs, part)
 *   qs_dot(sum, qw, address of a row's four activations)
 */
#include "kernels/kernels.h"
#include "kernels/math.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LANES 8

INLINE float lanes_sum(const float lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

INLINE vf vf_exp(vf x)
{
    vf clamped = vf_smaller(vf_set1(SEDD_EXP_HIGH), x);
    clamped = vf_larger(clamped, vf_set1(SEDD_EXP_LOW));
    vf magic = vf_set1(SEDD_EXP_ROUND);
    vf shifted = vf_add(vf_mul(clamped, vf_set1(SEDD_EXP_LOG2E)), magic);
    vf n = vf_sub(shifted, magic);
    vf r = vf_sub(vf_sub(clamped, vf_mul(n, vf_set1(SEDD_EXP_LN2_HIGH))),
                  vf_mul(n, vf_set1(SEDD_EXP_LN2_LOW)));
    vf p = vf_add(vf_mul(vf_set1(SEDD_EXP_C6), r), vf_set1(SEDD_EXP_C5));
    p = vf_add(vf_mul(p, r), vf_set1(SEDD_EXP_C4));
    p = vf_add(vf_mul(p, r), vf_set1(SEDD_EXP_C3));
    p = vf_add(vf_mul(p, r), vf_set1(SEDD_EXP_C2));
    p = vf_add(vf_mul(p, r), vf_set1(1.0f));
    p = vf_add(vf_mul(p, r), vf_set1(1.0f));
    return vf_zero_below(vf_mul(p, vf_power(shifted)), x, vf_set1(SEDD_EXP_LOW));
}

INLINE vf vf_gelu(vf v)
{
    vf inner = vf_add(vf_set1(SEDD_GELU_1), vf_mul(vf_set1(SEDD_GELU_3), vf_mul(v, v)));
    return vf_div(v, vf_add(vf_set1(1.0f), vf_exp(vf_mul(v, inner))));
}

#include "kernels/tiles.h"
#include "kernels/rows.h"
#include "kernels/attend.h"

#define SEDD_VECTOR_TABLE(NAME) SEDD_VECTOR_TABLE_WITH(NAME, matmul_q8)

/* With an int8 product of the file's own. */
#define SEDD_VECTOR_TABLE_WITH(NAME, MATMUL_Q8)                                                    \
    {                                                                                              \
        .name = NAME, .matmul_f32 = matmul_f32, .matmul_q8 = MATMUL_Q8,                            \
        .matmul_plain = matmul_plain, .quantize_row = quantize_row, .norm = norm,                  \
        .rotate = rotate, .attention_scratch = attention_scratch, .attention = attention,          \
        .max = max, .exp_sum = exp_sum,                                                            \
    }
