/*
 * golden.c - see golden.h. Tolerances: schedules 1e-6 relative, grid exact, log-scores and logits
 * 2e-5 of an array's largest magnitude, step weights 1e-4 of a row's largest, losses and
 * likelihoods 1e-4 relative, draws and trajectories exact.
 */
#include "eval/golden.h"

#include "diffusion/draw.h"
#include "diffusion/graph.h"
#include "diffusion/schedule.h"
#include "files/json.h"
#include "files/safetensors.h"
#include "model/score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct golden {
    struct sedd_engine *engine;
    const struct sedd_model *model;
    const struct sedd_model_info *info;
    const cJSON *root;
    struct sedd_header header;
    const uint8_t *data; /* of golden.safetensors, behind its header */
    sedd_golden_report report;
    void *user;
    int32_t compared, failed;
    struct sedd_error *error;
};

/* ---- Reading ----------------------------------------------------------------------------- */

static size_t count_numbers(const cJSON *item)
{
    if (!cJSON_IsArray(item)) {
        return cJSON_IsNumber(item) ? 1 : 0;
    }
    size_t count = 0;
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        count += count_numbers(child);
    }
    return count;
}

static double *flatten(const cJSON *item, double *next)
{
    if (cJSON_IsNumber(item)) {
        *next++ = item->valuedouble;
    }
    for (const cJSON *child = cJSON_IsArray(item) ? item->child : NULL; child != NULL;
         child = child->next) {
        next = flatten(child, next);
    }
    return next;
}

/* All numbers of a (nested) array, owned; never NULL except without memory. */
static double *numbers(const cJSON *object, const char *key, size_t *count)
{
    const cJSON *item = sedd_json_find(object, key);
    *count = count_numbers(item);
    double *values = sedd_memory_new(*count, sizeof *values);
    if (values != NULL) {
        flatten(item, values);
    }
    return values;
}

static int32_t *integers(const cJSON *object, const char *key, size_t *count)
{
    double *values = numbers(object, key, count);
    int32_t *result = sedd_memory_new(*count, sizeof *result);
    for (size_t i = 0; values != NULL && result != NULL && i < *count; i++) {
        result[i] = values[i] >= INT32_MIN && values[i] <= INT32_MAX ? (int32_t)values[i] : -1;
    }
    sedd_memory_free(values);
    return result;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = sedd_json_find(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* A tensor by name as floats (owned), or NULL. */
static float *tensor(const struct golden *g, const char *name, size_t *count)
{
    for (size_t i = 0; name != NULL && i < g->header.count; i++) {
        const struct sedd_tensor *found = &g->header.tensors[i];
        if (strcmp(found->name, name) == 0 && found->element == SEDD_ELEMENT_F32) {
            *count = (size_t)(found->end - found->begin) / sizeof(float);
            float *values = sedd_memory_new(*count, sizeof *values);
            if (values != NULL) {
                sedd_element_read(SEDD_ELEMENT_F32, g->data + found->begin, *count, values);
            }
            return values;
        }
    }
    return NULL;
}

static const char *text(const cJSON *object, const char *key)
{
    const cJSON *item = sedd_json_find(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* Batch and length of a nested [B, L] array. */
static bool shape_of(const cJSON *object, const char *key, int32_t *batch, int32_t *length)
{
    const cJSON *item = sedd_json_find(object, key);
    *batch = cJSON_IsArray(item) ? cJSON_GetArraySize(item) : 0;
    *length = *batch > 0 ? cJSON_GetArraySize(item->child) : 0;
    return *length > 0 && count_numbers(item) == (size_t)*batch * (size_t)*length;
}

/* ---- Comparing --------------------------------------------------------------------------- */

static void check(struct golden *g, const char *name, double error, double tolerance)
{
    bool passed = error <= tolerance; /* false for a NaN */
    g->compared++;
    g->failed += !passed;
    g->report(g->user, name, error, tolerance);
}

static enum sedd_status damaged(struct golden *g, const char *what)
{
    return sedd_fail(g->error, SEDD_ERROR_FORMAT,
                     "the golden files are damaged or do not fit the model, at %s", what);
}

/* The larger error; unlike fmax it keeps a NaN, which then fails its check. */
static double worse(double a, double b)
{
    return b > a || isnan(b) ? b : a;
}

/* Largest difference relative to the largest magnitude of `expected`. */
static double relative_error(const float *got, const float *expected, size_t count)
{
    double largest = 0.0, error = 0.0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)expected[i]));
        error = worse(error, fabs((double)got[i] - (double)expected[i]));
    }
    return largest > 0.0 ? error / largest : error;
}

/* ---- Schedules --------------------------------------------------------------------------- */

static enum sedd_status check_noise(struct golden *g)
{
    const cJSON *list = sedd_json_find(g->root, "noise");
    double error = 0.0;
    for (const cJSON *item = list == NULL ? NULL : list->child; item != NULL; item = item->next) {
        double sigma, dsigma, t = number(item, "t");
        double expected = number(item, "sigma_f64"), slope = number(item, "dsigma_f64");
        sedd_noise_at(g->info, t, &sigma, &dsigma);
        /* sigma(0) of the loglinear schedule is 0: nothing to be relative to */
        error = worse(error, fabs(sigma - expected) / (expected != 0.0 ? fabs(expected) : 1.0));
        error = worse(error, fabs(dsigma / slope - 1.0));
    }
    if (list != NULL) {
        check(g, "noise", error, 1e-6);
    }
    return SEDD_OK;
}

static enum sedd_status check_grid(struct golden *g)
{
    const cJSON *list = sedd_json_find(g->root, "grid");
    double error = 0.0;
    for (const cJSON *item = list == NULL ? NULL : list->child; item != NULL; item = item->next) {
        size_t count;
        double *t = numbers(item, "t", &count);
        int32_t steps = (int32_t)number(item, "steps");
        for (size_t i = 0; t != NULL && i < count; i++) {
            error = worse(error, fabs(sedd_grid_time(SEDD_GRID_LINEAR, steps, (int32_t)i) - (double)(float)t[i]));
        }
        sedd_memory_free(t);
    }
    if (list != NULL) {
        check(g, "grid", error, 1.2e-7);
    }
    return SEDD_OK;
}

/* ---- The network ------------------------------------------------------------------------- */

/* Features of sigma and the conditioning vector lie in the session after a forward pass. */
static enum sedd_status check_embedding(struct golden *g)
{
    const cJSON *list = sedd_json_find(g->root, "timestep_embedding");
    size_t frequency_count = 0, cond_count = 0, cond = (size_t)g->info->cond_dim, row = 0;
    float *frequencies = tensor(g, "temb.freq", &frequency_count);
    float *expected = tensor(g, "temb.cond", &cond_count);
    struct sedd_session *session = NULL;
    enum sedd_status status = SEDD_OK;
    double frequency_error = 0.0, cond_error = 0.0;
    if (list != NULL && frequencies != NULL && expected != NULL) {
        status = sedd_session_new(g->engine, g->model, 1, &session, g->error);
    }
    for (const cJSON *item = session == NULL ? NULL : list->child;
         item != NULL && status == SEDD_OK; item = item->next, row++) {
        int32_t id = 0;
        if ((row + 1) * SEDD_FREQUENCIES > frequency_count || (row + 1) * cond > cond_count) {
            status = damaged(g, "timestep_embedding");
            break;
        }
        struct sedd_reading reading = {
            .batch = 1, .length = 1, .ids = &id, .sigma = number(item, "sigma")};
        status = sedd_score_forward(session, &reading, g->error);
        const float *c = session->condition + SEDD_FREQUENCIES + cond;
        frequency_error = worse(frequency_error,
                                relative_error(session->condition,
                                               frequencies + row * SEDD_FREQUENCIES,
                                               SEDD_FREQUENCIES));
        cond_error = worse(cond_error, relative_error(c, expected + row * cond, cond));
    }
    if (row > 0 && status == SEDD_OK) {
        check(g, "timestep_embedding.features", frequency_error, 2e-5);
        check(g, "timestep_embedding.cond", cond_error, 2e-5);
    }
    sedd_session_free(session);
    sedd_memory_free(frequencies);
    sedd_memory_free(expected);
    return status;
}

/* Log-scores of ids [B, L]; *scores is owned. */
static enum sedd_status log_scores(struct golden *g, int32_t batch, int32_t length,
                                   const int32_t *ids, const double *sigma, float **scores)
{
    struct sedd_session *session = NULL;
    size_t count = (size_t)batch * (size_t)length * (size_t)g->info->states;
    float *sigmas = sedd_memory_new((uint64_t)batch, sizeof *sigmas);
    *scores = sedd_memory_new(count, sizeof **scores);
    if (sigmas == NULL || *scores == NULL) {
        sedd_memory_free(sigmas);
        return sedd_fail(g->error, SEDD_ERROR_MEMORY, "no memory for log-scores");
    }
    for (int32_t b = 0; b < batch; b++) {
        sigmas[b] = (float)sigma[b];
    }
    enum sedd_status status =
        sedd_session_new(g->engine, g->model, batch * length, &session, g->error);
    if (status == SEDD_OK) {
        status = sedd_score(session, batch, length, ids, sigmas, *scores, g->error);
    }
    sedd_session_free(session);
    sedd_memory_free(sigmas);
    return status;
}

static enum sedd_status check_score(struct golden *g, const cJSON *item, int32_t index)
{
    int32_t batch, length;
    size_t id_count, sigma_count, expected_count = 0;
    int32_t *ids = integers(item, "x", &id_count);
    double *sigma = numbers(item, "sigma", &sigma_count);
    float *expected = tensor(g, text(item, "logscore"), &expected_count), *got = NULL;
    char name[48];
    snprintf(name, sizeof name, "forward[%d].logscore", (int)index);
    bool fits = shape_of(item, "x", &batch, &length) && sigma_count == (size_t)batch &&
                expected_count == id_count * (size_t)g->info->states;
    enum sedd_status status =
        fits ? log_scores(g, batch, length, ids, sigma, &got) : damaged(g, name);
    if (status == SEDD_OK) {
        check(g, name, relative_error(got, expected, expected_count), 2e-5);
    }
    sedd_memory_free(ids);
    sedd_memory_free(sigma);
    sedd_memory_free(expected);
    sedd_memory_free(got);
    return status;
}

/* ---- Steps and draws --------------------------------------------------------------------- */

static enum sedd_move move_of(const char *kind)
{
    return kind == NULL || strcmp(kind, "analytic") == 0 ? SEDD_MOVE_ANALYTIC
           : strcmp(kind, "euler") == 0                  ? SEDD_MOVE_EULER
                                                         : SEDD_MOVE_DENOISER;
}

static enum sedd_status check_step(struct golden *g, const cJSON *item, int32_t index)
{
    int32_t batch, length;
    size_t id_count, expected_count = 0;
    int32_t *ids = integers(item, "x", &id_count);
    float *expected = tensor(g, text(item, "probs"), &expected_count), *rows = NULL;
    double sigma[64], dsigma, t = number(item, "t"), dt = number(item, "dt"), error = 0.0;
    enum sedd_move move = move_of(text(item, "kind"));
    struct sedd_transition transition =
        sedd_transition_at(g->info, move, t, isnan(dt) ? 0.0 : dt);
    size_t states = (size_t)g->info->states, columns = (size_t)sedd_transition_columns(&transition);
    char name[48];
    snprintf(name, sizeof name, "steps[%d].weights", (int)index);
    bool fits = shape_of(item, "x", &batch, &length) && batch <= 64 &&
                expected_count == id_count * columns;
    for (int32_t b = 0; fits && b < batch; b++) {
        sedd_noise_at(g->info, t, &sigma[b], &dsigma);
    }
    enum sedd_status status =
        fits ? log_scores(g, batch, length, ids, sigma, &rows) : damaged(g, name);
    for (size_t i = 0; status == SEDD_OK && i < id_count; i++) {
        sedd_transition_weights(&transition, ids[i], rows + i * states);
        error = worse(error, relative_error(rows + i * states, expected + i * columns, columns));
    }
    if (status == SEDD_OK) {
        check(g, name, error, 1e-4);
    }
    sedd_memory_free(ids);
    sedd_memory_free(expected);
    sedd_memory_free(rows);
    return status;
}

static enum sedd_status check_categorical(struct golden *g)
{
    const cJSON *item = sedd_json_find(g->root, "sample_categorical");
    if (item == NULL) {
        return SEDD_OK;
    }
    size_t weight_count, uniform_count, row_count, wrong = 0;
    double *weights = numbers(item, "probs", &weight_count);
    double *uniforms = numbers(item, "uniforms", &uniform_count);
    int32_t *expected = integers(item, "result", &row_count);
    size_t columns = row_count == 0 ? 0 : weight_count / row_count;
    float row[1024], uniform[1024];
    bool fits = columns > 0 && columns <= 1024 && columns * row_count == weight_count &&
                weight_count == uniform_count;
    for (size_t r = 0; fits && r < row_count; r++) {
        for (size_t y = 0; y < columns; y++) {
            row[y] = (float)weights[r * columns + y];
            uniform[y] = (float)uniforms[r * columns + y];
        }
        wrong += sedd_draw_race(row, uniform, (int32_t)columns) != expected[r];
    }
    sedd_memory_free(weights);
    sedd_memory_free(uniforms);
    sedd_memory_free(expected);
    if (!fits) {
        return damaged(g, "sample_categorical");
    }
    check(g, "sample_categorical", (double)wrong, 0.0);
    return SEDD_OK;
}

/* ---- Losses ------------------------------------------------------------------------------ */

static enum sedd_status check_entropy(struct golden *g, const cJSON *item, int32_t index)
{
    int32_t batch, length;
    size_t count, time_count, loss_count, part_count;
    int32_t *x0 = integers(item, "x0", &count), *xt = integers(item, "xt", &count);
    double *t = numbers(item, "t", &time_count), *expected = numbers(item, "loss_f64", &loss_count);
    double *parts = numbers(item, "entropy_f64_of_same_logscore", &part_count);
    double *got = sedd_memory_new(count, sizeof *got);
    struct sedd_session *session = NULL;
    double error = 0.0, part_error = 0.0, largest = 0.0;
    char name[48];
    snprintf(name, sizeof name, "score_entropy[%d].loss", (int)index);
    bool fits = shape_of(item, "x0", &batch, &length) && time_count == (size_t)batch &&
                loss_count == (size_t)batch && count == (size_t)batch * (size_t)length &&
                (part_count == count || part_count == 0) && got != NULL;
    enum sedd_status status =
        fits ? sedd_session_new(g->engine, g->model, length, &session, g->error) : damaged(g, name);
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        double loss = NAN;
        size_t first = (size_t)b * (size_t)length;
        status = sedd_score_entropy(session, length, x0 + first, xt + first, t[b], &loss,
                                    got + first, g->error);
        error = worse(error, fabs(loss - expected[b]) / fmax(fabs(expected[b]), 1e-9));
    }
    for (size_t i = 0; i < part_count && status == SEDD_OK; i++) {
        largest = fmax(largest, fabs(parts[i]));
        part_error = worse(part_error, fabs(got[i] - parts[i]));
    }
    if (status == SEDD_OK) {
        check(g, name, error, 1e-4);
        snprintf(name, sizeof name, "score_entropy[%d].positions", (int)index);
        if (part_count > 0) {
            check(g, name, part_error / fmax(largest, 1e-9), 1e-4);
        }
    }
    sedd_session_free(session);
    sedd_memory_free(parts);
    sedd_memory_free(got);
    sedd_memory_free(x0);
    sedd_memory_free(xt);
    sedd_memory_free(t);
    sedd_memory_free(expected);
    return status;
}

/* ---- Trajectories ------------------------------------------------------------------------ */

/* The draws' uniforms, one tensor a draw. */
struct feed {
    const struct golden *g;
    const char *name;
    int32_t draw;
    bool broken;
};

static void feed_uniforms(void *user, float *values, size_t count)
{
    struct feed *feed = user;
    char name[96];
    size_t found_count = 0;
    snprintf(name, sizeof name, "%.80s.u%d", feed->name, (int)feed->draw++);
    float *found = tensor(feed->g, name, &found_count);
    if (found == NULL || found_count != count) {
        feed->broken = true;
    } else {
        memcpy(values, found, count * sizeof *values);
    }
    sedd_memory_free(found);
}

/* Runs to the end and counts ids that differ from the stored states and the result. */
static enum sedd_status follow(struct golden *g, struct sedd_sampler *sampler, size_t rows,
                               const int32_t *states, size_t state_count, const int32_t *result,
                               double *wrong)
{
    struct sedd_step step;
    enum sedd_status status = SEDD_OK;
    for (size_t draw = 0; status == SEDD_OK && !sedd_sampler_done(sampler); draw++) {
        status = sedd_sampler_advance(sampler, &step, g->error);
        bool last = sedd_sampler_done(sampler); /* then the held tokens are back in place */
        const int32_t *expected = last ? result : states + draw * rows;
        if (status == SEDD_OK && !last && (draw + 1) * rows > state_count) {
            return damaged(g, "a trajectory's states");
        }
        for (size_t i = 0; status == SEDD_OK && i < rows; i++) {
            *wrong += sedd_sampler_ids(sampler)[i] != expected[i];
        }
    }
    return status;
}

static enum sedd_status check_trajectory(struct golden *g, const cJSON *item)
{
    struct feed feed = {g, text(item, "name"), 0, false};
    const char *predictor = text(item, "predictor");
    const cJSON *denoise = sedd_json_find(item, "denoise");
    size_t count, held_count, held_id_count, state_count, result_count;
    int32_t *initial = integers(item, "x_init", &count);
    int32_t *places = integers(item, "condition.locs", &held_count);
    int32_t *held = integers(item, "condition.ids", &held_id_count);
    int32_t *states = integers(item, "states_after_each_draw_before_projection", &state_count);
    int32_t *result = integers(item, "result", &result_count);
    struct sedd_sample_options options = {
        .steps = (int32_t)number(item, "steps"),
        .draw = SEDD_DRAW_OFFICIAL,
        .predictor = move_of(predictor) == SEDD_MOVE_EULER ? SEDD_PREDICTOR_EULER
                                                           : SEDD_PREDICTOR_ANALYTIC,
        .no_denoise = cJSON_IsFalse(denoise),
        .held_count = held_count,
        .held_positions = places,
        .held_ids = held,
        .initial_ids = initial,
        .uniforms = feed_uniforms,
        .uniforms_user = &feed,
    };
    bool none = predictor != NULL && strcmp(predictor, "none") == 0;
    struct sedd_session *session = NULL;
    struct sedd_sampler *sampler = NULL;
    double wrong = 0.0;
    char name[96];
    snprintf(name, sizeof name, "trajectory %.70s", feed.name == NULL ? "?" : feed.name);
    bool fits = shape_of(item, "x_init", &options.batch, &options.length) && feed.name != NULL &&
                held_count == held_id_count && result_count == count && options.steps > 0;
    enum sedd_status status =
        fits ? sedd_session_new(g->engine, g->model, (int32_t)count, &session, g->error)
             : damaged(g, name);
    if (status == SEDD_OK) {
        status = sedd_sampler_new(session, &options, &sampler, g->error);
    }
    if (status == SEDD_OK && none) { /* the predictor that leaves x alone: only the denoiser runs */
        status = sedd_sampler_restore(sampler, options.steps, initial, g->error);
    }
    if (status == SEDD_OK) {
        status = follow(g, sampler, count, states, state_count, result, &wrong);
    }
    if (status == SEDD_OK && feed.broken) {
        status = damaged(g, name);
    }
    if (status == SEDD_OK) {
        check(g, name, wrong, 0.0);
    }
    sedd_sampler_free(sampler);
    sedd_session_free(session);
    sedd_memory_free(initial);
    sedd_memory_free(places);
    sedd_memory_free(held);
    sedd_memory_free(states);
    sedd_memory_free(result);
    return status;
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

static enum sedd_status check_logits(struct golden *g, const cJSON *item, int32_t index)
{
    int32_t batch, length;
    size_t count, expected_count = 0, nll_count, tokens = (size_t)g->info->tokens;
    int32_t *ids = integers(item, "x", &count);
    float *expected = tensor(g, text(item, "logits"), &expected_count);
    float *got = sedd_memory_new(expected_count, sizeof *got);
    double *nll = numbers(item, "nll_per_token_f64", &nll_count), nll_error = 0.0;
    struct sedd_session *session = NULL;
    char name[48];
    snprintf(name, sizeof name, "forward[%d].logits", (int)index);
    bool fits = shape_of(item, "x", &batch, &length) && expected_count == count * tokens &&
                got != NULL && nll_count == (size_t)batch * (size_t)(length - 1);
    enum sedd_status status =
        fits ? sedd_session_new(g->engine, g->model, length, &session, g->error) : damaged(g, name);
    for (int32_t b = 0; b < batch && status == SEDD_OK; b++) {
        size_t first = (size_t)b * (size_t)length;
        sedd_gpt2_reset(session);
        status = sedd_gpt2_append(session, ids + first, length, true, got + first * tokens, g->error);
        for (int32_t i = 0; i + 1 < length && status == SEDD_OK; i++) {
            const float *row = got + (first + (size_t)i) * tokens;
            double sum = 0.0, value = nll[b * (length - 1) + i];
            for (size_t y = 0; y < tokens; y++) {
                sum += exp((double)row[y]);
            }
            double mine = log(sum) - (double)row[ids[first + (size_t)i + 1]];
            nll_error = worse(nll_error, fabs(mine - value) / fmax(1.0, fabs(value)));
        }
    }
    if (status == SEDD_OK) {
        check(g, name, relative_error(got, expected, expected_count), 2e-5);
        snprintf(name, sizeof name, "forward[%d].nll", (int)index);
        if (nll_count > 0) {
            check(g, name, nll_error, 1e-4);
        }
    }
    sedd_session_free(session);
    sedd_memory_free(ids);
    sedd_memory_free(expected);
    sedd_memory_free(got);
    sedd_memory_free(nll);
    return status;
}

static enum sedd_status check_greedy(struct golden *g, const cJSON *item, int32_t index)
{
    size_t prompt_count, output_count;
    int32_t *prompt = integers(item, "prompt", &prompt_count);
    int32_t *output = integers(item, "output", &output_count);
    float *logits = sedd_memory_new((uint64_t)g->info->tokens, sizeof *logits);
    struct sedd_session *session = NULL;
    struct sedd_generate_options options = {.greedy = true};
    double wrong = 0.0;
    char name[48];
    snprintf(name, sizeof name, "greedy[%d]", (int)index);
    bool fits = prompt_count > 0 && output_count > prompt_count && logits != NULL &&
                output_count <= (size_t)g->info->length;
    enum sedd_status status =
        fits ? sedd_session_new(g->engine, g->model, (int32_t)output_count, &session, g->error)
             : damaged(g, name);
    if (status == SEDD_OK) {
        status = sedd_gpt2_append(session, prompt, (int32_t)prompt_count, false, logits, g->error);
    }
    for (size_t i = prompt_count; i < output_count && status == SEDD_OK; i++) {
        int32_t id;
        status = sedd_gpt2_draw(session, &options, (int32_t)i, logits, &id, g->error);
        wrong += status == SEDD_OK && id != output[i];
        if (status == SEDD_OK && i + 1 < output_count) {
            status = sedd_gpt2_append(session, &id, 1, false, logits, g->error);
        }
    }
    if (status == SEDD_OK) {
        check(g, name, wrong, 0.0);
    }
    sedd_session_free(session);
    sedd_memory_free(prompt);
    sedd_memory_free(output);
    sedd_memory_free(logits);
    return status;
}

/* ---- All of it --------------------------------------------------------------------------- */

static enum sedd_status each(struct golden *g, const char *key,
                             enum sedd_status (*run)(struct golden *, const cJSON *, int32_t))
{
    const cJSON *list = sedd_json_find(g->root, key);
    enum sedd_status status = SEDD_OK;
    int32_t index = 0;
    for (const cJSON *item = cJSON_IsArray(list) ? list->child : NULL;
         item != NULL && status == SEDD_OK; item = item->next) {
        status = run(g, item, index++);
    }
    return status;
}

static enum sedd_status each_trajectory(struct golden *g, const cJSON *item, int32_t index)
{
    (void)index;
    return check_trajectory(g, item);
}

static enum sedd_status run_sedd(struct golden *g)
{
    enum sedd_status status = check_noise(g);
    status = status == SEDD_OK ? check_grid(g) : status;
    status = status == SEDD_OK ? check_embedding(g) : status;
    status = status == SEDD_OK ? each(g, "forward", check_score) : status;
    status = status == SEDD_OK ? each(g, "steps", check_step) : status;
    status = status == SEDD_OK ? each(g, "score_entropy", check_entropy) : status;
    status = status == SEDD_OK ? check_categorical(g) : status;
    return status == SEDD_OK ? each(g, "trajectories", each_trajectory) : status;
}

static enum sedd_status run_gpt2(struct golden *g)
{
    enum sedd_status status = each(g, "forward", check_logits);
    return status == SEDD_OK ? each(g, "greedy", check_greedy) : status;
}

/* The tensor file's header; its data must be complete. */
static enum sedd_status open_tensors(struct golden *g, const uint8_t *tensors, size_t size)
{
    uint64_t length = 0;
    for (int i = 7; i >= 0 && size >= 8; i--) {
        length = length << 8 | tensors[i];
    }
    if (size < 8 || length > size - 8) {
        return damaged(g, "golden.safetensors");
    }
    enum sedd_status status =
        sedd_header_parse((const char *)tensors + 8, (size_t)length, &g->header, g->error);
    g->data = tensors + 8 + length;
    if (status == SEDD_OK && g->header.count > 0 &&
        g->header.tensors[g->header.count - 1].end > size - 8 - length) {
        return damaged(g, "golden.safetensors");
    }
    return status;
}

enum sedd_status sedd_golden_run(struct sedd_engine *engine, const struct sedd_model *model,
                                 const char *json, size_t json_size, const uint8_t *tensors,
                                 size_t tensors_size, sedd_golden_report report, void *user,
                                 int32_t *failed, struct sedd_error *error)
{
    cJSON *root;
    enum sedd_status status = sedd_json_parse("golden.json", json, json_size, &root, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct golden g = {.engine = engine, .model = model, .info = &model->info, .root = root,
                       .report = report, .user = user, .error = error};
    status = open_tensors(&g, tensors, tensors_size);
    if (status == SEDD_OK) {
        status = model->info.kind == SEDD_KIND_SEDD ? run_sedd(&g) : run_gpt2(&g);
    }
    if (status == SEDD_OK && g.compared == 0) {
        status = damaged(&g, "golden.json: nothing to compare");
    }
    sedd_header_clear(&g.header);
    cJSON_Delete(root);
    if (status == SEDD_OK) {
        *failed = g.failed;
    }
    return status;
}
