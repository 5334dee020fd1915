/*
 * inspect.c - evaluates the network at single positions: the likeliest tokens with their score
 * ratios, the entropy, and the probabilities of a sampling step from this noise level. Only the
 * requested rows pass the vocabulary head, and no array of N numbers leaves this file.
 */
#include "diffusion/draw.h"
#include "diffusion/graph.h"
#include "diffusion/schedule.h"
#include "model/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct inspection {
    struct sedd_session *session;
    const struct sedd_inspect_options *options;
    struct sedd_transition transition;
    const int32_t *ids;
    double sigma;
    struct sedd_inspected *out;        /* [position_count] */
    struct sedd_candidate *candidates; /* [position_count, top_k] */
    _Atomic bool non_finite;
};

/* ---- One row ----------------------------------------------------------------------------- */

/* Finds the top_k likeliest tokens other than the row's own, likeliest first and equal ones by
 * id. */
static void choose(const struct inspection *in, int32_t own, const float *logscore,
                   struct sedd_candidate *best)
{
    int32_t tokens = in->session->model->info.tokens, found = 0;
    for (int32_t y = 0; y < tokens; y++) {
        double value = (double)logscore[y];
        if (y == own || value == -INFINITY ||
            (found == in->options->top_k && value <= best[found - 1].logscore)) {
            continue;
        }
        int32_t place = found < in->options->top_k ? found++ : found - 1;
        for (; place > 0 && best[place - 1].logscore < value; place--) {
            best[place] = best[place - 1];
        }
        best[place] = (struct sedd_candidate){.id = y, .logscore = value};
    }
    for (; found < in->options->top_k; found++) {
        best[found] = (struct sedd_candidate){.id = -1, .logscore = -INFINITY};
    }
}

/* Computes the sum of the scores of all tokens but the row's own, and the entropy of a draw among
 * them. */
static void measure(const struct inspection *in, int32_t own, const float *logscore,
                    struct sedd_inspected *out)
{
    int32_t tokens = in->session->model->info.tokens;
    double sum = 0.0, weighted = 0.0;
    for (int32_t y = 0; y < tokens; y++) {
        if (y != own) {
            double score = exp((double)logscore[y]);
            sum += score;
            weighted += score > 0.0 ? score * (double)logscore[y] : 0.0;
        }
    }
    out->score_sum = sum;
    out->entropy = sum > 0.0 ? log(sum) - weighted / sum : 0.0;
}

/* Computes the step's probabilities as its draw does: negative weights count as 0, and the others
 * are scaled to a sum of 1. Overwrites `row`. */
static void move(const struct inspection *in, int32_t own, float *row, struct sedd_inspected *out,
                 struct sedd_candidate *best)
{
    int32_t columns = sedd_transition_columns(&in->transition);
    sedd_transition_weights(&in->transition, own, row);
    double sum = 0.0;
    for (int32_t y = 0; y < columns; y++) {
        row[y] = row[y] > 0.0f ? row[y] : 0.0f;
        sum += (double)row[y];
    }
    out->stay = own < columns && sum > 0.0 ? (double)row[own] / sum : 0.0;
    for (int32_t i = 0; i < in->options->top_k && best[i].id >= 0; i++) {
        best[i].move = sum > 0.0 ? (double)row[best[i].id] / sum : 0.0;
    }
}

/* Receives rows in ascending order of position; stores results in the requested order. */
static void visit(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    struct inspection *in = user;
    int32_t own = in->ids[place], slot = 0;
    (void)row;
    while (in->options->positions[slot] != place) {
        slot++;
    }
    struct sedd_inspected *out = &in->out[slot];
    struct sedd_candidate *best = in->candidates + (size_t)slot * (size_t)in->options->top_k;
    float shift = (float)sedd_score_bridge(in->session, in->sigma, own, logits, work);
    for (int32_t y = 0; y < in->session->model->info.states; y++) {
        logits[y] -= shift;
    }
    sedd_session_mute(in->session, logits);
    logits[own] = 0.0f;
    measure(in, own, logits, out);
    if (!isfinite(out->score_sum)) {
        in->non_finite = true;
        return;
    }
    choose(in, own, logits, best);
    if (in->options->steps > 0) {
        move(in, own, logits, out, best);
    }
}

static int ascending(const void *a, const void *b)
{
    int32_t first = *(const int32_t *)a, second = *(const int32_t *)b;
    return (first > second) - (first < second);
}

/* ---- The call ---------------------------------------------------------------------------- */

/* Evaluates the network at the requested positions, which `places` lists in ascending order. */
static enum sedd_status evaluate(struct inspection *in, int32_t length, double sigma,
                                 const int32_t *places, struct sedd_error *error)
{
    struct sedd_reading reading = {.batch = 1,
                                   .length = length,
                                   .ids = in->ids,
                                   .sigma = sigma,
                                   .rows = in->options->position_count,
                                   .index = places};
    enum sedd_status status = sedd_score_forward(in->session, &reading, error);
    if (status == SEDD_OK) {
        status = sedd_score_head(in->session, &reading, visit, in, error);
    }
    return status == SEDD_OK && in->non_finite ? sedd_score_fail(sigma, error) : status;
}

static enum sedd_status check(const struct sedd_session *session, int32_t length,
                              const int32_t *ids, const struct sedd_inspect_options *options,
                              struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    enum sedd_status status = sedd_score_check(session, "inspection", 1, length, error);
    if (status == SEDD_OK && options->sigma != 0.0) {
        status = sedd_sigma_check(options->sigma, error);
    }
    if (status != SEDD_OK) {
        return status;
    }
    if (options->sigma == 0.0 &&
        (options->steps < 1 || options->step < 0 || options->step > options->steps)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "step %d of %d; expected sigma, or a step from 0 to the number of steps",
                         (int)options->step, (int)options->steps);
    }
    if (options->top_k < 1 || options->top_k > info->tokens || options->position_count < 1 ||
        options->position_count > length || options->steps < 0) {
        return sedd_fail(
            error, SEDD_ERROR_ARGUMENT,
            "inspection of %d positions, %d tokens each, in %d steps; expected 1 to %d "
            "positions, 1 to %d tokens and no negative steps",
            (int)options->position_count, (int)options->top_k, (int)options->steps, (int)length,
            (int)info->tokens);
    }
    for (int32_t i = 0; i < options->position_count; i++) {
        if (options->positions[i] < 0 || options->positions[i] >= length) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                             "position %d is outside the window's 0 to %d",
                             (int)options->positions[i], (int)length - 1);
        }
        for (int32_t k = 0; k < i; k++) {
            if (options->positions[k] == options->positions[i]) {
                return sedd_fail(error, SEDD_ERROR_ARGUMENT, "position %d is asked for twice",
                                 (int)options->positions[i]);
            }
        }
    }
    return sedd_ids_check(ids, (size_t)length, info->states, error);
}

/* Returns the requested noise level, and stores the step that begins there. */
static double begin_step(const struct sedd_model_info *info,
                         const struct sedd_inspect_options *options,
                         struct sedd_transition *transition)
{
    bool given = options->sigma > 0.0, last = !given && options->step == options->steps;
    double t = given
                   ? sedd_noise_time(info, options->sigma)
                   : sedd_grid_time(SEDD_GRID_LINEAR, options->steps, options->step, SEDD_GRID_END);
    double sigma, dsigma;
    sedd_noise_at(info, t, &sigma, &dsigma);
    if (options->steps > 0) {
        bool euler = options->predictor == SEDD_PREDICTOR_EULER;
        enum sedd_move kind = last    ? SEDD_MOVE_DENOISER
                              : euler ? SEDD_MOVE_EULER
                                      : SEDD_MOVE_ANALYTIC;
        double delta =
            sedd_grid_delta(SEDD_GRID_LINEAR, options->steps, options->step, SEDD_GRID_END);
        *transition = sedd_transition_at(info, kind, t, delta);
    }
    return given ? options->sigma : sigma;
}

enum sedd_status sedd_inspect(struct sedd_session *session, int32_t length, const int32_t *ids,
                              const struct sedd_inspect_options *options, double *sigma_out,
                              struct sedd_inspected *out, struct sedd_candidate *candidates,
                              struct sedd_error *error)
{
    enum sedd_status status = check(session, length, ids, options, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct inspection in = {
        .session = session, .options = options, .ids = ids, .out = out, .candidates = candidates};
    double sigma = begin_step(&session->model->info, options, &in.transition);
    in.sigma = sigma;
    memset(out, 0, (size_t)options->position_count * sizeof *out);
    size_t count = (size_t)options->position_count;
    int32_t *places = sedd_memory_new(count, sizeof *places);
    if (places == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to inspect %zu positions", count);
    }
    memcpy(places, options->positions, count * sizeof *places);
    qsort(places, count, sizeof *places, ascending);
    status = evaluate(&in, length, sigma, places, error);
    sedd_memory_free(places);
    if (status == SEDD_OK) {
        *sigma_out = sigma;
    }
    return status;
}
