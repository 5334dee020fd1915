/* layers.c - implements layers.h on the kernel table and the thread pool. */
#include "model/layers.h"

#include <math.h>

/* ---- Products ---------------------------------------------------------------------------- */

struct preparation {
    struct sedd_session *session;
    const struct sedd_product *product;
};

static const float *source_row(const struct sedd_product *product, int32_t row)
{
    int32_t from = product->index == NULL ? row : product->index[row];
    return product->x + (size_t)from * product->x_stride;
}

/* Normalises rows into the session's float input. */
static void prepare_f32(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct preparation *p = context;
    const struct sedd_session *session = p->session;
    const struct sedd_product *product = p->product;
    int32_t in = product->linear->in;
    (void)thread;
    for (int32_t row = begin; row < end; row++) {
        session->engine->kernels->norm(session->input + (size_t)row * (size_t)in,
                                       source_row(product, row), product->norm, product->norm_bias,
                                       in, session->model->info.norm_eps);
    }
}

/* Normalises rows, if there is a norm, and quantises them into the session's int8 input. */
static void prepare_q8(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct preparation *p = context;
    const struct sedd_session *session = p->session;
    const struct sedd_kernels *kernels = session->engine->kernels;
    const struct sedd_product *product = p->product;
    const struct sedd_model *model = session->model;
    int32_t in = product->linear->in, padded = product->linear->in_padded;
    float *scratch = session->row + (size_t)thread * (size_t)sedd_max(model->info.hidden_size,
                                                                      model->design.inner_size);
    for (int32_t row = begin; row < end; row++) {
        const float *x = source_row(product, row);
        if (product->norm != NULL) {
            kernels->norm(scratch, x, product->norm, product->norm_bias, in, model->info.norm_eps);
            x = scratch;
        }
        kernels->quantize_row(session->input_q + (size_t)row * (size_t)padded,
                              &session->input_scale[row], x, in, padded);
    }
}

struct multiplication {
    const struct sedd_kernels *kernels;
    const struct sedd_matmul *job;
};

static void multiply_f32(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct multiplication *m = context;
    (void)thread;
    m->kernels->matmul_f32(m->job, 0, m->job->rows, begin, end);
}

static void multiply_plain(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct multiplication *m = context;
    (void)thread;
    m->kernels->matmul_plain(m->job, 0, m->job->rows, begin, end);
}

static void multiply_q8(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct multiplication *m = context;
    (void)thread;
    m->kernels->matmul_q8(m->job, 0, m->job->rows, begin, end);
}

/* Smallest piece of work for a thread, about a microsecond. Sharing less costs more than it saves.
 */
#define PIECE_PRODUCTS 32768

/* Returns the smallest number of panels that a thread takes at once. It is even, because some tiles
 * cover two panels. */
static int32_t panel_grain(const struct sedd_matmul *job)
{
    int64_t products = (int64_t)sedd_max(job->rows, 1) * job->in * SEDD_PANEL;
    return sedd_round_up((int32_t)((PIECE_PRODUCTS + products - 1) / products), 2);
}

void sedd_layer_product(struct sedd_session *session, const struct sedd_product *product)
{
    const struct sedd_linear *linear = product->linear;
    struct sedd_pool *pool = session->engine->pool;
    struct preparation preparation = {session, product};
    struct sedd_matmul job = {
        .rows = product->rows,
        .in = linear->in,
        .out = linear->out,
        .bias = linear->bias,
        .y = product->y,
        .y_stride = product->y_stride,
        .epilogue = product->epilogue,
        .gate = product->gate,
        .gate_rows = 1,
    };
    bool q8 = linear->wq != NULL;
    if (q8) {
        job.xq = session->input_q;
        job.xs = session->input_scale;
        job.wq = linear->wq;
        job.w_scale = linear->w_scale;
        job.w_sum = linear->w_sum;
        job.w_wide = linear->w_wide;
        job.in_padded = linear->in_padded;
        job.x_stride = (size_t)linear->in_padded;
        sedd_pool_run(pool, product->rows, 1, prepare_q8, &preparation);
    } else {
        job.w = linear->w;
        job.x = product->x;
        job.x_stride = product->x_stride;
        if (product->norm != NULL) {
            job.x = session->input;
            job.x_stride = (size_t)linear->in;
            sedd_pool_run(pool, product->rows, 1, prepare_f32, &preparation);
        }
    }
    struct multiplication multiplication = {session->engine->kernels, &job};
    sedd_pool_run(pool, linear->panels, panel_grain(&job),
                  q8                                            ? multiply_q8
                  : session->model->info.dtype == SEDD_DTYPE_Q8 ? multiply_plain
                                                                : multiply_f32,
                  &multiplication);
}

/* ---- Rotary embedding -------------------------------------------------------------------- */

struct rotation {
    struct sedd_session *session;
    const int32_t *places;
    int32_t length;
};

static void rotate_rows(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct rotation *r = context;
    const struct sedd_session *session = r->session;
    const struct sedd_model_info *info = &session->model->info;
    int32_t head_size = info->hidden_size / info->n_heads, half = head_size / 2;
    (void)thread;
    for (int32_t row = begin; row < end; row++) {
        int32_t place = r->places == NULL ? row : r->places[row];
        size_t table = (size_t)(place % r->length) * (size_t)half;
        float *x = session->qkv + (size_t)row * 3 * (size_t)info->hidden_size;
        for (int32_t head = 0; head < 2 * info->n_heads; head++) { /* q's heads, then k's */
            session->engine->kernels->rotate(x + (size_t)head * (size_t)head_size,
                                             session->cosine + table, session->sine + table, half);
        }
    }
}

void sedd_layer_rotate(struct sedd_session *session, int32_t rows, const int32_t *places,
                       int32_t length)
{
    struct rotation rotation = {session, places, length};
    sedd_pool_run(session->engine->pool, rows, 1, rotate_rows, &rotation);
}

/* ---- Attention --------------------------------------------------------------------------- */

struct attention {
    struct sedd_session *session;
    const struct sedd_heads *heads;
};

/* Computes attention for units begin..end-1; a unit is one head of one sequence. */
static void attend(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct attention *a = context;
    const struct sedd_heads *heads = a->heads;
    struct sedd_session *session = a->session;
    const struct sedd_model_info *info = &session->model->info;
    size_t hidden = (size_t)info->hidden_size;
    int32_t head_size = info->hidden_size / info->n_heads;
    for (int32_t unit = begin; unit < end; unit++) {
        size_t sequence = (size_t)(unit / info->n_heads);
        size_t column = (size_t)(unit % info->n_heads) * (size_t)head_size;
        size_t query_row = sequence * (size_t)heads->queries;
        size_t key_offset = sequence * (size_t)heads->keys * heads->kv_stride + column;
        struct sedd_attention job = {
            .q = heads->q + query_row * heads->q_stride + column,
            .k = heads->k + key_offset,
            .v = heads->v + key_offset,
            .q_stride = heads->q_stride,
            .kv_stride = heads->kv_stride,
            .out = session->attended + query_row * hidden + column,
            .out_stride = hidden,
            .head_size = head_size,
            .keys = heads->keys,
            .causal_offset = heads->causal_offset,
            .scale = heads->scale,
        };
        char *scratch = session->attention + (size_t)thread * session->attention_stride;
        if (sedd_model_attends_q8(session->model)) {
            session->engine->kernels->attention_q8(&job, 0, heads->queries, scratch);
        } else {
            session->engine->kernels->attention(&job, 0, heads->queries, scratch);
        }
    }
}

void sedd_layer_attention(struct sedd_session *session, const struct sedd_heads *heads)
{
    struct attention attention = {session, heads};
    sedd_pool_run(session->engine->pool, heads->sequences * session->model->info.n_heads, 1, attend,
                  &attention);
}

/* ---- Activation -------------------------------------------------------------------------- */

static float activate(enum sedd_activation activation, double v)
{
    switch (activation) {
    case SEDD_ACTIVATION_GELU: return (float)(0.5 * v * (1.0 + erf(v * sqrt(0.5))));
    case SEDD_ACTIVATION_SILU: return (float)(v / (1.0 + exp(-v)));
    default: return v > 0.0 ? (float)v : 0.0f;
    }
}

static void activate_rows(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct sedd_session *session = context;
    const struct sedd_design *design = &session->model->design;
    size_t inner = (size_t)design->inner_size;
    (void)thread;
    for (size_t i = (size_t)begin * inner; i < (size_t)end * inner; i++) {
        session->inner[i] = activate(design->activation, (double)session->inner[i]);
    }
}

void sedd_layer_activate(struct sedd_session *session, int32_t rows)
{
    sedd_pool_run(session->engine->pool, rows, 1, activate_rows, session);
}

/* ---- Head -------------------------------------------------------------------------------- */

/* A slice of the rows of a head, which begins `offset` rows after the head's first. */
struct slice {
    struct sedd_session *session;
    const struct sedd_head *head;
    int32_t offset;
    float *logits; /* of its first row */
};

static void visit_rows(void *context, int32_t begin, int32_t end, int32_t thread)
{
    const struct slice *slice = context;
    const struct sedd_head *head = slice->head;
    struct sedd_session *session = slice->session;
    size_t states = (size_t)session->model->info.states;
    for (int32_t i = begin; i < end; i++) {
        int32_t row = slice->offset + i, number = head->number + row;
        head->visit(head->user, number, head->places == NULL ? number : head->places[row],
                    slice->logits + (size_t)i * states, session->draw + (size_t)thread * states);
    }
}

enum sedd_status sedd_layer_head(struct sedd_session *session, const struct sedd_head *head,
                                 struct sedd_error *error)
{
    const struct sedd_model *model = session->model;
    size_t hidden = (size_t)model->info.hidden_size, states = (size_t)model->info.states;
    float *answer = session->answer; /* logits from elsewhere: there is nothing to multiply */
    session->answer = NULL;
    struct slice slice = {session, head, 0, session->logits};
    for (; slice.offset < head->rows; slice.offset += session->head_rows) {
        enum sedd_status status = sedd_session_check(session, error);
        if (status != SEDD_OK) {
            return status;
        }
        int32_t count = sedd_min(session->head_rows, head->rows - slice.offset);
        if (answer != NULL) {
            slice.logits = answer + (size_t)slice.offset * states;
        } else {
            sedd_layer_product(
                session, &(struct sedd_product){.rows = count,
                                                .x = session->hidden +
                                                     (size_t)(head->first + slice.offset) * hidden,
                                                .x_stride = hidden,
                                                .norm = head->norm,
                                                .norm_bias = head->norm_bias,
                                                .linear = &model->head,
                                                .y = session->logits,
                                                .y_stride = states});
        }
        sedd_pool_run(session->engine->pool, count, 1, visit_rows, &slice);
    }
    return SEDD_OK;
}
