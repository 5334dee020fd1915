/*
 * kernels.h - the table of inner loops. One table an instruction set; scalar.c is the reference.
 *
 * Contract common to all entries: outputs come first; pointers are SEDD_ALIGNMENT-aligned only
 * where said; nothing allocates. A job is split over threads by the caller, who passes a range;
 * results do not depend on how a job is split.
 *
 * Bits: every entry except matmul_f32 gives the same bits in every table, so that an int8 model
 * writes the same text on every machine. Reductions of a row run in eight interleaved lanes
 * (element i is added to lane i % 8, in order) that are combined as ((l0+l4)+(l2+l6)) +
 * ((l1+l5)+(l3+l7)); products and sums are rounded separately (no fused multiply-add). matmul_f32
 * adds each output's terms in ascending order in one accumulator; tables with fused multiply-add
 * (relaxed, avx2, avxvnni) round once a term, scalar and simd128 twice. attention rounds twice a
 * term and adds in ascending order, dot products, exponentials and values alike; the dot products
 * and the sum of exponentials of a query that comes alone (decoding) run in eight lanes.
 */
#ifndef SEDD_KERNELS_H
#define SEDD_KERNELS_H

#include "common.h"

/* Matrices [out, in] are packed in panels of SEDD_PANEL output channels; channels past `out` are 0.
 *   f32: panel p, input k, channel c at ((p * in + k) * PANEL + c)
 *   q8:  inputs in groups of SEDD_GROUP, padded with 0 to in_padded (a multiple of INPUTS):
 *        panel p, group g, channel c, input i of the group at
 *        ((p * in_padded / GROUP + g) * PANEL + c) * GROUP + i
 */
#define SEDD_PANEL 8
#define SEDD_GROUP 4
#define SEDD_INPUTS 8

/* Attention in integers: levels of the values, and how many keys' products are added up in 32 bits
 * (64 * 1023 * 32767 < 2^31). */
#define SEDD_VALUE_LEVELS 1023
#define SEDD_VALUE_KEYS 64

/* A row of activations in 7 bits: x[i] ~ scale * (q[i] - zero), q in 0..127. Seven bits, because
 * the wasm relaxed dot product and x86's pmaddubsw are exact only for a second operand of 0..127.
 */
struct sedd_row_scale {
    float scale;
    int32_t zero;
};

enum sedd_epilogue {
    SEDD_EPILOGUE_STORE = 0, /* y  = v */
    SEDD_EPILOGUE_GELU, /* y  = gelu_tanh(v) = v / (1 + exp(-2 sqrt(2/pi) (v + 0.044715 v^3))) */
    SEDD_EPILOGUE_ADD   /* y += gate[c] * v; gate NULL: y += v */
};

/* A step is eight inputs, two groups. It is wide for a channel if the positive ones, or the
 * negative ones, among four weights (the first halves of its two groups, or the second) add up to
 * more than 258: only then may their products with activations of 0..127 leave 16 bits. Bit s % 32
 * of a panel's word s / 32 says that step s is wide for one of its channels. */
#define SEDD_WIDE_STEPS 32

static inline int32_t sedd_wide_words(int32_t in_padded)
{
    return (in_padded / SEDD_INPUTS + SEDD_WIDE_STEPS - 1) / SEDD_WIDE_STEPS;
}

/* Adds one channel of a packed q8 panel to the panel's words. */
void sedd_wide_add(uint32_t *words, const int8_t *panel, int32_t channel, int32_t in_padded);

/* y [rows, out] = epilogue(x [rows, in] * W^T + bias). */
struct sedd_matmul {
    int32_t rows, in, out;
    /* f32 */
    const float *x; /* [rows, x_stride] */
    const float *w; /* packed, aligned */
    /* q8 */
    const uint8_t *xq;               /* [rows, x_stride]; padding inputs hold any value 0..127 */
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

/* Self-attention of queries q_begin..q_end-1 of one sequence and one head over `keys` keys.
 * q, k, v point at the head's first element of the sequence's row 0; rows are `stride` floats
 * apart. causal_offset < 0: every query sees all keys; otherwise query i sees keys
 * 0..causal_offset+i. out rows are out_stride apart. scale multiplies q.k (1/sqrt(D)). */
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

    /* Rows row_begin..row_end-1, panels panel_begin..panel_end-1 of a job. A q8 value before the
     * epilogue is (float)(dot - zero * w_sum) * (scale * w_scale) + bias. */
    void (*matmul_f32)(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                       int32_t panel_begin, int32_t panel_end);
    void (*matmul_q8)(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                      int32_t panel_begin, int32_t panel_end);
    /* matmul_f32 with every product and sum rounded by itself: for the float matrices of int8
     * models, whose results shall be the same everywhere. */
    void (*matmul_plain)(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                         int32_t panel_begin, int32_t panel_end);

    /* Quantises x [n] to q [padded >= n]; the rest of q becomes `zero`. Range [min(x,0), max(x,0)]:
     * scale = (max - min) / 127, zero = round(-min / scale), q = clamp(round(x / scale) + zero)
     * with rounding to nearest even, x / scale taken as x * (1 / scale). All-zero rows: scale 0,
     * zero 0. Not-a-number counts as 0; infinities are clamped to +-FLT_MAX / 4. */
    void (*quantize_row)(uint8_t *q, struct sedd_row_scale *scale, const float *x, int32_t n,
                         int32_t padded);

    /* y[i] = (x[i] - mean) / sqrt(variance + eps) * a[i] + b[i]; biased variance over n, two
     * passes; b may be NULL (0). y may be x. */
    void (*norm)(float *y, const float *x, const float *a, const float *b, int32_t n, float eps);

    /* Rotary embedding of one head vector x [2 * half] in place: pairs (j, j + half);
     * x_j' = x_j c_j - x_{j+half} s_j, x_{j+half}' = x_{j+half} c_j + x_j s_j. */
    void (*rotate)(float *x, const float *cosine, const float *sine, int32_t half);

    /* Bytes of scratch one thread needs for attention() with these sizes. */
    size_t (*attention_scratch)(int32_t head_size, int32_t keys);
    void (*attention)(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                      void *scratch);

    /* The same for int8 models, in integers but for the exponents and the last sums; every query
     * sees every key, and a query's result does not depend on which others there are. x in steps is
     * round(x / step), to even, x / step taken as x * (1 / step); with D the head size:
     *   query, key    in steps of max |x| / floor(sqrt(2^30 / D)), maxima over the query, all keys
     *   value         in steps of max |v| / VALUE_LEVELS, maxima over a dimension's keys
     *   weight(key)   round(32767 * 2^t), t = (dot - largest dot) * (query step * key step) *
     *                 (scale * log2 e), by math.h; 16 bits, so a key of exp(-11) of the largest
     * counts 0 out           sum (weight * value) * (1 / sum weight) * value step Both sums are
     * exact over VALUE_KEYS keys and added up in float, ascending. Not-a-number counts as 0;
     * infinities are clamped to +-FLT_MAX / 4, so out is finite. */
    size_t (*attention_q8_scratch)(int32_t head_size, int32_t keys);
    void (*attention_q8)(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                         void *scratch);

    /* Largest of x [n], n >= 1. */
    float (*max)(const float *x, int32_t n);
    /* x[i] = exp(scale * (x[i] - shift)) in place; returns the sum in eight lanes (above). exp is
     * the polynomial of scalar.c, relative error < 3e-7, 0 below -87.3. */
    float (*exp_sum)(float *x, int32_t n, float scale, float shift);
};

/* Index-th table that runs on this processor, slowest first; NULL past the end. Missing entries of
 * a table are the scalar ones. */
const struct sedd_kernels *sedd_kernels_at(size_t index);
/* By name, or the last one for NULL; NULL when there is none of that name. */
const struct sedd_kernels *sedd_kernels_find(const char *name);

#endif
