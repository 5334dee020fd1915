/* eval_writing.c - texts written by the model: sample, generate. */
#include "clock.h"
#include "eval.h"

#include <stdio.h>

struct filter {
    uint64_t seed;
    double temperature, top_p;
    int32_t top_k;
};

static enum sedd_status filter_of(const cJSON *request, struct filter *filter,
                                  struct sedd_error *error)
{
    const char *file = "the request";
    enum sedd_status status = eval_seed(request, &filter->seed, error);
    if (status == SEDD_OK) {
        status = sedd_json_number(file, request, "temperature", 0.01, 100.0, 1.0,
                                  &filter->temperature, error);
    }
    if (status == SEDD_OK) {
        status = sedd_json_number(file, request, "topP", 1e-6, 1.0, 1.0, &filter->top_p, error);
    }
    return status == SEDD_OK ? eval_integer(request, "topK", 0, 0, &filter->top_k, error) : status;
}

static void print_written(const int32_t *ids, size_t count, double begin)
{
    printf("\"ids\": ");
    eval_print_ids(ids, count);
    printf(", \"ms\": %.4f", cli_now_ms() - begin);
}

/* [[position, id], ...] into two lists, both in `held` [2 * count], owned. */
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

/* An optional word of a list into *index, which stays 0 without it. */
static enum sedd_status word_of(const cJSON *request, const char *name, const char *const *words,
                                int count, int *index, struct sedd_error *error)
{
    return sedd_json_find(request, name) == NULL
               ? SEDD_OK
               : sedd_json_word("the request", request, name, words, count, index, error);
}

static enum sedd_status way_of(const cJSON *request, struct sedd_sample_options *options,
                               struct sedd_error *error)
{
    static const char *const POSITIONS[] = {"score", "normalised", "fixed", "bounded", "hitting"};
    static const char *const ORDERS[] = {"random", "spread", "confidence", "margin", "entropy"};
    static const char *const GRIDS[] = {"linear", "cosine"};
    static const char *const CONTEXTS[] = {"all", "known"};
    int positions = 0, order = 0, grid = 0, context = 0;
    enum sedd_status status = word_of(request, "positions", POSITIONS, 5, &positions, error);
    status = status == SEDD_OK ? word_of(request, "order", ORDERS, 5, &order, error) : status;
    status = status == SEDD_OK ? word_of(request, "grid", GRIDS, 2, &grid, error) : status;
    status = status == SEDD_OK ? word_of(request, "context", CONTEXTS, 2, &context, error) : status;
    if (status == SEDD_OK && positions == SEDD_POSITIONS_BOUNDED) {
        status = sedd_json_number("the request", request, "gamma", 1e-6, 1e6, 1.0, &options->gamma,
                                  error);
    }
    options->positions = (enum sedd_positions)positions;
    options->order = (enum sedd_order)order;
    options->grid = (enum sedd_grid)grid;
    options->context = (enum sedd_context)context;
    return status;
}

static enum sedd_status run_sampler(struct evaluator *e, const struct sedd_sample_options *options,
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

enum sedd_status eval_sample(struct evaluator *e, const cJSON *request, struct sedd_error *error)
{
    struct sedd_sample_options options = {0};
    struct filter filter;
    int32_t *held = NULL;
    enum sedd_status status = filter_of(request, &filter, error);
    status = status == SEDD_OK
                 ? eval_integer(request, "length", 1, e->info.length, &options.length, error)
                 : status;
    status =
        status == SEDD_OK ? eval_integer(request, "steps", 1, 64, &options.steps, error) : status;
    status = status == SEDD_OK ? way_of(request, &options, error) : status;
    status = status == SEDD_OK ? held_of(request, &options, &held, error) : status;
    if (status == SEDD_OK) {
        options.seed = filter.seed;
        options.temperature = filter.temperature;
        options.top_k = filter.top_k;
        options.top_p = filter.top_p;
        status = run_sampler(e, &options, error);
    }
    sedd_memory_free(held);
    return status;
}

static enum sedd_status write_on(struct evaluator *e, const int32_t *prompt, size_t prompt_count,
                                 int32_t *ids, int32_t count, const struct filter *filter,
                                 float *logits, struct sedd_error *error)
{
    struct sedd_generate_options options = {.seed = filter->seed,
                                            .temperature = filter->temperature,
                                            .top_k = filter->top_k,
                                            .top_p = filter->top_p};
    sedd_gpt2_reset(e->session);
    enum sedd_status status =
        sedd_gpt2_append(e->session, prompt, (int32_t)prompt_count, false, logits, error);
    for (int32_t i = 0; i < count && status == SEDD_OK; i++) {
        status = sedd_gpt2_draw(e->session, &options, i, logits, &ids[i], error);
        if (status == SEDD_OK && i + 1 < count) {
            status = sedd_gpt2_append(e->session, &ids[i], 1, false, logits, error);
        }
    }
    return status;
}

enum sedd_status eval_generate(struct evaluator *e, const cJSON *request, struct sedd_error *error)
{
    struct filter filter;
    int32_t *prompt = NULL, *ids = NULL, count = 0;
    size_t prompt_count = 0;
    float *logits = NULL;
    double begin = cli_now_ms();
    enum sedd_status status = filter_of(request, &filter, error);
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
                     : write_on(e, prompt, prompt_count, ids, count, &filter, logits, error);
    }
    if (status == SEDD_OK) {
        print_written(ids, (size_t)count, begin);
    }
    sedd_memory_free(prompt);
    sedd_memory_free(ids);
    sedd_memory_free(logits);
    return status;
}
