/* session.c - implements session.h and the session calls of sedd.h. */
#include "model/session.h"

#include <math.h>

/* The vocabulary head runs in slices of at most this many bytes of logits, so that no [L, N] array
 * ever exists. The number of rows is a multiple of the kernels' tile heights, four and six. */
#define HEAD_SLICE_BYTES (10u << 20)
#define HEAD_SLICE_ROWS 12

/* Allocates count * size bytes for a session and adds them to session->size. Sets *complete to
 * false on failure. */
static void *take(struct sedd_session *session, uint64_t count, uint64_t size, bool *complete)
{
    void *memory = sedd_memory_new(count, size);
    if (memory == NULL) {
        *complete = false;
    } else {
        session->size += count * size;
    }
    return memory;
}

static int32_t head_rows(const struct sedd_model_info *info, int32_t rows)
{
    uint64_t fit = HEAD_SLICE_BYTES / ((uint64_t)info->states * sizeof(float));
    int32_t slice = fit < HEAD_SLICE_ROWS  ? HEAD_SLICE_ROWS
                    : fit > (uint64_t)rows ? rows
                                           : (int32_t)(fit / HEAD_SLICE_ROWS * HEAD_SLICE_ROWS);
    return sedd_min(slice, rows);
}

static void fill_rotary(struct sedd_session *session, int32_t head_size)
{
    int32_t half = head_size / 2;
    for (int32_t j = 0; j < half; j++) {
        float frequency = (float)pow(10000.0, -2.0 * j / head_size);
        for (int32_t p = 0; p < session->rows; p++) {
            float angle = (float)p * frequency;
            session->cosine[(size_t)p * (size_t)half + (size_t)j] = (float)cos((double)angle);
            session->sine[(size_t)p * (size_t)half + (size_t)j] = (float)sin((double)angle);
        }
    }
}

static void allocate(struct sedd_session *s, uint64_t threads, bool *complete)
{
    const struct sedd_model *model = s->model;
    const struct sedd_model_info *info = &model->info;
    bool sedd = info->kind == SEDD_KIND_SEDD;
    int32_t rows = sedd ? s->rows : sedd_min(s->rows, SEDD_GPT2_SLICE);
    uint64_t r = (uint64_t)rows, h = (uint64_t)info->hidden_size;
    uint64_t widest = (uint64_t)sedd_max(info->hidden_size, model->design.inner_size);
    uint64_t blocks = (uint64_t)info->n_blocks, n = (uint64_t)info->states;
    int32_t head_size = info->hidden_size / info->n_heads;

    s->hidden = take(s, r * h, sizeof(float), complete);
    s->qkv = take(s, r * 3 * h, sizeof(float), complete);
    s->attended = take(s, r * h, sizeof(float), complete);
    s->inner = take(s, r * (uint64_t)model->design.inner_size, sizeof(float), complete);
    if (info->dtype == SEDD_DTYPE_Q8) {
        uint64_t padded = (uint64_t)sedd_round_up((int32_t)widest, SEDD_INPUTS);
        s->input_q = take(s, r * padded, 1, complete);
        s->input_scale = take(s, r, sizeof *s->input_scale, complete);
    } else {
        s->input = take(s, r * h, sizeof(float), complete);
    }
    s->row = take(s, threads * widest, sizeof(float), complete);
    s->attention_stride = sedd_model_attends_q8(model)
                              ? s->engine->kernels->attention_q8_scratch(head_size, s->rows)
                              : s->engine->kernels->attention_scratch(head_size, s->rows);
    s->attention_stride =
        (s->attention_stride + SEDD_ALIGNMENT - 1) & ~(size_t)(SEDD_ALIGNMENT - 1);
    s->attention = take(s, threads, s->attention_stride, complete);
    if (sedd) {
        uint64_t half = (uint64_t)head_size / 2;
        s->cosine = take(s, r * half, sizeof(float), complete);
        s->sine = take(s, r * half, sizeof(float), complete);
        s->condition_count = info->time_free ? 1 : SEDD_CONDITIONS;
        for (int32_t i = 0; i < SEDD_CONDITIONS; i++) {
            s->condition_sigma[i] = -1.0;
        }
        uint64_t kept = (uint64_t)s->condition_count, cond = (uint64_t)info->cond_dim;
        s->modulation_size = (size_t)(blocks * 6 * h + 2 * h);
        s->modulations = take(s, kept * s->modulation_size, sizeof(float), complete);
        s->condition = take(s, kept * (SEDD_FREQUENCIES + 2 * cond), sizeof(float), complete);
    } else {
        s->keys = take(s, blocks * (uint64_t)s->rows * h, sizeof(float), complete);
        s->values = take(s, blocks * (uint64_t)s->rows * h, sizeof(float), complete);
    }
    s->head_rows = head_rows(info, rows);
    s->logits = take(s, (uint64_t)s->head_rows * n, sizeof(float), complete);
    s->draw = take(s, threads * n, sizeof(float), complete);
}

enum sedd_status sedd_session_new(struct sedd_engine *engine, const struct sedd_model *model,
                                  int32_t rows, struct sedd_session **out, struct sedd_error *error)
{
    const struct sedd_model_info *info = &model->info;
    if (rows < 1 || rows > (1 << 24)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "a session cannot have %d rows; expected 1 to %d", (int)rows, 1 << 24);
    }
    if (info->kind == SEDD_KIND_GPT2 && rows > info->length) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "a session cannot have %d tokens; this GPT-2 has %d positions", (int)rows,
                         (int)info->length);
    }
    struct sedd_session *session = sedd_memory_new(1, sizeof *session);
    bool complete = session != NULL;
    if (complete) {
        session->engine = engine;
        session->model = model;
        session->rows = rows;
        allocate(session, (uint64_t)sedd_pool_threads(engine->pool), &complete);
    }
    if (!complete) {
        sedd_session_free(session);
        return sedd_fail(error, SEDD_ERROR_MEMORY,
                         "no memory for the scratch of %d tokens; a shorter length needs less",
                         (int)rows);
    }
    if (info->kind == SEDD_KIND_SEDD) {
        fill_rotary(session, info->hidden_size / info->n_heads);
    }
    *out = session;
    return SEDD_OK;
}

void sedd_session_free(struct sedd_session *session)
{
    if (session == NULL) {
        return;
    }
    void *owned[] = {
        session->hidden,    session->qkv,      session->attended,    session->inner,
        session->input,     session->input_q,  session->input_scale, session->row,
        session->attention, session->cosine,   session->sine,        session->modulations,
        session->condition, session->keys,     session->values,      session->logits,
        session->draw,      session->nameless, session->places_asked};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        sedd_memory_free(owned[i]);
    }
    sedd_memory_free(session);
}

uint64_t sedd_session_size(const struct sedd_session *session)
{
    return session->size;
}

void sedd_session_cancel(struct sedd_session *session, bool cancel)
{
    atomic_store(&session->cancel, cancel ? 1 : 0);
}

enum sedd_status sedd_session_check(struct sedd_session *session, struct sedd_error *error)
{
    if (atomic_load_explicit(&session->cancel, memory_order_relaxed) != 0 ||
        atomic_load_explicit(&session->engine->cancel, memory_order_relaxed) != 0) {
        return sedd_fail(error, SEDD_CANCELLED, "cancelled");
    }
    return SEDD_OK;
}

/* ---- Ids that have a token --------------------------------------------------------------- */

void sedd_session_forbid(struct sedd_session *session, int32_t *nameless, int32_t count)
{
    sedd_memory_free(session->nameless);
    session->nameless = nameless;
    session->nameless_count = count;
}

void sedd_session_mute(const struct sedd_session *session, float *values)
{
    for (int32_t i = 0; i < session->nameless_count; i++) {
        values[session->nameless[i]] = -INFINITY;
    }
}

int32_t sedd_session_pick(const struct sedd_session *session, double u)
{
    int32_t id = (int32_t)(u * (session->model->info.tokens - session->nameless_count));
    for (int32_t i = 0; i < session->nameless_count && session->nameless[i] <= id; i++) {
        id++;
    }
    return id;
}
