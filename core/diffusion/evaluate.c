/*
 * evaluate.c - runs the network in a step. Exact draws skip an evaluation if there is nothing to
 * draw. A normalised model knows this beforehand, so no two of its evaluations read the same ids.
 *
 * Official draws evaluate as often as the reference codes do. MDLM's ddpm_cache and RADD reuse the
 * network's output while no token changes: MDLM while the whole batch stays the same, RADD for each
 * sequence. This is exact if the network does not read the noise level. The sampler keeps the
 * residual stream after the last block, which has H numbers per position instead of N, and runs the
 * head again. A network that is evaluated elsewhere reuses nothing: its evaluations give the same
 * numbers.
 */
#include "diffusion/sampler.h"

#include <string.h>

static bool is_official(const struct sedd_sampler *sampler)
{
    return sampler->options.draw == SEDD_DRAW_OFFICIAL;
}

/* Returns true if the reference code runs the network in this step even if nothing is drawn. */
static bool runs_always(const struct sedd_sampler *sampler)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    return is_official(sampler) && info->normalised &&
           !(sampler->last && info->family == SEDD_FAMILY_SDTT);
}

bool sedd_sampler_new_outputs(struct sedd_sampler *sampler)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    uint64_t batch = (uint64_t)sampler->options.batch, rows = (uint64_t)sampler->rows;
    bool keeps = is_official(sampler) && info->time_free &&
                 (info->family == SEDD_FAMILY_RADD ||
                  sampler->options.predictor == SEDD_PREDICTOR_DDPM_CACHE);
    sampler->evaluated = sedd_memory_new(batch, sizeof(bool));
    sampler->stale = sedd_memory_new(batch, sizeof(bool));
    if (keeps) {
        sampler->kept = sedd_memory_new(rows * (uint64_t)info->hidden_size, sizeof(float));
        sampler->read = sedd_memory_new(rows, sizeof(int32_t));
        sampler->output = sedd_memory_new(rows, sizeof(int32_t));
    }
    if (sampler->stale != NULL) {
        sedd_sampler_mark_stale(sampler, NULL);
    }
    return sampler->evaluated && sampler->stale &&
           (!keeps || (sampler->kept && sampler->read && sampler->output));
}

void sedd_sampler_mark_stale(struct sedd_sampler *sampler, const int32_t *before)
{
    size_t length = (size_t)sampler->options.length;
    bool whole = sampler->session->model->info.family != SEDD_FAMILY_RADD, any = before == NULL;
    for (int32_t b = 0; b < sampler->options.batch && before != NULL; b++) {
        size_t first = (size_t)b * length;
        bool same = memcmp(sampler->ids + first, before + first, length * sizeof *before) == 0;
        sampler->stale[b] = sampler->stale[b] || !same;
        any = any || sampler->stale[b];
    }
    if (before == NULL || (whole && any)) {
        memset(sampler->stale, true, (size_t)sampler->options.batch);
    }
}

struct sedd_reading sedd_sampler_reading(struct sedd_sampler *sampler)
{
    const struct sedd_sample_options *options = &sampler->options;
    struct sedd_reading reading = {.batch = options->batch,
                                   .length = options->length,
                                   .ids = sampler->ids,
                                   .sigma = sampler->sigma,
                                   .rows = sampler->drawn_count,
                                   .index = sampler->drawn};
    if (options->context == SEDD_CONTEXT_KNOWN) {
        reading.read_count = sedd_sampler_known(sampler, sampler->drawn_count);
        reading.read = sampler->known;
    }
    return reading;
}

/* Runs the blocks, and counts the evaluation and the sequences that it read. */
static enum sedd_status run_blocks(struct sedd_sampler *sampler, const struct sedd_reading *reading,
                                   struct sedd_error *error)
{
    enum sedd_status status = sedd_score_forward(sampler->session, reading, error);
    if (status == SEDD_OK) {
        sampler->evaluations++;
        for (int32_t b = 0; b < sampler->options.batch; b++) {
            sampler->sequences += sampler->evaluated[b];
            sampler->stale[b] =
                sampler->stale[b] && (!sampler->evaluated[b] || sampler->session->leaves);
        }
    }
    return status;
}

/* Updates the kept outputs of stale sequences, and passes those of drawn places to the head. */
static enum sedd_status refresh(struct sedd_sampler *sampler, struct sedd_error *error)
{
    struct sedd_session *session = sampler->session;
    size_t hidden = (size_t)session->model->info.hidden_size, size = hidden * sizeof(float);
    int32_t length = sampler->options.length;
    struct sedd_reading reading = sedd_sampler_reading(sampler);
    reading.rows = 0;
    reading.index = sampler->output;
    reading.read = sampler->read;
    for (int32_t place = 0, row = 0; place < sampler->rows; place++) {
        bool drawn = row < sampler->drawn_count && sampler->drawn[row] == place;
        row += drawn;
        if (sampler->stale[place / length]) {
            sampler->evaluated[place / length] = true;
            sampler->read[reading.read_count++] = place;
            sampler->output[reading.rows] = place;
            reading.rows += drawn;
        }
    }
    enum sedd_status status =
        reading.read_count > 0 ? run_blocks(sampler, &reading, error) : SEDD_OK;
    for (int32_t i = 0; i < reading.rows && status == SEDD_OK; i++) {
        memcpy(sampler->kept + (size_t)reading.index[i] * hidden,
               session->hidden + (size_t)i * hidden, size);
    }
    for (int32_t i = 0; i < sampler->drawn_count && status == SEDD_OK; i++) {
        memcpy(session->hidden + (size_t)i * hidden,
               sampler->kept + (size_t)sampler->drawn[i] * hidden, size);
    }
    return status;
}

enum sedd_status sedd_sampler_evaluate(struct sedd_sampler *sampler, sedd_row_visitor visit,
                                       struct sedd_error *error)
{
    struct sedd_reading reading = sedd_sampler_reading(sampler);
    enum sedd_status status = SEDD_OK;
    memset(sampler->evaluated, false, (size_t)sampler->options.batch);
    if (sampler->kept != NULL && !sampler->last && !sampler->session->leaves) {
        status = refresh(sampler, error);
    } else if (sampler->drawn_count > 0 || runs_always(sampler)) {
        memset(sampler->evaluated, true, (size_t)sampler->options.batch);
        status = run_blocks(sampler, &reading, error);
    }
    return status == SEDD_OK && sampler->drawn_count > 0
               ? sedd_score_head(sampler->session, &reading, visit, sampler, error)
               : status;
}
