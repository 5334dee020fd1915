/*
 * golden_runs.c - compares whole runs of MDLM, SDTT, RADD and DUO with their reference codes (see
 * golden_check.h): every token after every draw, and the number of network evaluations.
 */
#include "golden/golden_check.h"

#include "diffusion/draw.h"
#include "diffusion/graph.h"
#include "diffusion/sampler.h"
#include "diffusion/schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A run as golden.json describes it. */
struct run {
    struct sedd_sample_options options;
    struct sedd_golden_uniforms uniforms;
    const char *predictor;
    double end; /* time at which the grid ends */
    size_t rows;
    const int32_t *states; /* [value_count], B * L for each state */
    size_t value_count;
    size_t wrong; /* number of ids that differ */
    bool damaged; /* golden.json has fewer ids than the run */
};

/* ---- Reading golden.json ----------------------------------------------------------------- */

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static bool read_predictor(struct run *run)
{
    static const struct {
        const char *name;
        enum sedd_predictor predictor;
    } names[] = {
        {"analytic", SEDD_PREDICTOR_ANALYTIC},  {"tweedie", SEDD_PREDICTOR_ANALYTIC},
        {"euler", SEDD_PREDICTOR_EULER},        {"ddpm", SEDD_PREDICTOR_DDPM},
        {"ancestral", SEDD_PREDICTOR_DDPM},     {"ddpm_cache", SEDD_PREDICTOR_DDPM_CACHE},
        {"semi_ar", SEDD_PREDICTOR_DDPM_CACHE}, {"ancestral_f64", SEDD_PREDICTOR_DDPM_CACHE}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is(run->predictor, names[i].name)) {
            run->options.predictor = names[i].predictor;
            return true;
        }
    }
    return false;
}

/* Reads how a run ends. If the key is true or absent, the model decides. */
static void read_ending(const cJSON *item, struct run *run)
{
    const char *word = sedd_golden_text(item, "noise_removal");
    run->options.no_denoise =
        cJSON_IsFalse(sedd_json_find(item, "noise_removal")) || is(word, "none");
    run->options.ending = is(word, "greedy")      ? SEDD_ENDING_LIKELIEST
                          : is(word, "ancestral") ? SEDD_ENDING_DRAW
                                                  : SEDD_ENDING_OWN;
}

/* Reads the given tokens: RADD's condition, or SDTT's prefix and ends of text. */
static bool read_held(struct sedd_golden *golden, const cJSON *item, struct run *run)
{
    size_t id_count, place_count, prefix_count, length = (size_t)run->options.length;
    const int32_t *ids = sedd_golden_ids(golden, item, "condition.ids", &id_count);
    const int32_t *places = sedd_golden_ids(golden, item, "condition.locs", &place_count);
    const int32_t *prefix = sedd_golden_ids(golden, item, "prefix", &prefix_count);
    double bos = sedd_golden_number(golden->root, "about.bos_id");
    double eos = sedd_golden_number(golden->root, "about.eos_id");
    int32_t *held_ids = sedd_golden_memory(golden, id_count + prefix_count + 2, sizeof *held_ids);
    int32_t *held = sedd_golden_memory(golden, id_count + prefix_count + 2, sizeof *held);
    size_t count = 0;
    if (id_count != place_count || held_ids == NULL || held == NULL) {
        return false;
    }
    for (; count < id_count; count++) {
        held[count] = places[count];
        held_ids[count] = ids[count];
    }
    for (size_t i = 0; i < prefix_count; i++, count++) {
        held[count] = (int32_t)i;
        held_ids[count] = prefix[i];
    }
    if (cJSON_IsTrue(sedd_json_find(item, "add_bos"))) {
        held[count] = 0;
        held_ids[count++] = isnan(bos) ? -1 : (int32_t)bos;
    }
    if (cJSON_IsTrue(sedd_json_find(item, "add_eos"))) {
        held[count] = (int32_t)length - 1;
        held_ids[count++] = isnan(eos) ? -1 : (int32_t)eos;
    }
    run->options.held_count = count;
    run->options.held_positions = held;
    run->options.held_ids = held_ids;
    return true;
}

static bool read_run(struct sedd_golden *golden, const cJSON *item, struct run *run)
{
    double steps = sedd_golden_number(item, "steps"), batch = sedd_golden_number(item, "batch");
    double length = sedd_golden_number(item, "length"), end = sedd_golden_number(item, "eps");
    size_t initial_count;
    *run = (struct run){.options = {.draw = SEDD_DRAW_OFFICIAL},
                        .uniforms = {.golden = golden, .name = sedd_golden_text(item, "name")},
                        .predictor = sedd_golden_text(item, "predictor"),
                        .end = isnan(end) ? 1e-5 : end};
    bool fits = run->uniforms.name != NULL && batch >= 1.0 && batch <= 1e3 && length >= 1.0 &&
                length <= 1e4 && (isnan(steps) || (steps >= 1.0 && steps <= 1e6));
    if (!fits) {
        return false;
    }
    run->options.batch = (int32_t)batch;
    run->options.length = (int32_t)length;
    run->options.steps = isnan(steps) ? 0 : (int32_t)steps;
    run->rows = (size_t)batch * (size_t)length;
    const int32_t *initial = sedd_golden_ids(golden, item, "x_init", &initial_count);
    run->options.initial_ids = initial_count > 0 ? initial : NULL;
    run->states = sedd_golden_ids(golden, item, "states", &run->value_count);
    read_ending(item, run);
    return (initial_count == 0 || initial_count == run->rows) && read_held(golden, item, run);
}

/* ---- The run ----------------------------------------------------------------------------- */

static void compare(struct run *run, const int32_t *got, const int32_t *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run->wrong += got[i] != expected[i];
    }
}

/* Compares the sequences that the network read, in order, with RADD's states. *read counts their
 * ids. */
static void compare_read(const struct sedd_sampler *sampler, const int32_t *before, struct run *run,
                         size_t *read)
{
    size_t length = (size_t)run->options.length;
    for (int32_t b = 0; b < run->options.batch; b++) {
        if (sampler->evaluated[b]) {
            bool more = *read + length <= run->value_count;
            run->damaged = run->damaged || !more;
            if (more) {
                compare(run, before + (size_t)b * length, run->states + *read, length);
            }
            *read += length;
        }
    }
}

/* Runs one sampler to its end and compares it with the states `first` to `end` - 1. */
static enum sedd_status follow(struct sedd_golden *golden, struct run *run, size_t first,
                               size_t end, int32_t *evaluations, int32_t *result)
{
    struct sedd_session *session = NULL;
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    size_t read = 0;
    bool radd = golden->info->family == SEDD_FAMILY_RADD;
    int32_t *before = sedd_golden_memory(golden, run->rows, sizeof *before);
    if (before == NULL) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status =
        sedd_golden_sampler(&run->uniforms, &run->options, run->end, &session, &sampler);
    for (size_t i = first; status == SEDD_OK && !sedd_sampler_done(sampler); i++) {
        memcpy(before, sedd_sampler_ids(sampler), run->rows * sizeof *before);
        status = sedd_sampler_advance(sampler, &step, golden->error);
        if (status == SEDD_OK && radd) {
            compare_read(sampler, before, run, &read);
        } else if (status == SEDD_OK && i < end) {
            compare(run, sedd_sampler_ids(sampler), run->states + i * run->rows, run->rows);
        }
    }
    if (status == SEDD_OK) {
        *evaluations += radd ? sampler->sequences : sampler->evaluations;
        memcpy(result, sedd_sampler_ids(sampler), run->rows * sizeof *result);
    }
    sedd_sampler_free(sampler);
    sedd_session_free(session);
    return status;
}

/* Runs MDLM's semi-autoregressive sampling: each window begins with the end of the previous one
 * and uses the times 1, 1 - dt, ..., 0. Appends the new tokens of each window to `text`. */
static enum sedd_status follow_windows(struct sedd_golden *golden, const cJSON *item,
                                       struct run *run, int32_t *evaluations, int32_t *text,
                                       size_t capacity)
{
    double dt = sedd_golden_number(item, "dt"), stride = sedd_golden_number(item, "stride_length");
    double strides = sedd_golden_number(item, "num_strides");
    int32_t length = run->options.length, *held, *window, *ids;
    bool fits = run->options.batch == 1 && dt > 1e-4 && dt < 1.0 && stride >= 1.0 &&
                stride < length && strides >= 0.0 &&
                (size_t)(stride * strides) + (size_t)length == capacity;
    held = sedd_golden_memory(golden, (uint64_t)length, sizeof *held);
    ids = sedd_golden_memory(golden, (uint64_t)length, sizeof *ids);
    window = sedd_golden_memory(golden, (uint64_t)length, sizeof *window);
    if (!fits || held == NULL || ids == NULL || window == NULL) {
        return sedd_golden_damaged(golden);
    }
    int32_t kept = length - (int32_t)stride;
    run->options.steps = (int32_t)(1.0 / dt) + 1;
    run->end = -dt;
    run->options.held_positions = held;
    run->options.held_ids = ids;
    enum sedd_status status = SEDD_OK;
    for (int32_t k = 0; k <= (int32_t)strides && status == SEDD_OK; k++) {
        run->options.held_count = k == 0 ? 0 : (size_t)kept;
        for (int32_t i = 0; i < kept; i++) {
            held[i] = i;
            ids[i] = window[i + (int32_t)stride];
        }
        size_t first = (size_t)k * (size_t)run->options.steps;
        bool more = (first + (size_t)run->options.steps) * run->rows <= run->value_count;
        if (!more) {
            return sedd_golden_damaged(golden);
        }
        status =
            follow(golden, run, first, first + (size_t)run->options.steps, evaluations, window);
        bool last = k == (int32_t)strides;
        memcpy(text, window, (size_t)(last ? length : (int32_t)stride) * sizeof *text);
        text += (int32_t)stride;
    }
    return status;
}

/* ---- RADD's other strategies ------------------------------------------------------------- */

struct strategy {
    const char *name;
    double parameter;
    int32_t columns; /* states that a draw may choose from */
};

/* Draws one of a row's states: from all, from the k likeliest in their order, or from the
 * smallest set that holds a share p. */
static int32_t draw_row(const struct strategy *strategy, float *row, int32_t *ids,
                        const float *uniforms)
{
    float largest = row[sedd_draw_likeliest(row, strategy->columns)];
    for (int32_t y = 0; y < strategy->columns; y++) {
        row[y] = (float)exp((double)row[y] - (double)largest);
    }
    if (is(strategy->name, "top_k")) {
        float kept[64];
        int32_t k = (int32_t)strategy->parameter;
        for (int32_t i = 0; i < k; i++) {
            ids[i] = sedd_draw_likeliest(row, strategy->columns);
            kept[i] = row[ids[i]];
            row[ids[i]] = -1.0f;
        }
        return ids[sedd_draw_race(kept, uniforms, k)];
    }
    if (is(strategy->name, "top_p")) {
        sedd_draw_filter(row, strategy->columns, 0, strategy->parameter);
    }
    return sedd_draw_race(row, uniforms, strategy->columns);
}

/* Marks the places that step i draws. With a given order, they follow it. Otherwise they are the
 * places whose coin is below the share of the masks that the step fills in; the last step fills
 * in all. */
static void mark(const struct sedd_golden *golden, const struct run *run, int32_t i,
                 const int32_t *order, const double *coins, const int32_t *ids, bool *marked)
{
    int32_t steps = run->options.steps, length = run->options.length;
    double sigma, dsigma, t = sedd_grid_time(SEDD_GRID_LINEAR, steps, i, run->end);
    sedd_noise_at(golden->info, t, &sigma, &dsigma);
    struct sedd_transition transition = sedd_transition_at(
        golden->info, SEDD_MOVE_ANALYTIC, t, sedd_grid_delta(SEDD_GRID_LINEAR, steps, i, run->end));
    double rate = sedd_transition_factor(&transition) / expm1(sigma);
    for (size_t place = 0; place < run->rows; place++) {
        bool chosen = order != NULL ? (int32_t)(place % (size_t)length) == order[i]
                                    : i + 1 == steps || coins[(size_t)i * run->rows + place] < rate;
        marked[place] = ids[place] == golden->info->mask_id && chosen;
    }
}

/* Runs a strategy that the sampler does not offer: a mask may be drawn, or the order is given.
 * The network, the shares and the draws are the engine's. */
static enum sedd_status follow_strategy(struct sedd_golden *golden, const cJSON *item,
                                        struct run *run, int32_t *evaluations, int32_t *ids)
{
    size_t order_count, coin_count, states = (size_t)golden->info->states, found;
    bool ordered = is(run->predictor, "ordered"), changed = true;
    const int32_t *order = sedd_golden_ids(golden, item, "order", &order_count);
    const double *coins = sedd_golden_numbers(golden, item, "coins", &coin_count);
    struct strategy strategy = {sedd_golden_text(item, "strategy"),
                                sedd_golden_number(item, "strategy_para"),
                                ordered ? golden->info->tokens : golden->info->states};
    bool top_k = is(strategy.name, "top_k");
    float *logits = sedd_golden_memory(golden, run->rows * states, sizeof *logits);
    double *sigma = sedd_golden_memory(golden, (uint64_t)run->options.batch, sizeof *sigma);
    int32_t *kept = sedd_golden_memory(golden, states, sizeof *kept);
    bool *marked = sedd_golden_memory(golden, run->rows, sizeof *marked);
    float *uniforms = sedd_golden_memory(golden, run->rows * states, sizeof *uniforms);
    size_t columns = top_k ? (size_t)strategy.parameter : (size_t)strategy.columns;
    size_t steps = (size_t)run->options.steps;
    bool fits = logits && sigma && kept && marked && uniforms && golden->info->time_free &&
                (ordered ? order_count == steps : coin_count == (steps - 1) * run->rows) &&
                (!top_k || (strategy.parameter >= 1.0 && strategy.parameter <= 64.0));
    enum sedd_status status = SEDD_OK;
    for (size_t i = 0; i < run->rows; i++) {
        ids[i] = golden->info->mask_id;
    }
    for (size_t i = 0; i < steps && fits && status == SEDD_OK; i++) {
        char name[96];
        size_t row = 0;
        *evaluations += changed ? run->options.batch : 0;
        status = sedd_golden_raw_logits(golden, run->options.batch, run->options.length, ids, sigma,
                                        logits);
        mark(golden, run, (int32_t)i, ordered ? order : NULL, coins, ids, marked);
        snprintf(name, sizeof name, "%.80s.u%d", run->uniforms.name, (int)i);
        const struct sedd_tensor *tensor = sedd_golden_find(golden, name, &found);
        fits = tensor != NULL && found <= run->rows * states;
        if (fits) {
            sedd_element_read(SEDD_ELEMENT_F32, golden->data + tensor->begin, found, uniforms);
        }
        changed = false;
        for (size_t place = 0; place < run->rows && fits; place++) {
            if (marked[place]) {
                fits = (row + 1) * columns <= found;
                int32_t id = fits ? draw_row(&strategy, logits + place * states, kept,
                                             uniforms + row++ * columns)
                                  : -1;
                changed = changed || id != ids[place];
                ids[place] = id;
            }
        }
    }
    return fits || status != SEDD_OK ? status : sedd_golden_damaged(golden);
}

/* ---- The check --------------------------------------------------------------------------- */

enum sedd_status sedd_golden_family_run(struct sedd_golden *golden, const cJSON *item)
{
    struct run run;
    size_t result_count;
    int32_t evaluations = 0;
    const int32_t *result = sedd_golden_ids(golden, item, "result", &result_count);
    double expected = sedd_golden_number(item, "evaluations");
    expected = isnan(expected) ? sedd_golden_number(item, "sequence_evaluations") : expected;
    const char *strategy = sedd_golden_text(item, "strategy");
    bool fits = read_run(golden, item, &run) && result_count >= run.rows;
    int32_t *got = sedd_golden_memory(golden, fits ? result_count : 0, sizeof *got);
    snprintf(golden->name, sizeof golden->name, "trajectory %.70s",
             run.uniforms.name == NULL ? "?" : run.uniforms.name);
    bool other = is(run.predictor, "ordered") || (strategy != NULL && !is(strategy, "direct"));
    bool windows = is(run.predictor, "semi_ar");
    if (!fits || got == NULL || (!other && !read_predictor(&run)) ||
        (!windows && result_count != run.rows)) {
        return sedd_golden_damaged(golden);
    }
    enum sedd_status status =
        windows ? follow_windows(golden, item, &run, &evaluations, got, result_count)
        : other ? follow_strategy(golden, item, &run, &evaluations, got)
                : follow(golden, &run, 0, run.value_count / run.rows, &evaluations, got);
    if (status == SEDD_OK && (run.damaged || run.uniforms.damaged)) {
        status = sedd_golden_damaged(golden);
    }
    if (status == SEDD_OK) {
        compare(&run, got, result, result_count);
        sedd_golden_check(golden, "", (double)run.wrong, SEDD_GOLDEN_EXACT);
        if (!isnan(expected)) {
            double difference = fabs((double)evaluations - expected);
            sedd_golden_check(golden, ".evaluations", difference, SEDD_GOLDEN_EXACT);
        }
    }
    return status;
}
