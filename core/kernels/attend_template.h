/*
 * attend_template.h - fused self-attention of one head. vector_template.h includes this file.
 *
 * Scores stay in a scratch strip of [keys, 8]; the full score matrix is never stored. The eight
 * lanes hold eight queries, so the softmax needs no sums across lanes:
 *
 *   S^T [keys, 8] = K Q^T / sqrt(D)   tiles of a few keys by eight queries
 *   P^T = exp(S^T - max)              lane by lane, keys in ascending order
 *   O^T [D, 8] = V^T P^T / sum        tiles of a few dimensions by eight queries
 *
 * Keys and values are repacked once per head, so that the rows of a tile are contiguous. A single
 * query (decoding) reads keys and values in place, without repacking.
 */

struct strip {
    float *keys;    /* [K8 / 8][D][8] */
    float *values;  /* [D8 / 8][K][8] */
    float *queries; /* [D][8] */
    float *scores;  /* [K8][8] */
    float *result;  /* [D8][8] */
};

/* Places the strip's arrays in scratch, or only counts when scratch is NULL. Returns the number of
 * floats needed. K8 and D8 are the key count and the head size rounded up to eight. */
static size_t place_strip(struct strip *strip, float *scratch, int32_t head_size, int32_t keys)
{
    size_t d = (size_t)head_size, d8 = (size_t)sedd_round_up(head_size, LANES);
    size_t k = (size_t)keys, k8 = (size_t)sedd_round_up(keys, LANES);
    size_t sizes[] = {k8 * d, d8 * k, LANES * d, LANES * k8, LANES * d8};
    float **places[] = {&strip->keys, &strip->values, &strip->queries, &strip->scores,
                        &strip->result};
    size_t used = 0;
    for (int i = 0; i < 5; i++) {
        *places[i] = scratch == NULL ? NULL : scratch + used;
        used += sizes[i];
    }
    return used;
}

static size_t attention_scratch(int32_t head_size, int32_t keys)
{
    struct strip strip;
    return place_strip(&strip, NULL, head_size, keys) * sizeof(float);
}

/* Transposes rows [count, n] into panels [n][8], one row per lane. The last panel is filled up with
 * copies of the last row. */
static void pack_columns(float *packed, const float *rows, size_t stride, int32_t count, int32_t n)
{
    for (int32_t first = 0; first < count; first += LANES, packed += (size_t)n * LANES) {
        for (int32_t lane = 0; lane < LANES; lane++) {
            const float *row = rows + (size_t)sedd_min(first + lane, count - 1) * stride;
            ROLLED
            for (int32_t i = 0; i < n; i++) {
                packed[i * LANES + lane] = row[i];
            }
        }
    }
}

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

/* Computes out [n][8] = x [n, count] times w [count, 8], with n rounded up to eight. x is packed in
 * panels of [panel_rows][8]. */
static void multiply_strip(float *out, const float *x, int32_t panel_rows, const float *w,
                           int32_t n, int32_t count)
{
    for (int32_t i = 0; i < n; i += LANES, x += (size_t)panel_rows * LANES) {
        for (int32_t part = 0; part < LANES; part += TILE_ROWS_ATTEND) {
            multiply(out + (size_t)(i + part) * LANES, x + part, 1, LANES, w, 0, count,
                     TILE_ROWS_ATTEND, 1, false);
        }
    }
}

/* Computes attention for up to eight queries, from `query` to before `end`, over the keys that the
 * last of them sees. Unused lanes repeat the last query. */
static void attend_strip(const struct sedd_attention *job, int32_t query, int32_t end,
                         const struct strip *strip)
{
    int32_t rows = sedd_min(LANES, end - query), d = job->head_size;
    int32_t seen = visible_keys(job, query + rows - 1);
    pack_columns(strip->queries, job->q + (size_t)query * job->q_stride, job->q_stride, rows, d);
    multiply_strip(strip->scores, strip->keys, d, strip->queries, seen, d);
    for (int32_t r = 0; r < rows; r++) {
        for (int32_t j = visible_keys(job, query + r); j < seen; j++) {
            strip->scores[j * LANES + r] = -INFINITY;
        }
    }
    vf highest = vf_load(strip->scores), sum = vf_set1(0.0f), scale = vf_set1(job->scale);
    for (int32_t j = 1; j < seen; j++) {
        highest = vf_larger(vf_load(strip->scores + (size_t)j * LANES), highest);
    }
    for (int32_t j = 0; j < seen; j++) {
        float *scores = strip->scores + (size_t)j * LANES;
        vf p = vf_exp(vf_mul(scale, vf_sub(vf_load(scores), highest)));
        vf_store(scores, p);
        sum = vf_add(sum, p);
    }
    multiply_strip(strip->result, strip->values, job->keys, strip->scores, d, seen);
    for (int32_t i = 0; i < d; i++) {
        float *lanes = strip->result + (size_t)i * LANES;
        vf_store(lanes, vf_div(vf_load(lanes), sum));
        for (int32_t r = 0; r < rows; r++) {
            job->out[(size_t)(query + r) * job->out_stride + (size_t)i] = lanes[r];
        }
    }
}

/* Computes attention for one query; reads keys and values in place. */
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
    struct strip strip;
    place_strip(&strip, scratch, job->head_size, job->keys);
    pack_columns(strip.keys, job->k, job->kv_stride, job->keys, job->head_size);
    pack_values(job, strip.values);
    for (int32_t query = q_begin; query < q_end; query += LANES) {
        attend_strip(job, query, q_end, &strip);
    }
}
