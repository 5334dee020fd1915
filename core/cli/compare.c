/*
 * compare.c - a SEDD against its GPT-2 twin: the time of a whole text in a few numbers of steps
 * beside the twin's with its cache, what a judge thinks of both, and the number of steps at which
 * the times are equal (T*).
 *
 * Runs take turns, twin first, so that a slow minute falls on all. A sweep writes texts at several
 * temperatures, untimed: each model becomes a curve of perplexity over entropy, and the two are
 * compared where their entropies are equal.
 */
#include "comparison.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const double COMPARE_TEMPERATURES[] = {0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3};
static const int32_t STEPS[] = {4, 8, 16, 32, 64, 128};

double cli_now_ms(void)
{
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* ---- One text ------------------------------------------------------------------------------ */

/* Where the text is real, or nothing yet. */
static void lay_out(struct comparison *c, int32_t number)
{
    if (c->real != NULL) {
        size_t window = (size_t)((number + c->real_count - 1) % c->real_count);
        memcpy(c->ids, c->real + window * (size_t)c->length, (size_t)c->length * sizeof *c->ids);
    }
}

/* Reads what stands before the hole and writes on; of what stands behind it GPT-2 learns
 * nothing. */
static enum sedd_status write_twin(struct comparison *c, double temperature, uint64_t seed,
                                   struct sedd_error *error)
{
    struct sedd_sample_options options = {.seed = seed,
                                          .greedy = c->sampling.greedy,
                                          .temperature = temperature,
                                          .top_k = c->sampling.top_k,
                                          .top_p = c->sampling.top_p};
    int32_t end = c->first + c->hole;
    sedd_gpt2_reset(c->twin);
    enum sedd_status status = sedd_gpt2_append(c->twin, &c->begin, 1, false, c->logits, error);
    if (status == SEDD_OK && c->first > 0) {
        status = sedd_gpt2_append(c->twin, c->ids, c->first, false, c->logits, error);
    }
    for (int32_t i = c->first; i < end && status == SEDD_OK; i++) {
        status = sedd_gpt2_draw(c->twin, &options, i, c->logits, &c->ids[i], error);
        if (status == SEDD_OK && i + 1 < end) {
            status = sedd_gpt2_append(c->twin, &c->ids[i], 1, false, c->logits, error);
        }
    }
    return status;
}

static enum sedd_status write_sedd(struct comparison *c, struct column *column, double temperature,
                                   uint64_t seed, struct sedd_error *error)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    struct sedd_sample_options options = c->sampling;
    options.length = c->length;
    options.steps = column->steps;
    options.seed = seed;
    options.temperature = temperature;
    if (c->hole < c->length) {
        for (int32_t i = c->first; i < c->first + c->hole; i++) {
            c->ids[i] = c->sedd_info.mask_id;
        }
        options.initial_ids = c->ids;
    }
    enum sedd_status status = sedd_sampler_new(c->sedd, &options, &sampler, error);
    while (status == SEDD_OK && !sedd_sampler_done(sampler)) {
        status = sedd_sampler_advance(sampler, &step, error);
        column->evaluations += status == SEDD_OK && step.rows > 0 ? 1.0 : 0.0;
    }
    if (status == SEDD_OK) {
        memcpy(c->ids, sedd_sampler_ids(sampler), (size_t)c->length * sizeof *c->ids);
    }
    sedd_sampler_free(sampler);
    return status;
}

static enum sedd_status write_text(struct comparison *c, struct column *column, double temperature,
                                   int32_t number, struct sedd_error *error)
{
    uint64_t seed = c->sampling.seed + (uint64_t)number;
    lay_out(c, number);
    return column->steps == 0 ? write_twin(c, temperature, seed, error)
                              : write_sedd(c, column, temperature, seed, error);
}

/* Nats a token from the hole on: what is behind it tells whether the ends meet. */
static enum sedd_status judge_text(struct comparison *c, struct quality *quality,
                                   struct sedd_error *error)
{
    struct sedd_estimate estimate = {0};
    enum sedd_status status = SEDD_OK;
    double nats = 0.0;
    if (c->judge != NULL) {
        const struct sedd_nll_options options = {.bos = c->begin};
        status = sedd_gpt2_nll(c->judge, c->ids, (size_t)c->length, &options, &estimate, c->parts,
                               error);
    }
    for (int32_t i = c->first; i < c->length && c->judge != NULL; i++) {
        nats += c->parts[i] / (c->length - c->first);
    }
    quality_add(quality, nats, c->ids + c->first, c->hole);
    return status;
}

/* What the judge thinks of the windows that the texts took the place of. */
static enum sedd_status judge_real(struct comparison *c, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (int32_t number = 1; number <= c->texts && c->real != NULL && status == SEDD_OK; number++) {
        lay_out(c, number);
        status = judge_text(c, &c->real_quality, error);
    }
    return status;
}

/* ---- All texts ----------------------------------------------------------------------------- */

/* Round 0 warms up, rounds 1 .. `rounds` are timed, the rest only judged. */
static enum sedd_status run_round(struct comparison *c, int32_t round, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (int32_t i = 0; i < c->column_count && status == SEDD_OK; i++) {
        /* the twin, then the fewest steps */
        int32_t at = (i + c->column_count - 1) % c->column_count;
        struct column *column = &c->columns[at];
        double begin = cli_now_ms();
        status = write_text(c, column, c->sampling.temperature, round, error);
        if (round == 0) {
            column->evaluations = 0.0;
            continue;
        }
        if (round <= c->rounds) {
            c->ms[(size_t)(round - 1) * (size_t)c->column_count + (size_t)at] =
                cli_now_ms() - begin;
        }
        status = status == SEDD_OK ? judge_text(c, &column->quality, error) : status;
    }
    return status;
}

static enum sedd_status run_sweep(struct comparison *c, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (int32_t i = 0; i < c->column_count * COMPARE_TEMPERATURE_COUNT; i++) {
        struct column *column = &c->columns[i / COMPARE_TEMPERATURE_COUNT];
        int32_t temperature = i % COMPARE_TEMPERATURE_COUNT;
        double evaluations = column->evaluations; /* of the column's own temperature */
        for (int32_t number = 1; number <= c->texts && status == SEDD_OK; number++) {
            status = write_text(c, column, COMPARE_TEMPERATURES[temperature], number, error);
            status = status == SEDD_OK ? judge_text(c, &column->sweep[temperature], error) : status;
        }
        column->evaluations = evaluations;
    }
    return status;
}

/* ---- The command --------------------------------------------------------------------------- */

/* A GPT-2 from a flag's folder that shares ids with the SEDD; false after a sentence. */
static bool open_gpt2(const struct cli *cli, const char *flag, const struct comparison *c,
                      struct sedd_engine *engine, struct sedd_model **model,
                      struct sedd_session **session, struct sedd_model_info *info)
{
    struct sedd_error error;
    const char *folder = cli_text(cli, flag);
    *model = cli_model(cli, folder);
    if (*model == NULL) {
        return false;
    }
    sedd_model_describe(*model, info);
    if (info->kind != SEDD_KIND_GPT2 || info->tokens != c->sedd_info.tokens ||
        info->length < c->length) {
        fprintf(stderr,
                "sedd: %s does not fit: expected a GPT-2 with %d tokens and %d positions or more\n",
                folder, (int)c->sedd_info.tokens, (int)c->length);
        return false;
    }
    if (sedd_session_new(engine, *model, info->length, session, &error) != SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    return true;
}

/* The numbers of steps asked for, fewest first, and the twin; false after a sentence. */
static bool open_columns(struct comparison *c)
{
    size_t count = sizeof STEPS / sizeof STEPS[0];
    int32_t *asked = cli_has(c->cli, "--steps") ? cli_ids(c->cli, "--steps", &count) : NULL;
    const int32_t *steps = asked == NULL ? STEPS : asked;
    bool fits = count > 0;
    c->column_count = (int32_t)count + 1;
    c->columns = calloc(count + 1, sizeof *c->columns);
    for (size_t i = 0; i < count && c->columns != NULL; i++) {
        fits = fits && steps[i] >= 1 && steps[i] <= 1000000 && (i == 0 || steps[i] > steps[i - 1]);
        c->columns[i].steps = steps[i];
    }
    free(asked);
    if (!fits) {
        cli_usage(c->cli,
                  "--steps expects numbers from 1 to 1000000, each above the one before, not ",
                  cli_text(c->cli, "--steps"));
    }
    return c->columns != NULL;
}

/* Windows of real text, and the hole in their middle; false after a sentence. */
static bool open_real(struct comparison *c)
{
    size_t count = 0;
    const char *path = cli_text(c->cli, "--real");
    c->hole = c->length;
    if (path != NULL) {
        char *text = cli_file(path, &count);
        c->real = cli_parse_ids(c->cli, text, &count);
        free(text);
        c->real_count = (int32_t)(count / (size_t)c->length);
        c->hole = cli_integer(c->cli, "--hole", c->length, 1, c->length);
        c->first = (c->length - c->hole) / 2;
    } else if (cli_has(c->cli, "--hole")) {
        cli_usage(c->cli, "--hole needs --real: ", "a hole is in real text");
    }
    for (size_t i = 0; i < count; i++) {
        if (c->real[i] < 0 || c->real[i] >= c->sedd_info.tokens) {
            fprintf(stderr, "sedd: id %d in %s is outside this model's 0 to %d\n", (int)c->real[i],
                    path, (int)c->sedd_info.tokens - 1);
            return false;
        }
    }
    if (path != NULL && c->real_count < 1) {
        fprintf(stderr, "sedd: %s has %zu ids; expected one window of %d or more\n", path, count,
                (int)c->length);
        return false;
    }
    if (c->hole < c->length && c->sedd_info.mask_id < 0) {
        fprintf(stderr, "sedd: --hole needs a model that knows masks (the absorb graph)\n");
        return false;
    }
    return true;
}

static enum sedd_status run_texts(struct comparison *c, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (int32_t round = 0; round <= c->texts && status == SEDD_OK; round++) {
        status = run_round(c, round, error);
    }
    status = status == SEDD_OK ? judge_real(c, error) : status;
    return c->sweep && status == SEDD_OK ? run_sweep(c, error) : status;
}

static bool run_all(struct comparison *c, struct sedd_engine *engine,
                    const struct sedd_model *model)
{
    struct sedd_error error = {.message = "no memory for the comparison"};
    bool memory = open_columns(c);
    double *work = calloc((size_t)c->rounds, sizeof *work);
    c->ms = calloc((size_t)c->rounds * (size_t)c->column_count, sizeof *c->ms);
    c->ids = calloc((size_t)c->length, sizeof *c->ids);
    c->parts = calloc((size_t)c->length, sizeof *c->parts);
    c->logits = calloc((size_t)c->twin_info.states, sizeof *c->logits);
    memory = memory && work != NULL && c->ms != NULL && c->ids != NULL && c->parts != NULL &&
             c->logits != NULL;
    enum sedd_status status =
        memory ? sedd_session_new(engine, model, c->length, &c->sedd, &error) : SEDD_ERROR_MEMORY;
    status = status == SEDD_OK ? run_texts(c, &error) : status;
    if (status == SEDD_OK) {
        comparison_print(c, engine, work);
    } else {
        cli_fail(&error);
    }
    free(work);
    free(c->columns);
    free(c->ms);
    free(c->ids);
    free(c->parts);
    free(c->logits);
    return status == SEDD_OK;
}

int cli_compare(struct cli *cli, struct sedd_engine *engine, const struct sedd_model *model)
{
    /* Below 6 rounds not even the whole range is a 95 % interval. */
    struct comparison c = {.cli = cli, .rounds = cli_integer(cli, "--runs", 10, 6, 10000)};
    struct sedd_model *twin = NULL, *judge = NULL;
    struct sedd_model_info judge_info;
    sedd_model_describe(model, &c.sedd_info);
    c.length = cli_integer(cli, "--length", 128, 1, 1 << 16);
    c.texts = cli_integer(cli, "--texts", c.rounds, c.rounds, 100000);
    c.sweep = cli_has(cli, "--sweep");
    bool done = c.sedd_info.kind == SEDD_KIND_SEDD;
    if (!done) {
        fprintf(stderr, "sedd: --twin compares a SEDD with a GPT-2; %s is a GPT-2\n", cli->folder);
    }
    done = done && cli_sampling(cli, SEDD_KIND_SEDD, &c.sampling);
    done = done && open_gpt2(cli, "--twin", &c, engine, &twin, &c.twin, &c.twin_info);
    if (done) {
        struct sedd_tokenizer *tokenizer = NULL;
        struct sedd_error none;
        bool text = sedd_tokenizer_open(cli_text(cli, "--twin"), &tokenizer, &none) == SEDD_OK;
        c.begin = text ? sedd_tokenizer_find(tokenizer, "<|endoftext|>") : c.twin_info.tokens - 1;
        sedd_tokenizer_free(tokenizer);
    }
    done = done && (!cli_has(cli, "--judge") ||
                    open_gpt2(cli, "--judge", &c, engine, &judge, &c.judge, &judge_info));
    done = done && open_real(&c) && run_all(&c, engine, model);
    free(c.real);
    sedd_session_free(c.sedd);
    sedd_session_free(c.twin);
    sedd_session_free(c.judge);
    sedd_model_free(twin);
    sedd_model_free(judge);
    return done ? 0 : EXIT_FAILED;
}
