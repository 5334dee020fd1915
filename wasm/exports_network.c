/*
 * exports_network.c - exports a network's weights and sizes, for a host that computes it on another
 * device (see exports.c).
 */
#include "model/session.h"
#include "reply.h"

/* A weight array as web/engine/webgpu/tensors.js reads it from memory. Parts that do not exist are
 * NULL; an array that does not exist has no rows. */
struct tensor {
    int32_t rows, columns, padded;
    const void *values, *scale, *sum, *bias;
};

static struct tensor matrix(const struct sedd_linear *m)
{
    const void *values = m->wq == NULL ? (const void *)m->w : m->wq;
    return (struct tensor){m->out, m->in, m->in_padded, values, m->w_scale, m->w_sum, m->bias};
}

static struct tensor table(const struct sedd_table *t)
{
    const void *values = t->q == NULL ? (const void *)t->values : t->q;
    return (struct tensor){t->rows, t->columns, t->columns, values, t->scale, NULL, NULL};
}

/* A norm of GPT-2. SEDD's norms are part of a request's modulation. */
static struct tensor norm(const struct sedd_model *model, const float *weight, const float *bias)
{
    int32_t rows = model->info.kind == SEDD_KIND_GPT2 ? model->info.hidden_size : 0;
    return (struct tensor){rows, 1, 1, weight, NULL, NULL, bias};
}

/* Returns an array of the network by its number: embedding, positions, head, last norm, then of
 * each block qkv, attention output, MLP in, MLP out, and two norms. */
const struct tensor *wasm_model_tensor(const struct sedd_model *model, int32_t number)
{
    static struct tensor tensor;
    const struct sedd_block *block = &model->blocks[number < 4 ? 0 : (number - 4) / 6];
    switch (number < 4 ? number : 4 + (number - 4) % 6) {
    case 0: tensor = table(&model->embedding); break;
    case 1: tensor = table(&model->positions); break;
    case 2: tensor = matrix(&model->head); break;
    case 3: tensor = norm(model, model->norm_final_weight, model->norm_final_bias); break;
    case 4: tensor = matrix(&block->qkv); break;
    case 5: tensor = matrix(&block->attn_out); break;
    case 6: tensor = matrix(&block->mlp_in); break;
    case 7: tensor = matrix(&block->mlp_out); break;
    case 8: tensor = norm(model, block->norm1_weight, block->norm1_bias); break;
    default: tensor = norm(model, block->norm2_weight, block->norm2_bias);
    }
    return &tensor;
}

/* Returns the sizes that give_info lacks, and the ids that a session never draws. */
const char *wasm_session_network(const struct sedd_session *session)
{
    reply_begin();
    reply_field("inner", session->model->design.inner_size);
    reply_field("activation", session->model->design.activation);
    reply_field("normEps", (double)session->model->info.norm_eps);
    reply_ints("muted", session->nameless, session->nameless_count);
    return reply_end();
}

/* Leaves evaluations of the network to the caller (1), or takes them back. Returns the status. */
int32_t wasm_session_leave(struct sedd_session *session, int32_t leave)
{
    return sedd_session_leave(session, leave != 0, &last_error);
}
