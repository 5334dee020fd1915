/* text.c - tokenize, detokenize, bound, nll. */
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* False: said why. Where the ids are given, a folder without a tokenizer (then NULL) will do. */
static bool open_tokenizer(const struct cli *cli, bool needed, struct sedd_tokenizer **tokenizer)
{
    struct sedd_error error;
    *tokenizer = NULL;
    enum sedd_status status = sedd_tokenizer_open(cli->folder, tokenizer, &error);
    if (status != SEDD_OK && (needed || status != SEDD_ERROR_IO)) {
        cli_fail(&error);
        return false;
    }
    return true;
}

/* Ids of --file, or of --ids where the command takes it. Owned (sedd_memory_free); NULL: said
 * why. */
static int32_t *input_ids(const struct cli *cli, struct sedd_tokenizer *tokenizer, size_t *count)
{
    int32_t *ids = NULL;
    struct sedd_error error;
    if (cli_has(cli, "--ids")) {
        return cli_ids(cli, "--ids", count);
    }
    if (!cli_has(cli, "--file")) {
        cli_usage(cli, "it needs ", "--file");
    }
    size_t size;
    char *text = cli_file(cli_text(cli, "--file"), &size);
    if (sedd_tokenizer_encode(tokenizer, text, size, &ids, count, &error) != SEDD_OK) {
        cli_fail(&error);
    }
    free(text);
    return ids;
}

int run_tokenize(struct cli *cli)
{
    size_t count = 0;
    struct sedd_tokenizer *tokenizer;
    int32_t *ids = open_tokenizer(cli, true, &tokenizer) ? input_ids(cli, tokenizer, &count) : NULL;
    if (ids != NULL) {
        printf("{\"ids\": [");
        for (size_t i = 0; i < count; i++) {
            printf(i == 0 ? "%d" : ", %d", (int)ids[i]);
        }
        printf("]}\n");
    }
    sedd_tokenizer_free(tokenizer);
    sedd_memory_free(ids);
    return ids == NULL ? EXIT_FAILED : 0;
}

int run_detokenize(struct cli *cli)
{
    size_t count, size;
    char *text = NULL;
    struct sedd_error error;
    int32_t *ids = cli_ids(cli, "--ids", &count);
    struct sedd_tokenizer *tokenizer;
    int code = EXIT_FAILED;
    if (open_tokenizer(cli, true, &tokenizer)) {
        if (sedd_tokenizer_decode(tokenizer, ids, count, &text, &size, &error) != SEDD_OK) {
            cli_fail(&error);
        } else {
            fwrite(text, 1, size, stdout);
            code = 0;
        }
    }
    sedd_memory_free(text);
    free(ids);
    sedd_tokenizer_free(tokenizer);
    return code;
}

/* ---- Likelihood -------------------------------------------------------------------------- */

/* Texts begin behind <|endoftext|>; without a tokenizer that is the last id, as in GPT-2. */
static int32_t begin_id(const struct sedd_tokenizer *tokenizer, const struct sedd_model_info *info)
{
    return tokenizer != NULL ? sedd_tokenizer_find(tokenizer, "<|endoftext|>") : info->tokens - 1;
}

static enum sedd_status measure(const struct cli *cli, struct sedd_session *session,
                                const struct sedd_tokenizer *tokenizer,
                                const struct sedd_model_info *info, const int32_t *ids,
                                size_t count, struct sedd_estimate *estimate,
                                struct sedd_error *error)
{
    if (cli->definition->run == run_nll) {
        return sedd_gpt2_nll(session, ids, count, begin_id(tokenizer, info), estimate, NULL, error);
    }
    if (cli_has(cli, "--chain")) {
        cli_refuse(cli, " --samples --seed --estimator ", "the chain rule is exact and takes no ");
        return sedd_chain(session, ids, count, estimate, NULL, error);
    }
    bool reference = cli_has(cli, "--estimator")
                         ? cli_word(cli, "--estimator", "kmask reference") == 1
                         : info->graph == SEDD_GRAPH_UNIFORM; /* it has no masks to count */
    struct sedd_bound_options options = {
        .estimator = reference ? SEDD_ESTIMATOR_REFERENCE : SEDD_ESTIMATOR_KMASK,
        .samples = cli_integer(cli, "--samples", 64, 1, 1000000),
        .seed = cli_seed(cli),
    };
    return sedd_bound(session, ids, count, &options, estimate, NULL, error);
}

/* A bound of one sample a window has no standard error: null in JSON. */
static void print_estimate(const struct sedd_estimate *estimate, bool json)
{
    char error[32] = "null";
    bool known = !isnan(estimate->standard_error);
    if (known) {
        snprintf(error, sizeof error, json ? "%.9g" : "%.6f", estimate->standard_error);
    }
    printf(json ? "{\"nats_per_token\": %.9g, \"stderr\": %s, \"tokens\": %lld}\n"
                : "%.6f nats a token, standard error %s, %lld tokens\n",
           estimate->nats_per_token, known || json ? error : "unknown (one sample)",
           (long long)estimate->tokens);
}

static int run_likelihood(struct cli *cli)
{
    struct sedd_tokenizer *tokenizer;
    bool opened = open_tokenizer(cli, !cli_has(cli, "--ids"), &tokenizer);
    struct sedd_model *model = opened ? cli_model(cli) : NULL;
    struct sedd_engine *engine = model == NULL ? NULL : cli_engine(cli);
    struct sedd_session *session = NULL;
    struct sedd_estimate estimate;
    struct sedd_model_info info;
    struct sedd_error error;
    size_t count = 0;
    int32_t *ids = engine == NULL ? NULL : input_ids(cli, tokenizer, &count);
    int code = EXIT_FAILED;
    if (ids != NULL && count == 0) {
        fprintf(stderr, "sedd: there is no text to measure; expected one token or more\n");
    } else if (ids != NULL) {
        sedd_model_describe(model, &info);
        if (sedd_session_new(engine, model, info.length, &session, &error) != SEDD_OK ||
            measure(cli, session, tokenizer, &info, ids, count, &estimate, &error) != SEDD_OK) {
            cli_fail(&error);
        } else {
            print_estimate(&estimate, cli_has(cli, "--json"));
            code = 0;
        }
    }
    sedd_memory_free(ids);
    sedd_session_free(session);
    sedd_engine_free(engine);
    sedd_model_free(model);
    sedd_tokenizer_free(tokenizer);
    return code;
}

int run_bound(struct cli *cli)
{
    return run_likelihood(cli);
}

int run_nll(struct cli *cli)
{
    return run_likelihood(cli);
}
