/* model.c - info, score, logits and golden: the commands that examine a model. */
#include "golden/golden.h"
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int run_info(struct cli *cli)
{
    struct opened opened;
    if (!cli_open(cli, CLI_MODEL, &opened)) {
        return EXIT_FAILED;
    }
    const struct sedd_model_info info = opened.info;
    bool sedd = info.kind == SEDD_KIND_SEDD;
    printf("{\"kind\": \"%s\", \"dtype\": \"%s\", ", sedd ? "sedd" : "gpt2",
           info.dtype == SEDD_DTYPE_Q8 ? "q8" : "f32");
    if (sedd) {
        printf("\"family\": \"%s\", \"time_free\": %s, \"graph\": \"%s\", \"noise\": \"%s\", "
               "\"cond_dim\": %d, \"scale_by_sigma\": %s, \"mask_id\": %d, ",
               sedd_family_name(info.family), info.time_free ? "true" : "false",
               info.graph == SEDD_GRAPH_ABSORB ? "absorb" : "uniform",
               info.noise == SEDD_NOISE_LOGLINEAR ? "loglinear" : "geometric", (int)info.cond_dim,
               info.scale_by_sigma ? "true" : "false", (int)info.mask_id);
    }
    printf(
        "\"tokens\": %d, \"states\": %d, \"hidden_size\": %d, \"n_blocks\": %d, \"n_heads\": %d, "
        "\"length\": %d, \"parameters\": %llu, \"weight_bytes\": %llu}\n",
        (int)info.tokens, (int)info.states, (int)info.hidden_size, (int)info.n_blocks,
        (int)info.n_heads, (int)info.length, (unsigned long long)info.parameter_count,
        (unsigned long long)info.weight_size);
    cli_close(&opened);
    return 0;
}

static void print_rows(const char *name, const float *values, size_t rows, size_t columns)
{
    printf("{\"%s\": [", name);
    for (size_t row = 0; row < rows; row++) {
        printf(row == 0 ? "[" : ", [");
        for (size_t y = 0; y < columns; y++) {
            float value = values[row * columns + y];
            printf(y == 0 ? "" : ", ");
            if (value == -INFINITY) {
                printf("-1e999"); /* JSON has no infinity; readers make one of this */
            } else {
                printf("%.9g", (double)value);
            }
        }
        printf("]");
    }
    printf("]}\n");
}

/* Opens the model, lets `compute` fill [count, states] floats, and prints them. */
static int print_outputs(struct cli *cli, const char *name,
                         enum sedd_status (*compute)(struct cli *cli, struct sedd_session *session,
                                                     const int32_t *ids, int32_t count,
                                                     float *values, struct sedd_error *error))
{
    size_t count;
    int32_t *ids = cli_ids(cli, "--ids", &count);
    struct opened opened;
    struct sedd_error error;
    float *values = NULL;
    int code = EXIT_FAILED;
    bool done = cli_open(cli, CLI_MODEL | CLI_ENGINE, &opened);
    if (done && count == 0) {
        fprintf(stderr, "sedd: --ids is empty; expected one id or more\n");
    } else if (done && cli_open_session(&opened, (int32_t)count)) {
        size_t states = (size_t)opened.info.states;
        if ((values = calloc(count * states, sizeof *values)) == NULL) {
            fprintf(stderr, "sedd: no memory for the output\n");
        } else if (compute(cli, opened.session, ids, (int32_t)count, values, &error) != SEDD_OK) {
            cli_fail(&error);
        } else {
            print_rows(name, values, count, states);
            code = 0;
        }
    }
    free(values);
    free(ids);
    cli_close(&opened);
    return code;
}

static enum sedd_status compute_score(struct cli *cli, struct sedd_session *session,
                                      const int32_t *ids, int32_t count, float *values,
                                      struct sedd_error *error)
{
    float sigma = strtof(cli_text(cli, "--sigma"), NULL); /* run_score has checked it */
    return sedd_score(session, 1, count, ids, &sigma, values, error);
}

static enum sedd_status compute_logits(struct cli *cli, struct sedd_session *session,
                                       const int32_t *ids, int32_t count, float *values,
                                       struct sedd_error *error)
{
    (void)cli;
    return sedd_gpt2_append(session, ids, count, true, values, error);
}

int run_score(struct cli *cli)
{
    const char *sigma = cli_text(cli, "--sigma");
    char *end;
    if (sigma == NULL) {
        cli_usage(cli, "it needs ", "--sigma");
    }
    strtof(sigma, &end);
    if (end == sigma || *end != '\0') {
        cli_usage(cli, "--sigma expects a number, not ", sigma);
    }
    return print_outputs(cli, "logscore", compute_score);
}

int run_logits(struct cli *cli)
{
    return print_outputs(cli, "logits", compute_logits);
}

/* ---- Golden ------------------------------------------------------------------------------ */

static void print_check(void *user, const char *name, double error, double tolerance)
{
    (void)user;
    printf("%s %-36s error %.3g, tolerance %.3g\n", error <= tolerance ? "ok  " : "FAIL", name,
           error, tolerance);
}

static char *read_in(const char *folder, const char *name, size_t *size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return cli_file(path, size);
}

int run_golden(struct cli *cli)
{
    size_t json_size, tensors_size;
    struct opened opened;
    struct sedd_error error;
    int code = EXIT_FAILED;
    if (cli_open(cli, CLI_MODEL | CLI_ENGINE, &opened)) {
        char *json = read_in(cli->folder, "golden.json", &json_size);
        char *tensors = read_in(cli->folder, "golden.safetensors", &tensors_size);
        int32_t failed = 0;
        if (sedd_golden_run(opened.engine, opened.model, json, json_size, (const uint8_t *)tensors,
                            tensors_size, print_check, NULL, &failed, &error) != SEDD_OK) {
            cli_fail(&error);
        } else {
            printf("%s, kernels %s: %s\n", cli->folder, sedd_engine_kernels(opened.engine),
                   failed == 0 ? "all passed" : "FAILED");
            code = failed == 0 ? 0 : EXIT_FAILED;
        }
        free(json);
        free(tensors);
    }
    cli_close(&opened);
    return code;
}
