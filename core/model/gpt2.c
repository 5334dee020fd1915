/*
 * gpt2.c - GPT-2 with a key/value cache, the autoregressive baseline.
 *
 *   h = wte[id] + wpe[position];  h += attn(ln_1 h);  h += mlp(ln_2 h);  logits = ln_f(h) wte^T
 *
 * If config.json unties the head, logits = ln_f(h) lm_head^T instead. Source: Radford et al. 2019.
 *
 * A prompt runs as matrix products over many rows. A single token reads every weight once.
 */
#include "model/gpt2.h"

#include "model/linear.h"
#include "model/score.h"

#include <string.h>

static int32_t slice_rows(const struct sedd_session *session)
{
    return sedd_min(session->rows, SEDD_GPT2_SLICE);
}

static void embed(struct sedd_session *session, const int32_t *ids, int32_t count)
{
    const struct sedd_model *model = session->model;
    size_t hidden = (size_t)model->info.hidden_size;
    for (int32_t row = 0; row < count; row++) {
        float *x = session->hidden + (size_t)row * hidden;
        const float *place = model->positions.values + (size_t)(session->position + row) * hidden;
        sedd_embed(model, ids[row], x);
        for (size_t i = 0; i < hidden; i++) {
            x[i] += place[i];
        }
    }
}

/* Copies one block's keys and values of the new rows from qkv to the cache. */
static void store_cache(struct sedd_session *session, float *keys, float *values, int32_t count)
{
    size_t hidden = (size_t)session->model->info.hidden_size;
    for (int32_t row = 0; row < count; row++) {
        const float *x = session->qkv + (size_t)row * 3 * hidden;
        size_t place = (size_t)(session->position + row) * hidden;
        memcpy(keys + place, x + hidden, hidden * sizeof(float));
        memcpy(values + place, x + 2 * hidden, hidden * sizeof(float));
    }
}

static void run_block(struct sedd_session *session, int32_t index, int32_t count)
{
    const struct sedd_block *block = &session->model->blocks[index];
    size_t hidden = (size_t)session->model->info.hidden_size;
    size_t inner = (size_t)session->model->design.inner_size;
    bool fused = session->model->design.activation == SEDD_ACTIVATION_GELU_TANH;
    size_t cache = (size_t)index * (size_t)session->rows * hidden;
    float *keys = session->keys + cache, *values = session->values + cache;
    sedd_layer_product(session, &(struct sedd_product){.rows = count,
                                                       .x = session->hidden,
                                                       .x_stride = hidden,
                                                       .norm = block->norm1_weight,
                                                       .norm_bias = block->norm1_bias,
                                                       .linear = &block->qkv,
                                                       .y = session->qkv,
                                                       .y_stride = 3 * hidden});
    store_cache(session, keys, values, count);
    sedd_layer_attention(
        session, &(struct sedd_heads){.sequences = 1,
                                      .queries = count,
                                      .keys = session->position + count,
                                      .q = session->qkv,
                                      .k = keys,
                                      .v = values,
                                      .q_stride = 3 * hidden,
                                      .kv_stride = hidden,
                                      .scale = sedd_model_attention_scale(session->model, index),
                                      .causal_offset = session->position});
    sedd_layer_product(session, &(struct sedd_product){.rows = count,
                                                       .x = session->attended,
                                                       .x_stride = hidden,
                                                       .linear = &block->attn_out,
                                                       .y = session->hidden,
                                                       .y_stride = hidden,
                                                       .epilogue = SEDD_EPILOGUE_ADD});
    sedd_layer_product(session, &(struct sedd_product){.rows = count,
                                                       .x = session->hidden,
                                                       .x_stride = hidden,
                                                       .norm = block->norm2_weight,
                                                       .norm_bias = block->norm2_bias,
                                                       .linear = &block->mlp_in,
                                                       .y = session->inner,
                                                       .y_stride = inner,
                                                       .epilogue = fused ? SEDD_EPILOGUE_GELU
                                                                         : SEDD_EPILOGUE_STORE});
    if (!fused) {
        sedd_layer_activate(session, count);
    }
    sedd_layer_product(session, &(struct sedd_product){.rows = count,
                                                       .x = session->inner,
                                                       .x_stride = inner,
                                                       .linear = &block->mlp_out,
                                                       .y = session->hidden,
                                                       .y_stride = hidden,
                                                       .epilogue = SEDD_EPILOGUE_ADD});
}

/* Runs `count` tokens through all blocks and the last `kept` of them through the head. The cache
 * grows only on success. `head` holds the number of the first token and the visitor. */
static enum sedd_status run_slice(struct sedd_session *session, const int32_t *ids, int32_t count,
                                  int32_t kept, struct sedd_head head, struct sedd_error *error)
{
    const struct sedd_model *model = session->model;
    embed(session, ids, count);
    for (int32_t i = 0; i < model->info.n_blocks; i++) {
        enum sedd_status status = sedd_session_check(session, error);
        if (status != SEDD_OK) {
            return status;
        }
        run_block(session, i, count);
    }
    head.first = count - kept;
    head.number += head.first;
    head.rows = kept;
    head.norm = model->norm_final_weight;
    head.norm_bias = model->norm_final_bias;
    enum sedd_status status = sedd_layer_head(session, &head, error);
    if (status == SEDD_OK) {
        session->position += count;
    }
    return status;
}

enum sedd_status sedd_gpt2_check(const struct sedd_session *session, struct sedd_error *error)
{
    return session->model->info.kind == SEDD_KIND_GPT2
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_ARGUMENT,
                           "this call needs a GPT-2; the loaded model is a SEDD model");
}

static enum sedd_status check_append(const struct sedd_session *session, const int32_t *ids,
                                     int32_t count, struct sedd_error *error)
{
    enum sedd_status status = sedd_gpt2_check(session, error);
    if (status != SEDD_OK) {
        return status;
    }
    if (count < 1) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "the list of tokens is empty; expected at least one");
    }
    if (count > session->rows - session->position) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "%d tokens after the %d already read exceed the %d that fit", (int)count,
                         (int)session->position, (int)session->rows);
    }
    return sedd_ids_check(ids, (size_t)count, session->model->info.tokens, error);
}

/* Leaves the evaluation of `count` tokens after an empty cache to the caller, and visits the last
 * `kept`. The cache stays empty. */
static enum sedd_status visit_elsewhere(struct sedd_session *session, const int32_t *ids,
                                        int32_t count, int32_t kept, sedd_row_visitor visit,
                                        void *user, struct sedd_error *error)
{
    struct sedd_evaluation evaluation = {
        .ids = ids, .length = count, .read_count = count, .rows = kept};
    struct sedd_head head = {.number = count - kept, .rows = kept, .visit = visit, .user = user};
    if (session->position > 0) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         "tokens after a filled cache are evaluated by this engine only");
    }
    enum sedd_status status = sedd_session_ask(session, &evaluation, error);
    return status == SEDD_OK ? sedd_layer_head(session, &head, error) : status;
}

enum sedd_status sedd_gpt2_visit(struct sedd_session *session, const int32_t *ids, int32_t count,
                                 int32_t keep, sedd_row_visitor visit, void *user,
                                 struct sedd_error *error)
{
    enum sedd_status status = check_append(session, ids, count, error);
    if (session->leaves && status == SEDD_OK) {
        return visit_elsewhere(session, ids, count, keep < 0 ? count : keep, visit, user, error);
    }
    for (int32_t first = 0; first < count && status == SEDD_OK; first += slice_rows(session)) {
        int32_t rows = sedd_min(slice_rows(session), count - first);
        int32_t kept_from = keep < 0 ? 0 : count - keep;
        int32_t kept = sedd_min(rows, sedd_max(0, first + rows - kept_from));
        struct sedd_head head = {.number = first, .visit = visit, .user = user};
        status = run_slice(session, ids + first, rows, kept, head, error);
    }
    return status;
}

/* ---- The public calls -------------------------------------------------------------------- */

struct copy {
    float *logits;
    int32_t first;
    size_t tokens;
};

static void copy_logits(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    const struct copy *copy = user;
    (void)place;
    (void)work;
    memcpy(copy->logits + (size_t)(row - copy->first) * copy->tokens, logits,
           copy->tokens * sizeof(float));
}

enum sedd_status sedd_gpt2_append(struct sedd_session *session, const int32_t *ids, int32_t count,
                                  bool all, float *logits, struct sedd_error *error)
{
    struct copy copy = {logits, all ? 0 : count - 1, (size_t)session->model->info.tokens};
    int32_t keep = logits == NULL ? 0 : all ? -1 : 1;
    return sedd_gpt2_visit(session, ids, count, keep, copy_logits, &copy, error);
}

void sedd_gpt2_reset(struct sedd_session *session)
{
    session->position = 0;
}

int32_t sedd_gpt2_position(const struct sedd_session *session)
{
    return session->position;
}

void sedd_gpt2_rewind(struct sedd_session *session, int32_t position)
{
    session->position = sedd_max(0, sedd_min(position, session->position));
}
