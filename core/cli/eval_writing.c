/* eval_writing.c - the operations that write texts: sample and generate. */
#include "clock.h"
#include "diffusion/options.h"
#include "eval.h"

#include <stdio.h>

static void print_written(const int32_t *ids, size_t count, double begin)
{
    printf("\"ids\": ");
    eval_print_ids(ids, count);
    printf(", \"ms\": %.4f", cli_now_ms() - begin);
}

/* Reads [[position, id], ...] into two lists, both in `held` [2 * count], which is owned. */
static enum sedd_status held_of(const cJSON *request, struct sedd_sample_options *options,
                                int32_t **held, struct sedd_error *error)
{
    const cJSON *list = sedd_json_find(request, "held");
    size_t count = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0, place = 0;
    *held = sedd_memory_new(2 * count, sizeof **held);
    if (*held == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu held tokens", count);
    }
    for (const cJSON *pair = count > 0 ? list->child : NULL; pair != NULL;
         pair = pair->next, place++) {
        int32_t both[2];
        if (!cJSON_IsArray(pair) || cJSON_GetArraySize(pair) != 2 ||
            eval_fill_ids(pair, "held", both, error) != SEDD_OK) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT, "held[%zu] is no [position, id]", place);
        }
        (*held)[place] = both[0];
        (*held)[count + place] = both[1];
    }
    options->held_count = count;
    options->held_positions = *held;
    options->held_ids = *held + count;
    return SEDD_OK;
}

static enum sedd_status run_sampler(struct opened *e, const struct sedd_sample_options *options,
                                    struct sedd_error *error)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    double begin = cli_now_ms();
    enum sedd_status status = sedd_sampler_new(e->session, options, &sampler, error);
    while (status == SEDD_OK && !sedd_sampler_done(sampler)) {
        status = sedd_sampler_advance(sampler, &step, error);
    }
    if (status == SEDD_OK) {
        print_written(sedd_sampler_ids(sampler), (size_t)options->length, begin);
    }
    sedd_sampler_free(sampler);
    return status;
}

enum sedd_status eval_sample(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    const struct sedd_field_source source = eval_source(SEDD_KIND_SEDD, " id op held ");
    struct sedd_sample_options options = {0};
    int32_t *held = NULL;
    sedd_sample_family(&e->info, &options);
    enum sedd_status status = sedd_sample_read_from(&source, request, &options, error);
    options.length = options.length == 0 ? e->info.length : options.length;
    status = status == SEDD_OK ? held_of(request, &options, &held, error) : status;
    status = status == SEDD_OK ? run_sampler(e, &options, error) : status;
    sedd_memory_free(held);
    return status;
}

static enum sedd_status write_on(struct opened *e, const int32_t *prompt, size_t prompt_count,
                                 int32_t *ids, int32_t count,
                                 const struct sedd_sample_options *options, float *logits,
                                 struct sedd_error *error)
{
    sedd_gpt2_reset(e->session);
    enum sedd_status status =
        sedd_gpt2_append(e->session, prompt, (int32_t)prompt_count, false, logits, error);
    for (int32_t i = 0; i < count && status == SEDD_OK; i++) {
        status = sedd_gpt2_draw(e->session, options, i, logits, &ids[i], error);
        if (status == SEDD_OK && i + 1 < count) {
            status = sedd_gpt2_append(e->session, &ids[i], 1, false, logits, error);
        }
    }
    return status;
}

enum sedd_status eval_generate(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    const struct sedd_field_source source = eval_source(SEDD_KIND_GPT2, " id op ids count ");
    struct sedd_sample_options options = {0};
    int32_t *prompt = NULL, *ids = NULL, count = 0;
    size_t prompt_count = 0;
    float *logits = NULL;
    double begin = cli_now_ms();
    enum sedd_status status = sedd_sample_read_from(&source, request, &options, error);
    status = status == SEDD_OK ? eval_integer(request, "count", 1, -1, &count, error) : status;
    status = status == SEDD_OK ? eval_ids(request, "ids", &prompt, &prompt_count, error) : status;
    if (status == SEDD_OK && prompt_count + (size_t)count > (size_t)e->info.length + 1) {
        status = sedd_fail(error, SEDD_ERROR_ARGUMENT, "%zu ids and %d more exceed the %d that fit",
                           prompt_count, (int)count, (int)e->info.length);
    }
    if (status == SEDD_OK) {
        ids = sedd_memory_new((uint64_t)count, sizeof *ids);
        logits = sedd_memory_new((uint64_t)e->info.states, sizeof *logits);
        status = ids == NULL || logits == NULL
                     ? sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %d tokens", (int)count)
                     : write_on(e, prompt, prompt_count, ids, count, &options, logits, error);
    }
    if (status == SEDD_OK) {
        print_written(ids, (size_t)count, begin);
    }
    sedd_memory_free(prompt);
    sedd_memory_free(ids);
    sedd_memory_free(logits);
    return status;
}
