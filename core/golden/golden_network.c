/*
 * golden_network.c - compares the networks with reference outputs (see golden_check.h): SEDD's
 * noise embedding, log-scores and losses; GPT-2's logits and likelihoods.
 */
#include "golden/golden_check.h"

#include "model/condition.h"
#include "model/score.h"

#include <math.h>

/* Compares the features of each sigma and their embedding. */
enum sedd_status sedd_golden_embedding(struct sedd_golden *golden, const cJSON *list)
{
    size_t feature_count, cond_count, cond = (size_t)golden->info->cond_dim, row = 0;
    const float *features = sedd_golden_tensor(golden, "temb.freq", &feature_count);
    const float *expected = sedd_golden_tensor(golden, "temb.cond", &cond_count);
    size_t rows = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    struct sedd_session *session;
    double feature_error = 0.0, cond_error = 0.0;
    if (rows == 0 || feature_count != rows * SEDD_FREQUENCIES || cond_count != rows * cond) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status =
        sedd_session_new(golden->engine, golden->model, 1, &session, golden->error);
    if (status != SEDD_OK) {
        return status;
    }
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        double sigma = sedd_golden_number(item, "sigma");
        sedd_condition_embed(session, &sigma, 1);
        const float *got = session->condition + SEDD_FREQUENCIES + cond;
        double error = sedd_golden_error(session->condition, features + row * SEDD_FREQUENCIES,
                                         SEDD_FREQUENCIES);
        feature_error = sedd_golden_worse(feature_error, error);
        error = sedd_golden_error(got, expected + row * cond, cond);
        cond_error = sedd_golden_worse(cond_error, error);
        row++;
    }
    sedd_golden_check(golden, ".features", feature_error, SEDD_GOLDEN_LOGITS);
    sedd_golden_check(golden, ".cond", cond_error, SEDD_GOLDEN_LOGITS);
    sedd_session_free(session);
    return SEDD_OK;
}

/* ---- SEDD -------------------------------------------------------------------------------- */

enum sedd_status sedd_golden_log_scores(struct sedd_golden *golden, int32_t batch, int32_t length,
                                        const int32_t *ids, const double *sigma, float **scores)
{
    uint64_t count = (uint64_t)batch * (uint64_t)length * (uint64_t)golden->info->states;
    struct sedd_session *session = NULL;
    float *sigmas = sedd_golden_memory(golden, (uint64_t)batch, sizeof *sigmas);
    *scores = sedd_golden_memory(golden, count, sizeof **scores);
    if (sigmas == NULL || *scores == NULL) {
        return sedd_golden_damaged(golden);
    }
    for (int32_t b = 0; b < batch; b++) {
        sigmas[b] = (float)sigma[b];
    }
    enum sedd_status status =
        sedd_session_new(golden->engine, golden->model, batch * length, &session, golden->error);
    if (status == SEDD_OK) {
        status = sedd_score(session, batch, length, ids, sigmas, *scores, golden->error);
    }
    sedd_session_free(session);
    return status;
}

enum sedd_status sedd_golden_score(struct sedd_golden *golden, const cJSON *item)
{
    int32_t batch, length;
    size_t id_count, sigma_count, expected_count;
    const int32_t *ids = sedd_golden_ids(golden, item, "x", &id_count);
    const double *sigma = sedd_golden_numbers(golden, item, "sigma", &sigma_count);
    const char *name = sedd_golden_text(item, "logscore");
    const float *expected = sedd_golden_tensor(golden, name, &expected_count);
    float *got;
    bool fits = sedd_golden_shape(item, "x", &batch, &length) && sigma_count == (size_t)batch &&
                id_count > 0 && expected_count == id_count * (size_t)golden->info->states;
    if (!fits) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status = sedd_golden_log_scores(golden, batch, length, ids, sigma, &got);
    if (status == SEDD_OK) {
        double error = sedd_golden_error(got, expected, expected_count);
        sedd_golden_check(golden, ".logscore", error, SEDD_GOLDEN_LOGITS);
    }
    return status;
}

enum sedd_status sedd_golden_losses(struct sedd_golden *golden, int32_t batch, int32_t length,
                                    const int32_t *x0, const int32_t *xt, const double *t,
                                    double *loss, double *got)
{
    struct sedd_session *session;
    enum sedd_status status =
        sedd_session_new(golden->engine, golden->model, length, &session, golden->error);
    if (status != SEDD_OK) {
        return status;
    }
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        size_t first = (size_t)b * (size_t)length;
        status = sedd_score_entropy(session, length, x0 + first, xt + first, t[b], &loss[b],
                                    got + first, golden->error);
    }
    sedd_session_free(session);
    return status;
}

enum sedd_status sedd_golden_entropy(struct sedd_golden *golden, const cJSON *item)
{
    int32_t batch, length;
    size_t count, noised_count, time_count, loss_count, part_count;
    const int32_t *x0 = sedd_golden_ids(golden, item, "x0", &count);
    const int32_t *xt = sedd_golden_ids(golden, item, "xt", &noised_count);
    const double *t = sedd_golden_numbers(golden, item, "t", &time_count);
    const double *expected = sedd_golden_numbers(golden, item, "loss_f64", &loss_count);
    const double *parts =
        sedd_golden_numbers(golden, item, "entropy_f64_of_same_logscore", &part_count);
    double *loss = sedd_golden_memory(golden, time_count, sizeof *loss);
    double *got = sedd_golden_memory(golden, count, sizeof *got);
    bool fits = sedd_golden_shape(item, "x0", &batch, &length) && time_count == (size_t)batch &&
                loss_count == (size_t)batch && count == (size_t)batch * (size_t)length &&
                noised_count == count && (part_count == count || part_count == 0) && loss != NULL &&
                got != NULL;
    if (!fits) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status = sedd_golden_losses(golden, batch, length, x0, xt, t, loss, got);
    if (status != SEDD_OK) {
        return status;
    }
    double error = 0.0, part_error = 0.0, largest = 1e-9;
    for (int32_t b = 0; b < batch; b++) {
        double relative = fabs(loss[b] - expected[b]) / fmax(fabs(expected[b]), 1e-9);
        error = sedd_golden_worse(error, relative);
    }
    for (size_t i = 0; i < part_count; i++) {
        largest = fmax(largest, fabs(parts[i]));
        part_error = sedd_golden_worse(part_error, fabs(got[i] - parts[i]));
    }
    sedd_golden_check(golden, ".loss", error, SEDD_GOLDEN_LOSS);
    if (part_count > 0) {
        sedd_golden_check(golden, ".positions", part_error / largest, SEDD_GOLDEN_LOSS);
    }
    return status;
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

/* Computes logits [B, L, V] of ids [B, L]. */
static enum sedd_status compute_logits(struct sedd_golden *golden, int32_t batch, int32_t length,
                                       const int32_t *ids, float *logits)
{
    size_t tokens = (size_t)golden->info->tokens;
    struct sedd_session *session;
    enum sedd_status status =
        sedd_session_new(golden->engine, golden->model, length, &session, golden->error);
    if (status != SEDD_OK) {
        return status;
    }
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        size_t first = (size_t)b * (size_t)length;
        sedd_gpt2_reset(session);
        status = sedd_gpt2_append(session, ids + first, length, true, logits + first * tokens,
                                  golden->error);
    }
    sedd_session_free(session);
    return status;
}

/* Returns -ln p(target) of a row of logits, computed in double and without the kernels. */
static double negative_log(const float *logits, size_t tokens, int32_t target)
{
    double sum = 0.0;
    for (size_t y = 0; y < tokens; y++) {
        sum += exp((double)logits[y]);
    }
    return log(sum) - (double)logits[target];
}

enum sedd_status sedd_golden_logits(struct sedd_golden *golden, const cJSON *item)
{
    int32_t batch, length;
    size_t count, expected_count, nll_count, tokens = (size_t)golden->info->tokens;
    const int32_t *ids = sedd_golden_ids(golden, item, "x", &count);
    const char *name = sedd_golden_text(item, "logits");
    const float *expected = sedd_golden_tensor(golden, name, &expected_count);
    const double *nll = sedd_golden_numbers(golden, item, "nll_per_token_f64", &nll_count);
    float *got = sedd_golden_memory(golden, expected_count, sizeof *got);
    bool fits = sedd_golden_shape(item, "x", &batch, &length) && count > 0 && got != NULL &&
                expected_count == count * tokens &&
                nll_count == (size_t)batch * (size_t)(length - 1);
    if (!fits) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status = compute_logits(golden, batch, length, ids, got);
    if (status != SEDD_OK) {
        return status;
    }
    double error = 0.0;
    for (int32_t b = 0; b < batch; b++) {
        for (int32_t i = 0; i + 1 < length; i++) {
            size_t row = (size_t)b * (size_t)length + (size_t)i;
            double value = nll[b * (length - 1) + i];
            double mine = negative_log(got + row * tokens, tokens, ids[row + 1]);
            error = sedd_golden_worse(error, fabs(mine - value) / fmax(1.0, fabs(value)));
        }
    }
    double logit_error = sedd_golden_error(got, expected, expected_count);
    sedd_golden_check(golden, ".logits", logit_error, SEDD_GOLDEN_LOGITS);
    if (nll_count > 0) {
        sedd_golden_check(golden, ".nll", error, SEDD_GOLDEN_LOSS);
    }
    return status;
}
