/*
 * scalar.c - the reference table. Its loops follow the formulas in kernels.h.
 */
#include "kernels/kernels.h"
#include "kernels/math.h"

#include <float.h>
#include <math.h>

const struct sedd_math sedd_math = {
    SEDD_EXP_LOW,     SEDD_EXP_HIGH,  SEDD_EXP_LOG2E, SEDD_EXP_ROUND, SEDD_EXP_LN2_HIGH,
    SEDD_EXP_LN2_LOW, SEDD_EXP_C6,    SEDD_EXP_C5,    SEDD_EXP_C4,    SEDD_EXP_C3,
    SEDD_EXP_C2,      1.0f,           SEDD_GELU_1,    SEDD_GELU_3,    SEDD_WEIGHT_LOW,
    SEDD_WEIGHT_C4,   SEDD_WEIGHT_C3, SEDD_WEIGHT_C2, SEDD_WEIGHT_C1, SEDD_WEIGHT_C0,
    FLT_MAX / 4,      {1, 1}};

/* Adds eight lanes in the order of the bit contract (kernels.h). */
static float lanes_sum(const float lane[8])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* ---- Products ---------------------------------------------------------------------------- */

static void finish(const struct sedd_matmul *job, int32_t row, int32_t channel, float value)
{
    float *y = job->y + (size_t)row * job->y_stride + channel;
    float v = job->bias != NULL ? value + job->bias[channel] : value;
    switch (job->epilogue) {
    case SEDD_EPILOGUE_STORE: *y = v; break;
    case SEDD_EPILOGUE_GELU: *y = sedd_gelu(v); break;
    case SEDD_EPILOGUE_ADD: *y += job->gate != NULL ? job->gate[channel] * v : v; break;
    }
}

static void matmul_f32(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                       int32_t panel_begin, int32_t panel_end)
{
    int32_t channel_end = sedd_min(panel_end * SEDD_PANEL, job->out);
    for (int32_t row = row_begin; row < row_end; row++) {
        const float *x = job->x + (size_t)row * job->x_stride;
        for (int32_t channel = panel_begin * SEDD_PANEL; channel < channel_end; channel++) {
            const float *w = job->w +
                             (size_t)(channel / SEDD_PANEL) * (size_t)job->in * SEDD_PANEL +
                             channel % SEDD_PANEL;
            float sum = 0.0f;
            for (int32_t k = 0; k < job->in; k++) {
                sum += x[k] * w[(size_t)k * SEDD_PANEL];
            }
            finish(job, row, channel, sum);
        }
    }
}

static int32_t dot_q8(const uint8_t *x, const int8_t *w, int32_t in_padded)
{
    int32_t sum = 0;
    for (int32_t k = 0; k < in_padded; k++) {
        sum += x[k] * w[(k / SEDD_GROUP) * SEDD_PANEL * SEDD_GROUP + k % SEDD_GROUP];
    }
    return sum;
}

static void matmul_q8(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                      int32_t panel_begin, int32_t panel_end)
{
    int32_t channel_end = sedd_min(panel_end * SEDD_PANEL, job->out);
    for (int32_t row = row_begin; row < row_end; row++) {
        const uint8_t *x = job->xq + (size_t)row * job->x_stride;
        struct sedd_row_scale xs = job->xs[row];
        for (int32_t channel = panel_begin * SEDD_PANEL; channel < channel_end; channel++) {
            const int8_t *w = job->wq +
                              (size_t)(channel / SEDD_PANEL) * (size_t)job->in_padded * SEDD_PANEL +
                              (channel % SEDD_PANEL) * SEDD_GROUP;
            int32_t sum = dot_q8(x, w, job->in_padded) - xs.zero * job->w_sum[channel];
            finish(job, row, channel, (float)sum * (xs.scale * job->w_scale[channel]));
        }
    }
}

static float tame(float x)
{
    float limit = FLT_MAX / 4;
    return !(x == x) ? 0.0f : x > limit ? limit : x < -limit ? -limit : x;
}

static void quantize_row(uint8_t *q, struct sedd_row_scale *scale, const float *x, int32_t n,
                         int32_t padded)
{
    float low = 0.0f, high = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        float v = tame(x[i]);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    float inverse;
    scale->scale = sedd_step(high - low, 127, &inverse);
    scale->zero = (int32_t)((-low * inverse + SEDD_EXP_ROUND) - SEDD_EXP_ROUND);
    for (int32_t i = 0; i < n; i++) {
        float rounded = (tame(x[i]) * inverse + SEDD_EXP_ROUND) - SEDD_EXP_ROUND;
        int32_t value = (int32_t)rounded + scale->zero;
        q[i] = (uint8_t)(value < 0 ? 0 : value > 127 ? 127 : value);
    }
    for (int32_t i = n; i < padded; i++) {
        q[i] = (uint8_t)scale->zero;
    }
}

/* ---- Rows -------------------------------------------------------------------------------- */

static void norm(float *y, const float *x, const float *a, const float *b, int32_t n, float eps)
{
    float sum[8] = {0}, square[8] = {0};
    for (int32_t i = 0; i < n; i++) {
        sum[i % 8] += x[i];
    }
    float mean = lanes_sum(sum) / (float)n;
    for (int32_t i = 0; i < n; i++) {
        square[i % 8] += (x[i] - mean) * (x[i] - mean);
    }
    float inverse = 1.0f / sqrtf(lanes_sum(square) / (float)n + eps);
    for (int32_t i = 0; i < n; i++) {
        float v = ((x[i] - mean) * inverse) * a[i];
        y[i] = b != NULL ? v + b[i] : v;
    }
}

static void rotate(float *x, const float *cosine, const float *sine, int32_t half)
{
    for (int32_t j = 0; j < half; j++) {
        float first = x[j], second = x[j + half];
        x[j] = first * cosine[j] - second * sine[j];
        x[j + half] = second * cosine[j] + first * sine[j];
    }
}

static float max(const float *x, int32_t n)
{
    float largest = x[0];
    for (int32_t i = 1; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    return largest;
}

static float exp_sum(float *x, int32_t n, float scale, float shift)
{
    float lane[8] = {0};
    for (int32_t i = 0; i < n; i++) {
        x[i] = sedd_exp(scale * (x[i] - shift));
        lane[i % 8] += x[i];
    }
    return lanes_sum(lane);
}

/* ---- Attention --------------------------------------------------------------------------- */

static size_t attention_scratch(int32_t head_size, int32_t keys)
{
    (void)head_size;
    return (size_t)keys * sizeof(float);
}

/* Returns the dot product of q and k [n]. It adds in ascending order, or in eight lanes if the
 * query is alone. */
static float dot(const float *q, const float *k, int32_t n, bool alone)
{
    float lane[8] = {0}, sum = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        lane[i % 8] += q[i] * k[i];
        sum += q[i] * k[i];
    }
    return alone ? lanes_sum(lane) : sum;
}

/* Computes p[i] = exp(scale * (p[i] - max p)) in place and returns the sum. */
static float softmax(float *p, int32_t n, float scale, bool alone)
{
    float largest = max(p, n), sum = 0.0f;
    if (alone) {
        return exp_sum(p, n, scale, largest);
    }
    for (int32_t i = 0; i < n; i++) {
        p[i] = sedd_exp(scale * (p[i] - largest));
        sum += p[i];
    }
    return sum;
}

static void attention(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                      void *scratch)
{
    float *p = scratch;
    bool alone = q_end - q_begin == 1;
    for (int32_t i = q_begin; i < q_end; i++) {
        const float *q = job->q + (size_t)i * job->q_stride;
        float *out = job->out + (size_t)i * job->out_stride;
        int32_t keys = job->causal_offset < 0 ? job->keys : job->causal_offset + i + 1;
        for (int32_t j = 0; j < keys; j++) {
            p[j] = dot(q, job->k + (size_t)j * job->kv_stride, job->head_size, alone);
        }
        float sum = softmax(p, keys, job->scale, alone);
        for (int32_t d = 0; d < job->head_size; d++) {
            float value = 0.0f;
            for (int32_t j = 0; j < keys; j++) {
                value += p[j] * job->v[(size_t)j * job->kv_stride + (size_t)d];
            }
            out[d] = value / sum;
        }
    }
}

/* ---- Attention in integers ----------------------------------------------------------------- */

/* Holds one head, quantised to integers. */
struct whole {
    float *v_step;      /* [D] */
    int32_t *weight;    /* [K] first the dot products, then the weights */
    int16_t *q, *k, *v; /* [D], [K, D], [K, D] */
};

static size_t place_whole(struct whole *whole, char *scratch, int32_t head_size, int32_t keys)
{
    size_t d = (size_t)head_size, n = (size_t)keys;
    size_t sizes[] = {d * sizeof(float), n * sizeof(int32_t), d * sizeof(int16_t),
                      n * d * sizeof(int16_t), n * d * sizeof(int16_t)};
    void *places[5] = {0};
    size_t used = 0;
    for (int i = 0; i < 5; i++) {
        places[i] = scratch == NULL ? NULL : scratch + used;
        used += sizes[i];
    }
    *whole = (struct whole){places[0], places[1], places[2], places[3], places[4]};
    return used;
}

static size_t attention_q8_scratch(int32_t head_size, int32_t keys)
{
    struct whole whole;
    return place_whole(&whole, NULL, head_size, keys);
}

static float largest_of(const float *x, size_t stride, int32_t n, float largest)
{
    for (int32_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(tame(x[(size_t)i * stride])));
    }
    return largest;
}

/* Quantises x [n], whose elements are `stride` apart, to integers `step_stride` apart. */
static void round_steps(int16_t *steps, const float *x, size_t stride, size_t step_stride,
                        int32_t n, float inverse)
{
    for (int32_t i = 0; i < n; i++) {
        float value = tame(x[(size_t)i * stride]) * inverse;
        steps[(size_t)i * step_stride] = (int16_t)((value + SEDD_EXP_ROUND) - SEDD_EXP_ROUND);
    }
}

/* Quantises keys and values. All keys share one step, which is returned; each dimension of the
 * values has its own. */
static float round_head(const struct sedd_attention *job, const struct whole *whole)
{
    int32_t n = job->head_size, keys = job->keys;
    float largest = 0.0f, inverse;
    for (int32_t j = 0; j < keys; j++) {
        largest = largest_of(job->k + (size_t)j * job->kv_stride, 1, n, largest);
    }
    float step = sedd_step(largest, sedd_attention_levels(n), &inverse);
    for (int32_t j = 0; j < keys; j++) {
        round_steps(whole->k + (size_t)j * (size_t)n, job->k + (size_t)j * job->kv_stride, 1, 1, n,
                    inverse);
    }
    for (int32_t d = 0; d < n; d++) {
        float inverse_v, top = largest_of(job->v + d, job->kv_stride, keys, 0.0f);
        whole->v_step[d] = sedd_step(top, SEDD_VALUE_LEVELS, &inverse_v);
        round_steps(whole->v + d, job->v + d, job->kv_stride, (size_t)n, keys, inverse_v);
    }
    return step;
}

/* Replaces dot products by attention weights and returns the sum of the weights. */
static float weigh(int32_t *weight, int32_t keys, float factor)
{
    int32_t largest = weight[0];
    float sum = 0.0f;
    for (int32_t j = 1; j < keys; j++) {
        largest = sedd_max(largest, weight[j]);
    }
    for (int32_t first = 0; first < keys; first += SEDD_VALUE_KEYS) {
        int32_t part = 0;
        for (int32_t j = first; j < sedd_min(first + SEDD_VALUE_KEYS, keys); j++) {
            weight[j] = sedd_weight((float)(weight[j] - largest) * factor);
            part += weight[j];
        }
        sum += (float)part;
    }
    return sum;
}

static float weighted(const int32_t *weight, const int16_t *v, int32_t n, int32_t keys)
{
    float sum = 0.0f;
    for (int32_t first = 0; first < keys; first += SEDD_VALUE_KEYS) {
        int32_t part = 0;
        for (int32_t j = first; j < sedd_min(first + SEDD_VALUE_KEYS, keys); j++) {
            part += weight[j] * v[(size_t)j * (size_t)n];
        }
        sum += (float)part;
    }
    return sum;
}

static void attention_q8(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                         void *scratch)
{
    int32_t n = job->head_size;
    struct whole whole;
    place_whole(&whole, scratch, n, job->keys);
    float key_step = round_head(job, &whole);
    for (int32_t i = q_begin; i < q_end; i++) {
        const float *q = job->q + (size_t)i * job->q_stride;
        float *out = job->out + (size_t)i * job->out_stride, inverse;
        float step = sedd_step(largest_of(q, 1, n, 0.0f), sedd_attention_levels(n), &inverse);
        round_steps(whole.q, q, 1, 1, n, inverse);
        for (int32_t j = 0; j < job->keys; j++) {
            whole.weight[j] = 0;
            for (int32_t d = 0; d < n; d++) {
                whole.weight[j] += whole.q[d] * whole.k[(size_t)j * (size_t)n + (size_t)d];
            }
        }
        float sum =
            weigh(whole.weight, job->keys, sedd_attention_factor(step, key_step, job->scale));
        for (int32_t d = 0; d < n; d++) {
            float value = weighted(whole.weight, whole.v + d, n, job->keys);
            out[d] = value * (1.0f / sum) * whole.v_step[d];
        }
    }
}

const struct sedd_kernels sedd_kernels_scalar = {
    .name = "scalar",
    .matmul_f32 = matmul_f32,
    .matmul_q8 = matmul_q8,
    .matmul_plain = matmul_f32,
    .quantize_row = quantize_row,
    .norm = norm,
    .rotate = rotate,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .attention_q8_scratch = attention_q8_scratch,
    .attention_q8 = attention_q8,
    .max = max,
    .exp_sum = exp_sum,
};
