/*
 * score_entropy.c - the integrand of SEDD's loss (Lou, Meng & Ermon 2024, sections 3.1 and 10). It
 * measures the distance between the scores of a noised text and the true scores given the text. Its
 * integral over noise levels is the bound that bound.c estimates.
 *
 * A masked position of the absorb graph, with E = e^sigma - 1 and scores s, adds
 *   sum_{y != M} s_y - (1/E) ln s_{x0} + (1/E)(ln(1/E) - 1),
 * and other positions add nothing. The loss is sigma' times the sum. For the uniform graph, the
 * formula is that of the reference code: every position adds a term, changed or not.
 */
#include "eval/score_entropy.h"

#include "model/score.h"

#include <math.h>
#include <string.h>

/* ---- One position ------------------------------------------------------------------------ */

struct entropy {
    struct sedd_session *session;
    const int32_t *x0, *xt;
    double sigma, inverse_e; /* 1 / (e^sigma - 1) */
    double *value;           /* [L] */
};

static double uniform_entropy(const struct entropy *e, int32_t x, int32_t x0, double shift,
                              const float *logits)
{
    int32_t n = e->session->model->info.states;
    double scores = 0.0, logs = 0.0, grow = 1.0 / e->inverse_e, r = grow / (grow + n);
    for (int32_t y = 0; y < n; y++) {
        double l = y == x ? 0.0 : (double)logits[y] - shift;
        scores += exp(l);
        logs += l;
    }
    double positive = (scores - 1.0) / n, mean = logs / n;
    if (x == x0) {
        return positive - r * mean + (double)(n - 1) / n * r * (log(r) - 1.0);
    }
    double target = (double)logits[x0] - shift;
    return positive - (target / grow + mean) + ((-log(r) - 1.0) / r - (n - 2)) / n;
}

static double absorb_entropy(const struct entropy *e, int32_t x0, double shift, const float *logits)
{
    double scores = 0.0;
    for (int32_t y = 0; y < e->session->model->info.tokens; y++) {
        scores += exp((double)logits[y] - shift);
    }
    double target = (double)logits[x0] - shift;
    return scores - e->inverse_e * target + e->inverse_e * (log(e->inverse_e) - 1.0);
}

static void visit_entropy(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    const struct entropy *e = user;
    int32_t x = e->xt[place], x0 = e->x0[place];
    double shift = sedd_score_bridge(e->session, e->sigma, x, logits, work);
    (void)row;
    e->value[place] = e->session->model->info.graph == SEDD_GRAPH_ABSORB
                          ? absorb_entropy(e, x0, shift, logits)
                          : uniform_entropy(e, x, x0, shift, logits);
}

/* ---- A window ---------------------------------------------------------------------------- */

int32_t sedd_window_open(const struct sedd_model_info *info, const int32_t *xt, int32_t length,
                         int32_t *places)
{
    int32_t count = 0;
    for (int32_t i = 0; i < length; i++) {
        if (xt[i] == info->mask_id || info->graph == SEDD_GRAPH_UNIFORM) {
            places[count++] = i;
        }
    }
    return count;
}

enum sedd_status sedd_score_entropy_at(struct sedd_session *session, int32_t length,
                                       const int32_t *x0, const int32_t *xt, double t, double *loss,
                                       double *value, int32_t *places, struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    double sigma, dsigma, sum = 0.0;
    sedd_noise_at(info, t, &sigma, &dsigma);
    struct entropy entropy = {session, x0, xt, sigma, 1.0 / expm1(sigma), value};
    memset(value, 0, (size_t)length * sizeof(double));
    int32_t rows = sedd_window_open(info, xt, length, places);
    struct sedd_reading reading = {
        .batch = 1, .length = length, .ids = xt, .sigma = sigma, .rows = rows, .index = places};
    enum sedd_status status = sedd_score_forward(session, &reading, error);
    if (status == SEDD_OK) {
        status = sedd_score_head(session, &reading, visit_entropy, &entropy, error);
    }
    for (int32_t i = 0; i < length; i++) {
        sum += value[i];
    }
    *loss = dsigma * sum;
    return status;
}

enum sedd_status sedd_score_entropy(struct sedd_session *session, int32_t length, const int32_t *x0,
                                    const int32_t *xt, double t, double *loss, double *per_position,
                                    struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    enum sedd_status status = sedd_score_check(session, "the score entropy", 1, length, error);
    if (status == SEDD_OK && !(t > 0.0 && t <= 1.0)) {
        status = sedd_fail(error, SEDD_ERROR_ARGUMENT, "t is %g; expected above 0, at most 1", t);
    }
    if (status == SEDD_OK) {
        status = sedd_ids_check(x0, (size_t)length, info->tokens, error);
    }
    if (status == SEDD_OK) {
        status = sedd_ids_check(xt, (size_t)length, info->states, error);
    }
    if (status != SEDD_OK) {
        return status;
    }
    double *value = sedd_memory_new((uint64_t)length, sizeof *value), found;
    int32_t *places = sedd_memory_new((uint64_t)length, sizeof *places);
    status = value != NULL && places != NULL
                 ? sedd_score_entropy_at(session, length, x0, xt, t, &found, value, places, error)
                 : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a window's losses");
    if (status == SEDD_OK) {
        *loss = found;
        if (per_position != NULL) {
            memcpy(per_position, value, (size_t)length * sizeof *value);
        }
    }
    sedd_memory_free(value);
    sedd_memory_free(places);
    return status;
}
