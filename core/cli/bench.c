/*
 * bench.c - times a denoise step of a SEDD, or a decode step of a GPT-2, on this machine.
 *
 * Denoise steps follow each other through whole runs of the sampler that the flags describe: with
 * context `known`, or planned positions, a step's cost depends on its place in the run. Whole texts
 * and their quality are measured by scripts/evaluate.
 */
#include "clock.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>

#define WARM_STEPS 3

struct bench {
    struct sedd_session *session;
    struct sedd_sample_options sampling; /* of a SEDD; seed: the next run's */
    float *logits;                       /* of a GPT-2: [V] */
    double *ms;                          /* [2 * (steps to time + WARM_STEPS)] */
    int32_t count;                       /* steps timed */
    double rows; /* of a SEDD: rows that were drawn, summed over the steps */
};

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* Times `least` steps of one run, or of as many whole runs as this number takes. */
static enum sedd_status time_denoising(struct bench *bench, int32_t least, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    bool enough = false;
    bench->count = 0;
    bench->rows = 0.0;
    while (status == SEDD_OK && !enough) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_step step;
        status = sedd_sampler_new(bench->session, &bench->sampling, &sampler, error);
        while (status == SEDD_OK && !enough && !sedd_sampler_done(sampler)) {
            double start = cli_now_ms();
            status = sedd_sampler_advance(sampler, &step, error);
            bench->ms[bench->count++] = cli_now_ms() - start;
            bench->rows += status == SEDD_OK ? step.rows : 0;
            enough = bench->count >= least && (step.total > least || sedd_sampler_done(sampler));
        }
        sedd_sampler_free(sampler);
        bench->sampling.seed++;
    }
    return status;
}

static enum sedd_status time_decoding(struct bench *bench, int32_t least, int32_t length,
                                      struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    int32_t id = 0;
    for (bench->count = 0; bench->count < least && status == SEDD_OK; bench->count++) {
        if (sedd_gpt2_position(bench->session) == length) {
            sedd_gpt2_reset(bench->session);
        }
        double start = cli_now_ms();
        status = sedd_gpt2_append(bench->session, &id, 1, false, bench->logits, error);
        bench->ms[bench->count] = cli_now_ms() - start;
    }
    return status;
}

static void print(const struct cli *cli, const struct sedd_engine *engine, bool sedd,
                  enum sedd_dtype dtype, struct bench *bench)
{
    int32_t n = bench->count;
    bool json = cli_has(cli, "--json");
    qsort(bench->ms, (size_t)n, sizeof *bench->ms, compare);
    double median = bench->ms[n / 2], low = bench->ms[n / 4], high = bench->ms[n * 3 / 4];
    printf(json ? "{\"work\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"dtype\": \"%s\", "
                  "\"steps\": %d, \"median_ms\": %.4g, \"quartile_ms\": [%.4g, %.4g]"
                : "%s, kernels %s, %d threads, %s: of %d steps median %.4g ms, middle half %.4g to "
                  "%.4g ms",
           sedd ? "denoise step" : "decode step", sedd_engine_kernels(engine),
           (int)sedd_engine_threads(engine), dtype == SEDD_DTYPE_Q8 ? "q8" : "f32", (int)n, median,
           low, high);
    if (sedd) {
        printf(json ? ", \"rows\": %.6g" : "; a step draws from %.4g rows", bench->rows / n);
    }
    printf(json ? "}\n" : "\n");
}

/* Refuses flags without effect, so that a figure is what the flags say. */
static void check_flags(const struct cli *cli, bool sedd)
{
    if (!sedd) {
        cli_refuse_fields(cli, " --steps ", "a GPT-2's decode step has no ");
    }
}

static int run_timed(struct cli *cli, struct opened *opened)
{
    struct sedd_model_info info = opened->info;
    struct sedd_error error = {.message = "no memory for the bench"};
    bool sedd = info.kind == SEDD_KIND_SEDD;
    check_flags(cli, sedd);
    int32_t length = cli_integer(cli, "--length", info.length, 1, 1 << 20);
    int32_t runs = cli_integer(cli, "--runs", 20, 1, 10000);
    struct bench bench = {.session = NULL};
    if (sedd && !cli_sampling(cli, SEDD_KIND_SEDD, &bench.sampling)) {
        return EXIT_FAILED;
    }
    bench.sampling.length = length;
    bench.sampling.steps = cli_integer(cli, "--steps", bench.sampling.steps, 1, 1000000);
    bench.ms = calloc(2 * ((size_t)runs + WARM_STEPS), sizeof *bench.ms);
    bench.logits = calloc((size_t)info.states, sizeof *bench.logits);
    bool memory = bench.ms != NULL && bench.logits != NULL;
    enum sedd_status status =
        memory ? sedd_session_new(opened->engine, opened->model, length, &bench.session, &error)
               : SEDD_ERROR_MEMORY;
    for (int pass = 0; pass < 2 && status == SEDD_OK; pass++) {
        int32_t least = pass == 0 ? WARM_STEPS : runs;
        status = sedd ? time_denoising(&bench, least, &error)
                      : time_decoding(&bench, least, length, &error);
    }
    if (status == SEDD_OK) {
        print(cli, opened->engine, sedd, info.dtype, &bench);
    } else {
        cli_fail(&error);
    }
    free(bench.ms);
    free(bench.logits);
    sedd_session_free(bench.session);
    return status == SEDD_OK ? 0 : EXIT_FAILED;
}

int run_bench(struct cli *cli)
{
    struct opened opened;
    if (!cli_open(cli, CLI_MODEL | CLI_ENGINE, &opened)) {
        return EXIT_FAILED;
    }
    int code = run_timed(cli, &opened);
    cli_close(&opened);
    return code;
}
