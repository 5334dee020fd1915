/*
 * eval_operations.c - the operations of `sedd eval`:
 *
 *     engine                                                             -> kernels, threads
 *     encode      texts: [text, ...]                                     -> ids: [[id, ...], ...]
 *     find        token: "<|endoftext|>"                                 -> token: id or -1
 *     nll         ids, bos, stride (default: blocks)                     -> nats, tokens [, parts]
 *     bound       ids, samples, seed,
 *                 estimator: kmask | reference | lambda                  -> nats, stderr, tokens
 *     chain       ids                                                    -> nats, tokens [, parts]
 *     choice      options: [{ids, given}, ...], scoring: bound | chain,
 *                 samples, seed                                          -> nats: [of each option]
 *     sample      length, steps, seed, temperature, topP, topK,
 *                 ... (the options of `sedd options`; what is not
 *                 given is as published, whatever the model's folder says),
 *                 held: [[position, id], ...]                            -> ids, ms
 *     generate    ids (read first), count, seed, temperature, topP, topK -> ids (the new ones), ms
 *     diversity   texts: [[id, ...], ...]                                -> entropy, distinct, ...
 *     divergence  a, b: sets of texts                                    -> divergence: [n = 1..4]
 *
 * nll and chain give parts, the value of each token, where the request has "parts": true. nats of
 * nll, bound and chain are a token, those of choice the sum over the option's tokens. stderr is
 * null where one sample says nothing about the error.
 */
#include "eval/options.h"
#include "eval.h"

#include <stdio.h>
#include <string.h>

/* ---- Engine ------------------------------------------------------------------------------ */

static enum sedd_status run_engine(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    (void)request;
    (void)error;
    printf("\"kernels\": \"%s\", \"threads\": %d", sedd_engine_kernels(e->engine),
           (int)sedd_engine_threads(e->engine));
    return SEDD_OK;
}

/* ---- Text -------------------------------------------------------------------------------- */

static enum sedd_status check_tokenizer(const struct opened *e, struct sedd_error *error)
{
    return e->tokenizer != NULL
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_ARGUMENT, "the model's folder has no tokenizer");
}

static enum sedd_status run_encode(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    const cJSON *texts = sedd_json_find(request, "texts");
    enum sedd_status status = check_tokenizer(e, error);
    int32_t **ids = NULL;
    size_t *counts = NULL, count = cJSON_IsArray(texts) ? (size_t)cJSON_GetArraySize(texts) : 0,
           done = 0;
    if (status == SEDD_OK) {
        ids = sedd_memory_new(count, sizeof *ids);
        counts = sedd_memory_new(count, sizeof *counts);
        status = ids != NULL && counts != NULL
                     ? SEDD_OK
                     : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu texts", count);
    }
    for (const cJSON *item = count > 0 ? texts->child : NULL; item != NULL && status == SEDD_OK;
         item = item->next) {
        const char *text = cJSON_IsString(item) ? item->valuestring : NULL;
        status = text == NULL ? sedd_fail(error, SEDD_ERROR_ARGUMENT, "text %zu is no string", done)
                              : sedd_tokenizer_encode(e->tokenizer, text, strlen(text), &ids[done],
                                                      &counts[done], error);
        done += status == SEDD_OK;
    }
    if (status == SEDD_OK) {
        printf("\"ids\": [");
        for (size_t i = 0; i < count; i++) {
            printf(i == 0 ? "" : ",");
            eval_print_ids(ids[i], counts[i]);
        }
        putchar(']');
    }
    for (size_t i = 0; i < done; i++) {
        sedd_memory_free(ids[i]);
    }
    sedd_memory_free(ids);
    sedd_memory_free(counts);
    return status;
}

static enum sedd_status run_find(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    const cJSON *token = sedd_json_find(request, "token");
    enum sedd_status status = check_tokenizer(e, error);
    if (status == SEDD_OK && !cJSON_IsString(token)) {
        status = sedd_fail(error, SEDD_ERROR_ARGUMENT, "the request needs token, a string");
    }
    if (status == SEDD_OK) {
        printf("\"token\": %d", (int)sedd_tokenizer_find(e->tokenizer, token->valuestring));
    }
    return status;
}

/* ---- Likelihood -------------------------------------------------------------------------- */

/* Allocates room for each token's value if the request asks for them. Otherwise *parts stays NULL.
 */
static enum sedd_status new_parts(const cJSON *request, size_t count, double **parts,
                                  struct sedd_error *error)
{
    if (!cJSON_IsTrue(sedd_json_find(request, "parts"))) {
        return SEDD_OK;
    }
    *parts = sedd_memory_new(count, sizeof **parts);
    return *parts != NULL ? SEDD_OK
                          : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu tokens", count);
}

static void print_exact(const struct sedd_estimate *estimate, const double *parts, size_t count)
{
    printf("\"nats\": %.12g, \"tokens\": %lld", estimate->nats_per_token,
           (long long)estimate->tokens);
    if (parts != NULL) {
        printf(", ");
        eval_print_numbers("parts", parts, count);
    }
}

static enum sedd_status run_nll_request(struct opened *e, const cJSON *request,
                                        struct sedd_error *error)
{
    struct sedd_nll_options options = {0};
    int32_t *ids = NULL;
    size_t count = 0;
    struct sedd_estimate estimate;
    double *parts = NULL;
    enum sedd_status status = eval_ids(request, "ids", &ids, &count, error);
    status = status == SEDD_OK
                 ? eval_integer(request, "bos", 0, e->info.tokens - 1, &options.bos, error)
                 : status;
    status =
        status == SEDD_OK ? eval_integer(request, "stride", 1, 0, &options.stride, error) : status;
    status = status == SEDD_OK ? new_parts(request, count, &parts, error) : status;
    if (status == SEDD_OK) {
        status = sedd_gpt2_nll(e->session, ids, count, &options, &estimate, parts, error);
    }
    if (status == SEDD_OK) {
        print_exact(&estimate, parts, count);
    }
    sedd_memory_free(ids);
    sedd_memory_free(parts);
    return status;
}

static enum sedd_status run_bound_request(struct opened *e, const cJSON *request,
                                          struct sedd_error *error)
{
    const struct sedd_field_source source = eval_source(SEDD_KIND_SEDD, " id op ids ");
    struct sedd_bound_options options = {.estimator = sedd_bound_estimator(&e->info)};
    struct sedd_estimate estimate;
    int32_t *ids = NULL;
    size_t count = 0;
    enum sedd_status status = eval_ids(request, "ids", &ids, &count, error);
    status = status == SEDD_OK
                 ? sedd_fields_read(SEDD_BOUND_FIELDS, &source, request, &options, error)
                 : status;
    if (status == SEDD_OK) {
        status = sedd_bound(e->session, ids, count, &options, &estimate, NULL, error);
    }
    if (status == SEDD_OK) {
        printf("\"nats\": %.12g, \"tokens\": %lld, ", estimate.nats_per_token,
               (long long)estimate.tokens);
        eval_print_error("stderr", estimate.standard_error);
    }
    sedd_memory_free(ids);
    return status;
}

static enum sedd_status run_chain_request(struct opened *e, const cJSON *request,
                                          struct sedd_error *error)
{
    int32_t *ids = NULL;
    size_t count = 0;
    struct sedd_estimate estimate;
    double *parts = NULL;
    enum sedd_status status = eval_ids(request, "ids", &ids, &count, error);
    status = status == SEDD_OK ? new_parts(request, count, &parts, error) : status;
    if (status == SEDD_OK) {
        status = sedd_chain(e->session, ids, count, &estimate, parts, error);
    }
    if (status == SEDD_OK) {
        print_exact(&estimate, parts, count);
    }
    sedd_memory_free(ids);
    sedd_memory_free(parts);
    return status;
}

/* ---- Choice ------------------------------------------------------------------------------ */

/* Reads the options of a choice. Each owns its ids. */
static enum sedd_status options_of(const cJSON *list, struct sedd_option *options,
                                   struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (const cJSON *item = list->child; item != NULL && status == SEDD_OK; item = item->next) {
        int32_t *ids = NULL;
        size_t count = 0;
        status = eval_ids(item, "ids", &ids, &count, error);
        options->ids = ids;
        options->length = count > INT32_MAX ? INT32_MAX : (int32_t)count;
        status =
            status == SEDD_OK ? eval_integer(item, "given", 0, -1, &options->given, error) : status;
        options++;
    }
    return status;
}

static enum sedd_status run_choice(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    const struct sedd_field_source source = eval_source(SEDD_KIND_SEDD, " id op options ");
    struct sedd_choice_options choice = {0};
    const cJSON *list = sedd_json_find(request, "options");
    int32_t count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    if (count == 0) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "the request needs options, a list of {ids, given}");
    }
    struct sedd_option *options = sedd_memory_new((uint64_t)count, sizeof *options);
    double *nats = sedd_memory_new((uint64_t)count, sizeof *nats);
    enum sedd_status status =
        options == NULL || nats == NULL
            ? sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %d options", (int)count)
            : options_of(list, options, error);
    status = status == SEDD_OK
                 ? sedd_fields_read(SEDD_CHOICE_FIELDS, &source, request, &choice, error)
                 : status;
    status =
        status == SEDD_OK ? sedd_choice(e->session, options, count, &choice, nats, error) : status;
    if (status == SEDD_OK) {
        eval_print_numbers("nats", nats, (size_t)count);
    }
    for (int32_t i = 0; options != NULL && i < count; i++) {
        sedd_memory_free((int32_t *)options[i].ids);
    }
    sedd_memory_free(options);
    sedd_memory_free(nats);
    return status;
}

const struct operation EVAL_OPERATIONS[] = {
    {"engine", run_engine},        {"encode", run_encode},          {"find", run_find},
    {"nll", run_nll_request},      {"bound", run_bound_request},    {"chain", run_chain_request},
    {"choice", run_choice},        {"sample", eval_sample},         {"generate", eval_generate},
    {"diversity", eval_diversity}, {"divergence", eval_divergence},
};

const size_t EVAL_OPERATION_COUNT = sizeof EVAL_OPERATIONS / sizeof EVAL_OPERATIONS[0];
