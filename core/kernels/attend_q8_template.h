/*
 * attend_q8_template.h - self-attention of one head in integers, as kernels.h defines it.
 * vector_template.h includes this file.
 *
 * Processors multiply 16-bit integers in pairs and add the two products. All operands are therefore
 * stored as such pairs, eight pairs per row:
 *
 *   S [keys, 8 queries]    K Q^T: elements i and D2 + i of a row are a pair, D2 = D / 2 rounded up
 *   P [keys / 2, 8]        weights; two keys form a pair, which needs no shuffle
 *   O [8 queries, D]      += P^T V over SEDD_VALUE_KEYS keys at a time
 *
 * For scores and weights, the lanes hold eight queries, so nothing is summed across lanes. For the
 * second product, the lanes hold eight dimensions, so rows of `out` are stored without a transpose.
 */

struct strip_q8 {
    int32_t *keys;    /* [K8 / 8][D2][8] pairs */
    int32_t *values;  /* [D8 / 8][K2][8] pairs */
    int32_t *queries; /* [D2][8] pairs */
    int32_t *scores;  /* [K8][8] */
    int32_t *weights; /* [SEDD_VALUE_KEYS / 2][8] pairs */
    float *steps;     /* [D8] quantisation steps of the values */
    float *sums;      /* [D8 / 8][8 queries][8 dimensions] */
};

/* Places the strip's arrays in scratch, or only counts when scratch is NULL. Returns the number of
 * bytes needed. K8 and D8 are the key count and the head size rounded up to eight; K2 and D2 are
 * half of the originals, rounded up. */
static size_t place_strip_q8(struct strip_q8 *strip, char *scratch, int32_t head_size, int32_t keys)
{
    size_t d2 = (size_t)(head_size + 1) / 2, d8 = (size_t)sedd_round_up(head_size, LANES);
    size_t k2 = (size_t)(keys + 1) / 2, k8 = (size_t)sedd_round_up(keys, LANES);
    size_t sizes[] = {k8 * d2, d8 * k2,   LANES * d2, LANES * k8, LANES * SEDD_VALUE_KEYS / 2,
                      d8,      d8 * LANES};
    void *places[7] = {0};
    size_t used = 0;
    for (int i = 0; i < 7; i++) {
        places[i] = scratch == NULL ? NULL : scratch + used;
        used += sizes[i] * sizeof(int32_t);
    }
    *strip = (struct strip_q8){places[0], places[1], places[2], places[3],
                               places[4], places[5], places[6]};
    return used;
}

static size_t attention_q8_scratch(int32_t head_size, int32_t keys)
{
    struct strip_q8 strip;
    return place_strip_q8(&strip, NULL, head_size, keys);
}

/* ---- Rounding ---------------------------------------------------------------------------- */

/* Holds each lane's minimum and maximum over 0 and the vectors seen so far; NaNs are ignored. */
struct span {
    vf low, high;
};

INLINE struct span widen_span(struct span span, vf x)
{
    return (struct span){vf_smaller(x, span.low), vf_larger(x, span.high)};
}

/* Stores each lane's largest absolute value, clamped to sedd_math.tame. */
INLINE void span_lanes(float largest[LANES], struct span span)
{
    vf high = vf_larger(span.high, vf_sub(vf_set1(0.0f), span.low));
    vf_store(largest, vf_smaller(high, vf_splat(&sedd_math.tame)));
}

static NOINLINE float largest_of(const float *rows, size_t stride, int32_t count, int32_t n)
{
    struct span span = {vf_set1(0.0f), vf_set1(0.0f)};
    float lane[LANES], largest = 0.0f;
    for (int32_t row = 0; row < count; row++, rows += stride) {
        for (int32_t i = 0; i < n; i += LANES) {
            span = widen_span(span, load_part(rows, i, n, 0.0f));
        }
    }
    span_lanes(lane, span);
    ROLLED
    for (int i = 0; i < LANES; i++) {
        largest = lane[i] > largest ? lane[i] : largest;
    }
    return largest;
}

/* Returns round(x * inverse) in the low 16 bits of each lane. This works because the low 16 bits of
 * the constant SEDD_EXP_ROUND are 0. */
INLINE vi whole_steps(vf x, vf inverse)
{
    return vi_bits(vf_add(vf_mul(tame(x), inverse), vf_splat(&sedd_math.round)));
}

/* Quantises the row x [n] and writes its pairs to one lane of packed [D2][8]. */
static void pack_row(int32_t *packed, const float *x, int32_t n, float inverse)
{
    int32_t half = (n + 1) / 2, lane[LANES];
    for (int32_t i = 0; i < half; i += LANES) {
        vi low = whole_steps(load_part(x, i, half, 0.0f), vf_set1(inverse));
        vi high = whole_steps(load_part(x + half, i, n - half, 0.0f), vf_set1(inverse));
        vi_store(lane, vi_pair(low, high));
        for (int32_t j = 0; j < sedd_min(LANES, half - i); j++, packed += LANES) {
            *packed = lane[j];
        }
    }
}

/* Quantises and packs all keys; returns their common step. The last panel is filled up with copies
 * of the last key. */
static float pack_keys(const struct sedd_attention *job, int32_t *packed)
{
    int32_t n = job->head_size, panel = (n + 1) / 2 * LANES;
    float inverse, largest = largest_of(job->k, job->kv_stride, job->keys, n);
    float step = sedd_step(largest, sedd_attention_levels(n), &inverse);
    for (int32_t j = 0; j < sedd_round_up(job->keys, LANES); j++) {
        const float *key = job->k + (size_t)sedd_min(j, job->keys - 1) * job->kv_stride;
        pack_row(packed + (size_t)(j / LANES) * (size_t)panel + j % LANES, key, n, inverse);
    }
    return step;
}

/* Quantises and packs dimensions i..i+7 of all values into packed [K2][8]; stores one step per
 * dimension. */
static void pack_value_panel(const struct sedd_attention *job, int32_t i, int32_t *packed,
                             float *steps)
{
    struct span span = {vf_set1(0.0f), vf_set1(0.0f)};
    float largest[LANES], inverse[LANES];
    for (int32_t j = 0; j < job->keys; j++) {
        const float *row = job->v + (size_t)j * job->kv_stride;
        span = widen_span(span, load_part(row, i, job->head_size, 0.0f));
    }
    span_lanes(largest, span);
    ROLLED
    for (int lane = 0; lane < LANES; lane++) {
        steps[lane] = sedd_step(largest[lane], SEDD_VALUE_LEVELS, &inverse[lane]);
    }
    for (int32_t j = 0; j < job->keys; j += 2, packed += LANES) {
        const float *row = job->v + (size_t)j * job->kv_stride;
        vf next = j + 1 < job->keys ? load_part(row + job->kv_stride, i, job->head_size, 0.0f)
                                    : vf_set1(0.0f);
        vi_store(packed,
                 vi_pair(whole_steps(load_part(row, i, job->head_size, 0.0f), vf_load(inverse)),
                         whole_steps(next, vf_load(inverse))));
    }
}

static void pack_values_q8(const struct sedd_attention *job, const struct strip_q8 *strip)
{
    size_t panel = (size_t)(job->keys + 1) / 2 * LANES;
    for (int32_t i = 0; i < job->head_size; i += LANES) {
        pack_value_panel(job, i, strip->values + (size_t)(i / LANES) * panel, strip->steps + i);
    }
}

/* ---- Products and weights ---------------------------------------------------------------- */

/* Computes out [TILE_ROWS_ATTEND][8], sums of n pair products. Pair k of row r is x[k * LANES + r];
 * pair k of lane l is w[k * LANES + l]. */
INLINE void multiply_pairs(int32_t *out, const int32_t *x, const int32_t *w, int32_t n)
{
    ri sum[TILE_ROWS_ATTEND][PANEL_REGISTERS];
    UNROLL
    for (int r = 0; r < TILE_ROWS_ATTEND; r++) {
        UNROLL
        for (int c = 0; c < PANEL_REGISTERS; c++) {
            sum[r][c] = ri_zero();
        }
    }
    for (int32_t k = 0; k < n; k++, x += LANES, w += LANES) {
        ri lanes[PANEL_REGISTERS];
        UNROLL
        for (int c = 0; c < PANEL_REGISTERS; c++) {
            lanes[c] = ri_load(w + c * (LANES / PANEL_REGISTERS));
        }
        UNROLL
        for (int r = 0; r < TILE_ROWS_ATTEND; r++) {
            ri value = ri_splat(x + r);
            UNROLL
            for (int c = 0; c < PANEL_REGISTERS; c++) {
                sum[r][c] = ri_dot(sum[r][c], value, lanes[c]);
            }
        }
    }
    UNROLL
    for (int r = 0; r < TILE_ROWS_ATTEND; r++) {
        UNROLL
        for (int c = 0; c < PANEL_REGISTERS; c++) {
            ri_store(out + (r * PANEL_REGISTERS + c) * (LANES / PANEL_REGISTERS), sum[r][c]);
        }
    }
}

static NOINLINE void score_tile(int32_t *scores, const int32_t *keys, const int32_t *queries,
                                int32_t n)
{
    multiply_pairs(scores, keys, queries, n);
}

static NOINLINE void value_tile(float *sums, const int32_t *weights, const int32_t *values,
                                int32_t n)
{
    int32_t out[TILE_ROWS_ATTEND * LANES];
    multiply_pairs(out, weights, values, n);
    UNROLL
    for (int i = 0; i < TILE_ROWS_ATTEND * LANES; i += LANES) {
        vf_store(sums + i, vf_add(vf_load(sums + i), vf_from_vi(vi_load(out + i))));
    }
}

/* Returns each lane's weight 32767 * 2^t, rounded, plus the bits of SEDD_EXP_ROUND, which the
 * caller subtracts. math.h has the scalar form. */
INLINE vi weigh(vi scores, vi highest, vf factor)
{
    const struct sedd_math *m = &sedd_math;
    vf magic = vf_splat(&m->round);
    vf t = vf_larger(vf_mul(vf_from_vi(vi_sub(scores, highest)), factor), vf_splat(&m->weight_low));
    vf shifted = vf_add(t, magic), r = vf_sub(t, vf_sub(shifted, magic)), r2 = vf_mul(r, r);
    vf p = vf_add(vf_mul(vf_splat(&m->w3), r), vf_splat(&m->w2));
    p = vf_add(vf_mul(vf_splat(&m->w4), r2), p);
    p = vf_add(vf_mul(p, r2), vf_add(vf_mul(vf_splat(&m->w1), r), vf_splat(&m->w0)));
    return vi_bits(vf_add(vf_times_power(p, shifted), magic));
}

/* Computes the weights of `count` keys, at most SEDD_VALUE_KEYS, stores them in pairs and returns
 * each lane's sum. */
static NOINLINE vf weigh_keys(int32_t *weights, const int32_t *scores, int32_t count, vi highest,
                              vf factor)
{
    vi magic = vi_bits(vf_set1(SEDD_EXP_ROUND)), sum = vi_set1(0);
    int32_t j = 0;
    for (; j + 2 <= count; j += 2, scores += 2 * LANES, weights += LANES) {
        vi first = weigh(vi_load(scores), highest, factor);
        vi second = weigh(vi_load(scores + LANES), highest, factor);
        vi_store(weights, vi_pair(first, second));
        sum = vi_add(sum, vi_add(vi_sub(first, magic), vi_sub(second, magic)));
    }
    if (j < count) {
        vi last = weigh(vi_load(scores), highest, factor);
        vi_store(weights, vi_pair(last, vi_set1(0)));
        sum = vi_add(sum, vi_sub(last, magic));
    }
    return vf_from_vi(sum);
}

/* ---- A strip of eight queries ------------------------------------------------------------- */

/* Quantises and packs `rows` queries, one per lane; unused lanes repeat the last. Returns each
 * lane's factor from a dot product to an exponent of two. */
static vf pack_queries(const struct sedd_attention *job, int32_t query, int32_t rows,
                       float key_step, int32_t *packed)
{
    float factor[LANES];
    ROLLED
    for (int32_t lane = 0; lane < LANES; lane++) {
        const float *q = job->q + (size_t)(query + sedd_min(lane, rows - 1)) * job->q_stride;
        int32_t n = job->head_size;
        float inverse, largest = largest_of(q, 0, 1, n);
        float step = sedd_step(largest, sedd_attention_levels(n), &inverse);
        factor[lane] = sedd_attention_factor(step, key_step, job->scale);
        pack_row(packed + lane, q, n, inverse);
    }
    return vf_load(factor);
}

/* Adds the weighted values of `pairs` key pairs, starting at pair `first`, to the sums of the first
 * `rows` queries. */
static void add_values(const struct sedd_attention *job, const struct strip_q8 *strip, int32_t rows,
                       int32_t first, int32_t pairs)
{
    size_t panel = (size_t)(job->keys + 1) / 2 * LANES;
    const int32_t *values = strip->values + (size_t)first * LANES;
    float *sums = strip->sums;
    for (int32_t i = 0; i < job->head_size; i += LANES, values += panel, sums += LANES * LANES) {
        for (int32_t part = 0; part < rows; part += TILE_ROWS_ATTEND) {
            value_tile(sums + part * LANES, strip->weights + part, values, pairs);
        }
    }
}

static void store_strip(const struct sedd_attention *job, const struct strip_q8 *strip,
                        int32_t query, int32_t rows, vf sum)
{
    float inverse[LANES];
    vf_store(inverse, vf_div(vf_set1(1.0f), sum));
    for (int32_t r = 0; r < rows; r++) {
        float *out = job->out + (size_t)(query + r) * job->out_stride;
        for (int32_t i = 0; i < job->head_size; i += LANES) {
            vf value = vf_load(strip->sums + (i + r) * LANES);
            value = vf_mul(vf_mul(value, vf_set1(inverse[r])), vf_load(strip->steps + i));
            store_part(out, i, job->head_size, value);
        }
    }
}

static void attend_strip_q8(const struct sedd_attention *job, int32_t query, int32_t rows,
                            float key_step, const struct strip_q8 *strip)
{
    int32_t keys = job->keys, half = (job->head_size + 1) / 2;
    vf factor = pack_queries(job, query, rows, key_step, strip->queries), sum = vf_set1(0.0f);
    for (int32_t j = 0; j < keys; j += TILE_ROWS_ATTEND) {
        const int32_t *panel = strip->keys + (size_t)(j / LANES * LANES) * (size_t)half;
        score_tile(strip->scores + (size_t)j * LANES, panel + j % LANES, strip->queries, half);
    }
    vi highest = vi_load(strip->scores);
    for (int32_t j = 1; j < keys; j++) {
        highest = vi_larger(vi_load(strip->scores + (size_t)j * LANES), highest);
    }
    memset(strip->sums, 0, (size_t)sedd_round_up(job->head_size, LANES) * LANES * sizeof(float));
    for (int32_t first = 0; first < keys; first += SEDD_VALUE_KEYS) {
        int32_t count = sedd_min(SEDD_VALUE_KEYS, keys - first);
        sum = vf_add(sum, weigh_keys(strip->weights, strip->scores + (size_t)first * LANES, count,
                                     highest, factor));
        add_values(job, strip, rows, first / 2, (count + 1) / 2);
    }
    store_strip(job, strip, query, rows, sum);
}

static void attention_q8(const struct sedd_attention *job, int32_t q_begin, int32_t q_end,
                         void *scratch)
{
    struct strip_q8 strip;
    place_strip_q8(&strip, scratch, job->head_size, job->keys);
    float key_step = pack_keys(job, strip.keys);
    pack_values_q8(job, &strip);
    for (int32_t query = q_begin; query < q_end; query += LANES) {
        attend_strip_q8(job, query, sedd_min(LANES, q_end - query), key_step, &strip);
    }
}
