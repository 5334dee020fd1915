/*
 * compare.c - a SEDD against its GPT-2 twin: the time of a whole text in 4 to 128 steps beside the
 * twin's with its cache, what a judge thinks of both, and the number of steps at which the times
 * are equal (T*).
 *
 * Runs take turns, twin first, so that a slow minute falls on all. T* of one round lies on the line
 * through (0, 0) and the measured (steps, ms), drawn on beyond the last; intervals are between
 * order statistics of the rounds, which holds for any distribution. The judge's perplexity is exp of its
 * exact nats a token; entropy is of the tokens within each text, in nats (Deschenaux & Gulcehre
 * 2024): low perplexity by repetition shows there.
 */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int32_t STEPS[] = {4, 8, 16, 32, 64, 128};

enum { STEP_COUNT = sizeof STEPS / sizeof STEPS[0], TWIN = STEP_COUNT, COLUMNS };

struct quality {
    double nats, entropy; /* sums over texts */
    int32_t texts;
};

struct comparison {
    struct cli *cli;
    struct sedd_session *sedd, *twin, *judge; /* judge may be NULL */
    struct sedd_model_info sedd_info, twin_info;
    int32_t length, rounds, begin; /* begin: the id texts start behind */
    double *ms;                    /* [rounds, COLUMNS] */
    struct quality quality[COLUMNS];
    int32_t *ids;  /* [length] the text just written */
    float *logits; /* [V] */
};

double cli_now_ms(void)
{
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* ---- One text ------------------------------------------------------------------------------ */

static enum sedd_status write_twin(struct comparison *c, uint64_t seed, struct sedd_error *error)
{
    struct sedd_generate_options options = {.seed = seed};
    sedd_gpt2_reset(c->twin);
    enum sedd_status status = sedd_gpt2_append(c->twin, &c->begin, 1, false, c->logits, error);
    for (int32_t i = 0; i < c->length && status == SEDD_OK; i++) {
        status = sedd_gpt2_draw(c->twin, &options, i, c->logits, &c->ids[i], error);
        if (status == SEDD_OK && i + 1 < c->length) {
            status = sedd_gpt2_append(c->twin, &c->ids[i], 1, false, c->logits, error);
        }
    }
    return status;
}

static enum sedd_status write_sedd(struct comparison *c, int32_t steps, uint64_t seed,
                                   struct sedd_error *error)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    struct sedd_sample_options options = {.length = c->length, .steps = steps, .seed = seed};
    enum sedd_status status = sedd_sampler_new(c->sedd, &options, &sampler, error);
    while (status == SEDD_OK && !sedd_sampler_done(sampler)) {
        status = sedd_sampler_advance(sampler, &step, error);
    }
    if (status == SEDD_OK) {
        memcpy(c->ids, sedd_sampler_ids(sampler), (size_t)c->length * sizeof *c->ids);
    }
    sedd_sampler_free(sampler);
    return status;
}

/* ---- What it is worth ---------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    int32_t first = *(const int32_t *)a, second = *(const int32_t *)b;
    return (first > second) - (first < second);
}

/* Entropy of the tokens of a text, in nats; sorts it. */
static double entropy(int32_t *ids, int32_t count)
{
    double sum = 0.0;
    qsort(ids, (size_t)count, sizeof *ids, compare_ids);
    for (int32_t i = 0, run; i < count; i += run) {
        for (run = 1; i + run < count && ids[i + run] == ids[i]; run++) {
        }
        double share = (double)run / count;
        sum -= share * log(share);
    }
    return sum;
}

static enum sedd_status judge_text(struct comparison *c, int column, struct sedd_error *error)
{
    struct sedd_estimate estimate = {0};
    enum sedd_status status = SEDD_OK;
    if (c->judge != NULL) {
        status =
            sedd_gpt2_nll(c->judge, c->ids, (size_t)c->length, c->begin, &estimate, NULL, error);
    }
    c->quality[column].nats += estimate.nats_per_token;
    c->quality[column].entropy += entropy(c->ids, c->length);
    c->quality[column].texts++;
    return status;
}

static enum sedd_status run_round(struct comparison *c, int32_t round, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (int column = 0; column < COLUMNS && status == SEDD_OK; column++) {
        int at = (column + TWIN) % COLUMNS; /* the twin, then 4, 8, ... */
        uint64_t seed = cli_seed(c->cli) + (uint64_t)(round + 1);
        double begin = cli_now_ms();
        status = at == TWIN ? write_twin(c, seed, error) : write_sedd(c, STEPS[at], seed, error);
        if (round >= 0) { /* round -1 warms up */
            c->ms[(size_t)round * COLUMNS + (size_t)at] = cli_now_ms() - begin;
            status = status == SEDD_OK ? judge_text(c, at, error) : status;
        }
    }
    return status;
}

/* ---- Statistics ---------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* Steps at which this round's SEDD takes as long as its twin. */
static double break_even(const double *ms)
{
    double steps = 0.0, time = 0.0, slope = 0.0;
    for (int i = 0; i < STEP_COUNT; i++) {
        slope = (ms[i] - time) / (STEPS[i] - steps);
        if (ms[i] >= ms[TWIN] || i + 1 == STEP_COUNT) {
            break;
        }
        steps = STEPS[i];
        time = ms[i];
    }
    return steps + (ms[TWIN] - time) / fmax(slope, 1e-9);
}

/* How many values to leave out at each end so that the rest spans the median with 95 %: one less
 * than the heads that n throws of a coin fall below with probability 2.5 %. 0 for n below 9. */
static int32_t left_out(int32_t n)
{
    double term = pow(0.5, n), sum = 0.0;
    int32_t k = 0;
    for (; k < n; k++) {
        sum += term;
        if (sum > 0.025) {
            break;
        }
        term *= (double)(n - k) / (k + 1);
    }
    return k > 0 ? k - 1 : 0;
}

struct spread {
    double median, low, high;
};

static struct spread spread_of(double *values, int32_t n)
{
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    int32_t out = left_out(n);
    double median = 0.5 * (values[(n - 1) / 2] + values[n / 2]);
    return (struct spread){median, values[out], values[n - 1 - out]};
}

static struct spread column_spread(const struct comparison *c, int column, double *work)
{
    for (int32_t i = 0; i < c->rounds; i++) {
        const double *ms = c->ms + (size_t)i * COLUMNS;
        work[i] = column < COLUMNS ? ms[column] : break_even(ms);
    }
    return spread_of(work, c->rounds);
}

/* ---- Output -------------------------------------------------------------------------------- */

static void print_row(const struct comparison *c, int column, double *work, bool json)
{
    const struct quality *quality = &c->quality[column];
    struct spread ms = column_spread(c, column, work);
    char name[32] = "twin", judged[64] = "-";
    if (column != TWIN) {
        snprintf(name, sizeof name, json ? "%d" : "%d steps", (int)STEPS[column]);
    }
    if (c->judge != NULL) {
        snprintf(judged, sizeof judged, "%.2f", exp(quality->nats / quality->texts));
    }
    if (json) {
        printf("{\"steps\": %s, \"ms\": %.5g, \"interval\": [%.5g, %.5g], \"perplexity\": %s, "
               "\"entropy\": %.6g}",
               column == TWIN ? "null" : name, ms.median, ms.low, ms.high,
               c->judge != NULL ? judged : "null", quality->entropy / quality->texts);
    } else {
        printf("%-10s %10.1f   %8.1f to %-8.1f %12s %10.2f\n", name, ms.median, ms.low, ms.high,
               judged, quality->entropy / quality->texts);
    }
}

static void print_all(const struct comparison *c, const struct sedd_engine *engine, double *work)
{
    bool json = cli_has(c->cli, "--json");
    struct spread star = column_spread(c, COLUMNS, work);
    if (json) {
        printf("{\"length\": %d, \"rounds\": %d, \"kernels\": \"%s\", \"threads\": %d, \"rows\": [",
               (int)c->length, (int)c->rounds, sedd_engine_kernels(engine),
               (int)sedd_engine_threads(engine));
    } else {
        printf("%d tokens, %d rounds, kernels %s, %d threads\n", (int)c->length, (int)c->rounds,
               sedd_engine_kernels(engine), (int)sedd_engine_threads(engine));
        printf("%-10s %10s   %-20s %12s %10s\n", "", "ms", "95 % interval", "perplexity",
               "entropy");
    }
    for (int column = 0; column < COLUMNS; column++) {
        print_row(c, column, work, json);
        printf(json && column + 1 < COLUMNS ? ", " : "");
    }
    printf(json ? "], \"break_even_steps\": %.4g, \"break_even_interval\": [%.4g, %.4g]}\n"
                : "break-even: %.2f steps, 95 %% interval %.2f to %.2f\n",
           star.median, star.low, star.high);
}

/* ---- The command --------------------------------------------------------------------------- */

/* A GPT-2 from a flag's folder that shares ids with the SEDD; false after a sentence. */
static bool open_gpt2(const struct cli *cli, const char *flag, const struct comparison *c,
                      struct sedd_engine *engine, struct sedd_model **model,
                      struct sedd_session **session, struct sedd_model_info *info)
{
    struct sedd_error error;
    struct cli other = *cli;
    other.folder = cli_text(cli, flag);
    *model = cli_model(&other);
    if (*model == NULL) {
        return false;
    }
    sedd_model_describe(*model, info);
    if (info->kind != SEDD_KIND_GPT2 || info->tokens != c->sedd_info.tokens ||
        info->length < c->length) {
        fprintf(stderr,
                "sedd: %s does not fit: expected a GPT-2 with %d tokens and %d positions or more\n",
                other.folder, (int)c->sedd_info.tokens, (int)c->length);
        return false;
    }
    if (sedd_session_new(engine, *model, info->length, session, &error) != SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    return true;
}

static bool run_all(struct comparison *c, struct sedd_engine *engine,
                    const struct sedd_model *model)
{
    struct sedd_error error = {.message = "no memory for the comparison"};
    double *work = calloc((size_t)c->rounds, sizeof *work);
    c->ms = calloc((size_t)c->rounds * COLUMNS, sizeof *c->ms);
    c->ids = calloc((size_t)c->length, sizeof *c->ids);
    c->logits = calloc((size_t)c->twin_info.states, sizeof *c->logits);
    bool memory = work != NULL && c->ms != NULL && c->ids != NULL && c->logits != NULL;
    enum sedd_status status =
        memory ? sedd_session_new(engine, model, c->length, &c->sedd, &error) : SEDD_ERROR_MEMORY;
    for (int32_t round = -1; round < c->rounds && status == SEDD_OK; round++) {
        status = run_round(c, round, &error);
    }
    if (status == SEDD_OK) {
        print_all(c, engine, work);
    } else {
        cli_fail(&error);
    }
    free(work);
    free(c->ms);
    free(c->ids);
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
    bool done = c.sedd_info.kind == SEDD_KIND_SEDD;
    if (!done) {
        fprintf(stderr, "sedd: --twin compares a SEDD with a GPT-2; %s is a GPT-2\n", cli->folder);
    }
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
    done = done && run_all(&c, engine, model);
    sedd_session_free(c.sedd);
    sedd_session_free(c.twin);
    sedd_session_free(c.judge);
    sedd_model_free(twin);
    sedd_model_free(judge);
    return done ? 0 : EXIT_FAILED;
}
