/* text.c - tokenize, detokenize, bound, nll. */
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns the ids of --file, or of --ids if the command takes it, owned (sedd_memory_free). Prints
 * the error and returns NULL on failure. */
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
    struct opened opened;
    int32_t *ids = cli_open(cli, CLI_NEEDS_TOKENIZER, &opened)
                       ? input_ids(cli, opened.tokenizer, &count)
                       : NULL;
    if (ids != NULL) {
        printf("{\"ids\": [");
        for (size_t i = 0; i < count; i++) {
            printf(i == 0 ? "%d" : ", %d", (int)ids[i]);
        }
        printf("]}\n");
    }
    cli_close(&opened);
    sedd_memory_free(ids);
    return ids == NULL ? EXIT_FAILED : 0;
}

int run_detokenize(struct cli *cli)
{
    size_t count, size;
    char *text = NULL;
    struct sedd_error error;
    int32_t *ids = cli_ids(cli, "--ids", &count);
    struct opened opened;
    int code = EXIT_FAILED;
    if (cli_open(cli, CLI_NEEDS_TOKENIZER, &opened)) {
        if (sedd_tokenizer_decode(opened.tokenizer, ids, count, &text, &size, &error) != SEDD_OK) {
            cli_fail(&error);
        } else {
            fwrite(text, 1, size, stdout);
            code = 0;
        }
    }
    sedd_memory_free(text);
    free(ids);
    cli_close(&opened);
    return code;
}

/* ---- Likelihood -------------------------------------------------------------------------- */

/* Returns the id of <|endoftext|>, after which texts begin. Without a tokenizer it is the last id,
 * as in GPT-2. */
static int32_t begin_id(const struct opened *opened)
{
    return opened->tokenizer != NULL ? sedd_tokenizer_find(opened->tokenizer, "<|endoftext|>")
                                     : opened->info.tokens - 1;
}

static enum sedd_status measure(const struct cli *cli, const struct opened *opened,
                                const int32_t *ids, size_t count, struct sedd_estimate *estimate,
                                struct sedd_error *error)
{
    if (cli->definition->run == run_nll) {
        const struct sedd_nll_options options = {.bos = begin_id(opened)};
        return sedd_gpt2_nll(opened->session, ids, count, &options, estimate, NULL, error);
    }
    if (cli_has(cli, "--chain")) {
        cli_refuse_fields(cli, "", "the chain rule is exact and takes no ");
        return sedd_chain(opened->session, ids, count, estimate, NULL, error);
    }
    struct sedd_bound_options options = {.estimator = sedd_bound_estimator(&opened->info)};
    cli_fields(cli, &options);
    return sedd_bound(opened->session, ids, count, &options, estimate, NULL, error);
}

/* Prints a standard error, or null for a bound with one sample per window, which has none. */
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
    unsigned tokenizer = cli_has(cli, "--ids") ? CLI_TOKENIZER : CLI_NEEDS_TOKENIZER;
    struct opened opened;
    struct sedd_estimate estimate;
    struct sedd_error error;
    size_t count = 0;
    int code = EXIT_FAILED;
    int32_t *ids = cli_open(cli, tokenizer | CLI_MODEL | CLI_ENGINE, &opened)
                       ? input_ids(cli, opened.tokenizer, &count)
                       : NULL;
    if (ids != NULL && count == 0) {
        fprintf(stderr, "sedd: there is no text to measure; expected one token or more\n");
    } else if (ids != NULL && cli_open_session(&opened, opened.info.length)) {
        if (measure(cli, &opened, ids, count, &estimate, &error) != SEDD_OK) {
            cli_fail(&error);
        } else {
            print_estimate(&estimate, cli_has(cli, "--json"));
            code = 0;
        }
    }
    sedd_memory_free(ids);
    cli_close(&opened);
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
