/*
 * vector.h - every kernel once, over eight lanes. An instruction set's file defines the primitives
 * listed here, includes this file, and gets its table; results obey the bit contract of kernels.h.
 *
 *   vf                    eight floats
 *   vf_load vf_store      unaligned
 *   vf_set1 vf_add vf_sub vf_mul vf_div
 *   vf_madd(a, b, c)      a * b + c, fused if the instruction set has it (products only)
 *   vf_smaller(a, b)      a < b ? a : b       vf_larger(a, b)  a > b ? a : b  (b for a NaN)
 *   vf_zero_below(v, x, limit)   x < limit ? 0 : v
 *   vf_zero_nan(x)        x is a NaN ? 0 : x
 *   vf_power(n)           2^n for whole n in -126..127
 *   vi                    eight int32: vi_load vi_set1 vi_add vi_sub vi_mul vi_smaller vi_larger
 *   vf_from_vi, vi_from_vf (whole values), vi_store_u8 (0..127 -> eight bytes)
 *   va                    eight running int32 sums of products: va_zero, va_finish -> vi,
 *   vw, vw_load           32 int8 weights; vx, vx_splat: four activations for every lane
 *   va_dot(a, w, x)       adds each lane's four products
 *   TILE_PANELS           panels a full tile covers; TILE_ROWS_Q8 its rows, at most 6
 */
#include "kernels/kernels.h"
#include "kernels/math.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LANES 8
#define TILE_ROWS 6
#define ROW_BLOCK 192 /* rows whose activations stay in the second-level cache */

INLINE float lanes_sum(const float lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

INLINE vf vf_exp(vf x)
{
    vf clamped = vf_smaller(vf_set1(SEDD_EXP_HIGH), x);
    clamped = vf_larger(clamped, vf_set1(SEDD_EXP_LOW));
    vf magic = vf_set1(SEDD_EXP_ROUND);
    vf n = vf_sub(vf_add(vf_mul(clamped, vf_set1(SEDD_EXP_LOG2E)), magic), magic);
    vf r = vf_sub(vf_sub(clamped, vf_mul(n, vf_set1(SEDD_EXP_LN2_HIGH))),
                  vf_mul(n, vf_set1(SEDD_EXP_LN2_LOW)));
    vf p = vf_add(vf_mul(vf_set1(SEDD_EXP_C6), r), vf_set1(SEDD_EXP_C5));
    p = vf_add(vf_mul(p, r), vf_set1(SEDD_EXP_C4));
    p = vf_add(vf_mul(p, r), vf_set1(SEDD_EXP_C3));
    p = vf_add(vf_mul(p, r), vf_set1(SEDD_EXP_C2));
    p = vf_add(vf_mul(p, r), vf_set1(1.0f));
    p = vf_add(vf_mul(p, r), vf_set1(1.0f));
    return vf_zero_below(vf_mul(p, vf_power(n)), x, vf_set1(SEDD_EXP_LOW));
}

INLINE vf vf_gelu(vf v)
{
    vf inner = vf_add(vf_set1(SEDD_GELU_1), vf_mul(vf_set1(SEDD_GELU_3), vf_mul(v, v)));
    return vf_div(v, vf_add(vf_set1(1.0f), vf_exp(vf_mul(v, inner))));
}

/* ---- Products ---------------------------------------------------------------------------- */

/* Bias, epilogue and store of one row's eight channels; the last panel may have fewer. */
INLINE void finish(const struct sedd_matmul *job, int32_t row, int32_t channel, vf v)
{
    float *y = job->y + (size_t)row * job->y_stride + channel, part[LANES];
    int32_t count = sedd_min(LANES, job->out - channel);
    v = job->bias != NULL ? vf_add(v, vf_load(job->bias + channel)) : v;
    if (job->epilogue == SEDD_EPILOGUE_GELU) {
        v = vf_gelu(v);
    }
    if (job->epilogue == SEDD_EPILOGUE_ADD && count == LANES) {
        v = job->gate != NULL ? vf_mul(vf_load(job->gate + channel), v) : v;
        v = vf_add(vf_load(y), v);
    }
    if (count == LANES) {
        vf_store(y, v);
        return;
    }
    vf_store(part, v);
    for (int32_t i = 0; i < count; i++) {
        float gated = job->gate != NULL ? job->gate[channel + i] * part[i] : part[i];
        y[i] = job->epilogue == SEDD_EPILOGUE_ADD ? y[i] + gated : part[i];
    }
}

/* c + a b, fused where `fused` allows and the instruction set has it. */
INLINE vf accumulate(vf a, vf b, vf c, const bool fused)
{
    return fused ? vf_madd(a, b, c) : vf_add(vf_mul(a, b), c);
}

INLINE void tile_float(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                       const int panels, const bool fused)
{
    const float *x = job->x + (size_t)row * job->x_stride;
    const float *w = job->w + (size_t)panel * (size_t)job->in * SEDD_PANEL;
    size_t panel_size = (size_t)job->in * SEDD_PANEL;
    vf sum[TILE_ROWS][4];
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < panels; p++) {
            sum[r][p] = vf_set1(0.0f);
        }
    }
    for (int32_t k = 0; k < job->in; k++, w += SEDD_PANEL) {
        vf weight[4];
        for (int p = 0; p < panels; p++) {
            weight[p] = vf_load(w + (size_t)p * panel_size);
        }
        for (int r = 0; r < rows; r++) {
            vf value = vf_set1(x[(size_t)r * job->x_stride + (size_t)k]);
            for (int p = 0; p < panels; p++) {
                sum[r][p] = accumulate(value, weight[p], sum[r][p], fused);
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < panels; p++) {
            finish(job, row + r, (panel + p) * SEDD_PANEL, sum[r][p]);
        }
    }
}

INLINE void tile_f32(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                     const int panels)
{
    tile_float(job, row, panel, rows, panels, true);
}

/* Rounds every product and sum by itself: the same bits in every table. */
INLINE void tile_plain(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                       const int panels)
{
    tile_float(job, row, panel, rows, panels, false);
}

INLINE void tile_q8(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                    const int panels)
{
    const uint8_t *x = job->xq + (size_t)row * job->x_stride;
    size_t panel_size = (size_t)job->in_padded * SEDD_PANEL;
    const int8_t *w = job->wq + (size_t)panel * panel_size;
    va sum[TILE_ROWS][4];
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < panels; p++) {
            sum[r][p] = va_zero();
        }
    }
    for (int32_t k = 0; k < job->in_padded; k += SEDD_GROUP, w += SEDD_PANEL * SEDD_GROUP) {
        vw weight[4];
        for (int p = 0; p < panels; p++) {
            weight[p] = vw_load(w + (size_t)p * panel_size);
        }
        for (int r = 0; r < rows; r++) {
            vx value = vx_splat(x + (size_t)r * job->x_stride + (size_t)k);
            for (int p = 0; p < panels; p++) {
                sum[r][p] = va_dot(sum[r][p], weight[p], value);
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        struct sedd_row_scale xs = job->xs[row + r];
        for (int p = 0; p < panels; p++) {
            int32_t channel = (panel + p) * SEDD_PANEL;
            vi whole = vi_sub(va_finish(sum[r][p]),
                              vi_mul(vi_set1(xs.zero), vi_load(job->w_sum + channel)));
            vf scale = vf_mul(vf_set1(xs.scale), vf_load(job->w_scale + channel));
            finish(job, row + r, channel, vf_mul(vf_from_vi(whole), scale));
        }
    }
}

/* matmul_NAME from a tile: columns of tiles over a block of rows, what is left by smaller tiles. A
 * single row takes four panels at once, so that enough sums run side by side. */
#define DEFINE_MATMUL(NAME, TILE, ROWS)                                                            \
    static void few_##NAME(const struct sedd_matmul *job, int32_t row, int32_t rows, int32_t panel) \
    {                                                                                              \
        switch (rows) {                                                                            \
        case 1: TILE(job, row, panel, 1, 1); break;                                                \
        case 2: TILE(job, row, panel, 2, 1); break;                                                \
        case 3: TILE(job, row, panel, 3, 1); break;                                                \
        case 4: TILE(job, row, panel, 4, 1); break;                                                \
        case 5: TILE(job, row, panel, 5, 1); break;                                                \
        default: break;                                                                            \
        }                                                                                          \
    }                                                                                              \
    static void one_##NAME(const struct sedd_matmul *job, int32_t row, int32_t panel, int32_t end) \
    {                                                                                              \
        for (; panel + 4 <= end; panel += 4) {                                                     \
            TILE(job, row, panel, 1, 4);                                                           \
        }                                                                                          \
        for (; panel < end; panel++) {                                                             \
            TILE(job, row, panel, 1, 1);                                                           \
        }                                                                                          \
    }                                                                                              \
    static void column_##NAME(const struct sedd_matmul *job, int32_t row, int32_t end,             \
                              int32_t panel, int32_t panels)                                       \
    {                                                                                              \
        for (; panels == TILE_PANELS && row + ROWS <= end; row += ROWS) {                          \
            TILE(job, row, panel, ROWS, TILE_PANELS);                                              \
        }                                                                                          \
        for (int32_t p = 0; p < panels; p++) {                                                     \
            int32_t r = row;                                                                       \
            for (; r + ROWS <= end; r += ROWS) {                                                   \
                TILE(job, r, panel + p, ROWS, 1);                                                  \
            }                                                                                      \
            few_##NAME(job, r, end - r, panel + p);                                                \
        }                                                                                          \
    }                                                                                              \
    static void matmul_##NAME(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,   \
                              int32_t panel_begin, int32_t panel_end)                              \
    {                                                                                              \
        if (row_end - row_begin == 1) {                                                            \
            one_##NAME(job, row_begin, panel_begin, panel_end);                                    \
            return;                                                                                \
        }                                                                                          \
        for (int32_t row = row_begin; row < row_end; row += ROW_BLOCK) {                           \
            int32_t end = sedd_min(row + ROW_BLOCK, row_end);                                      \
            for (int32_t panel = panel_begin; panel < panel_end; panel += TILE_PANELS) {           \
                column_##NAME(job, row, end, panel, sedd_min(TILE_PANELS, panel_end - panel));     \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_MATMUL(f32, tile_f32, TILE_ROWS)
DEFINE_MATMUL(plain, tile_plain, TILE_ROWS)
DEFINE_MATMUL(q8, tile_q8, TILE_ROWS_Q8)

/* ---- Rows -------------------------------------------------------------------------------- */

/* The eight values from i on, those past n replaced by `fill`. */
INLINE vf load_part(const float *x, int32_t i, int32_t n, float fill)
{
    float part[LANES];
    if (i + LANES <= n) {
        return vf_load(x + i);
    }
    for (int32_t lane = 0; lane < LANES; lane++) {
        part[lane] = i + lane < n ? x[i + lane] : fill;
    }
    return vf_load(part);
}

INLINE void store_part(float *y, int32_t i, int32_t n, vf value)
{
    float part[LANES];
    if (i + LANES <= n) {
        vf_store(y + i, value);
        return;
    }
    vf_store(part, value);
    memcpy(y + i, part, (size_t)(n - i) * sizeof(float));
}

INLINE vf tame(vf x)
{
    vf limit = vf_set1(FLT_MAX / 4);
    x = vf_smaller(vf_zero_nan(x), limit);
    return vf_larger(x, vf_set1(-FLT_MAX / 4));
}

static void quantize_row(uint8_t *q, struct sedd_row_scale *scale, const float *x, int32_t n,
                         int32_t padded)
{
    vf lows = vf_set1(0.0f), highs = vf_set1(0.0f);
    float low = 0.0f, high = 0.0f, lane[LANES];
    for (int32_t i = 0; i < n; i += LANES) {
        vf v = tame(load_part(x, i, n, 0.0f));
        lows = vf_smaller(v, lows);
        highs = vf_larger(v, highs);
    }
    vf_store(lane, lows);
    for (int i = 0; i < LANES; i++) {
        low = lane[i] < low ? lane[i] : low;
    }
    vf_store(lane, highs);
    for (int i = 0; i < LANES; i++) {
        high = lane[i] > high ? lane[i] : high;
    }
    scale->scale = (high - low) / 127.0f;
    float inverse = scale->scale > 0.0f ? 1.0f / scale->scale : 0.0f;
    inverse = inverse > FLT_MAX ? FLT_MAX : inverse;
    scale->zero = (int32_t)((-low * inverse + SEDD_EXP_ROUND) - SEDD_EXP_ROUND);
    vf magic = vf_set1(SEDD_EXP_ROUND);
    for (int32_t i = 0; i < n; i += LANES) {
        uint8_t bytes[LANES];
        vf v = vf_mul(tame(load_part(x, i, n, 0.0f)), vf_set1(inverse));
        vi whole = vi_add(vi_from_vf(vf_sub(vf_add(v, magic), magic)), vi_set1(scale->zero));
        whole = vi_smaller(vi_larger(whole, vi_set1(0)), vi_set1(127));
        vi_store_u8(bytes, whole);
        memcpy(q + i, bytes, (size_t)sedd_min(LANES, n - i));
    }
    memset(q + n, scale->zero, (size_t)(padded - n));
}

static void norm(float *y, const float *x, const float *a, const float *b, int32_t n, float eps)
{
    float lane[LANES];
    vf sum = vf_set1(0.0f), square = sum;
    for (int32_t i = 0; i < n; i += LANES) {
        sum = vf_add(sum, load_part(x, i, n, 0.0f));
    }
    vf_store(lane, sum);
    float mean = lanes_sum(lane) / (float)n;
    for (int32_t i = 0; i < n; i += LANES) {
        vf centred = vf_sub(load_part(x, i, n, mean), vf_set1(mean));
        square = vf_add(square, vf_mul(centred, centred));
    }
    vf_store(lane, square);
    float inverse = 1.0f / sqrtf(lanes_sum(lane) / (float)n + eps);
    for (int32_t i = 0; i < n; i += LANES) {
        vf v = vf_mul(vf_sub(load_part(x, i, n, 0.0f), vf_set1(mean)), vf_set1(inverse));
        v = vf_mul(v, load_part(a, i, n, 0.0f));
        v = b != NULL ? vf_add(v, load_part(b, i, n, 0.0f)) : v;
        store_part(y, i, n, v);
    }
}

static void rotate(float *x, const float *cosine, const float *sine, int32_t half)
{
    for (int32_t j = 0; j < half; j += LANES) {
        vf first = load_part(x, j, half, 0.0f), second = load_part(x + half, j, half, 0.0f);
        vf c = load_part(cosine, j, half, 0.0f), s = load_part(sine, j, half, 0.0f);
        store_part(x, j, half, vf_sub(vf_mul(first, c), vf_mul(second, s)));
        store_part(x + half, j, half, vf_add(vf_mul(second, c), vf_mul(first, s)));
    }
}

static float max(const float *x, int32_t n)
{
    float lane[LANES], largest = x[0];
    vf highs = vf_set1(x[0]);
    for (int32_t i = 0; i < n; i += LANES) {
        highs = vf_larger(load_part(x, i, n, x[0]), highs);
    }
    vf_store(lane, highs);
    for (int i = 0; i < LANES; i++) {
        largest = lane[i] > largest ? lane[i] : largest;
    }
    return largest;
}

static float exp_sum(float *x, int32_t n, float scale, float shift)
{
    float lane[LANES];
    vf sum = vf_set1(0.0f);
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vf v = vf_exp(vf_mul(vf_set1(scale), vf_sub(vf_load(x + i), vf_set1(shift))));
        vf_store(x + i, v);
        sum = vf_add(sum, v);
    }
    vf_store(lane, sum);
    for (; i < n; i++) {
        x[i] = sedd_exp(scale * (x[i] - shift));
        lane[i % LANES] += x[i];
    }
    return lanes_sum(lane);
}

/* ---- Attention --------------------------------------------------------------------------- */

/* Scratch, in this order, floats: keys in panels [K8, D], values in panels [D8, K], six rows of
 * scores [K8], six rows of results [D8]; K8 and D8 are rounded up to eight. */
static size_t attention_scratch(int32_t head_size, int32_t keys)
{
    size_t d = (size_t)head_size, d8 = (size_t)sedd_round_up(head_size, LANES);
    size_t k = (size_t)keys, k8 = (size_t)sedd_round_up(keys, LANES);
    return (k8 * d + d8 * k + TILE_ROWS * (k8 + d8)) * sizeof(float);
}

/* Rows of keys become columns of panels, as a weight matrix [keys, D] is packed. */
static void pack_keys(const struct sedd_attention *job, float *packed)
{
    int32_t d = job->head_size, panels = sedd_round_up(job->keys, LANES) / LANES;
    for (int32_t panel = 0; panel < panels; panel++) {
        for (int32_t lane = 0; lane < LANES; lane++) {
            int32_t j = sedd_min(panel * LANES + lane, job->keys - 1);
            const float *key = job->k + (size_t)j * job->kv_stride;
            float *to = packed + (size_t)panel * (size_t)d * LANES + lane;
            for (int32_t i = 0; i < d; i++) {
                to[(size_t)i * LANES] = key[i];
            }
        }
    }
}

/* Values [keys, D] as the transposed weight matrix [D, keys]. */
static void pack_values(const struct sedd_attention *job, float *packed)
{
    int32_t d = job->head_size;
    for (int32_t i = 0; i < d; i += LANES) {
        for (int32_t j = 0; j < job->keys; j++) {
            vf_store(packed, load_part(job->v + (size_t)j * job->kv_stride, i, d, 0.0f));
            packed += LANES;
        }
    }
}

static int32_t visible_keys(const struct sedd_attention *job, int32_t query)
{
    return job->causal_offset < 0 ? job->keys : job->causal_offset + query + 1;
}

static void attend_tile(const struct sedd_attention *job, int32_t query, int32_t rows,
                        const float *keys, const float *values, float *scores, float *result)
{
    size_t k8 = (size_t)sedd_round_up(job->keys, LANES);
    int32_t seen = visible_keys(job, query + rows - 1);
    struct sedd_matmul scoring = {.rows = rows, .in = job->head_size, .out = seen,
                                  .x = job->q + (size_t)query * job->q_stride,
                                  .x_stride = job->q_stride, .w = keys, .y = scores, .y_stride = k8};
    matmul_plain(&scoring, 0, rows, 0, sedd_round_up(seen, LANES) / LANES);
    float sums[TILE_ROWS];
    for (int32_t r = 0; r < rows; r++) {
        float *row = scores + (size_t)r * k8;
        int32_t count = visible_keys(job, query + r);
        sums[r] = exp_sum(row, count, job->scale, max(row, count));
        memset(row + count, 0, (size_t)(job->keys - count) * sizeof(float));
    }
    size_t d8 = (size_t)sedd_round_up(job->head_size, LANES);
    struct sedd_matmul mixing = {.rows = rows, .in = job->keys, .out = job->head_size, .x = scores,
                                 .x_stride = k8, .w = values, .y = result, .y_stride = d8};
    matmul_plain(&mixing, 0, rows, 0, (int32_t)d8 / LANES);
    for (int32_t r = 0; r < rows; r++) {
        float *out = job->out + (size_t)(query + r) * job->out_stride;
        for (int32_t i = 0; i < job->head_size; i += LANES) {
            vf value = load_part(result + (size_t)r * d8, i, job->head_size, 0.0f);
            store_part(out, i, job->head_size, vf_div(value, vf_set1(sums[r])));
        }
    }
}

/* One query reads keys and values where they lie. */
static void attend_one(const struct sedd_attention *job, int32_t query, float *scores)
{
    const float *q = job->q + (size_t)query * job->q_stride;
    float *out = job->out + (size_t)query * job->out_stride, lane[LANES];
    int32_t keys = visible_keys(job, query), d = job->head_size;
    for (int32_t j = 0; j < keys; j++) {
        const float *key = job->k + (size_t)j * job->kv_stride;
        vf sum = vf_set1(0.0f);
        for (int32_t i = 0; i < d; i += LANES) {
            sum = vf_add(vf_mul(load_part(q, i, d, 0.0f), load_part(key, i, d, 0.0f)), sum);
        }
        vf_store(lane, sum);
        scores[j] = lanes_sum(lane);
    }
    float sum = exp_sum(scores, keys, job->scale, max(scores, keys));
    for (int32_t i = 0; i < d; i += LANES) {
        vf value = vf_set1(0.0f);
        for (int32_t j = 0; j < keys; j++) {
            vf v = load_part(job->v + (size_t)j * job->kv_stride, i, d, 0.0f);
            value = vf_add(vf_mul(vf_set1(scores[j]), v), value);
        }
        store_part(out, i, d, vf_div(value, vf_set1(sum)));
    }
}

static void attention(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                      void *scratch)
{
    if (q_end - q_begin == 1) {
        attend_one(job, q_begin, scratch);
        return;
    }
    size_t d8 = (size_t)sedd_round_up(job->head_size, LANES);
    size_t k8 = (size_t)sedd_round_up(job->keys, LANES);
    float *keys = scratch, *values = keys + k8 * (size_t)job->head_size;
    float *scores = values + d8 * (size_t)job->keys, *result = scores + TILE_ROWS * k8;
    pack_keys(job, keys);
    pack_values(job, values);
    for (int32_t query = q_begin; query < q_end; query += TILE_ROWS) {
        attend_tile(job, query, sedd_min(TILE_ROWS, q_end - query), keys, values, scores, result);
    }
}

#define SEDD_VECTOR_TABLE(NAME)                                                                    \
    {                                                                                              \
        .name = NAME, .matmul_f32 = matmul_f32, .matmul_q8 = matmul_q8,                            \
        .matmul_plain = matmul_plain,                                                              \
        .quantize_row = quantize_row, .norm = norm, .rotate = rotate,                              \
        .attention_scratch = attention_scratch, .attention = attention, .max = max,                \
        .exp_sum = exp_sum,                                                                        \
    }
