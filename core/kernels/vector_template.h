/*
 * vector_template.h - every kernel, written once over eight lanes. The file of an instruction set
 * defines the primitives listed below, includes this file once, and defines its table with
 * SEDD_VECTOR_TABLE. Results obey the bit contract of kernels.h.
 *
 *   vf                    eight floats
 *   vf_load vf_store      at any alignment
 *   vf_set1 vf_splat(address) vf_add vf_sub vf_mul vf_div
 *   vf_smaller(a, b)      a < b ? a : b       vf_larger(a, b)  a > b ? a : b  (b for a NaN)
 *   vf_zero_below(v, x, limit)   x < limit ? 0 : v
 *   vf_zero_nan(x)        x is a NaN ? 0 : x
 *   vf_times_power(v, t)  v * 2^n for t = n + SEDD_EXP_ROUND, n whole; v and the result normal
 *   vi                    eight int32: vi_load vi_store vi_set1 vi_add vi_sub vi_mul
 *                         vi_larger vi_larger_unsigned
 *   vi_pair(a, b)         the low 16 bits of a, and above them the low 16 bits of b
 *   vf_from_vi(v)         eight int32 converted to floats
 *   vi_bits(x)            the bits of eight floats
 *   vi_store_q7(p, v)     v clamped to 0..127, stored as eight bytes
 *
 * The products (tiles_template.h) use the machine's own registers:
 *
 *   rf                    one register of floats
 *   PANEL_REGISTERS       registers that hold a panel's eight channels
 *   rf_load rf_store rf_splat(address) rf_add rf_mul
 *   rf_madd(a, b, c)      a * b + c, fused if the instruction set has it
 *   ri                    the same register of int32: ri_zero ri_load ri_store ri_splat(address)
 *   ri_dot(sum, a, b)     sum + the two products of a 16-bit pair
 *   TILE_PANELS           panels of a full float tile, at most 4
 *   TILE_ROWS_F32         rows of a tile of matmul_f32, at most 6
 *   TILE_ROWS_PLAIN       rows of a tile of matmul_plain, at most 6
 *   TILE_ROWS_ATTEND      rows of an attention tile; divides 8
 *
 * The int8 product needs:
 *
 *   TILE_ROWS_Q8          rows of a tile, at most 6
 *   TILE_PANELS_Q8        panels of a tile, at most 4
 *   Q8_PARTS              parts of a panel, each of 8 / Q8_PARTS channels
 *   Q8_TOGETHER           parts that one pass over the inputs computes
 *   qs                    the sums of one part: qs_zero qs_add qs_store(int32 *, qs)
 *   qw                    weights of four inputs: qw_load(address, part)
 *   qx                    four activations of a row: qx_load(address)
 *   qs_dot(sum, qw, qx)   sum + the products of four inputs
 *
 * A file with an int8 product of its own passes it to SEDD_VECTOR_TABLE_WITH, and may leave
 * TILE_ROWS_Q8 undefined.
 */
#include "kernels/kernels.h"
#include "kernels/math.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Inlines a function even where the compiler would not, so that sums stay in registers. */
#define INLINE static inline __attribute__((always_inline))

#define LANES 8 /* elements of a vf or vi */

/* Adds eight lanes in the order of the bit contract. */
INLINE float lanes_sum(const float lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Computes the exponential of math.h in each lane, of x clamped to [EXP_LOW, EXP_HIGH]. */
INLINE vf vf_exp_clamped(vf x)
{
    const struct sedd_math *m = &sedd_math;
    vf clamped = vf_smaller(vf_splat(&m->exp_high), x), magic = vf_splat(&m->round);
    clamped = vf_larger(clamped, vf_splat(&m->exp_low));
    vf shifted = vf_add(vf_mul(clamped, vf_splat(&m->log2e)), magic);
    vf n = vf_sub(shifted, magic);
    vf r = vf_sub(vf_sub(clamped, vf_mul(n, vf_splat(&m->ln2_high))),
                  vf_mul(n, vf_splat(&m->ln2_low)));
    vf r2 = vf_mul(r, r);
    vf p = vf_add(vf_mul(vf_splat(&m->c5), r), vf_splat(&m->c4));
    p = vf_add(vf_mul(vf_splat(&m->c6), r2), p);
    p = vf_add(vf_mul(p, r2), vf_add(vf_mul(vf_splat(&m->c3), r), vf_splat(&m->c2)));
    p = vf_add(vf_mul(p, r2), vf_add(r, vf_splat(&m->one)));
    return vf_times_power(p, shifted);
}

/* Computes the exponential of math.h in each lane. */
INLINE vf vf_exp(vf x)
{
    return vf_zero_below(vf_exp_clamped(x), x, vf_splat(&sedd_math.exp_low));
}

/* Computes gelu_tanh (math.h) in each lane. Added to 1, an exponential below EXP_LOW is the same as
 * 0. */
INLINE vf vf_gelu(vf v)
{
    vf inner =
        vf_add(vf_splat(&sedd_math.gelu_1), vf_mul(vf_splat(&sedd_math.gelu_3), vf_mul(v, v)));
    return vf_div(v, vf_add(vf_splat(&sedd_math.one), vf_exp_clamped(vf_mul(v, inner))));
}

#include "kernels/tiles_template.h"
#include "kernels/rows_template.h"
#include "kernels/attend_template.h"
#include "kernels/attend_q8_template.h"

/* Initialises a table from the kernels above. */
#define SEDD_VECTOR_TABLE(NAME) SEDD_VECTOR_TABLE_WITH(NAME, matmul_q8)

/* Initialises a table with the including file's own int8 product. */
#define SEDD_VECTOR_TABLE_WITH(NAME, MATMUL_Q8)                                                    \
    {                                                                                              \
        .name = NAME, .matmul_f32 = matmul_f32, .matmul_q8 = MATMUL_Q8,                            \
        .matmul_plain = matmul_plain, .quantize_row = quantize_row, .norm = norm,                  \
        .rotate = rotate, .attention_scratch = attention_scratch, .attention = attention,          \
        .attention_q8_scratch = attention_q8_scratch, .attention_q8 = attention_q8, .max = max,    \
        .exp_sum = exp_sum,                                                                        \
    }
