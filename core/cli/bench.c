/* bench.c - how long a denoise step of a SEDD, or a decode step of a GPT-2, takes here. */
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* The first evaluation of a run, in which every row is masked: the most a step can cost. */
static enum sedd_status time_denoise(struct sedd_session *session, int32_t length, int32_t steps,
                                     double *ms, struct sedd_error *error)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    struct sedd_sample_options options = {.length = length, .steps = steps};
    enum sedd_status status = sedd_sampler_new(session, &options, &sampler, error);
    double start = cli_now_ms();
    if (status == SEDD_OK) {
        status = sedd_sampler_advance(sampler, &step, error);
    }
    *ms = cli_now_ms() - start;
    sedd_sampler_free(sampler);
    return status;
}

static enum sedd_status time_decode(struct sedd_session *session, float *logits, double *ms,
                                    struct sedd_error *error)
{
    int32_t id = 0;
    double start = cli_now_ms();
    enum sedd_status status = sedd_gpt2_append(session, &id, 1, false, logits, error);
    *ms = cli_now_ms() - start;
    return status;
}

int run_bench(struct cli *cli)
{
    struct sedd_model *model = cli_model(cli);
    struct sedd_engine *engine = model == NULL ? NULL : cli_engine(cli);
    struct sedd_session *session = NULL;
    struct sedd_model_info info = {0};
    struct sedd_error error;
    if (engine == NULL) {
        sedd_model_free(model);
        return EXIT_FAILED;
    }
    if (cli_has(cli, "--twin")) {
        int code = cli_compare(cli, engine, model);
        sedd_engine_free(engine);
        sedd_model_free(model);
        return code;
    }
    sedd_model_describe(model, &info);
    bool sedd = info.kind == SEDD_KIND_SEDD;
    int32_t length = cli_integer(cli, "--length", info.length, 1, 1 << 20);
    int32_t runs = cli_integer(cli, "--runs", 20, 1, 10000), warm = 3;
    int32_t steps = cli_integer(cli, "--steps", 64, 1, 1000000);
    double *ms = calloc((size_t)(runs + warm), sizeof *ms);
    float *logits = calloc((size_t)info.states, sizeof *logits);
    enum sedd_status status = sedd_session_new(engine, model, length, &session, &error);
    for (int32_t i = 0; i < runs + warm && status == SEDD_OK; i++) {
        if (!sedd && sedd_gpt2_position(session) == length) {
            sedd_gpt2_reset(session);
        }
        status = sedd ? time_denoise(session, length, steps, &ms[i], &error)
                      : time_decode(session, logits, &ms[i], &error);
    }
    if (status == SEDD_OK) {
        qsort(ms + warm, (size_t)runs, sizeof *ms, compare);
        double median = ms[warm + runs / 2], low = ms[warm + runs / 4], high = ms[warm + runs * 3 / 4];
        printf(cli_has(cli, "--json")
                   ? "{\"work\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"dtype\": \"%s\", "
                     "\"median_ms\": %.4g, \"quartile_ms\": [%.4g, %.4g]}\n"
                   : "%s, kernels %s, %d threads, %s: median %.4g ms, middle half %.4g to %.4g ms\n",
               sedd ? "denoise step" : "decode step", sedd_engine_kernels(engine),
               (int)sedd_engine_threads(engine), info.dtype == SEDD_DTYPE_Q8 ? "q8" : "f32", median,
               low, high);
    } else {
        cli_fail(&error);
    }
    free(ms);
    free(logits);
    sedd_session_free(session);
    sedd_engine_free(engine);
    sedd_model_free(model);
    return status == SEDD_OK ? 0 : EXIT_FAILED;
}
