/*
 * golden_family.c - compares the models that give ln p(x0) (MDLM, SDTT, RADD, DUO) with outputs of
 * their reference codes (see golden_check.h): logits and log-probabilities, the distributions of a
 * step, losses. The same bridge (model/score.h) leads from the logits to all of them.
 */
#include "golden/golden_check.h"

#include "diffusion/graph.h"
#include "model/score.h"

#include <math.h>
#include <string.h>

#define NEVER -1e5 /* the reference codes write -1e6 for ln 0 */

/* ---- The network ------------------------------------------------------------------------- */

/* Receives the raw logits [L, N] of a sequence. */
struct raw {
    float *logits;
    size_t states;
};

static void copy_logits(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    const struct raw *raw = user;
    (void)row;
    (void)work;
    memcpy(raw->logits + (size_t)place * raw->states, logits, raw->states * sizeof *logits);
}

enum sedd_status sedd_golden_raw_logits(struct sedd_golden *golden, int32_t batch, int32_t length,
                                        const int32_t *ids, const double *sigma, float *logits)
{
    struct sedd_session *session;
    size_t states = (size_t)golden->info->states;
    enum sedd_status status =
        sedd_session_new(golden->engine, golden->model, length, &session, golden->error);
    if (status != SEDD_OK) {
        return status;
    }
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        size_t first = (size_t)b * (size_t)length;
        struct raw raw = {logits + first * states, states};
        struct sedd_reading reading = {
            .batch = 1, .length = length, .ids = ids + first, .sigma = sigma[b]};
        status = sedd_score_forward(session, &reading, golden->error);
        if (status == SEDD_OK) {
            status = sedd_score_head(session, &reading, copy_logits, &raw, golden->error);
        }
    }
    sedd_session_free(session);
    return status;
}

/* Returns the largest difference of a row's log-probabilities from the expected ones. `scores` are
 * the row's log-scores at sigma, whose relation to the probabilities the engine's bridge defines:
 * absorb: less 1 / (e^sigma - 1); uniform: ratios of N a p + 1 - a. */
static double compare_row(const struct sedd_model_info *info, double sigma, int32_t x,
                          const float *scores, const float *expected)
{
    double error = 0.0, rest = -expm1(-sigma), scale = info->states * exp(-sigma);
    bool uniform = info->graph == SEDD_GRAPH_UNIFORM;
    bool opened = !uniform && x != info->mask_id;
    for (int32_t y = 0; y < info->tokens; y++) {
        double score = (double)scores[y], wanted = (double)expected[y];
        if (uniform) {
            wanted = log(scale * exp(wanted) + rest) - log(scale * exp((double)expected[x]) + rest);
        } else if (!opened) {
            score += log(expm1(sigma));
        } else if (wanted < NEVER && score == -INFINITY) {
            continue;
        }
        error = sedd_golden_worse(error, fabs(score - wanted));
    }
    return error;
}

enum sedd_status sedd_golden_logprob(struct sedd_golden *golden, const cJSON *item)
{
    const struct sedd_model_info *info = golden->info;
    int32_t batch, length;
    size_t count, sigma_count, logit_count, prob_count, states = (size_t)info->states;
    const int32_t *ids = sedd_golden_ids(golden, item, "x", &count);
    const double *given = sedd_golden_numbers(golden, item, "sigma", &sigma_count);
    const float *logits =
        sedd_golden_tensor(golden, sedd_golden_text(item, "logits"), &logit_count);
    const float *expected =
        sedd_golden_tensor(golden, sedd_golden_text(item, "logprob"), &prob_count);
    float *got = sedd_golden_memory(golden, logit_count, sizeof *got), *scores = NULL;
    bool fits = sedd_golden_shape(item, "x", &batch, &length) && count > 0 && got != NULL &&
                logit_count == count * states && prob_count == logit_count &&
                (sigma_count == (size_t)batch || sigma_count == 0);
    double *sigma = sedd_golden_memory(golden, fits ? (uint64_t)batch : 0, sizeof *sigma);
    if (!fits || sigma == NULL) {
        return sedd_golden_damaged(golden);
    }
    for (int32_t b = 0; b < batch; b++) { /* any noise level: the network is time-free */
        sigma[b] = sigma_count > 0 && given[b] > 0.0 ? given[b] : 1.0;
    }
    enum sedd_status status = sedd_golden_raw_logits(golden, batch, length, ids, sigma, got);
    if (status == SEDD_OK) {
        status = sedd_golden_log_scores(golden, batch, length, ids, sigma, &scores);
    }
    if (status != SEDD_OK) {
        return status;
    }
    double error = 0.0, largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        bool opened = info->graph == SEDD_GRAPH_ABSORB && ids[i] != info->mask_id;
        if (opened && info->family == SEDD_FAMILY_RADD) {
            continue; /* the reference code does not normalise these rows */
        }
        for (size_t y = 0; y < (size_t)info->tokens; y++) {
            double value = fabs((double)expected[i * states + y]);
            largest = value > -NEVER ? largest : fmax(largest, value);
        }
        error = sedd_golden_worse(error, compare_row(info, sigma[i / (size_t)length], ids[i],
                                                     scores + i * states, expected + i * states));
    }
    double logit_error = sedd_golden_error(got, logits, logit_count);
    sedd_golden_check(golden, ".logits", logit_error, SEDD_GOLDEN_LOGITS);
    sedd_golden_check(golden, ".logprob", error / fmax(largest, 1.0), SEDD_GOLDEN_LOGITS);
    return SEDD_OK;
}

/* ---- Steps ------------------------------------------------------------------------------- */

/* Scales the first `columns` of a row of `states` to a sum of 1 and sets the others to 0. */
static void normalise(float *row, size_t columns, size_t states)
{
    double sum = 0.0;
    for (size_t y = 0; y < columns; y++) {
        sum += (double)row[y];
    }
    for (size_t y = 0; y < states; y++) {
        row[y] = y < columns ? (float)((double)row[y] / sum) : 0.0f;
    }
}

/* Compares the distributions of a step. The reference codes scale rows differently in each kind
 * of step, which does not affect draws. Both rows are therefore scaled to a sum of 1. */
enum sedd_status sedd_golden_distribution(struct sedd_golden *golden, const cJSON *item)
{
    const struct sedd_model_info *info = golden->info;
    int32_t batch, length;
    size_t count, expected_count, result_count, states = (size_t)info->states, wrong = 0;
    const int32_t *ids = sedd_golden_ids(golden, item, "x", &count);
    const int32_t *result = sedd_golden_ids(golden, item, "result", &result_count);
    float *expected = sedd_golden_tensor(golden, sedd_golden_text(item, "probs"), &expected_count);
    double t = sedd_golden_number(item, "t"), dt = sedd_golden_number(item, "dt"), dsigma;
    enum sedd_move move = sedd_golden_move(sedd_golden_text(item, "kind"));
    const char *counted = sedd_golden_text(item, "rows");
    bool all = counted != NULL && strcmp(counted, "all") == 0;
    bool fits = sedd_golden_shape(item, "x", &batch, &length) && count > 0 && t >= 0.0 &&
                t <= 1.0 && expected_count == count * states &&
                (result_count == 0 || result_count == count) &&
                (move == SEDD_MOVE_DENOISER || dt > 0.0);
    double *sigma = sedd_golden_memory(golden, fits ? (uint64_t)batch : 0, sizeof *sigma);
    if (!fits || sigma == NULL) {
        return sedd_golden_damaged(golden);
    }
    struct sedd_transition transition =
        sedd_transition_at(info, move, t, move == SEDD_MOVE_DENOISER ? 0.0 : dt);
    size_t columns = (size_t)sedd_transition_columns(&transition);
    for (int32_t b = 0; b < batch; b++) {
        sedd_noise_at(info, t, &sigma[b], &dsigma);
    }
    float *rows;
    double error = 0.0;
    enum sedd_status status = sedd_golden_log_scores(golden, batch, length, ids, sigma, &rows);
    for (size_t i = 0; status == SEDD_OK && i < count; i++) {
        float *row = rows + i * states;
        int32_t likeliest = 0;
        bool opened = info->graph == SEDD_GRAPH_ABSORB && ids[i] != info->mask_id;
        sedd_transition_weights(&transition, ids[i], row);
        normalise(row, columns, states);
        for (int32_t y = 1; y < info->tokens; y++) {
            likeliest = row[y] > row[likeliest] ? y : likeliest;
        }
        wrong += result_count > 0 && result[i] != (opened ? ids[i] : likeliest);
        if (all || !opened) {
            normalise(expected + i * states, states, states);
            error = sedd_golden_worse(error, sedd_golden_error(row, expected + i * states, states));
        }
    }
    if (status == SEDD_OK) {
        sedd_golden_check(golden, ".weights", error, SEDD_GOLDEN_WEIGHTS);
    }
    if (status == SEDD_OK && result_count > 0) {
        sedd_golden_check(golden, ".result", (double)wrong, SEDD_GOLDEN_EXACT);
    }
    return status;
}

/* Compares the share of the masks that each step of a RADD fills in. */
enum sedd_status sedd_golden_rate(struct sedd_golden *golden, const cJSON *item)
{
    size_t count, rate_count;
    const double *t = sedd_golden_numbers(golden, item, "t", &count);
    const double *rate = sedd_golden_numbers(golden, item, "rate", &rate_count);
    const char *method = sedd_golden_text(item, "method");
    double steps = sedd_golden_number(item, "steps"), error = 0.0, sigma, dsigma;
    if (method == NULL || count == 0 || count != rate_count || steps != (double)count) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_move move = sedd_golden_move(method);
    for (size_t i = 0; i < count; i++) {
        struct sedd_transition transition =
            sedd_transition_at(golden->info, move, t[i], (1.0 - 1e-5) / steps);
        sedd_noise_at(golden->info, t[i], &sigma, &dsigma);
        double mine = sedd_transition_factor(&transition) / expm1(sigma);
        error = sedd_golden_worse(error, fabs(mine - rate[i]) / rate[i]);
    }
    sedd_golden_check(golden, "", error, SEDD_GOLDEN_WEIGHTS);
    return SEDD_OK;
}

/* ---- Losses ------------------------------------------------------------------------------ */

/* Compares each position's loss with the score entropy of the bridge, times sigma'(t). */
enum sedd_status sedd_golden_nelbo(struct sedd_golden *golden, const cJSON *item)
{
    int32_t batch, length;
    size_t count, noised_count, time_count, loss_count, sum_count;
    const int32_t *x0 = sedd_golden_ids(golden, item, "x0", &count);
    const int32_t *xt = sedd_golden_ids(golden, item, "xt", &noised_count);
    const double *t = sedd_golden_numbers(golden, item, "t", &time_count);
    bool doubles = sedd_json_find(item, "loss_f64") != NULL;
    const double *loss =
        sedd_golden_numbers(golden, item, doubles ? "loss_f64" : "loss", &loss_count);
    const double *sums = sedd_golden_numbers(golden, item, "loss_per_sequence_f64", &sum_count);
    double *got = sedd_golden_memory(golden, time_count, sizeof *got);
    double *parts = sedd_golden_memory(golden, count, sizeof *parts);
    bool fits = sedd_golden_shape(item, "x0", &batch, &length) && time_count == (size_t)batch &&
                sum_count == time_count && count == (size_t)batch * (size_t)length && count > 0 &&
                noised_count == count && loss_count == count && got != NULL && parts != NULL;
    if (!fits) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status = sedd_golden_losses(golden, batch, length, x0, xt, t, got, parts);
    double error = 0.0, part_error = 0.0, largest = 1e-9, sigma, dsigma;
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        sedd_noise_at(golden->info, t[i / (size_t)length], &sigma, &dsigma);
        largest = fmax(largest, fabs(loss[i]));
        part_error = sedd_golden_worse(part_error, fabs(dsigma * parts[i] - loss[i]));
    }
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        error = sedd_golden_worse(error, fabs(got[b] - sums[b]) / fmax(fabs(sums[b]), 1.0));
    }
    if (status == SEDD_OK) {
        sedd_golden_check(golden, ".loss", error, SEDD_GOLDEN_LOSS);
        sedd_golden_check(golden, ".positions", part_error / largest, SEDD_GOLDEN_LOSS);
    }
    return status;
}

/* Returns a loss of RADD for a sequence with `masked` masks, whose tokens have `nats` = -ln p in
 * total. lambda_DCE and k_DCE weigh that sum by the masked share, and t_DSE weighs it by
 * sigma' / (e^sigma - 1). t_DCE is t_DSE with a constant added for each mask. `u` is lambda, k or
 * the random number of the time. */
static double radd_loss(const struct sedd_model_info *info, const char *kind, double u, double nats,
                        double masked, double length)
{
    double sigma, dsigma;
    if (strcmp(kind, "lambda_DCE") == 0) {
        return nats / u;
    }
    if (strcmp(kind, "k_DCE") == 0) {
        return nats * length / u;
    }
    sedd_noise_at(info, (1.0 - 1e-3) * u + 1e-3, &sigma, &dsigma);
    double constant = strcmp(kind, "t_DCE") == 0 ? masked * log(expm1(sigma)) : 0.0;
    return dsigma / expm1(sigma) * (nats + constant);
}

enum sedd_status sedd_golden_radd_loss(struct sedd_golden *golden, const cJSON *item)
{
    const struct sedd_model_info *info = golden->info;
    int32_t batch, length;
    size_t count, noised_count, loss_count, u_count;
    const int32_t *x0 = sedd_golden_ids(golden, item, "x0", &count);
    const int32_t *xt = sedd_golden_ids(golden, item, "xt", &noised_count);
    const double *loss = sedd_golden_numbers(golden, item, "loss_per_sequence", &loss_count);
    const char *kind = sedd_golden_text(item, "kind");
    bool by_count = kind != NULL && strcmp(kind, "k_DCE") == 0;
    const double *u = sedd_golden_numbers(golden, item, by_count ? "k" : "base_uniform", &u_count);
    bool fits = kind != NULL && sedd_golden_shape(item, "x0", &batch, &length) && count > 0 &&
                noised_count == count && loss_count == (size_t)batch && u_count == loss_count &&
                sedd_ids_check(x0, count, info->tokens, golden->error) == SEDD_OK;
    double *sigma = sedd_golden_memory(golden, fits ? (uint64_t)batch : 0, sizeof *sigma);
    float *scores;
    if (!fits || sigma == NULL) {
        return sedd_golden_damaged(golden);
    }
    for (int32_t b = 0; b < batch; b++) {
        sigma[b] = 1.0;
    }
    enum sedd_status status = sedd_golden_log_scores(golden, batch, length, xt, sigma, &scores);
    double error = 0.0;
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        double nats = 0.0, masked = 0.0;
        for (int32_t j = 0; j < length; j++) {
            size_t i = (size_t)b * (size_t)length + (size_t)j;
            if (xt[i] == info->mask_id) {
                float score = scores[i * (size_t)info->states + (size_t)x0[i]];
                nats -= (double)score + log(expm1(1.0));
                masked += 1.0;
            }
        }
        double mine = radd_loss(info, kind, u[b], nats, masked, length);
        error = sedd_golden_worse(error, fabs(mine - loss[b]) / fmax(fabs(loss[b]), 1.0));
    }
    if (status == SEDD_OK) {
        sedd_golden_check(golden, ".loss", error, SEDD_GOLDEN_LOSS);
    }
    return status;
}
