/*
 * score.c - the network of SEDD, MDLM, SDTT, RADD and DUO: a diffusion transformer that maps tokens
 * and noise to logits, and these to log-scores.
 *
 *   shift, scale, gate: of attention and of the MLP, a block's modulations (condition.c)
 *   h         <- h + gate1 * attn_out(attention(norm1(h) (1 + scale1) + shift1))
 *   h         <- h + gate2 * mlp(norm2(h) (1 + scale2) + shift2)
 *   logits     = W_out (norm_final(h) (1 + scale) + shift) + b_out
 *
 * Lou, Meng & Ermon 2024, appendix C, and the reference implementations.
 */
#include "model/score.h"

#include "model/condition.h"
#include "model/linear.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- Blocks ------------------------------------------------------------------------------ */

/* Returns the place of a row. Rows of the residual stream are the listed places, in order. */
static int32_t place_of(const int32_t *places, int32_t row)
{
    return places == NULL ? row : places[row];
}

/* Returns the first row, from `row` on, whose place is `end` or later. */
static int32_t rows_before(const int32_t *places, int32_t count, int32_t row, int32_t end)
{
    while (row < count && place_of(places, row) < end) {
        row++;
    }
    return row;
}

/* Computes the session's qkv from the residual stream and rotates queries and keys. */
static void project_qkv(struct sedd_session *session, const struct sedd_block *block,
                        const float *m, const struct sedd_reading *reading)
{
    size_t hidden = (size_t)session->model->info.hidden_size;
    sedd_layer_product(session, &(struct sedd_product){.rows = reading->read_count,
                                                       .x = session->hidden,
                                                       .x_stride = hidden,
                                                       .norm = m + SEDD_SCALE1 * hidden,
                                                       .norm_bias = m + SEDD_SHIFT1 * hidden,
                                                       .linear = &block->qkv,
                                                       .y = session->qkv,
                                                       .y_stride = 3 * hidden});
    sedd_layer_rotate(session, reading->read_count, reading->read, reading->length);
}

/* Adds the attention output of q [sequences * queries, q_stride] to as many rows of `stream`. The
 * keys are the session's, starting at row `first_key`. */
static void attend(struct sedd_session *session, const struct sedd_block *block, const float *m,
                   int32_t sequences, int32_t queries, int32_t keys, const float *q,
                   size_t q_stride, size_t first_key, float *stream)
{
    size_t hidden = (size_t)session->model->info.hidden_size;
    const float *k = session->qkv + first_key * 3 * hidden + hidden;
    sedd_layer_attention(
        session, &(struct sedd_heads){.sequences = sequences,
                                      .queries = queries,
                                      .keys = keys,
                                      .q = q,
                                      .k = k,
                                      .v = k + hidden,
                                      .q_stride = q_stride,
                                      .kv_stride = 3 * hidden,
                                      .scale = sedd_model_attention_scale(session->model, 0),
                                      .causal_offset = -1});
    sedd_layer_product(session, &(struct sedd_product){.rows = sequences * queries,
                                                       .x = session->attended,
                                                       .x_stride = hidden,
                                                       .linear = &block->attn_out,
                                                       .y = stream,
                                                       .y_stride = hidden,
                                                       .epilogue = SEDD_EPILOGUE_ADD,
                                                       .gate = m + SEDD_GATE1 * hidden});
}

/* Adds the attention output one sequence at a time, for sequences with different numbers of rows.
 * q [rows, q_stride] holds the queries of `places`; keys come from every place that is read. */
static void attend_apart(struct sedd_session *session, const struct sedd_block *block,
                         const float *m, const struct sedd_reading *reading, int32_t rows,
                         const int32_t *places, const float *q, size_t q_stride)
{
    size_t hidden = (size_t)session->model->info.hidden_size;
    for (int32_t b = 0, query = 0, key = 0; b < reading->batch; b++) {
        int32_t end = (b + 1) * reading->length;
        int32_t query_end = rows_before(places, rows, query, end);
        int32_t key_end = rows_before(reading->read, reading->read_count, key, end);
        if (query_end > query) {
            attend(session, block, m, 1, query_end - query, key_end - key,
                   q + (size_t)query * q_stride, q_stride, (size_t)key,
                   session->hidden + (size_t)query * hidden);
        }
        query = query_end;
        key = key_end;
    }
}

static void mlp_half(struct sedd_session *session, const struct sedd_block *block, const float *m,
                     int32_t rows)
{
    size_t hidden = (size_t)session->model->info.hidden_size;
    size_t inner = (size_t)session->model->design.inner_size;
    sedd_layer_product(session, &(struct sedd_product){.rows = rows,
                                                       .x = session->hidden,
                                                       .x_stride = hidden,
                                                       .norm = m + SEDD_SCALE2 * hidden,
                                                       .norm_bias = m + SEDD_SHIFT2 * hidden,
                                                       .linear = &block->mlp_in,
                                                       .y = session->inner,
                                                       .y_stride = inner,
                                                       .epilogue = SEDD_EPILOGUE_GELU});
    sedd_layer_product(session, &(struct sedd_product){.rows = rows,
                                                       .x = session->inner,
                                                       .x_stride = inner,
                                                       .linear = &block->mlp_out,
                                                       .y = session->hidden,
                                                       .y_stride = hidden,
                                                       .epilogue = SEDD_EPILOGUE_ADD,
                                                       .gate = m + SEDD_GATE2 * hidden});
}

static void run_block(struct sedd_session *session, const struct sedd_block *block, const float *m,
                      const struct sedd_reading *reading)
{
    size_t hidden = (size_t)session->model->info.hidden_size;
    project_qkv(session, block, m, reading);
    if (reading->read == NULL) {
        attend(session, block, m, reading->batch, reading->length, reading->length, session->qkv,
               3 * hidden, 0, session->hidden);
    } else {
        attend_apart(session, block, m, reading, reading->read_count, reading->read, session->qkv,
                     3 * hidden);
    }
    mlp_half(session, block, m, reading->read_count);
}

/* Runs the last block for the output places only. Keys and values are computed for every row. The
 * output rows move to the front of the residual stream, and everything else is computed for them
 * alone. */
static void run_last_block(struct sedd_session *session, const struct sedd_block *block,
                           const float *m, const struct sedd_reading *reading)
{
    size_t hidden = (size_t)session->model->info.hidden_size;
    float *q = session->inner; /* unused until the MLP */
    project_qkv(session, block, m, reading);
    for (int32_t i = 0, row = 0; i < reading->rows; i++, row++) {
        row = rows_before(reading->read, reading->read_count, row, reading->index[i]);
        /* i <= row, so no row is overwritten before it is moved. */
        memmove(session->hidden + (size_t)i * hidden, session->hidden + (size_t)row * hidden,
                hidden * sizeof(float));
        memcpy(q + (size_t)i * hidden, session->qkv + (size_t)row * 3 * hidden,
               hidden * sizeof(float));
    }
    attend_apart(session, block, m, reading, reading->rows, reading->index, q, hidden);
    mlp_half(session, block, m, reading->rows);
}

/* Fills in the counts of NULL lists, and drops `read` if it lists every place. An `index` that is
 * NULL becomes `read`. */
static struct sedd_reading settle(const struct sedd_reading *reading)
{
    struct sedd_reading settled = *reading;
    int32_t places = reading->batch * reading->length;
    if (reading->read == NULL || reading->read_count == places) {
        settled.read = NULL;
        settled.read_count = places;
    }
    if (reading->index == NULL) {
        settled.rows = settled.read_count;
        settled.index = settled.read;
    }
    return settled;
}

/* Leaves the evaluation to the caller. Where every place is read, places and rows are the same. */
static enum sedd_status ask(struct sedd_session *session, const struct sedd_reading *reading,
                            struct sedd_error *error)
{
    return sedd_session_ask(
        session,
        &(struct sedd_evaluation){.ids = reading->ids,
                                  .length = reading->batch * reading->length,
                                  .read_count = reading->read_count,
                                  .read = reading->read,
                                  .rows = reading->rows,
                                  .index = reading->index,
                                  .modulation = session->modulation,
                                  .modulation_size = (int32_t)session->modulation_size},
        error);
}

enum sedd_status sedd_score_forward(struct sedd_session *session, const struct sedd_reading *given,
                                    struct sedd_error *error)
{
    const struct sedd_model *model = session->model;
    const struct sedd_reading reading = settle(given);
    size_t hidden = (size_t)model->info.hidden_size;
    assert(reading.read_count <= session->rows && reading.rows <= reading.read_count);
    sedd_condition(session, reading.sigma);
    if (session->leaves) {
        return ask(session, &reading, error);
    }
    for (int32_t row = 0; row < reading.read_count; row++) {
        sedd_embed(model, reading.ids[place_of(reading.read, row)],
                   session->hidden + (size_t)row * hidden);
    }
    for (int32_t i = 0; i < model->info.n_blocks; i++) {
        enum sedd_status status = sedd_session_check(session, error);
        if (status != SEDD_OK) {
            return status;
        }
        const float *m = session->modulation + (size_t)i * 6 * hidden;
        if (i + 1 == model->info.n_blocks && reading.rows < reading.read_count) {
            run_last_block(session, &model->blocks[i], m, &reading);
        } else {
            run_block(session, &model->blocks[i], m, &reading);
        }
    }
    return SEDD_OK;
}

enum sedd_status sedd_score_head(struct sedd_session *session, const struct sedd_reading *given,
                                 sedd_row_visitor visit, void *user, struct sedd_error *error)
{
    const struct sedd_reading reading = settle(given);
    const struct sedd_model_info *info = &session->model->info;
    size_t hidden = (size_t)info->hidden_size;
    const float *m = session->modulation + (size_t)info->n_blocks * 6 * hidden;
    return sedd_layer_head(session,
                           &(struct sedd_head){.rows = reading.rows,
                                               .places = reading.index,
                                               .norm = m + hidden,
                                               .norm_bias = m,
                                               .visit = visit,
                                               .user = user},
                           error);
}

/* ---- The bridge -------------------------------------------------------------------------- */

double sedd_score_log_sum(const struct sedd_session *session, float *row)
{
    const struct sedd_kernels *kernels = session->engine->kernels;
    int32_t tokens = session->model->info.tokens;
    float largest = kernels->max(row, tokens);
    return log((double)kernels->exp_sum(row, tokens, 1.0f, largest)) + (double)largest;
}

double sedd_score_shift(const struct sedd_model_info *info, double sigma)
{
    return info->scale_by_sigma ? log(expm1(sigma)) + log((double)(info->states - 1)) : 0.0;
}

/* Rewrites the row of a token that keeps itself. */
static void bridge_open(const struct sedd_model_info *info, double sigma, float *row)
{
    for (int32_t y = 0; y < info->tokens; y++) {
        row[y] = -INFINITY;
    }
    row[info->mask_id] = (float)log(expm1(sigma));
}

/* In double: where a is small, both logarithms nearly cancel. */
static void bridge_uniform(const struct sedd_session *session, double sigma, int32_t x, float *row,
                           float *work)
{
    int32_t n = session->model->info.states;
    float largest = session->engine->kernels->max(row, n);
    double sum = exp(sedd_score_log_sum(session, work) - (double)largest);
    double rest = -expm1(-sigma), scale = n * exp(-sigma) / sum;
    double own = log(scale * (double)work[x] + rest);
    for (int32_t y = 0; y < n; y++) {
        row[y] = (float)(log(scale * (double)work[y] + rest) - own);
    }
}

double sedd_score_bridge(const struct sedd_session *session, double sigma, int32_t x, float *row,
                         float *work)
{
    const struct sedd_model_info *info = &session->model->info;
    if (!info->normalised) {
        return sedd_score_shift(info, sigma);
    }
    if (info->graph == SEDD_GRAPH_ABSORB && x != info->mask_id) {
        bridge_open(info, sigma, row);
        return 0.0;
    }
    memcpy(work, row, (size_t)info->states * sizeof *work);
    if (info->graph == SEDD_GRAPH_UNIFORM) {
        bridge_uniform(session, sigma, x, row, work);
        return 0.0;
    }
    return sedd_score_log_sum(session, work) + log(expm1(sigma));
}

/* ---- Inputs ------------------------------------------------------------------------------ */

void sedd_embed(const struct sedd_model *model, int32_t id, float *row)
{
    if (model->embedding.rows > 0) {
        sedd_table_get_row(&model->embedding, id, row);
    } else {
        sedd_linear_get_row(&model->head, id, row);
    }
}

enum sedd_status sedd_ids_check(const int32_t *ids, size_t count, int32_t limit,
                                struct sedd_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= limit) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                             "token id %d at position %zu is outside this model's 0 to %d",
                             (int)ids[i], i, (int)limit - 1);
        }
    }
    return SEDD_OK;
}

enum sedd_status sedd_score_check(const struct sedd_session *session, const char *what,
                                  int32_t batch, int32_t length, struct sedd_error *error)
{
    if (session->model->info.kind != SEDD_KIND_SEDD) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "%s needs a diffusion model; the loaded model is a GPT-2", what);
    }
    if (batch < 1 || length < 1 || (int64_t)batch * length > session->rows) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "%d x %d tokens do not fit a session of %d rows", (int)batch, (int)length,
                         (int)session->rows);
    }
    return SEDD_OK;
}

enum sedd_status sedd_sigma_check(double sigma, struct sedd_error *error)
{
    return sigma > 0.0 && sigma <= SEDD_SIGMA_MAX
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_ARGUMENT,
                           "sigma is %g; expected a number above 0, at most %g", sigma,
                           SEDD_SIGMA_MAX);
}

enum sedd_status sedd_score_fail(double sigma, struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_FORMAT,
                     "the network's output at sigma %.4g is not finite; the weights are damaged or "
                     "do not belong to this config.json",
                     sigma);
}

/* ---- The public call --------------------------------------------------------------------- */

struct output {
    const struct sedd_session *session;
    const int32_t *ids;
    float *logscore; /* [L, N] */
    double sigma;
};

static void write_logscore(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    const struct output *output = user;
    size_t states = (size_t)output->session->model->info.states;
    float *out = output->logscore + (size_t)place * states;
    float shift =
        (float)sedd_score_bridge(output->session, output->sigma, output->ids[place], logits, work);
    (void)row;
    for (size_t y = 0; y < states; y++) {
        out[y] = logits[y] - shift;
    }
    out[output->ids[place]] = 0.0f;
}

static enum sedd_status check_score(const struct sedd_session *session, int32_t batch,
                                    int32_t length, const int32_t *ids, const float *sigma,
                                    struct sedd_error *error)
{
    enum sedd_status status = sedd_score_check(session, "a score", batch, length, error);
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        status = sedd_sigma_check((double)sigma[b], error);
    }
    return status == SEDD_OK ? sedd_ids_check(ids, (size_t)batch * (size_t)length,
                                              session->model->info.states, error)
                             : status;
}

enum sedd_status sedd_score(struct sedd_session *session, int32_t batch, int32_t length,
                            const int32_t *ids, const float *sigma, float *logscore,
                            struct sedd_error *error)
{
    enum sedd_status status = check_score(session, batch, length, ids, sigma, error);
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        size_t first = (size_t)b * (size_t)length;
        struct output output = {
            .session = session,
            .ids = ids + first,
            .logscore = logscore + first * (size_t)session->model->info.states,
            .sigma = (double)sigma[b],
        };
        struct sedd_reading reading = {
            .batch = 1, .length = length, .ids = ids + first, .sigma = (double)sigma[b]};
        status = sedd_score_forward(session, &reading, error);
        if (status == SEDD_OK) {
            status = sedd_score_head(session, &reading, write_logscore, &output, error);
        }
    }
    return status;
}
