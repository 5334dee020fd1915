/*
 * chain.c - computes the exact -ln p of a text that SEDD writes from left to right.
 *
 * With normalised scores, the network is an any-order model: given the known tokens, it predicts a
 * distribution for every masked position. Filling in a window of L tokens one at a time from the
 * left therefore defines a normalised distribution over texts. The chain rule gives its logarithm:
 *
 *     -ln p(x) = sum over j of -ln p(x_j | x_0 .. x_j-1, the rest masked at the noise of (L - j)/L)
 *
 * The bound (bound.c) averages the same sum over all orders. A window costs L network evaluations.
 * In each of them, only one row passes the second half of the last block and the vocabulary head.
 */
#include "eval/cross_entropy.h"
#include "model/score.h"

#include <string.h>

/* Computes the cross-entropies of the tokens of one window x0 [length] into value [length]; xt
 * [length] is scratch. */
static enum sedd_status read_window(struct sedd_session *session, const int32_t *x0, int32_t length,
                                    int32_t *xt, double *value, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (int32_t j = 0; j < length; j++) {
        xt[j] = session->model->info.mask_id;
    }
    for (int32_t j = 0; j < length && status == SEDD_OK; j++) {
        struct sedd_targets target = {session, x0 + j, value + j};
        struct sedd_reading reading = {.batch = 1,
                                       .length = length,
                                       .ids = xt,
                                       .sigma = sedd_masked_sigma((double)(length - j) / length),
                                       .rows = 1,
                                       .index = &j};
        status = sedd_score_forward(session, &reading, error);
        if (status == SEDD_OK) {
            status = sedd_score_head(session, &reading, sedd_targets_visit, &target, error);
        }
        xt[j] = x0[j];
    }
    return status;
}

static enum sedd_status check_chain(const struct sedd_session *session, const int32_t *ids,
                                    size_t count, struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    int32_t window = count < (size_t)info->length ? (int32_t)count : info->length;
    enum sedd_status status = sedd_score_check(session, "the chain rule", 1, window, error);
    if (status == SEDD_OK && info->graph != SEDD_GRAPH_ABSORB) {
        status =
            sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                      "the chain rule masks the tokens to come, which requires the absorb graph");
    }
    return status == SEDD_OK ? sedd_ids_check(ids, count, info->tokens, error) : status;
}

enum sedd_status sedd_chain(struct sedd_session *session, const int32_t *ids, size_t count,
                            struct sedd_estimate *estimate, double *parts, struct sedd_error *error)
{
    enum sedd_status status = check_chain(session, ids, count, error);
    if (status != SEDD_OK) {
        return status;
    }
    size_t length = (size_t)session->model->info.length;
    int32_t *xt = sedd_memory_new(length, sizeof *xt);
    double *value = sedd_memory_new(count, sizeof *value), nats = 0.0;
    if (xt == NULL || value == NULL) {
        status = sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu tokens", count);
    }
    for (size_t first = 0; first < count && status == SEDD_OK; first += length) {
        size_t left = count - first;
        status = read_window(session, ids + first, (int32_t)(left < length ? left : length), xt,
                             value + first, error);
    }
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        nats += value[i];
    }
    if (status == SEDD_OK) {
        *estimate = (struct sedd_estimate){nats / (double)count, 0.0, (int64_t)count};
        if (parts != NULL) {
            memcpy(parts, value, count * sizeof *parts);
        }
    }
    sedd_memory_free(xt);
    sedd_memory_free(value);
    return status;
}
