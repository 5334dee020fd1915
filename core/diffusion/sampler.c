/*
 * sampler.c - the denoising loop. The sequence is pure noise at t = 1. Each step evaluates the
 * network once and draws every noisy position again. A last step removes the noise that remains
 * (SEDD, algorithm 2; the reference code's pc_sampler).
 *
 * In the absorb graph, a token that has been filled in never changes, so only masked rows pass the
 * head and are drawn. If the positions of a step are known before the network runs, only those rows
 * do; with context `known`, the network does not even read the other masks. schedule.c gives the
 * times, order.c and choose.c the masks of a step, evaluate.c runs the network, and visit.c draws.
 */
#include "diffusion/sampler.h"

#include "diffusion/options.h"
#include "diffusion/schedule.h"
#include "model/condition.h"
#include "random.h"

#include <math.h>
#include <string.h>

/* ---- Creating and freeing
 * --------------------------------------------------------------------- */

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

static int32_t count_masks(const struct sedd_sampler *sampler, const int32_t *ids, int32_t count)
{
    int32_t mask = sampler->session->model->info.mask_id, masked = 0;
    for (int32_t i = 0; i < count; i++) {
        masked += ids[i] == mask;
    }
    return masked;
}

/* Updates the sampler after its ids were set from outside. */
static void settle(struct sedd_sampler *sampler)
{
    project(sampler);
    sampler->masked = count_masks(sampler, sampler->ids, sampler->rows);
    if (sampler->options.positions == SEDD_POSITIONS_HITTING) {
        sampler->total = sampler->steps_done + sampler->masked;
    }
}

static void start(struct sedd_sampler *sampler, const int32_t *initial_ids)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    for (int32_t i = 0; i < sampler->rows; i++) {
        double u = sedd_random_uniform(sampler->options.seed, SEDD_STREAM_LIMIT, 0, (uint32_t)i, 0);
        sampler->ids[i] = initial_ids != NULL ? initial_ids[i]
                          : info->graph == SEDD_GRAPH_ABSORB
                              ? info->mask_id
                              : sedd_session_pick(sampler->session, u);
    }
    settle(sampler);
}

static bool allocate(struct sedd_sampler *sampler)
{
    const struct sedd_sample_options *options = &sampler->options;
    uint64_t rows = (uint64_t)sampler->rows, held = options->held_count;
    sampler->ids = sedd_memory_new(rows, sizeof(int32_t));
    sampler->next = sedd_memory_new(rows, sizeof(int32_t));
    sampler->changed = sedd_memory_new(rows, sizeof(int32_t));
    sampler->changed_ids = sedd_memory_new(rows, sizeof(int32_t));
    sampler->changed_confidence = sedd_memory_new(rows, sizeof(float));
    sampler->changed_entropy = sedd_memory_new(rows, sizeof(float));
    sampler->held_positions = sedd_memory_new(held, sizeof(int32_t));
    sampler->held_ids = sedd_memory_new(held, sizeof(int32_t));
    sampler->outcome = sedd_memory_new(rows, sizeof(struct sedd_outcome));
    sampler->requested_uniforms = sedd_memory_new(rows, sizeof(float));
    sampler->confidence = sedd_memory_new(rows, sizeof(float));
    sampler->entropy = sedd_memory_new(rows, sizeof(float));
    sampler->rank = sedd_memory_new(rows, sizeof(double));
    sampler->ranked = sedd_memory_new((uint64_t)options->length, sizeof(struct sedd_ranked));
    sampler->drawn = sedd_memory_new(rows, sizeof(int32_t));
    bool known = options->context == SEDD_CONTEXT_KNOWN;
    sampler->known = known ? sedd_memory_new(rows, sizeof(int32_t)) : NULL;
    return sedd_sampler_new_outputs(sampler) && sampler->ids && sampler->next && sampler->changed &&
           sampler->changed_ids && sampler->changed_confidence && sampler->changed_entropy &&
           sampler->held_positions && sampler->held_ids && sampler->confidence &&
           sampler->entropy && sampler->rank && sampler->ranked && sampler->drawn &&
           sampler->outcome && sampler->requested_uniforms && (!known || sampler->known);
}

/* Returns the ending of the options, or the one of the model's reference code. */
static enum sedd_ending ending_of(const struct sedd_model_info *info,
                                  const struct sedd_sample_options *options)
{
    bool analytic =
        options->predictor == SEDD_PREDICTOR_ANALYTIC || options->predictor == SEDD_PREDICTOR_EULER;
    if (options->ending != SEDD_ENDING_OWN) {
        return options->ending;
    }
    switch (info->family) {
    case SEDD_FAMILY_MDLM: return analytic ? SEDD_ENDING_DRAW : SEDD_ENDING_LIKELIEST;
    case SEDD_FAMILY_SDTT: return SEDD_ENDING_LIKELIEST;
    case SEDD_FAMILY_RADD: return SEDD_ENDING_OPEN;
    default: return SEDD_ENDING_DRAW;
    }
}

static int32_t total_steps(const struct sedd_sampler *sampler)
{
    const struct sedd_sample_options *options = &sampler->options;
    bool one_more =
        sedd_sample_by_coin(options) && !options->no_denoise && sampler->ending != SEDD_ENDING_OPEN;
    return options->steps + (one_more ? 1 : 0);
}

enum sedd_status sedd_sampler_new(struct sedd_session *session,
                                  const struct sedd_sample_options *given,
                                  struct sedd_sampler **out, struct sedd_error *error)
{
    struct sedd_sample_options options = *given;
    enum sedd_status status = sedd_sample_check(session, &options, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct sedd_sampler *sampler = sedd_memory_new(1, sizeof *sampler);
    if (sampler != NULL) {
        sampler->session = session;
        sampler->options = options;
        sampler->rows = options.batch * options.length;
        sampler->ending = ending_of(&session->model->info, &options);
        sampler->end = SEDD_GRID_END;
        sampler->total = total_steps(sampler);
    }
    if (sampler == NULL || !allocate(sampler)) {
        sedd_sampler_free(sampler);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a run of %d tokens",
                         (int)options.length);
    }
    if (options.held_count > 0) {
        memcpy(sampler->held_positions, options.held_positions,
               options.held_count * sizeof(int32_t));
        memcpy(sampler->held_ids, options.held_ids, options.held_count * sizeof(int32_t));
    }
    start(sampler, options.initial_ids);
    sampler->options.initial_ids = NULL;
    sampler->options.held_positions = sampler->held_positions;
    sampler->options.held_ids = sampler->held_ids;
    *out = sampler;
    return SEDD_OK;
}

enum sedd_status sedd_sampler_feed(struct sedd_sampler *sampler,
                                   void (*feed)(void *user, float *values, size_t count),
                                   void *user, double end, struct sedd_error *error)
{
    uint64_t count = (uint64_t)sampler->rows * (uint64_t)sampler->session->model->info.states;
    sampler->uniforms = sedd_memory_new(count, sizeof(float));
    sampler->feed = feed;
    sampler->feed_user = user;
    sampler->end = end;
    return sampler->uniforms != NULL
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the uniforms of a run");
}

void sedd_sampler_free(struct sedd_sampler *sampler)
{
    if (sampler == NULL) {
        return;
    }
    void *owned[] = {sampler->ids,
                     sampler->next,
                     sampler->changed,
                     sampler->changed_ids,
                     sampler->changed_confidence,
                     sampler->changed_entropy,
                     sampler->held_positions,
                     sampler->held_ids,
                     sampler->outcome,
                     sampler->requested_uniforms,
                     sampler->confidence,
                     sampler->entropy,
                     sampler->rank,
                     sampler->ranked,
                     sampler->drawn,
                     sampler->known,
                     sampler->evaluated,
                     sampler->stale,
                     sampler->kept,
                     sampler->read,
                     sampler->output,
                     sampler->uniforms};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        sedd_memory_free(owned[i]);
    }
    sedd_memory_free(sampler);
}

/* ---- A step ------------------------------------------------------------------------------ */

/* Smallest time of a step. A grid may end at 0 or below, and the network is evaluated there,
 * too. */
#define TIME_LEAST 1e-9

/* Sets the time of the current step. Returns its width. */
static double plan_time(struct sedd_sampler *sampler)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    const struct sedd_sample_options *options = &sampler->options;
    int32_t i = sampler->steps_done;
    if (options->positions == SEDD_POSITIONS_HITTING) {
        sampler->t = sedd_schedule_hit(info, options->seed, i, sampler->masked);
        return 0.0;
    }
    if (options->positions == SEDD_POSITIONS_BOUNDED) {
        sampler->t = sedd_schedule_time(info, (double)sampler->masked / sampler->rows);
        return 0.0;
    }
    sampler->t = sedd_grid_time(options->grid, options->steps, i, sampler->end);
    return sampler->last ? 0.0 : sedd_grid_delta(options->grid, options->steps, i, sampler->end);
}

/* Sets time, noise level and transition of the current step. */
static void plan(struct sedd_sampler *sampler)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    const struct sedd_sample_options *options = &sampler->options;
    int32_t i = sampler->steps_done;
    double dsigma;
    bool coin = sedd_sample_by_coin(options), final = i + 1 == options->steps;
    bool planned = options->positions == SEDD_POSITIONS_PLANNED ||
                   options->positions == SEDD_POSITIONS_BOUNDED;
    sampler->last = i == options->steps && coin;
    double delta = plan_time(sampler);
    bool to_zero = info->normalised && info->graph == SEDD_GRAPH_ABSORB && sampler->t <= delta;
    bool opens =
        coin && !sampler->last && (to_zero || (final && sampler->ending == SEDD_ENDING_OPEN));
    sampler->t = fmax(sampler->t, TIME_LEAST);
    sedd_noise_at(info, sampler->t, &sampler->sigma, &dsigma);
    enum sedd_move move = sampler->last || opens                       ? SEDD_MOVE_DENOISER
                          : options->predictor == SEDD_PREDICTOR_EULER ? SEDD_MOVE_EULER
                                                                       : SEDD_MOVE_ANALYTIC;
    sampler->transition = sedd_transition_at(info, move, sampler->t, delta);
    sampler->transition.official = options->draw == SEDD_DRAW_OFFICIAL && !info->normalised;
    sampler->shift = (float)sedd_score_shift(info, sampler->sigma);
    sampler->rest = sampler->last || opens || (planned && final);
}

/* Returns true for exact draws in the absorb graph. They decide in two parts: whether a mask is
 * filled in, and with which token. */
static bool draws_exactly(const struct sedd_sampler *sampler)
{
    return sampler->options.draw == SEDD_DRAW_EXACT &&
           sampler->session->model->info.graph == SEDD_GRAPH_ABSORB;
}

/* Computes the conditioning of the following steps in one batch, if their noise levels are
 * known. */
static void prepare(struct sedd_sampler *sampler)
{
    const struct sedd_sample_options *options = &sampler->options;
    double sigmas[SEDD_CONDITIONS], dsigma;
    int32_t count = sedd_min(sampler->total - sampler->steps_done, SEDD_CONDITIONS);
    bool own_times = options->positions == SEDD_POSITIONS_BOUNDED ||
                     options->positions == SEDD_POSITIONS_HITTING;
    if (own_times || sedd_condition_kept(sampler->session, sampler->sigma)) {
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        double t =
            sedd_grid_time(options->grid, options->steps, sampler->steps_done + i, sampler->end);
        sedd_noise_at(&sampler->session->model->info, t, &sigmas[i], &dsigma);
    }
    sedd_condition_prepare(sampler->session, sigmas, count);
}

/* Reads as many uniforms as the reference code draws in the current step. */
static void read_uniforms(struct sedd_sampler *sampler)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    bool radd = info->family == SEDD_FAMILY_RADD;
    int32_t columns =
        info->normalised ? info->states : sedd_transition_columns(&sampler->transition);
    int32_t rows = radd ? sampler->drawn_count : sampler->rows;
    if (sampler->feed != NULL && !(sampler->last && sampler->ending == SEDD_ENDING_LIKELIEST)) {
        sampler->feed(sampler->feed_user, sampler->uniforms, (size_t)rows * (size_t)columns);
    }
}

/* Plans the current step and chooses its rows. */
static enum sedd_status begin(struct sedd_sampler *sampler, struct sedd_error *error)
{
    if (sedd_sampler_done(sampler)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "this run is over after %d steps",
                         (int)sampler->steps_done);
    }
    plan(sampler);
    project(sampler);
    sampler->drawn_count = sedd_sampler_choose(sampler);
    read_uniforms(sampler);
    sampler->requested = true;
    return SEDD_OK;
}

/* Sets `next` to the ids after the draws. */
static enum sedd_status place_drawn(struct sedd_sampler *sampler, struct sedd_error *error)
{
    memcpy(sampler->next, sampler->ids, (size_t)sampler->rows * sizeof(int32_t));
    for (int32_t row = 0; row < sampler->drawn_count; row++) {
        const struct sedd_outcome *drawn = &sampler->outcome[row];
        int32_t place = sampler->drawn[row];
        if (!isfinite(drawn->sum)) {
            return sedd_score_fail(sampler->sigma, error);
        }
        if (drawn->id >= 0) {
            sampler->next[place] = drawn->id;
            sampler->confidence[place] = drawn->confidence;
            sampler->entropy[place] = drawn->entropy;
            sampler->rank[place] = drawn->rank;
        }
    }
    sedd_sampler_remask(sampler);
    return SEDD_OK;
}

/* Reports the positions whose ids differ from those before the step. */
static void report(struct sedd_sampler *sampler, const int32_t *before, struct sedd_step *step)
{
    bool exact = draws_exactly(sampler);
    int32_t count = 0;
    for (int32_t i = 0; i < sampler->rows; i++) {
        if (sampler->ids[i] != before[i]) {
            sampler->changed[count] = i;
            sampler->changed_ids[count] = sampler->ids[i];
            sampler->changed_confidence[count] = sampler->confidence[i];
            sampler->changed_entropy[count++] = sampler->entropy[i];
        }
    }
    step->step = sampler->steps_done;
    step->total = sampler->total;
    step->t = sampler->t;
    step->sigma = sampler->sigma;
    step->masked = sampler->masked;
    step->changed_count = count;
    step->changed = sampler->changed;
    step->changed_ids = sampler->changed_ids;
    step->confidence = exact ? sampler->changed_confidence : NULL;
    step->entropy = exact ? sampler->changed_entropy : NULL;
}

/* Ends the current step, whose rows have been drawn. */
static enum sedd_status finish(struct sedd_sampler *sampler, struct sedd_step *step,
                               struct sedd_error *error)
{
    enum sedd_status status = place_drawn(sampler, error);
    if (status != SEDD_OK) {
        return status;
    }
    int32_t *before = sampler->ids;
    sampler->ids = sampler->next;
    sampler->next = before;
    sampler->requested = false;
    sampler->steps_done++;
    if (sampler->steps_done >= sampler->total) {
        project(sampler);
    }
    sampler->masked = count_masks(sampler, sampler->ids, sampler->rows);
    sedd_sampler_mark_stale(sampler, before);
    step->rows = sampler->drawn_count;
    report(sampler, before, step);
    return SEDD_OK;
}

enum sedd_status sedd_sampler_advance(struct sedd_sampler *sampler, struct sedd_step *step,
                                      struct sedd_error *error)
{
    enum sedd_status status = begin(sampler, error);
    if (status == SEDD_OK && sampler->drawn_count > 0) {
        prepare(sampler);
    }
    if (status == SEDD_OK) {
        status = sedd_sampler_evaluate(
            sampler, draws_exactly(sampler) ? sedd_visit_exact : sedd_visit_weights, error);
    }
    return status == SEDD_OK ? finish(sampler, step, error) : status;
}

/* ---- A step whose network is evaluated elsewhere ------------------------------------------ */

enum sedd_status sedd_sampler_request(struct sedd_sampler *sampler, struct sedd_request *request,
                                      struct sedd_error *error)
{
    struct sedd_session *session = sampler->session;
    if (!draws_exactly(sampler)) {
        return sedd_fail(
            error, SEDD_ERROR_UNSUPPORTED, "a step with %s is computed by this engine only",
            sampler->options.draw == SEDD_DRAW_OFFICIAL ? "official draws" : "the uniform graph");
    }
    enum sedd_status status = begin(sampler, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct sedd_reading reading = sedd_sampler_reading(sampler);
    if (reading.rows > 0) {
        prepare(sampler);
        sedd_condition(session, sampler->sigma);
    }
    for (int32_t row = 0; row < reading.rows; row++) {
        double u = sedd_sampler_random(sampler, sampler->drawn[row], 1);
        sampler->requested_uniforms[row] = sedd_random_below_one(u);
    }
    *request =
        (struct sedd_request){.sigma = sampler->sigma,
                              .shift = (double)sampler->shift,
                              .greedy = sampler->last && sampler->ending == SEDD_ENDING_LIKELIEST,
                              .ids = sampler->ids,
                              .rows = reading.rows,
                              .index = sampler->drawn,
                              .uniforms = sampler->requested_uniforms,
                              .read_count = reading.read_count,
                              .read = reading.read,
                              .modulation = session->modulation,
                              .modulation_size = (int32_t)session->modulation_size};
    return SEDD_OK;
}

/* Returns the rank of a drawn row. An order that does not depend on the network keeps its rank. */
static double rank_of(const struct sedd_sampler *sampler, int32_t place,
                      const struct sedd_row_result *result)
{
    switch (sampler->options.order) {
    case SEDD_ORDER_CONFIDENCE: return -(double)result->likeliest;
    case SEDD_ORDER_MARGIN: return (double)result->second - (double)result->likeliest;
    case SEDD_ORDER_ENTROPY: return (double)result->entropy;
    default: return sampler->rank[place];
    }
}

enum sedd_status sedd_sampler_take(struct sedd_sampler *sampler,
                                   const struct sedd_row_result *results, struct sedd_step *step,
                                   struct sedd_error *error)
{
    int32_t tokens = sampler->session->model->info.tokens;
    if (!sampler->requested) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "no step was requested of this run");
    }
    for (int32_t row = 0; row < sampler->drawn_count; row++) {
        const struct sedd_row_result *result = &results[row];
        int32_t place = sampler->drawn[row];
        double sum = exp((double)result->log_sum - (double)sampler->shift);
        if (isfinite(sum) && (result->id < 0 || result->id >= tokens)) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                             "row %d of a step has token id %d, outside this model's 0 to %d",
                             (int)row, (int)result->id, (int)tokens - 1);
        }
        bool stays =
            sedd_sampler_opens_by_score(sampler) && !sedd_sampler_opens(sampler, place, sum);
        sampler->outcome[row] = (struct sedd_outcome){.id = stays ? -1 : result->id,
                                                      .confidence = result->confidence,
                                                      .entropy = result->entropy,
                                                      .rank = rank_of(sampler, place, result),
                                                      .sum = sum};
    }
    return finish(sampler, step, error);
}

bool sedd_sampler_done(const struct sedd_sampler *sampler)
{
    bool early = sampler->options.positions == SEDD_POSITIONS_BOUNDED && sampler->masked == 0;
    return sampler->steps_done >= sampler->total || early;
}

const int32_t *sedd_sampler_ids(const struct sedd_sampler *sampler)
{
    return sampler->ids;
}

int32_t sedd_sampler_steps_done(const struct sedd_sampler *sampler)
{
    return sampler->steps_done;
}

enum sedd_status sedd_sampler_restore(struct sedd_sampler *sampler, int32_t steps_done,
                                      const int32_t *ids, struct sedd_error *error)
{
    bool hitting = sampler->options.positions == SEDD_POSITIONS_HITTING; /* has no fixed total */
    int32_t most = hitting ? sampler->rows : sampler->total;
    if (steps_done < 0 || steps_done > most) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "a run of %d steps cannot continue after %d",
                         (int)most, (int)steps_done);
    }
    enum sedd_status status =
        sedd_ids_check(ids, (size_t)sampler->rows, sampler->session->model->info.states, error);
    if (status == SEDD_OK) {
        memcpy(sampler->ids, ids, (size_t)sampler->rows * sizeof(int32_t));
        sampler->steps_done = steps_done;
        sampler->requested = false;
        sedd_sampler_mark_stale(sampler, NULL);
        settle(sampler);
    }
    return status;
}
