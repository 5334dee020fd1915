/* options.c - what a sampler may be asked for: defaults filled in, the rest refused in a
 * sentence. */
#include "diffusion/draw.h"
#include "diffusion/sampler.h"

#include <math.h>

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
    bool exact = options->draw == SEDD_DRAW_EXACT && info->graph == SEDD_GRAPH_ABSORB;
    if (!exact && (options->temperature != 1.0 || options->top_k != 0 || options->top_p != 1.0)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "temperature, top_k and top_p need exact draws and the absorb graph");
    }
    if (!exact && options->positions != SEDD_POSITIONS_SCORE) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "positions other than score need exact draws and the absorb graph");
    }
    return sedd_draw_check(options->temperature, options->top_k, options->top_p, error);
}

static enum sedd_status check_range(const char *name, int32_t value, int32_t high,
                                    struct sedd_error *error)
{
    return value >= 0 && value <= high
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s is %d; expected 0 to %d", name,
                           (int)value, (int)high);
}

static enum sedd_status check_words(const struct sedd_sample_options *options,
                                    struct sedd_error *error)
{
    const struct {
        const char *name;
        int32_t value, high;
    } words[] = {{"predictor", (int32_t)options->predictor, SEDD_PREDICTOR_EULER},
                 {"draw", (int32_t)options->draw, SEDD_DRAW_OFFICIAL},
                 {"positions", (int32_t)options->positions, SEDD_POSITIONS_HITTING},
                 {"order", (int32_t)options->order, SEDD_ORDER_ENTROPY},
                 {"grid", (int32_t)options->grid, SEDD_GRID_COSINE},
                 {"context", (int32_t)options->context, SEDD_CONTEXT_KNOWN}};
    enum sedd_status status = SEDD_OK;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && status == SEDD_OK; i++) {
        status = check_range(words[i].name, words[i].value, words[i].high, error);
    }
    return status;
}

/* What belongs to some ways of choosing positions has no meaning with the others. */
const char *sedd_sample_conflict(const struct sedd_sample_options *options)
{
    bool bounded = options->positions == SEDD_POSITIONS_BOUNDED;
    bool hitting = options->positions == SEDD_POSITIONS_HITTING;
    bool coin = sedd_sample_by_coin(options);
    if (options->order != SEDD_ORDER_RANDOM && (coin || hitting)) {
        return "order needs positions fixed or bounded; the others open masks by chance";
    }
    if (options->grid != SEDD_GRID_LINEAR && (bounded || hitting)) {
        return "a grid needs positions score, normalised or fixed; bounded and hitting have times "
               "of their own";
    }
    if (options->gamma != 0.0 && !bounded) {
        return "gamma needs positions bounded";
    }
    if (options->predictor == SEDD_PREDICTOR_EULER && !coin) {
        return "the euler predictor needs positions score or normalised; the others take no coin";
    }
    if (options->no_denoise && !coin) {
        return "no_denoise needs positions score or normalised; the others leave no mask to the "
               "denoiser";
    }
    if (options->context == SEDD_CONTEXT_KNOWN && !sedd_sample_foresees(options)) {
        return "context known needs positions normalised, hitting, or fixed in order random or "
               "spread; in the others the network itself decides which masks open";
    }
    return hitting && options->batch > 1
               ? "positions hitting runs one sequence; expected a batch of 1"
               : NULL;
}

static enum sedd_status check_positions(const struct sedd_sample_options *options,
                                        struct sedd_error *error)
{
    const char *conflict = sedd_sample_conflict(options);
    if (conflict != NULL) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s", conflict);
    }
    if (!(options->gamma >= 0.0) || isinf(options->gamma)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "gamma is %g; expected a number of nats above 0", options->gamma);
    }
    return SEDD_OK;
}

static enum sedd_status check_sizes(const struct sedd_session *session,
                                    const struct sedd_sample_options *options,
                                    struct sedd_error *error)
{
    if (options->steps < 1 || options->steps > 1000000) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "steps is %d; expected 1 to 1000000",
                         (int)options->steps);
    }
    return sedd_score_check(session, "sampling", options->batch, options->length, error);
}

enum sedd_status sedd_sample_check(const struct sedd_session *session,
                                   struct sedd_sample_options *options, struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    options->batch = options->batch == 0 ? 1 : options->batch;
    options->length = options->length == 0 ? info->length : options->length;
    options->temperature = options->temperature == 0.0 ? 1.0 : options->temperature;
    options->top_p = options->top_p == 0.0 ? 1.0 : options->top_p;
    enum sedd_status status = check_sizes(session, options, error);
    status = status == SEDD_OK ? check_words(options, error) : status;
    status = status == SEDD_OK ? check_draw(options, info, error) : status;
    status = status == SEDD_OK ? check_positions(options, error) : status;
    status = status == SEDD_OK ? check_held(options, info, error) : status;
    if (status == SEDD_OK && options->initial_ids != NULL) {
        status =
            sedd_ids_check(options->initial_ids, (size_t)options->batch * (size_t)options->length,
                           info->states, error);
    }
    options->gamma = options->gamma == 0.0 ? 1.0 : options->gamma;
    return status;
}
