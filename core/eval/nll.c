/*
 * nll.c - computes the exact likelihood of a text under GPT-2: -ln p of every token given the
 * tokens before it.
 *
 * A text longer than the model's P positions is read in one of two ways. Blocks: the text is cut
 * into blocks of P tokens, as SEDD's bound cuts it, and each block follows `bos`. Every token
 * counts, though the first ones of a block have little context. Sliding: after the first block, the
 * window moves by `stride` tokens. Only the new tokens count, each with at least P - stride tokens
 * before it.
 */
#include "eval/cross_entropy.h"
#include "model/gpt2.h"
#include "model/score.h"

#include <string.h>

struct reading {
    struct sedd_session *session;
    const int32_t *ids;
    int32_t *input; /* [rows] */
    double *value;  /* one per id */
    int32_t bos;
};

/* Reads tokens first..first+length-1 after `bos`. */
static enum sedd_status read_block(const struct reading *r, size_t first, int32_t length,
                                   struct sedd_error *error)
{
    struct sedd_targets targets = {r->session, r->ids + first, r->value + first};
    r->input[0] = r->bos;
    memcpy(r->input + 1, r->ids + first, (size_t)(length - 1) * sizeof *r->input);
    sedd_gpt2_reset(r->session);
    return sedd_gpt2_visit(r->session, r->input, length, -1, sedd_targets_visit, &targets, error);
}

/* Reads tokens first..first+fresh-1 at the end of a full window. */
static enum sedd_status read_on(const struct reading *r, size_t first, int32_t fresh,
                                struct sedd_error *error)
{
    int32_t length = r->session->rows;
    size_t begin = first + (size_t)fresh - 1 - (size_t)length; /* this input predicts the next */
    struct sedd_targets targets = {r->session, r->ids + begin + 1, r->value + begin + 1};
    sedd_gpt2_reset(r->session);
    return sedd_gpt2_visit(r->session, r->ids + begin, length, fresh, sedd_targets_visit, &targets,
                           error);
}

static enum sedd_status check_nll(const struct sedd_session *session, const int32_t *ids,
                                  size_t count, int32_t bos, int32_t stride,
                                  struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    enum sedd_status status = sedd_gpt2_check(session, error);
    if (status != SEDD_OK) {
        return status;
    }
    if (count == 0) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "the text is empty; expected at least one token");
    }
    if (stride < 1 || stride > session->rows) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "stride is %d; expected 1 to %d", (int)stride,
                         (int)session->rows);
    }
    status = sedd_ids_check(&bos, 1, info->tokens, error);
    return status == SEDD_OK ? sedd_ids_check(ids, count, info->tokens, error) : status;
}

static enum sedd_status read_all(const struct reading *r, size_t count, int32_t stride,
                                 struct sedd_error *error)
{
    size_t length = (size_t)r->session->rows, step = (size_t)stride;
    size_t done = count < length ? count : length;
    enum sedd_status status = read_block(r, 0, (int32_t)done, error);
    while (done < count && status == SEDD_OK) {
        int32_t fresh = (int32_t)(count - done < step ? count - done : step);
        status =
            step == length ? read_block(r, done, fresh, error) : read_on(r, done, fresh, error);
        done += (size_t)fresh;
    }
    sedd_gpt2_reset(r->session);
    return status;
}

enum sedd_status sedd_gpt2_nll_sliding(struct sedd_session *session, const int32_t *ids,
                                       size_t count, int32_t bos, int32_t stride,
                                       struct sedd_estimate *estimate, double *parts,
                                       struct sedd_error *error)
{
    enum sedd_status status = check_nll(session, ids, count, bos, stride, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct reading r = {.session = session,
                        .ids = ids,
                        .input = sedd_memory_new((uint64_t)session->rows, sizeof *r.input),
                        .value = sedd_memory_new(count, sizeof *r.value),
                        .bos = bos};
    double nats = 0.0;
    status = r.input != NULL && r.value != NULL
                 ? read_all(&r, count, stride, error)
                 : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu tokens", count);
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        nats += r.value[i];
    }
    if (status == SEDD_OK) {
        *estimate = (struct sedd_estimate){nats / (double)count, 0.0, (int64_t)count};
        if (parts != NULL) {
            memcpy(parts, r.value, count * sizeof *r.value);
        }
    }
    sedd_memory_free(r.input);
    sedd_memory_free(r.value);
    return status;
}

enum sedd_status sedd_gpt2_nll(struct sedd_session *session, const int32_t *ids, size_t count,
                               int32_t bos, struct sedd_estimate *estimate, double *parts,
                               struct sedd_error *error)
{
    return sedd_gpt2_nll_sliding(session, ids, count, bos, session->rows, estimate, parts, error);
}
