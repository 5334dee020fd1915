/* check.c - refuses options that do not fit the model or the session, with one sentence. */
#include "diffusion/options.h"
#include "diffusion/sampler.h"

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
    bool filtered = options->greedy || options->temperature != 1.0 || options->top_k != 0 ||
                    options->top_p != 1.0;
    if (!exact && filtered) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "temperature, top_k and top_p need exact draws and the absorb graph");
    }
    if (!exact && options->positions != SEDD_POSITIONS_SCORE) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "positions other than score need exact draws and the absorb graph");
    }
    return SEDD_OK;
}

static enum sedd_status check_family(const struct sedd_sample_options *options,
                                     const struct sedd_model_info *info, struct sedd_error *error)
{
    if (options->predictor >= SEDD_PREDICTOR_DDPM && !info->normalised) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "the samplers ddpm and ddpm_cache need a model that gives p(x0) (MDLM, "
                         "SDTT, RADD, DUO); a SEDD runs analytic and euler");
    }
    if (options->ending == SEDD_ENDING_OPEN && info->graph == SEDD_GRAPH_UNIFORM) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "the ending open needs masks; the uniform graph ends with draw or "
                         "likeliest");
    }
    return SEDD_OK;
}

static enum sedd_status check_conflict(const struct sedd_sample_options *given,
                                       struct sedd_error *error)
{
    const char *conflict = sedd_sample_conflict(given);
    return conflict == NULL ? SEDD_OK : sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s", conflict);
}

enum sedd_status sedd_sample_check(const struct sedd_session *session,
                                   struct sedd_sample_options *options, struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    const struct sedd_sample_options given = *options;
    enum sedd_status status = sedd_sample_fill(SEDD_KIND_SEDD, options, error);
    options->length = options->length == 0 ? info->length : options->length;
    status = status == SEDD_OK
                 ? sedd_score_check(session, "sampling", options->batch, options->length, error)
                 : status;
    status = status == SEDD_OK ? check_draw(options, info, error) : status;
    status = status == SEDD_OK ? check_family(options, info, error) : status;
    status = status == SEDD_OK ? check_conflict(&given, error) : status;
    status = status == SEDD_OK ? check_held(options, info, error) : status;
    if (status == SEDD_OK && options->initial_ids != NULL) {
        status =
            sedd_ids_check(options->initial_ids, (size_t)options->batch * (size_t)options->length,
                           info->states, error);
    }
    return status;
}
