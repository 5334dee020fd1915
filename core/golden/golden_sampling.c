/*
 * golden_sampling.c - compares sampling with reference outputs (see golden_check.h): schedules, the
 * weights of a step, draws and whole trajectories; GPT-2's greedy text.
 */
#include "golden/golden_check.h"

#include "diffusion/draw.h"
#include "diffusion/graph.h"
#include "diffusion/sampler.h"
#include "diffusion/schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Schedules --------------------------------------------------------------------------- */

enum sedd_status sedd_golden_noise(struct sedd_golden *golden, const cJSON *list)
{
    double error = 0.0;
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        double sigma, dsigma, t = sedd_golden_number(item, "t");
        double expected = sedd_golden_number(item, "sigma_f64");
        double slope = sedd_golden_number(item, "dsigma_f64");
        sedd_noise_at(golden->info, t, &sigma, &dsigma);
        /* sigma(0) of the loglinear schedule is 0, so its error is absolute. */
        double scale = expected != 0.0 ? fabs(expected) : 1.0;
        error = sedd_golden_worse(error, fabs(sigma - expected) / scale);
        error = sedd_golden_worse(error, fabs(dsigma / slope - 1.0));
    }
    sedd_golden_check(golden, "", error, SEDD_GOLDEN_NOISE);
    return SEDD_OK;
}

enum sedd_status sedd_golden_grid(struct sedd_golden *golden, const cJSON *list)
{
    double error = 0.0;
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        size_t count;
        const double *t = sedd_golden_numbers(golden, item, "t", &count);
        double steps = sedd_golden_number(item, "steps");
        if (!(steps >= 1.0 && steps + 1.0 == (double)count)) {
            return sedd_golden_damaged(golden);
        }
        for (size_t i = 0; i < count; i++) {
            double mine =
                sedd_grid_time(SEDD_GRID_LINEAR, (int32_t)steps, (int32_t)i, SEDD_GRID_END);
            error = sedd_golden_worse(error, fabs(mine - (double)(float)t[i]));
        }
    }
    sedd_golden_check(golden, "", error, SEDD_GOLDEN_GRID);
    return SEDD_OK;
}

/* ---- Steps and draws --------------------------------------------------------------------- */

enum sedd_status sedd_golden_step(struct sedd_golden *golden, const cJSON *item)
{
    int32_t batch, length;
    size_t id_count, expected_count, states = (size_t)golden->info->states;
    const int32_t *ids = sedd_golden_ids(golden, item, "x", &id_count);
    const char *name = sedd_golden_text(item, "probs");
    const float *expected = sedd_golden_tensor(golden, name, &expected_count);
    double t = sedd_golden_number(item, "t"), dt = sedd_golden_number(item, "dt");
    struct sedd_transition transition =
        sedd_transition_at(golden->info, sedd_golden_move(sedd_golden_text(item, "kind")), t,
                           isnan(dt) ? 0.0 : dt); /* the denoiser has no step size */
    transition.official = true;
    size_t columns = (size_t)sedd_transition_columns(&transition);
    bool fits = sedd_golden_shape(item, "x", &batch, &length) && id_count > 0 &&
                expected_count == id_count * columns;
    double *sigma = sedd_golden_memory(golden, fits ? (uint64_t)batch : 0, sizeof *sigma);
    if (!fits || sigma == NULL) {
        return sedd_golden_damaged(golden);
    }
    double dsigma, error = 0.0;
    for (int32_t b = 0; b < batch; b++) {
        sedd_noise_at(golden->info, t, &sigma[b], &dsigma);
    }
    float *rows;
    enum sedd_status status = sedd_golden_log_scores(golden, batch, length, ids, sigma, &rows);
    for (size_t i = 0; status == SEDD_OK && i < id_count; i++) {
        float *row = rows + i * states;
        sedd_transition_weights(&transition, ids[i], row);
        error = sedd_golden_worse(error, sedd_golden_error(row, expected + i * columns, columns));
    }
    if (status == SEDD_OK) {
        sedd_golden_check(golden, ".weights", error, SEDD_GOLDEN_WEIGHTS);
    }
    return status;
}

enum sedd_status sedd_golden_categorical(struct sedd_golden *golden, const cJSON *item)
{
    size_t weight_count, uniform_count, row_count, wrong = 0;
    const double *weights = sedd_golden_numbers(golden, item, "probs", &weight_count);
    const double *uniforms = sedd_golden_numbers(golden, item, "uniforms", &uniform_count);
    const int32_t *expected = sedd_golden_ids(golden, item, "result", &row_count);
    size_t columns = row_count == 0 ? 0 : weight_count / row_count;
    float *row = sedd_golden_memory(golden, columns, sizeof *row);
    float *uniform = sedd_golden_memory(golden, columns, sizeof *uniform);
    bool fits = columns > 0 && columns * row_count == weight_count &&
                weight_count == uniform_count && row != NULL && uniform != NULL;
    if (!fits) {
        return sedd_golden_damaged(golden);
    }
    for (size_t r = 0; r < row_count; r++) {
        for (size_t y = 0; y < columns; y++) {
            row[y] = (float)weights[r * columns + y];
            uniform[y] = (float)uniforms[r * columns + y];
        }
        wrong += sedd_draw_race(row, uniform, (int32_t)columns) != expected[r];
    }
    sedd_golden_check(golden, "", (double)wrong, SEDD_GOLDEN_EXACT);
    return SEDD_OK;
}

/* ---- Trajectories ------------------------------------------------------------------------ */

/* Runs to the end and counts the ids that differ from states [draws, rows]. After the last draw,
 * when the held tokens are in place, it also compares with result [rows]. */
static enum sedd_status follow(struct sedd_golden *golden, struct sedd_sampler *sampler,
                               size_t rows, const int32_t *states, size_t draws,
                               const int32_t *result, size_t *wrong)
{
    struct sedd_step step;
    for (size_t draw = 0; !sedd_sampler_done(sampler); draw++) {
        enum sedd_status status = sedd_sampler_advance(sampler, &step, golden->error);
        if (status != SEDD_OK) {
            return status;
        }
        bool last = sedd_sampler_done(sampler);
        if (!last && draw >= draws) {
            return sedd_golden_damaged(golden);
        }
        const int32_t *expected = last ? result : states + draw * rows;
        for (size_t i = 0; i < rows; i++) {
            *wrong += sedd_sampler_ids(sampler)[i] != expected[i];
        }
    }
    return SEDD_OK;
}

/* Runs the trajectory of `options`, or the denoiser alone for the reference's predictor "none",
 * which leaves x unchanged. */
static enum sedd_status run_trajectory(struct sedd_golden_uniforms *uniforms,
                                       const struct sedd_sample_options *options,
                                       bool denoiser_only, const int32_t *states, size_t draws,
                                       const int32_t *result, size_t *wrong)
{
    struct sedd_golden *golden = uniforms->golden;
    size_t rows = (size_t)options->batch * (size_t)options->length;
    struct sedd_session *session = NULL;
    struct sedd_sampler *sampler = NULL;
    enum sedd_status status =
        sedd_golden_sampler(uniforms, options, SEDD_GRID_END, &session, &sampler);
    if (status == SEDD_OK && denoiser_only) {
        status = sedd_sampler_restore(sampler, options->steps, options->initial_ids, golden->error);
    }
    if (status == SEDD_OK) {
        status = follow(golden, sampler, rows, states, draws, result, wrong);
    }
    sedd_sampler_free(sampler);
    sedd_session_free(session);
    return status;
}

enum sedd_status sedd_golden_trajectory(struct sedd_golden *golden, const cJSON *item)
{
    struct sedd_golden_uniforms uniforms = {golden, sedd_golden_text(item, "name"), 0, false};
    const char *predictor = sedd_golden_text(item, "predictor");
    double steps = sedd_golden_number(item, "steps");
    bool euler = sedd_golden_move(predictor) == SEDD_MOVE_EULER;
    size_t count, held_count, held_id_count, state_count, result_count, wrong = 0;
    const int32_t *initial = sedd_golden_ids(golden, item, "x_init", &count);
    const int32_t *places = sedd_golden_ids(golden, item, "condition.locs", &held_count);
    const int32_t *held = sedd_golden_ids(golden, item, "condition.ids", &held_id_count);
    const int32_t *states =
        sedd_golden_ids(golden, item, "states_after_each_draw_before_projection", &state_count);
    const int32_t *result = sedd_golden_ids(golden, item, "result", &result_count);
    struct sedd_sample_options options = {
        .draw = SEDD_DRAW_OFFICIAL,
        .predictor = euler ? SEDD_PREDICTOR_EULER : SEDD_PREDICTOR_ANALYTIC,
        .no_denoise = cJSON_IsFalse(sedd_json_find(item, "denoise")),
        .held_count = held_count,
        .held_positions = places,
        .held_ids = held,
        .initial_ids = initial,
    };
    bool fits = sedd_golden_shape(item, "x_init", &options.batch, &options.length) && count > 0 &&
                uniforms.name != NULL && held_count == held_id_count && result_count == count &&
                steps >= 1.0 && steps <= 1e6;
    snprintf(golden->name, sizeof golden->name, "trajectory %.70s",
             uniforms.name == NULL ? "?" : uniforms.name);
    if (!fits) {
        return sedd_golden_damaged(golden);
    }
    options.steps = (int32_t)steps;
    bool denoiser_only = predictor != NULL && strcmp(predictor, "none") == 0;
    enum sedd_status status = run_trajectory(&uniforms, &options, denoiser_only, states,
                                             state_count / count, result, &wrong);
    if (status == SEDD_OK && uniforms.damaged) {
        status = sedd_golden_damaged(golden);
    }
    if (status == SEDD_OK) {
        sedd_golden_check(golden, "", (double)wrong, SEDD_GOLDEN_EXACT);
    }
    return status;
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

/* Continues output[0..prompt_count-1] greedily and counts the ids that differ from the rest. */
static enum sedd_status continue_greedily(struct sedd_golden *golden, const int32_t *output,
                                          size_t prompt_count, size_t output_count, float *logits,
                                          size_t *wrong)
{
    const struct sedd_sample_options options = {.greedy = true};
    struct sedd_session *session;
    enum sedd_status status = sedd_session_new(golden->engine, golden->model, (int32_t)output_count,
                                               &session, golden->error);
    if (status != SEDD_OK) {
        return status;
    }
    status = sedd_gpt2_append(session, output, (int32_t)prompt_count, false, logits, golden->error);
    for (size_t i = prompt_count; i < output_count && status == SEDD_OK; i++) {
        int32_t id = -1;
        status = sedd_gpt2_draw(session, &options, (int32_t)i, logits, &id, golden->error);
        *wrong += id != output[i];
        if (status == SEDD_OK && i + 1 < output_count) {
            status = sedd_gpt2_append(session, &id, 1, false, logits, golden->error);
        }
    }
    sedd_session_free(session);
    return status;
}

enum sedd_status sedd_golden_greedy(struct sedd_golden *golden, const cJSON *item)
{
    size_t prompt_count, output_count, wrong = 0;
    const int32_t *prompt = sedd_golden_ids(golden, item, "prompt", &prompt_count);
    const int32_t *output = sedd_golden_ids(golden, item, "output", &output_count);
    float *logits = sedd_golden_memory(golden, (uint64_t)golden->info->tokens, sizeof *logits);
    bool fits = prompt_count > 0 && output_count > prompt_count && logits != NULL &&
                output_count <= (size_t)golden->info->length &&
                memcmp(prompt, output, prompt_count * sizeof *prompt) == 0;
    if (!fits) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status =
        continue_greedily(golden, output, prompt_count, output_count, logits, &wrong);
    if (status == SEDD_OK) {
        sedd_golden_check(golden, "", (double)wrong, SEDD_GOLDEN_EXACT);
    }
    return status;
}
