/*
 * bound.c - how probable a text is at least: SEDD's bound by two estimators.
 *
 * Score entropy at a masked position (absorb; E = e^sigma - 1, s = score, SEDD section 3.1 and 10):
 *   sum_{y != M} s_y - (1/E) ln s_{x0} + (1/E)(ln(1/E) - 1), 0 elsewhere; loss = sigma' * sum.
 * With normalised scores the bound is an average over any order of opening: mask k of L positions,
 * k uniform over 1..L, and (L/k) * sum of cross-entropies / L estimates it without the noise of a
 * random number of masks (Ou et al. 2024, RADD; stratified in k).
 */
#include "eval/cross_entropy.h"
#include "model/score.h"
#include "random.h"

#include <math.h>
#include <string.h>

/* ---- Score entropy ----------------------------------------------------------------------- */

struct entropy {
    struct sedd_session *session;
    const int32_t *x0, *xt;
    double shift, inverse_e; /* 1 / (e^sigma - 1) */
    double *value;           /* [L] */
};

static double uniform_entropy(const struct entropy *e, int32_t x, int32_t x0, const float *logits)
{
    int32_t n = e->session->model->info.states;
    double scores = 0.0, logs = 0.0, grow = 1.0 / e->inverse_e, r = grow / (grow + n);
    for (int32_t y = 0; y < n; y++) {
        double l = y == x ? 0.0 : (double)logits[y] - e->shift;
        scores += exp(l);
        logs += l;
    }
    double positive = (scores - 1.0) / n, mean = logs / n;
    if (x == x0) {
        return positive - r * mean + (double)(n - 1) / n * r * (log(r) - 1.0);
    }
    double target = (double)logits[x0] - e->shift;
    return positive - (target / grow + mean) + ((-log(r) - 1.0) / r - (n - 2)) / n;
}

static double absorb_entropy(const struct entropy *e, int32_t x0, const float *logits)
{
    double scores = 0.0;
    for (int32_t y = 0; y < e->session->model->info.tokens; y++) {
        scores += exp((double)logits[y] - e->shift);
    }
    double target = (double)logits[x0] - e->shift;
    return scores - e->inverse_e * target + e->inverse_e * (log(e->inverse_e) - 1.0);
}

static void visit_entropy(void *user, int32_t row, float *logits, float *work)
{
    const struct entropy *e = user;
    int32_t place = e->session->index[row];
    (void)work;
    e->value[place] = e->session->model->info.graph == SEDD_GRAPH_ABSORB
                          ? absorb_entropy(e, e->x0[place], logits)
                          : uniform_entropy(e, e->xt[place], e->x0[place], logits);
}

/* Rows that count: the masked ones, or all in the uniform graph. */
static int32_t open_rows(struct sedd_session *session, const int32_t *xt, int32_t length)
{
    const struct sedd_model_info *info = &session->model->info;
    int32_t count = 0;
    for (int32_t i = 0; i < length; i++) {
        if (xt[i] == info->mask_id || info->graph == SEDD_GRAPH_UNIFORM) {
            session->index[count++] = i;
        }
    }
    return count;
}

static enum sedd_status check_window(const struct sedd_session *session, int32_t length,
                                     struct sedd_error *error)
{
    if (session->model->info.kind != SEDD_KIND_SEDD) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "the bound needs a SEDD model; this is a GPT-2");
    }
    if (length < 1 || length > session->rows) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "a window of %d tokens does not fit a session of %d rows", (int)length,
                         (int)session->rows);
    }
    return SEDD_OK;
}

static enum sedd_status score_entropy(struct sedd_session *session, int32_t length,
                                      const int32_t *x0, const int32_t *xt, double t, double *loss,
                                      double *value, struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    double sigma, dsigma, sum = 0.0;
    sedd_noise_at(info, t, &sigma, &dsigma);
    struct entropy entropy = {session, x0, xt, sedd_score_shift(info, sigma), 1.0 / expm1(sigma),
                              value};
    memset(value, 0, (size_t)length * sizeof(double));
    int32_t rows = open_rows(session, xt, length);
    enum sedd_status status = sedd_score_forward(session, 1, length, xt, sigma, rows,
                                                 session->index, error);
    if (status == SEDD_OK) {
        status = sedd_score_head(session, rows, visit_entropy, &entropy, error);
    }
    for (int32_t i = 0; i < length; i++) {
        sum += value[i];
    }
    *loss = dsigma * sum;
    return status;
}

enum sedd_status sedd_score_entropy(struct sedd_session *session, int32_t length,
                                    const int32_t *x0, const int32_t *xt, double t, double *loss,
                                    double *per_position, struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    enum sedd_status status = check_window(session, length, error);
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
    double *value = sedd_memory_new((uint64_t)length, sizeof *value);
    if (value == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a window's losses");
    }
    double found;
    status = score_entropy(session, length, x0, xt, t, &found, value, error);
    if (status == SEDD_OK) {
        *loss = found;
        if (per_position != NULL) {
            memcpy(per_position, value, (size_t)length * sizeof *value);
        }
    }
    sedd_memory_free(value);
    return status;
}

/* ---- The bound --------------------------------------------------------------------------- */

struct window {
    struct sedd_session *session;
    const struct sedd_bound_options *options;
    int32_t samples;
    uint32_t number;     /* of the window, for its random numbers */
    const int32_t *x0;   /* [length] */
    int32_t length;
    int32_t *xt, *order; /* [length] */
    double *value;       /* [length] */
};

static double uniform_number(const struct window *w, enum sedd_stream stream, int32_t sample,
                             int32_t draw)
{
    return sedd_random_uniform(w->options->seed, stream, w->number, (uint32_t)sample,
                               (uint32_t)draw);
}

/* Masks k positions, a uniformly drawn subset (Fisher-Yates). */
static void mask_exactly(struct window *w, int32_t sample, int32_t k)
{
    int32_t mask = w->session->model->info.mask_id;
    for (int32_t i = 0; i < w->length; i++) {
        w->order[i] = i;
        w->xt[i] = w->x0[i];
    }
    for (int32_t i = 0; i < k; i++) {
        int32_t left = w->length - i;
        int32_t j = i + (int32_t)(uniform_number(w, SEDD_STREAM_MASK, sample, i) * left);
        int32_t chosen = w->order[j];
        w->order[j] = w->order[i];
        w->order[i] = chosen;
        w->xt[chosen] = mask;
    }
}

/* Forward noising at time t: absorb masks, uniform replaces by any token. */
static void noise_freely(struct window *w, int32_t sample, double t)
{
    const struct sedd_model_info *info = &w->session->model->info;
    double sigma, dsigma;
    sedd_noise_at(info, t, &sigma, &dsigma);
    for (int32_t i = 0; i < w->length; i++) {
        bool moves = uniform_number(w, SEDD_STREAM_MASK, sample, 2 * i) < -expm1(-sigma);
        double u = uniform_number(w, SEDD_STREAM_MASK, sample, 2 * i + 1);
        int32_t target = info->graph == SEDD_GRAPH_ABSORB ? info->mask_id
                                                          : (int32_t)(u * info->states);
        w->xt[i] = moves ? target : w->x0[i];
    }
}

static void visit_cross_entropy(void *user, int32_t row, float *logits, float *work)
{
    const struct window *w = user;
    int32_t place = w->session->index[row];
    (void)work;
    w->value[place] = sedd_cross_entropy(w->session, logits, w->x0[place]);
}

/* One k: (L/k) * sum of cross-entropies, in nats a window; adds each token's part. */
static enum sedd_status sample_kmask(struct window *w, int32_t sample, double *nats, double *parts,
                                     struct sedd_error *error)
{
    double u = uniform_number(w, SEDD_STREAM_TIME, sample, 0);
    int32_t k = 1 + (int32_t)((sample + u) / w->samples * w->length);
    k = sedd_min(k, w->length);
    mask_exactly(w, sample, k);
    double masked = fmin((double)k / w->length, 1.0 - 1e-3); /* the most a loglinear sigma reaches */
    double sigma = -log1p(-masked), weight = (double)w->length / k;
    int32_t rows = open_rows(w->session, w->xt, w->length);
    enum sedd_status status = sedd_score_forward(w->session, 1, w->length, w->xt, sigma, rows,
                                                 w->session->index, error);
    if (status == SEDD_OK) {
        status = sedd_score_head(w->session, rows, visit_cross_entropy, w, error);
    }
    *nats = 0.0;
    for (int32_t i = 0; i < k && status == SEDD_OK; i++) {
        double part = weight * w->value[w->order[i]];
        *nats += part;
        if (parts != NULL) {
            parts[w->order[i]] += part / w->samples;
        }
    }
    return status;
}

/* One t, stratified over [1e-3, 1]: the reference code's loss, in nats a window. */
static enum sedd_status sample_reference(struct window *w, int32_t sample, double *nats,
                                         struct sedd_error *error)
{
    double u = (sample + uniform_number(w, SEDD_STREAM_TIME, sample, 0)) / w->samples;
    double t = (1.0 - 1e-3) * u + 1e-3;
    noise_freely(w, sample, t);
    return score_entropy(w->session, w->length, w->x0, w->xt, t, nats, w->value, error);
}

/* Mean of a window's samples and the variance of that mean. Samples are stratified, so neighbours
 * are compared with each other (collapsed strata): sum of (a - b)^2 over pairs / samples^2. */
static enum sedd_status run_window(struct window *w, double *mean, double *variance, double *parts,
                                   struct sedd_error *error)
{
    double sum = 0.0, squares = 0.0, before = 0.0;
    for (int32_t sample = 0; sample < w->samples; sample++) {
        double nats = 0.0;
        enum sedd_status status = w->options->estimator == SEDD_ESTIMATOR_KMASK
                                      ? sample_kmask(w, sample, &nats, parts, error)
                                      : sample_reference(w, sample, &nats, error);
        if (status != SEDD_OK) {
            return status;
        }
        bool alone = sample + 1 == w->samples && w->samples % 2 == 1; /* the last of an odd number */
        double difference = nats - before;
        if (sample % 2 == 1) {
            squares += difference * difference;
        } else if (alone && sample > 0) {
            squares += 0.5 * difference * difference;
        }
        sum += nats;
        before = nats;
    }
    *mean = sum / w->samples;
    *variance = squares / ((double)w->samples * w->samples);
    return SEDD_OK;
}

static enum sedd_status check_bound(const struct sedd_session *session, const int32_t *ids,
                                    size_t count, const struct sedd_bound_options *options,
                                    struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    enum sedd_status status =
        check_window(session, count < (size_t)info->length ? (int32_t)count : info->length, error);
    if (status == SEDD_OK && options->samples < 0) {
        status = sedd_fail(error, SEDD_ERROR_ARGUMENT, "samples is %d; expected 1 or more",
                           (int)options->samples);
    }
    if (status == SEDD_OK && options->estimator == SEDD_ESTIMATOR_KMASK &&
        info->graph != SEDD_GRAPH_ABSORB) {
        status = sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                           "the k-mask estimator needs the absorb graph; use the reference one");
    }
    return status == SEDD_OK ? sedd_ids_check(ids, count, info->tokens, error) : status;
}

enum sedd_status sedd_bound(struct sedd_session *session, const int32_t *ids, size_t count,
                            const struct sedd_bound_options *options, struct sedd_estimate *estimate,
                            double *parts, struct sedd_error *error)
{
    size_t length = (size_t)session->model->info.length;
    enum sedd_status status = check_bound(session, ids, count, options, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct window w = {.session = session,
                       .options = options,
                       .samples = options->samples == 0 ? 64 : options->samples,
                       .xt = sedd_memory_new(length, sizeof(int32_t)),
                       .order = sedd_memory_new(length, sizeof(int32_t)),
                       .value = sedd_memory_new(length, sizeof(double))};
    if (w.xt == NULL || w.order == NULL || w.value == NULL) {
        status = sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a window of %zu tokens", length);
    }
    double nats = 0.0, variance = 0.0;
    if (parts != NULL) {
        memset(parts, 0, count * sizeof *parts);
    }
    for (size_t first = 0; first < count && status == SEDD_OK; first += length, w.number++) {
        double window_nats = 0.0, window_variance = 0.0;
        w.x0 = ids + first;
        w.length = (int32_t)(count - first < length ? count - first : length);
        bool kmask = options->estimator == SEDD_ESTIMATOR_KMASK;
        status = run_window(&w, &window_nats, &window_variance,
                            parts != NULL && kmask ? parts + first : NULL, error);
        nats += window_nats;
        variance += window_variance;
    }
    sedd_memory_free(w.xt);
    sedd_memory_free(w.order);
    sedd_memory_free(w.value);
    if (status == SEDD_OK) {
        *estimate = (struct sedd_estimate){nats / (double)count, sqrt(variance) / (double)count,
                                           (int64_t)count};
    }
    return status;
}
