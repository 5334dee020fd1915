/*
 * kernels.h - the table of inner loops. Each instruction set has one table; scalar.c is the
 * reference.
 *
 * All entries share one contract. Outputs come first. Pointers are SEDD_ALIGNMENT-aligned only
 * where stated. Nothing allocates. The caller splits a job over threads and passes each thread a
 * range; results do not depend on the split.
 *
 * Bit contract: every entry except matmul_f32 gives the same bits in every table, so that an int8
 * model writes the same text on every machine.
 *
 * Reductions of a row run in eight interleaved lanes: element i is added to lane i % 8, in order.
 * The lanes are combined as ((l0+l4)+(l2+l6)) + ((l1+l5)+(l3+l7)). Products and sums are rounded
 * separately (no fused multiply-add).
 *
 * matmul_f32 adds each output's terms in ascending order in one accumulator. Tables with fused
 * multiply-add (relaxed, relaxed16 and the avx tables) round once per term; scalar and simd128
 * round twice.
 *
 * attention rounds twice per term and adds in ascending order, in dot products, exponentials and
 * weighted values alike. For a single query (decoding), its dot products and its sum of
 * exponentials run in eight lanes instead.
 */
#ifndef SEDD_KERNELS_H
#define SEDD_KERNELS_H

#include "common.h"

/* Matrices [out, in] are packed in panels of SEDD_PANEL output channels. Channels past `out` are 0.
 *
 *   f32: panel p, input k, channel c is at ((p * in + k) * PANEL + c)
 *   q8:  inputs come in groups of SEDD_GROUP, padded with 0 to in_padded (a multiple of INPUTS);
 *        panel p, group g, channel c, input i of the group is at
 *        ((p * in_padded / GROUP + g) * PANEL + c) * GROUP + i
 */
#define SEDD_PANEL 8
#define SEDD_GROUP 4
#define SEDD_INPUTS 8

/* Integer attention rounds values to SEDD_VALUE_LEVELS levels and adds the products of
 * SEDD_VALUE_KEYS keys in 32 bits (64 * 1023 * 32767 < 2^31). */
#define SEDD_VALUE_LEVELS 1023
#define SEDD_VALUE_KEYS 64

/* Scale of a row of activations quantised to 7 bits: x[i] ~ scale * (q[i] - zero), q in 0..127. The
 * width is 7 bits because the wasm relaxed dot product and x86's pmaddubsw are exact only for a
 * second operand of 0..127. */
struct sedd_row_scale {
    float scale;
    int32_t zero;
};

enum sedd_epilogue {
    SEDD_EPILOGUE_STORE = 0, /* y  = v */
    SEDD_EPILOGUE_GELU, /* y  = gelu_tanh(v) = v / (1 + exp(-2 sqrt(2/pi) (v + 0.044715 v^3))) */
    SEDD_EPILOGUE_ADD   /* y += gate[c] * v; gate NULL: y += v */
};

/* A step is eight inputs, that is, two groups. relaxed16.c adds the products of four weights in 16
 * bits: the first halves of the two groups, or the second halves. With activations of 0..127, that
 * sum may overflow only if the four weights' positive or negative sum exceeds 258 in magnitude; the
 * step is then called wide. Bit s % 32 of a panel's word s / 32 is set when step s is wide for at
 * least one channel. */
#define SEDD_WIDE_STEPS 32

static inline int32_t sedd_wide_words(int32_t in_padded)
{
    return (in_padded / SEDD_INPUTS + SEDD_WIDE_STEPS - 1) / SEDD_WIDE_STEPS;
}

/* Sets the bits of the panel's words for the wide steps of one channel of a packed q8 panel. */
void sedd_wide_add(uint32_t *words, const int8_t *panel, int32_t channel, int32_t in_padded);

/* y [rows, out] = epilogue(x [rows, in] * W^T + bias). */
struct sedd_matmul {
    int32_t rows, in, out;
    /* f32 */
    const float *x; /* [rows, x_stride] */
    const float *w; /* packed, aligned */
    /* q8 */
    const uint8_t *xq;               /* [rows, x_stride]; padding may hold any value 0..127 */
    const struct sedd_row_scale *xs; /* [rows] */
    const int8_t *wq;                /* packed, aligned */
    const float *w_scale;            /* [panels * PANEL] */
    const int32_t *w_sum;            /* [panels * PANEL] sum of the channel's int8 weights */
    const uint32_t *w_wide;          /* [panels, sedd_wide_words(in_padded)], see sedd_wide_add */
    int32_t in_padded;
    /* both */
    size_t x_stride;   /* elements */
    const float *bias; /* [panels * PANEL] or NULL */
    float *y;          /* [rows, y_stride] */
    size_t y_stride;
    enum sedd_epilogue epilogue;
    const float *gate;  /* [sequences, gate_stride] or NULL (ADD only) */
    size_t gate_stride; /* 0: the same gate for every row */
    int32_t gate_rows;  /* rows that share a gate vector: vector row / gate_rows */
};

/* Arguments of self-attention for one head of one sequence, over `keys` keys. q, k and v point at
 * the head's first element in row 0 of the sequence. Strides are in floats. If causal_offset < 0,
 * every query sees all keys; otherwise query i sees keys 0..causal_offset+i. scale multiplies q.k
 * and is 1/sqrt(D). */
struct sedd_attention {
    const float *q, *k, *v;
    size_t q_stride, kv_stride;
    float *out;
    size_t out_stride;
    int32_t head_size, keys;
    int32_t causal_offset;
    float scale;
};

struct sedd_kernels {
    const char *name;

    /* Compute rows row_begin..row_end-1 and panels panel_begin..panel_end-1 of a job. Before the
     * epilogue, a q8 value is (float)(dot - zero * w_sum) * (scale * w_scale) + bias. */
    void (*matmul_f32)(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                       int32_t panel_begin, int32_t panel_end);
    void (*matmul_q8)(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                      int32_t panel_begin, int32_t panel_end);
    /* Computes the same as matmul_f32, but rounds every product and every sum separately. The float
     * matrices of int8 models use it, so that their results are the same on every machine. */
    void (*matmul_plain)(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                         int32_t panel_begin, int32_t panel_end);

    /* Quantises x [n] to q [padded >= n] and sets the rest of q to `zero`. With min and max taken
     * over x and 0:
     *   scale = (max - min) / 127
     *   zero  = round(-min / scale)
     *   q     = clamp(round(x / scale) + zero, 0, 127)
     * Rounding is to nearest even, and x / scale is computed as x * (1 / scale). An all-zero row
     * gets scale 0 and zero 0. A NaN counts as 0; infinities are clamped to +-FLT_MAX / 4. */
    void (*quantize_row)(uint8_t *q, struct sedd_row_scale *scale, const float *x, int32_t n,
                         int32_t padded);

    /* Computes y[i] = (x[i] - mean) / sqrt(variance + eps) * a[i] + b[i]. The variance is biased
     * (divided by n) and computed in a second pass. b may be NULL, which means 0. y may be x. */
    void (*norm)(float *y, const float *x, const float *a, const float *b, int32_t n, float eps);

    /* Applies the rotary embedding to one head vector x [2 * half] in place. Elements j and
     * j + half form a pair:
     *   x_j' = x_j c_j - x_{j+half} s_j,  x_{j+half}' = x_{j+half} c_j + x_j s_j. */
    void (*rotate)(float *x, const float *cosine, const float *sine, int32_t half);

    /* Returns the bytes of scratch that one thread needs for attention() with these sizes. */
    size_t (*attention_scratch)(int32_t head_size, int32_t keys);
    void (*attention)(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                      void *scratch);

    /* Attention for int8 models, in integers except for the exponents and the final sums. Every
     * query sees every key, and a query's result does not depend on the other queries. An x is
     * quantised as round(x / step), to nearest even, with x / step computed as x * (1 / step). D is
     * the head size:
     *
     *   query, key   step = max |x| / floor(sqrt(2^30 / D)), with max over a query or over all keys
     *   value        step = max |v| / VALUE_LEVELS, with max over all keys of a dimension
     *   weight(key)  round(32767 * 2^t) by math.h, in 16 bits, with
     *                t = (dot - largest dot) * (query step * key step) * (scale * log2 e)
     *   out          sum (weight * value) * (1 / sum weight) * value step
     *
     * A key whose weight is below about exp(-11) of the largest therefore counts as 0. Both sums
     * are exact over VALUE_KEYS keys; these partial sums are added in float, in ascending order. A
     * NaN counts as 0, and infinities are clamped to +-FLT_MAX / 4, so out is finite. */
    size_t (*attention_q8_scratch)(int32_t head_size, int32_t keys);
    void (*attention_q8)(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                         void *scratch);

    /* Returns the largest element of x [n], n >= 1. */
    float (*max)(const float *x, int32_t n);
    /* Computes x[i] = exp(scale * (x[i] - shift)) in place and returns the sum, reduced in eight
     * lanes (see above). exp is the polynomial of math.h: relative error < 3e-7, 0 below -87.3. */
    float (*exp_sum)(float *x, int32_t n, float scale, float shift);
};

/* The reference, to which the vector tables leave rare inputs. */
extern const struct sedd_kernels sedd_kernels_scalar;

/* Returns the index-th table that this processor can run, slowest first, or NULL past the last.
 * Entries that a table lacks are the scalar ones. */
const struct sedd_kernels *sedd_kernels_at(size_t index);
/* Returns the table of that name, or NULL if there is none. A NULL name means the fastest table. */
const struct sedd_kernels *sedd_kernels_find(const char *name);

#endif
