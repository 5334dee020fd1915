/*
 * sampler.c - the denoising loop: x at t = 1 is pure noise; each step reads the network once and
 * draws every open position anew; a last step removes what noise is left (SEDD, algorithm 2; the
 * reference code's pc_sampler).
 *
 * Absorb graph: a token once opened never changes, so only masked rows go through the head and the
 * draw. An exact draw there has two parts, each with its own random number: whether the mask opens
 * (probability factor * sum of scores, at most 1) and which token it becomes.
 */
#include "diffusion/draw.h"
#include "diffusion/graph.h"
#include "model/score.h"
#include "random.h"

#include <math.h>
#include <string.h>

struct sedd_sampler {
    struct sedd_session *session;
    struct sedd_sample_options options; /* with defaults filled in and arrays owned */
    int32_t rows;                       /* B * L */
    int32_t total;                      /* evaluations of the whole run */
    int32_t position;                   /* evaluations done */
    int32_t *held_positions, *held_ids;
    int32_t *ids, *next; /* [B, L] before and after the step at hand */
    int32_t *changed, *changed_ids;
    float *uniforms; /* [B, L, N] when they are fed, else NULL */

    struct sedd_transition transition; /* of the step at hand */
    float shift;                       /* log-score = logit - shift */
    _Atomic bool broken;               /* the network gave something that is no number */
};

/* ---- Options ----------------------------------------------------------------------------- */

static enum sedd_status check_held(const struct sedd_sample_options *options,
                                   const struct sedd_model_info *info, struct sedd_error *error)
{
    for (size_t i = 0; i < options->held_count; i++) {
        int32_t place = options->held_positions[i];
        if (place < 0 || place >= options->length) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                             "a token is held at position %d, but the window has positions 0 to %d",
                             (int)place, (int)options->length - 1);
        }
    }
    return sedd_ids_check(options->held_ids, options->held_count, info->tokens, error);
}

static enum sedd_status check_draw(const struct sedd_sample_options *options,
                                   const struct sedd_model_info *info, struct sedd_error *error)
{
    bool tempered = options->temperature != 1.0 || options->top_k != 0 || options->top_p != 1.0;
    if (tempered &&
        (options->draw != SEDD_DRAW_EXACT || info->graph != SEDD_GRAPH_ABSORB)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "temperature, top_k and top_p need exact draws and the absorb graph");
    }
    if (options->positions == SEDD_POSITIONS_NORMALISED &&
        (options->draw != SEDD_DRAW_EXACT || info->graph != SEDD_GRAPH_ABSORB)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "choosing positions first needs exact draws and the absorb graph");
    }
    return sedd_draw_check(options->temperature, options->top_k, options->top_p, error);
}

static enum sedd_status check_options(const struct sedd_session *session,
                                      struct sedd_sample_options *options, struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    if (info->kind != SEDD_KIND_SEDD) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "sampling needs a SEDD model; this is a GPT-2");
    }
    options->batch = options->batch == 0 ? 1 : options->batch;
    options->length = options->length == 0 ? info->length : options->length;
    options->temperature = options->temperature == 0.0 ? 1.0 : options->temperature;
    options->top_p = options->top_p == 0.0 ? 1.0 : options->top_p;
    if (options->steps < 1 || options->steps > 1000000) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "steps is %d; expected 1 to 1000000",
                         (int)options->steps);
    }
    if (options->batch < 1 || options->length < 1 ||
        (int64_t)options->batch * options->length > session->rows) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "%d sequences of %d tokens do not fit a session of %d rows",
                         (int)options->batch, (int)options->length, (int)session->rows);
    }
    enum sedd_status status = check_draw(options, info, error);
    if (status == SEDD_OK) {
        status = check_held(options, info, error);
    }
    if (status == SEDD_OK && options->initial_ids != NULL) {
        status = sedd_ids_check(options->initial_ids,
                                (size_t)options->batch * (size_t)options->length, info->states,
                                error);
    }
    return status;
}

/* ---- Life -------------------------------------------------------------------------------- */

/* Overwrites the held positions of every sequence. */
static void project(struct sedd_sampler *sampler)
{
    const struct sedd_sample_options *options = &sampler->options;
    for (int32_t b = 0; b < options->batch; b++) {
        int32_t *ids = sampler->ids + (size_t)b * (size_t)options->length;
        for (size_t i = 0; i < options->held_count; i++) {
            ids[sampler->held_positions[i]] = sampler->held_ids[i];
        }
    }
}

static void start(struct sedd_sampler *sampler, const int32_t *initial_ids)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    for (int32_t i = 0; i < sampler->rows; i++) {
        double u = sedd_random_uniform(sampler->options.seed, SEDD_STREAM_LIMIT, 0, (uint32_t)i, 0);
        sampler->ids[i] = initial_ids != NULL                ? initial_ids[i]
                          : info->graph == SEDD_GRAPH_ABSORB ? info->mask_id
                                                             : (int32_t)(u * info->states);
    }
    project(sampler);
}

static bool allocate(struct sedd_sampler *sampler)
{
    const struct sedd_sample_options *options = &sampler->options;
    uint64_t rows = (uint64_t)sampler->rows, held = options->held_count;
    sampler->ids = sedd_memory_new(rows, sizeof(int32_t));
    sampler->next = sedd_memory_new(rows, sizeof(int32_t));
    sampler->changed = sedd_memory_new(rows, sizeof(int32_t));
    sampler->changed_ids = sedd_memory_new(rows, sizeof(int32_t));
    sampler->held_positions = sedd_memory_new(held, sizeof(int32_t));
    sampler->held_ids = sedd_memory_new(held, sizeof(int32_t));
    bool fed = options->uniforms != NULL;
    if (fed) {
        sampler->uniforms = sedd_memory_new(
            rows * (uint64_t)sampler->session->model->info.states, sizeof(float));
    }
    return sampler->ids && sampler->next && sampler->changed && sampler->changed_ids &&
           sampler->held_positions && sampler->held_ids && (!fed || sampler->uniforms);
}

enum sedd_status sedd_sampler_new(struct sedd_session *session,
                                  const struct sedd_sample_options *given,
                                  struct sedd_sampler **out, struct sedd_error *error)
{
    struct sedd_sample_options options = *given;
    enum sedd_status status = check_options(session, &options, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct sedd_sampler *sampler = sedd_memory_new(1, sizeof *sampler);
    if (sampler != NULL) {
        sampler->session = session;
        sampler->options = options;
        sampler->rows = options.batch * options.length;
        sampler->total = options.steps + (options.no_denoise ? 0 : 1);
    }
    if (sampler == NULL || !allocate(sampler)) {
        sedd_sampler_free(sampler);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a run of %d tokens",
                         (int)options.length);
    }
    if (options.held_count > 0) {
        memcpy(sampler->held_positions, options.held_positions, options.held_count * sizeof(int32_t));
        memcpy(sampler->held_ids, options.held_ids, options.held_count * sizeof(int32_t));
    }
    start(sampler, options.initial_ids);
    sampler->options.initial_ids = NULL;
    sampler->options.held_positions = sampler->held_positions;
    sampler->options.held_ids = sampler->held_ids;
    *out = sampler;
    return SEDD_OK;
}

void sedd_sampler_free(struct sedd_sampler *sampler)
{
    if (sampler == NULL) {
        return;
    }
    sedd_memory_free(sampler->ids);
    sedd_memory_free(sampler->next);
    sedd_memory_free(sampler->changed);
    sedd_memory_free(sampler->changed_ids);
    sedd_memory_free(sampler->held_positions);
    sedd_memory_free(sampler->held_ids);
    sedd_memory_free(sampler->uniforms);
    sedd_memory_free(sampler);
}

/* ---- Draws ------------------------------------------------------------------------------- */

static double random_number(const struct sedd_sampler *sampler, int32_t place, uint32_t draw)
{
    return sedd_random_uniform(sampler->options.seed, SEDD_STREAM_DRAW, (uint32_t)sampler->position,
                               (uint32_t)place, draw);
}

/* Does a mask at `place` open, given the sum of its scores? */
static bool opens(const struct sedd_sampler *sampler, int32_t place, double score_sum)
{
    if (sampler->transition.move == SEDD_MOVE_DENOISER) {
        return true;
    }
    double open = sedd_transition_factor(&sampler->transition) * score_sum;
    return random_number(sampler, place, 0) < open;
}

/* Draws the token of an opening mask. `work` [N] may be used. */
static int32_t draw_token(const struct sedd_sampler *sampler, int32_t place, float *weights)
{
    int32_t tokens = sampler->session->model->info.tokens;
    sedd_draw_filter(weights, tokens, sampler->options.top_k, sampler->options.top_p);
    return sedd_draw_exact(weights, tokens, random_number(sampler, place, 1));
}

static void visit_absorb_exact(void *user, int32_t row, float *logits, float *work)
{
    struct sedd_sampler *sampler = user;
    const struct sedd_session *session = sampler->session;
    const struct sedd_kernels *kernels = session->engine->kernels;
    int32_t place = session->index[row], tokens = session->model->info.tokens;
    bool tempered = sampler->options.temperature != 1.0;
    bool chosen = sampler->options.positions == SEDD_POSITIONS_NORMALISED;
    float largest = kernels->max(logits, tokens);
    if (tempered) {
        memcpy(work, logits, (size_t)tokens * sizeof(float));
    }
    float sum = kernels->exp_sum(logits, tokens, 1.0f, largest);
    double score_sum = (double)sum * exp((double)largest - (double)sampler->shift);
    if (!isfinite(score_sum)) {
        sampler->broken = true;
    } else if (chosen || opens(sampler, place, score_sum)) {
        if (tempered) {
            kernels->exp_sum(work, tokens, (float)(1.0 / sampler->options.temperature), largest);
        }
        sampler->next[place] = draw_token(sampler, place, tempered ? work : logits);
    }
}

/* Log-scores -> weights -> a draw over all states: the reference way, for official draws and for
 * the uniform graph. */
static void visit_weights(void *user, int32_t row, float *logits, float *work)
{
    struct sedd_sampler *sampler = user;
    const struct sedd_session *session = sampler->session;
    int32_t place = session->index[row], states = session->model->info.states;
    int32_t columns = sedd_transition_columns(&sampler->transition);
    int32_t x = sampler->ids[place];
    for (int32_t y = 0; y < states; y++) {
        logits[y] -= sampler->shift;
        if (!isfinite(logits[y])) {
            sampler->broken = true;
        }
    }
    logits[x] = 0.0f;
    sedd_transition_weights(&sampler->transition, x, logits);
    if (sampler->options.draw == SEDD_DRAW_EXACT) {
        sampler->next[place] = sedd_draw_exact(logits, columns, random_number(sampler, place, 1));
        return;
    }
    const float *uniforms = work;
    if (sampler->uniforms != NULL) {
        uniforms = sampler->uniforms + (size_t)place * (size_t)columns;
    } else {
        sedd_random_floats(sampler->options.seed, SEDD_STREAM_RACE, (uint32_t)sampler->position,
                           (uint32_t)place, work, (uint32_t)columns);
    }
    sampler->next[place] = sedd_draw_race(logits, uniforms, columns);
}

/* ---- A step ------------------------------------------------------------------------------ */

/* Fills the session's index with the rows that may change; returns how many. */
static int32_t choose_rows(struct sedd_sampler *sampler, double sigma)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    bool first = sampler->options.positions == SEDD_POSITIONS_NORMALISED;
    int32_t count = 0;
    for (int32_t place = 0; place < sampler->rows; place++) {
        bool masked = sampler->ids[place] == info->mask_id;
        bool open = !first || (masked && opens(sampler, place, 1.0 / expm1(sigma)));
        if ((masked || info->graph == SEDD_GRAPH_UNIFORM) && open) {
            sampler->session->index[count++] = place;
        }
    }
    return count;
}

static enum sedd_status evaluate(struct sedd_sampler *sampler, double sigma,
                                 struct sedd_error *error)
{
    struct sedd_session *session = sampler->session;
    const struct sedd_sample_options *options = &sampler->options;
    bool absorb = session->model->info.graph == SEDD_GRAPH_ABSORB;
    sampler->shift = (float)sedd_score_shift(&session->model->info, sigma);
    sampler->broken = false;
    if (sampler->uniforms != NULL) {
        options->uniforms(options->uniforms_user, sampler->uniforms,
                          (size_t)sampler->rows *
                              (size_t)sedd_transition_columns(&sampler->transition));
    }
    int32_t rows = choose_rows(sampler, sigma);
    if (rows == 0) {
        return SEDD_OK;
    }
    enum sedd_status status = sedd_score_forward(session, options->batch, options->length,
                                                 sampler->ids, sigma, rows, session->index, error);
    if (status == SEDD_OK) {
        bool fast = absorb && options->draw == SEDD_DRAW_EXACT;
        status = sedd_score_head(session, rows, fast ? visit_absorb_exact : visit_weights, sampler,
                                 error);
    }
    if (status == SEDD_OK && sampler->broken) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT,
                           "the network's output at sigma %.4g is not a number; the weights are "
                           "damaged or not meant for this configuration",
                           sigma);
    }
    return status;
}

/* Takes over `next` and reports what differs from the ids before the step. */
static void commit(struct sedd_sampler *sampler, const int32_t *before, struct sedd_step *step)
{
    int32_t mask = sampler->session->model->info.mask_id;
    step->changed_count = 0;
    step->masked = 0;
    for (int32_t i = 0; i < sampler->rows; i++) {
        step->masked += sampler->ids[i] == mask;
        if (sampler->ids[i] != before[i]) {
            sampler->changed[step->changed_count] = i;
            sampler->changed_ids[step->changed_count++] = sampler->ids[i];
        }
    }
    step->changed = sampler->changed;
    step->changed_ids = sampler->changed_ids;
}

enum sedd_status sedd_sampler_advance(struct sedd_sampler *sampler, struct sedd_step *step,
                                      struct sedd_error *error)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    const struct sedd_sample_options *options = &sampler->options;
    if (sedd_sampler_done(sampler)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "this run is over after %d evaluations",
                         (int)sampler->total);
    }
    bool last = sampler->position == options->steps;
    enum sedd_move move = last ? SEDD_MOVE_DENOISER
                          : options->predictor == SEDD_PREDICTOR_EULER ? SEDD_MOVE_EULER
                                                                       : SEDD_MOVE_ANALYTIC;
    double t = sedd_grid_time(options->steps, sampler->position), sigma, dsigma;
    sedd_noise_at(info, t, &sigma, &dsigma);
    sampler->transition = sedd_transition_at(info, move, t, sedd_grid_delta(options->steps));
    project(sampler);
    memcpy(sampler->next, sampler->ids, (size_t)sampler->rows * sizeof(int32_t));
    enum sedd_status status = evaluate(sampler, sigma, error);
    if (status != SEDD_OK) {
        return status;
    }
    int32_t *before = sampler->ids;
    sampler->ids = sampler->next;
    sampler->next = before;
    sampler->position++;
    if (sedd_sampler_done(sampler)) {
        project(sampler);
    }
    *step = (struct sedd_step){.step = sampler->position, .total = sampler->total, .t = t,
                               .sigma = sigma};
    commit(sampler, before, step);
    return SEDD_OK;
}

bool sedd_sampler_done(const struct sedd_sampler *sampler)
{
    return sampler->position >= sampler->total;
}

const int32_t *sedd_sampler_ids(const struct sedd_sampler *sampler)
{
    return sampler->ids;
}

int32_t sedd_sampler_position(const struct sedd_sampler *sampler)
{
    return sampler->position;
}

enum sedd_status sedd_sampler_restore(struct sedd_sampler *sampler, int32_t position,
                                      const int32_t *ids, struct sedd_error *error)
{
    if (position < 0 || position > sampler->total) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "a run of %d evaluations cannot continue after %d", (int)sampler->total,
                         (int)position);
    }
    enum sedd_status status = sedd_ids_check(ids, (size_t)sampler->rows,
                                             sampler->session->model->info.states, error);
    if (status == SEDD_OK) {
        memcpy(sampler->ids, ids, (size_t)sampler->rows * sizeof(int32_t));
        sampler->position = position;
    }
    return status;
}
