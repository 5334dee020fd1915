/* sample.c - sample, generate: text from a seed. */
#include "json.h"
#include "options.h"
#include "prompt.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything a run needs; opened and closed in one place. */
struct context {
    struct sedd_tokenizer *tokenizer; /* NULL: the folder has none, results are ids */
    struct sedd_model *model;
    struct sedd_engine *engine;
    struct sedd_session *session;
    struct sedd_model_info info;
};

static void close_context(struct context *context)
{
    sedd_session_free(context->session);
    sedd_engine_free(context->engine);
    sedd_model_free(context->model);
    sedd_tokenizer_free(context->tokenizer);
}

/* A folder without a tokenizer will do unless there is text to read. */
static bool open_context(const struct cli *cli, bool reads_text, struct context *context)
{
    struct sedd_error error;
    *context = (struct context){0};
    enum sedd_status status = sedd_tokenizer_open(cli->folder, &context->tokenizer, &error);
    if (status != SEDD_OK && (reads_text || status != SEDD_ERROR_IO)) {
        cli_fail(&error);
        return false;
    }
    context->model = cli_model(cli);
    context->engine = context->model == NULL ? NULL : cli_engine(cli);
    if (context->engine == NULL) {
        close_context(context);
        return false;
    }
    sedd_model_describe(context->model, &context->info);
    return true;
}

/* A session that writes only what the tokenizer, if there is one, has tokens for. */
static enum sedd_status open_session(struct context *context, int32_t rows,
                                     struct sedd_error *error)
{
    enum sedd_status status =
        sedd_session_new(context->engine, context->model, rows, &context->session, error);
    return status == SEDD_OK && context->tokenizer != NULL
               ? sedd_session_limit(context->session, context->tokenizer, error)
               : status;
}

/* The text of ids, masks left out (owned), or NULL. */
static char *text_of(const struct context *context, const int32_t *ids, size_t count, size_t *size)
{
    struct sedd_error error;
    char *text = NULL;
    int32_t *known = calloc(count + 1, sizeof *known);
    size_t used = 0;
    for (size_t i = 0; known != NULL && i < count; i++) {
        if (ids[i] != context->info.mask_id) {
            known[used++] = ids[i];
        }
    }
    if (known == NULL) {
        fprintf(stderr, "sedd: no memory for the text\n");
    } else if (sedd_tokenizer_decode(context->tokenizer, known, used, &text, size, &error) !=
               SEDD_OK) {
        cli_fail(&error);
    }
    free(known);
    return text;
}

/* ---- Held tokens ------------------------------------------------------------------------- */

struct held {
    int32_t *positions, *ids;
    size_t count;
};

static void hold(struct held *held, int32_t position, int32_t id)
{
    held->positions = realloc(held->positions, (held->count + 1) * sizeof(int32_t));
    held->ids = realloc(held->ids, (held->count + 1) * sizeof(int32_t));
    if (held->positions == NULL || held->ids == NULL) {
        fprintf(stderr, "sedd: no memory for the held tokens\n");
        exit(EXIT_FAILED);
    }
    held->positions[held->count] = position;
    held->ids[held->count++] = id;
}

static enum sedd_status tokenize(const void *tokenizer, const char *text, size_t size,
                                 int32_t **ids, size_t *count, struct sedd_error *error)
{
    return sedd_tokenizer_encode(tokenizer, text, size, ids, count, error);
}

/* Holds the words of --prompt where they stand; without --length its counted holes make the window.
 */
static bool hold_prompt(const struct cli *cli, const struct context *context,
                        struct sedd_sample_options *options, struct held *held)
{
    const char *text = cli_text(cli, "--prompt");
    struct sedd_error error;
    struct prompt prompt;
    struct prompt_layout layout = {0};
    if (text == NULL) {
        return true;
    }
    if (prompt_parse(text, &prompt, &error) != SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    if (prompt_has_holes(&prompt) && cli_has(cli, "--suffix")) {
        cli_usage(cli, "a prompt with holes says how the text ends; ", "leave out --suffix");
    }
    bool done = prompt_lay(&prompt, tokenize, context->tokenizer,
                           cli_has(cli, "--length") ? options->length : 0, options->length, &layout,
                           &error) == SEDD_OK;
    if (done) {
        options->length = layout.length;
    } else {
        cli_fail(&error);
    }
    for (size_t i = 0; i < layout.count; i++) {
        hold(held, layout.positions[i], layout.ids[i]);
    }
    prompt_layout_free(&layout);
    prompt_free(&prompt);
    return done;
}

/* Holds the tokens of --suffix at the window's end. */
static bool hold_suffix(const struct cli *cli, const struct context *context, int32_t length,
                        struct held *held)
{
    const char *text = cli_text(cli, "--suffix");
    struct sedd_error error;
    int32_t *ids = NULL;
    size_t count = 0;
    if (text == NULL) {
        return true;
    }
    if (sedd_tokenizer_encode(context->tokenizer, text, strlen(text), &ids, &count, &error) !=
        SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    if (count > (size_t)length - held->count) {
        fprintf(stderr, "sedd: --suffix has %zu tokens; the window of %d has room for %zu\n", count,
                (int)length, (size_t)length - held->count);
        sedd_memory_free(ids);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        hold(held, length - (int32_t)count + (int32_t)i, ids[i]);
    }
    sedd_memory_free(ids);
    return true;
}

static void hold_pairs(const struct cli *cli, struct held *held)
{
    const char *text = cli_text(cli, "--hold");
    while (text != NULL && *text != '\0') {
        char *colon, *end;
        long position = strtol(text, &colon, 10);
        if (colon == text || *colon != ':') {
            cli_usage(cli, "--hold expects POS:ID,..., found ", text);
        }
        long id = strtol(colon + 1, &end, 10);
        if (end == colon + 1 || (*end != ',' && *end != '\0') || position != (int32_t)position ||
            id != (int32_t)id) {
            cli_usage(cli, "--hold expects POS:ID,..., found ", text);
        }
        hold(held, (int32_t)position, (int32_t)id);
        text = *end == ',' ? end + 1 : NULL;
    }
}

/* ---- Sample ------------------------------------------------------------------------------ */

static bool denoise(const struct cli *cli, struct context *context,
                    const struct sedd_sample_options *options, struct sedd_sampler **sampler)
{
    struct sedd_error error;
    struct sedd_step step;
    const char *path = cli_text(cli, "--trace");
    struct trace trace = {.tokenizer = context->tokenizer, .info = context->info};
    if (open_session(context, options->batch * options->length, &error) != SEDD_OK ||
        sedd_sampler_new(context->session, options, sampler, &error) != SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    if (path != NULL) {
        if (!trace_open(&trace, path)) {
            return false;
        }
        trace_begin(&trace, options, cli->folder, sedd_sampler_ids(*sampler));
    }
    enum sedd_status status = SEDD_OK;
    while (status == SEDD_OK && !sedd_sampler_done(*sampler)) {
        status = sedd_sampler_advance(*sampler, &step, &error);
        if (status == SEDD_OK && path != NULL) {
            trace_step(&trace, &step);
        }
    }
    if (path != NULL) {
        trace_end(&trace);
    }
    bool traced = trace_close(&trace);
    return status == SEDD_OK ? traced : (cli_fail(&error), false);
}

static bool print_sample(const struct cli *cli, const struct context *context, const int32_t *ids,
                         size_t count)
{
    size_t size = 0;
    bool has_text = context->tokenizer != NULL;
    char *text = has_text ? text_of(context, ids, count, &size) : NULL;
    if (has_text && text == NULL) {
        return false;
    }
    if (cli_has(cli, "--json") || !has_text) {
        printf("{\"seed\": %llu, \"ids\": ", (unsigned long long)cli_seed(cli));
        json_ids(stdout, ids, count);
        if (has_text) {
            printf(", \"text\": ");
            json_string(stdout, text, size);
        }
        printf("}\n");
    } else {
        fwrite(text, 1, size, stdout);
        printf("\n");
    }
    sedd_memory_free(text);
    return true;
}

int run_sample(struct cli *cli)
{
    struct context context;
    struct sedd_sampler *sampler = NULL;
    struct held held = {0};
    if (!open_context(cli, cli_has(cli, "--prompt") || cli_has(cli, "--suffix"), &context)) {
        return EXIT_FAILED;
    }
    struct sedd_sample_options options = {
        .length = cli_integer(cli, "--length", context.info.length, 1, 1 << 16),
        .steps = 64,
        .seed = cli_seed(cli),
        .batch = cli_integer(cli, "--batch", 1, 1, 4096),
    };
    if (!cli_sampling(cli, &options)) {
        close_context(&context);
        return EXIT_FAILED;
    }
    options.steps = cli_integer(cli, "--steps", options.steps, 1, 1000000);
    if (options.batch > 1 && cli_has(cli, "--trace")) {
        cli_usage(cli, "a trace records one sequence; ", "leave out --trace or --batch");
    }
    hold_pairs(cli, &held);
    bool done = hold_prompt(cli, &context, &options, &held) &&
                hold_suffix(cli, &context, options.length, &held);
    options.held_count = held.count;
    options.held_positions = held.positions;
    options.held_ids = held.ids;
    done = done && denoise(cli, &context, &options, &sampler);
    for (int32_t b = 0; done && b < options.batch; b++) {
        size_t length = (size_t)options.length;
        if (b > 0 && !cli_has(cli, "--json")) {
            printf("----\n");
        }
        done = print_sample(cli, &context, sedd_sampler_ids(sampler) + (size_t)b * length, length);
    }
    sedd_sampler_free(sampler);
    free(held.positions);
    free(held.ids);
    close_context(&context);
    return done ? 0 : EXIT_FAILED;
}

/* ---- Generate ---------------------------------------------------------------------------- */

/* Reads the prompt (end-of-text where it is empty) and draws `count` tokens behind it. */
static bool write_tokens(const struct cli *cli, struct context *context, int32_t *ids,
                         size_t prompt, size_t count, float *logits)
{
    struct sedd_error error;
    struct sedd_generate_options options = {
        .seed = cli_seed(cli),
        .greedy = cli_has(cli, "--greedy"),
        .temperature = cli_number(cli, "--temperature", 1.0, 0.01, 100.0),
        .top_k = cli_integer(cli, "--top-k", 0, 0, INT32_MAX),
        .top_p = cli_number(cli, "--top-p", 1.0, 1e-6, 1.0),
    };
    int32_t rows = (int32_t)(prompt + count) - 1; /* the last token is drawn, not read */
    enum sedd_status status = open_session(context, rows, &error);
    if (status == SEDD_OK) {
        status = sedd_gpt2_append(context->session, ids, (int32_t)prompt, false, logits, &error);
    }
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        int32_t *id = &ids[prompt + i];
        status = sedd_gpt2_draw(context->session, &options, (int32_t)i, logits, id, &error);
        if (status == SEDD_OK && i + 1 < count) {
            status = sedd_gpt2_append(context->session, id, 1, false, logits, &error);
        }
    }
    return status == SEDD_OK ? true : (cli_fail(&error), false);
}

int run_generate(struct cli *cli)
{
    struct context context;
    struct sedd_error error;
    int32_t *prompt = NULL;
    size_t prompt_count = 0;
    if (!cli_has(cli, "--prompt") || !cli_has(cli, "--tokens")) {
        cli_usage(cli, "it needs ", "--prompt and --tokens");
    }
    size_t count = (size_t)cli_integer(cli, "--tokens", 0, 1, 1 << 20);
    const char *text = cli_text(cli, "--prompt");
    if (!open_context(cli, true, &context)) {
        return EXIT_FAILED;
    }
    if (sedd_tokenizer_encode(context.tokenizer, text, strlen(text), &prompt, &prompt_count,
                              &error) != SEDD_OK) {
        cli_fail(&error);
        close_context(&context);
        return EXIT_FAILED;
    }
    int32_t *ids = calloc(prompt_count + count + 1, sizeof *ids);
    float *logits = calloc((size_t)context.info.states, sizeof *logits);
    int32_t bos = sedd_tokenizer_find(context.tokenizer, "<|endoftext|>");
    size_t skip = prompt_count == 0 ? 1 : 0; /* an empty prompt starts at end-of-text, unprinted */
    bool done = ids != NULL && logits != NULL;
    if (!done) {
        fprintf(stderr, "sedd: no memory for %zu tokens\n", count);
    } else {
        ids[0] = bos;
        memcpy(ids + skip, prompt, prompt_count * sizeof *ids);
        done = write_tokens(cli, &context, ids, prompt_count + skip, count, logits) &&
               print_sample(cli, &context, ids + skip, prompt_count + count);
    }
    free(ids);
    free(logits);
    sedd_memory_free(prompt);
    close_context(&context);
    return done ? 0 : EXIT_FAILED;
}
