/*
 * bound.c - estimates an upper bound on -ln p of a text, by three estimators and one network
 * evaluation at a time.
 *
 * K-mask (absorb graph): with normalised scores, the bound is an average over all orders of filling
 * in. The estimator masks k of L positions, with k uniform over 1..L and stratified. Its value is
 * (L/k) * sum of cross-entropies, in nats per window. It avoids the variance of a random number of
 * masks (Ou et al. 2024, RADD: k-DCE).
 *
 * Lambda (RADD's lambda-DCE): the same average with a random number of masks. It masks each token
 * with probability lambda, stratified over 0..1, and weighs the cross-entropies by 1/lambda.
 *
 * Reference: the score entropy of the reference code, at times stratified over [1e-3, 1]. For the
 * models that give ln p(x0) it is their own: MDLM's and DUO's bound, RADD's t-DSE. RADD's t-DCE,
 * which adds a constant for each mask, has the same expectation and a larger error.
 */
#include "eval/cross_entropy.h"
#include "eval/options.h"
#include "eval/score_entropy.h"
#include "model/score.h"
#include "random.h"

#include <math.h>
#include <string.h>

enum sedd_estimator sedd_bound_estimator(const struct sedd_model_info *info)
{
    return info->graph == SEDD_GRAPH_UNIFORM ? SEDD_ESTIMATOR_REFERENCE : SEDD_ESTIMATOR_KMASK;
}

struct sedd_bounder {
    struct sedd_session *session;
    struct sedd_bound_options options; /* with defaults filled in */
    int32_t *ids;                      /* [count] */
    double *parts;                     /* [count] */
    size_t count;

    /* The current window. */
    size_t first;    /* its offset in ids */
    uint32_t number; /* index of the window, for its random numbers */
    const int32_t *x0;
    int32_t length;
    int32_t *xt, *order; /* [length] */
    int32_t *places;     /* [length] positions whose losses count, ascending */
    double *value;       /* [length] */
    int32_t sample;      /* evaluations done in this window */
    double sum, squares, before;

    double nats, variance; /* sums over the completed windows */
};

static double uniform_number(const struct sedd_bounder *b, enum sedd_stream stream, int32_t sample,
                             int32_t draw)
{
    return sedd_random_uniform(b->options.seed, stream, b->number, (uint32_t)sample,
                               (uint32_t)draw);
}

/* Masks a uniformly drawn subset of k positions (Fisher-Yates). */
static void mask_exactly(struct sedd_bounder *b, int32_t sample, int32_t k)
{
    int32_t mask = b->session->model->info.mask_id;
    for (int32_t i = 0; i < b->length; i++) {
        b->order[i] = i;
        b->xt[i] = b->x0[i];
    }
    for (int32_t i = 0; i < k; i++) {
        int32_t left = b->length - i;
        int32_t j = i + (int32_t)(uniform_number(b, SEDD_STREAM_MASK, sample, i) * left);
        int32_t chosen = b->order[j];
        b->order[j] = b->order[i];
        b->order[i] = chosen;
        b->xt[chosen] = mask;
    }
}

/* Applies the forward process up to noise sigma: the absorb graph masks tokens, the uniform graph
 * replaces them by random ones. */
static void noise_freely(struct sedd_bounder *b, int32_t sample, double sigma)
{
    const struct sedd_model_info *info = &b->session->model->info;
    for (int32_t i = 0; i < b->length; i++) {
        bool moves = uniform_number(b, SEDD_STREAM_MASK, sample, 2 * i) < -expm1(-sigma);
        double u = uniform_number(b, SEDD_STREAM_MASK, sample, 2 * i + 1);
        int32_t target =
            info->graph == SEDD_GRAPH_ABSORB ? info->mask_id : (int32_t)(u * info->states);
        b->xt[i] = moves ? target : b->x0[i];
    }
}

static void visit_cross_entropy(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    const struct sedd_bounder *b = user;
    (void)row;
    (void)work;
    b->value[place] = sedd_cross_entropy(b->session, logits, b->x0[place]);
}

/* Masks each position with probability lambda, and lists the masks in `order`. Returns their
 * number. */
static int32_t mask_by_chance(struct sedd_bounder *b, int32_t sample, double lambda)
{
    int32_t count = 0;
    for (int32_t i = 0; i < b->length; i++) {
        bool masked = uniform_number(b, SEDD_STREAM_MASK, sample, i) < lambda;
        b->xt[i] = masked ? b->session->model->info.mask_id : b->x0[i];
        if (masked) {
            b->order[count++] = i;
        }
    }
    return count;
}

/* Computes one sample of k-mask or lambda, the weighted sum of cross-entropies in nats per window.
 * Adds each token's share to its part. */
static enum sedd_status sample_masks(struct sedd_bounder *b, int32_t sample, double *nats,
                                     struct sedd_error *error)
{
    double u = (sample + uniform_number(b, SEDD_STREAM_TIME, sample, 0)) / b->options.samples;
    int32_t k = sedd_min(1 + (int32_t)(u * b->length), b->length);
    double share = (double)k / b->length, weight = (double)b->length / k;
    if (b->options.estimator == SEDD_ESTIMATOR_LAMBDA) {
        share = u;
        weight = 1.0 / u;
        k = mask_by_chance(b, sample, u);
    } else {
        mask_exactly(b, sample, k);
    }
    *nats = 0.0;
    if (k == 0) {
        return SEDD_OK;
    }
    struct sedd_reading reading = {
        .batch = 1,
        .length = b->length,
        .ids = b->xt,
        .sigma = sedd_masked_sigma(share),
        .rows = sedd_window_open(&b->session->model->info, b->xt, b->length, b->places),
        .index = b->places};
    enum sedd_status status = sedd_score_forward(b->session, &reading, error);
    if (status == SEDD_OK) {
        status = sedd_score_head(b->session, &reading, visit_cross_entropy, b, error);
    }
    for (int32_t i = 0; i < k && status == SEDD_OK; i++) {
        double part = weight * b->value[b->order[i]];
        *nats += part;
        b->parts[b->first + (size_t)b->order[i]] += part / b->options.samples;
    }
    return status;
}

/* Computes one sample of the reference code's loss, in nats per window, at a time stratified over
 * [1e-3, 1]. Adds each token's share to its part. */
static enum sedd_status sample_reference(struct sedd_bounder *b, int32_t sample, double *nats,
                                         struct sedd_error *error)
{
    double u = (sample + uniform_number(b, SEDD_STREAM_TIME, sample, 0)) / b->options.samples;
    double t = (1.0 - 1e-3) * u + 1e-3, sigma, dsigma;
    sedd_noise_at(&b->session->model->info, t, &sigma, &dsigma);
    noise_freely(b, sample, sigma);
    enum sedd_status status = sedd_score_entropy_at(b->session, b->length, b->x0, b->xt, t, nats,
                                                    b->value, b->places, error);
    for (int32_t i = 0; i < b->length && status == SEDD_OK; i++) {
        b->parts[b->first + (size_t)i] += dsigma * b->value[i] / b->options.samples;
    }
    return status;
}

/* Adds a sample to the window's mean and to the variance of that mean. Samples are stratified, so
 * the variance comes from pairs of neighbours (collapsed strata): the sum of (a - b)^2 over pairs,
 * divided by samples^2. */
static void add_sample(struct sedd_bounder *b, double nats)
{
    bool alone = b->sample + 1 == b->options.samples &&
                 b->options.samples % 2 == 1; /* the last of an odd number of samples */
    double difference = nats - b->before;
    if (b->sample % 2 == 1) {
        b->squares += difference * difference;
    } else if (alone && b->sample > 0) {
        b->squares += 0.5 * difference * difference;
    }
    b->sum += nats;
    b->before = nats;
    b->sample++;
}

/* Starts the window at `first`. */
static void open_window(struct sedd_bounder *b)
{
    size_t length = (size_t)b->session->model->info.length, left = b->count - b->first;
    b->x0 = b->ids + b->first;
    b->length = (int32_t)(left < length ? left : length);
    b->sample = 0;
    b->sum = b->squares = b->before = 0.0;
}

static void close_window(struct sedd_bounder *b)
{
    double samples = b->options.samples;
    b->nats += b->sum / samples;
    b->variance += b->squares / (samples * samples);
    b->first += (size_t)b->length;
    b->number++;
    if (b->first < b->count) {
        open_window(b);
    }
}

static enum sedd_status check_bound(const struct sedd_session *session, const int32_t *ids,
                                    size_t count, struct sedd_bound_options *options,
                                    struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    int32_t window = count < (size_t)info->length ? (int32_t)count : info->length;
    enum sedd_status status = sedd_score_check(session, "the bound", 1, window, error);
    status = status == SEDD_OK
                 ? sedd_fields_check(SEDD_BOUND_FIELDS, SEDD_FIELD_OF_SEDD, options, error)
                 : status;
    if (status == SEDD_OK && options->estimator != SEDD_ESTIMATOR_REFERENCE &&
        info->graph != SEDD_GRAPH_ABSORB) {
        status = sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                           "the estimators kmask and lambda need the absorb graph; use the "
                           "reference one");
    }
    return status == SEDD_OK ? sedd_ids_check(ids, count, info->tokens, error) : status;
}

enum sedd_status sedd_bounder_new(struct sedd_session *session, const int32_t *ids, size_t count,
                                  const struct sedd_bound_options *given, struct sedd_bounder **out,
                                  struct sedd_error *error)
{
    size_t length = (size_t)session->model->info.length;
    struct sedd_bound_options options = *given;
    enum sedd_status status = check_bound(session, ids, count, &options, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct sedd_bounder *b = sedd_memory_new(1, sizeof *b);
    if (b != NULL) {
        b->session = session;
        b->options = options;
        b->count = count;
        b->ids = sedd_memory_new(count, sizeof(int32_t));
        b->parts = sedd_memory_new(count, sizeof(double));
        b->xt = sedd_memory_new(length, sizeof(int32_t));
        b->order = sedd_memory_new(length, sizeof(int32_t));
        b->places = sedd_memory_new(length, sizeof(int32_t));
        b->value = sedd_memory_new(length, sizeof(double));
    }
    if (b == NULL || !b->ids || !b->parts || !b->xt || !b->order || !b->places || !b->value) {
        sedd_bounder_free(b);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the bound of %zu tokens", count);
    }
    memcpy(b->ids, ids, count * sizeof *ids);
    open_window(b);
    *out = b;
    return SEDD_OK;
}

void sedd_bounder_free(struct sedd_bounder *b)
{
    if (b == NULL) {
        return;
    }
    sedd_memory_free(b->ids);
    sedd_memory_free(b->parts);
    sedd_memory_free(b->xt);
    sedd_memory_free(b->order);
    sedd_memory_free(b->places);
    sedd_memory_free(b->value);
    sedd_memory_free(b);
}

bool sedd_bounder_done(const struct sedd_bounder *b)
{
    return b->first >= b->count;
}

int64_t sedd_bounder_total(const struct sedd_bounder *b)
{
    size_t length = (size_t)b->session->model->info.length;
    return (int64_t)((b->count + length - 1) / length) * b->options.samples;
}

enum sedd_status sedd_bounder_advance(struct sedd_bounder *b, struct sedd_error *error)
{
    if (sedd_bounder_done(b)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "this bound is complete");
    }
    double nats = 0.0;
    enum sedd_status status = b->options.estimator == SEDD_ESTIMATOR_REFERENCE
                                  ? sample_reference(b, b->sample, &nats, error)
                                  : sample_masks(b, b->sample, &nats, error);
    if (status == SEDD_OK) {
        add_sample(b, nats);
        if (b->sample == b->options.samples) {
            close_window(b);
        }
    }
    return status;
}

void sedd_bounder_estimate(const struct sedd_bounder *b, struct sedd_estimate *estimate,
                           double *parts)
{
    double count = (double)b->count;
    double deviation = b->options.samples > 1 ? sqrt(b->variance) : NAN;
    *estimate = (struct sedd_estimate){b->nats / count, deviation / count, (int64_t)b->count};
    if (parts != NULL) {
        memcpy(parts, b->parts, b->count * sizeof *parts);
    }
}

enum sedd_status sedd_bound(struct sedd_session *session, const int32_t *ids, size_t count,
                            const struct sedd_bound_options *options,
                            struct sedd_estimate *estimate, double *parts, struct sedd_error *error)
{
    struct sedd_bounder *b = NULL;
    enum sedd_status status = sedd_bounder_new(session, ids, count, options, &b, error);
    while (status == SEDD_OK && !sedd_bounder_done(b)) {
        status = sedd_bounder_advance(b, error);
    }
    if (status == SEDD_OK) {
        sedd_bounder_estimate(b, estimate, parts);
    }
    sedd_bounder_free(b);
    return status;
}
