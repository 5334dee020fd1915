/* sample.c - sample and generate: the commands that write text. */
#include "json.h"
#include "options.h"
#include "prompt.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the text of ids without the masks, owned, or NULL. */
static char *text_of(const struct opened *opened, const int32_t *ids, size_t count, size_t *size)
{
    struct sedd_error error;
    char *text = NULL;
    int32_t *known = calloc(count + 1, sizeof *known);
    size_t used = 0;
    for (size_t i = 0; known != NULL && i < count; i++) {
        if (ids[i] != opened->info.mask_id) {
            known[used++] = ids[i];
        }
    }
    if (known == NULL) {
        fprintf(stderr, "sedd: no memory for the text\n");
    } else if (sedd_tokenizer_decode(opened->tokenizer, known, used, &text, size, &error) !=
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

/* Holds the words of --prompt at their places. Without --length, its counted holes make the window.
 */
static bool hold_prompt(const struct cli *cli, const struct opened *opened,
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
    bool done = prompt_lay(&prompt, tokenize, opened->tokenizer,
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
static bool hold_suffix(const struct cli *cli, const struct opened *opened, int32_t length,
                        struct held *held)
{
    const char *text = cli_text(cli, "--suffix");
    struct sedd_error error;
    int32_t *ids = NULL;
    size_t count = 0;
    if (text == NULL) {
        return true;
    }
    if (sedd_tokenizer_encode(opened->tokenizer, text, strlen(text), &ids, &count, &error) !=
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

static bool denoise(const struct cli *cli, struct opened *opened,
                    const struct sedd_sample_options *options, struct sedd_sampler **sampler)
{
    struct sedd_error error;
    struct sedd_step step;
    const char *path = cli_text(cli, "--trace");
    struct trace trace = {.tokenizer = opened->tokenizer, .info = opened->info};
    if (!cli_open_session(opened, options->batch * options->length)) {
        return false;
    }
    if (sedd_sampler_new(opened->session, options, sampler, &error) != SEDD_OK) {
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

static bool print_sample(const struct cli *cli, const struct opened *opened, uint64_t seed,
                         const int32_t *ids, size_t count)
{
    size_t size = 0;
    bool has_text = opened->tokenizer != NULL;
    char *text = has_text ? text_of(opened, ids, count, &size) : NULL;
    if (has_text && text == NULL) {
        return false;
    }
    if (cli_has(cli, "--json") || !has_text) {
        printf("{\"seed\": %llu, \"ids\": ", (unsigned long long)seed);
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
    struct opened opened;
    struct sedd_sampler *sampler = NULL;
    struct held held = {0};
    bool reads_text = cli_has(cli, "--prompt") || cli_has(cli, "--suffix");
    unsigned parts = reads_text ? CLI_NEEDS_TOKENIZER : CLI_TOKENIZER;
    struct sedd_sample_options options = {.batch = 1};
    if (!cli_sampling(cli, SEDD_KIND_SEDD, &options) ||
        !cli_open(cli, parts | CLI_MODEL | CLI_ENGINE, &opened)) {
        return EXIT_FAILED;
    }
    options.length = options.length == 0 ? opened.info.length : options.length;
    if (options.batch > 1 && cli_has(cli, "--trace")) {
        cli_usage(cli, "a trace records one sequence; ", "leave out --trace or --batch");
    }
    hold_pairs(cli, &held);
    bool done = hold_prompt(cli, &opened, &options, &held) &&
                hold_suffix(cli, &opened, options.length, &held);
    options.held_count = held.count;
    options.held_positions = held.positions;
    options.held_ids = held.ids;
    done = done && denoise(cli, &opened, &options, &sampler);
    for (int32_t b = 0; done && b < options.batch; b++) {
        size_t length = (size_t)options.length;
        if (b > 0 && !cli_has(cli, "--json")) {
            printf("----\n");
        }
        done = print_sample(cli, &opened, options.seed,
                            sedd_sampler_ids(sampler) + (size_t)b * length, length);
    }
    sedd_sampler_free(sampler);
    free(held.positions);
    free(held.ids);
    cli_close(&opened);
    return done ? 0 : EXIT_FAILED;
}

/* ---- Generate ---------------------------------------------------------------------------- */

/* Reads the prompt (or end-of-text if it is empty) and draws `count` tokens after it. */
static bool write_tokens(const struct sedd_sample_options *options, struct opened *opened,
                         int32_t *ids, size_t prompt, size_t count, float *logits)
{
    struct sedd_error error;
    if (!cli_open_session(opened, (int32_t)(prompt + count) - 1)) { /* the last is not read */
        return false;
    }
    enum sedd_status status =
        sedd_gpt2_append(opened->session, ids, (int32_t)prompt, false, logits, &error);
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        int32_t *id = &ids[prompt + i];
        status = sedd_gpt2_draw(opened->session, options, (int32_t)i, logits, id, &error);
        if (status == SEDD_OK && i + 1 < count) {
            status = sedd_gpt2_append(opened->session, id, 1, false, logits, &error);
        }
    }
    return status == SEDD_OK ? true : (cli_fail(&error), false);
}

int run_generate(struct cli *cli)
{
    struct opened opened;
    struct sedd_error error;
    int32_t *prompt = NULL;
    size_t prompt_count = 0;
    if (!cli_has(cli, "--prompt") || !cli_has(cli, "--tokens")) {
        cli_usage(cli, "it needs ", "--prompt and --tokens");
    }
    size_t count = (size_t)cli_integer(cli, "--tokens", 0, 1, 1 << 20);
    const char *text = cli_text(cli, "--prompt");
    struct sedd_sample_options options = {0};
    if (!cli_sampling(cli, SEDD_KIND_GPT2, &options) ||
        !cli_open(cli, CLI_NEEDS_TOKENIZER | CLI_MODEL | CLI_ENGINE, &opened)) {
        return EXIT_FAILED;
    }
    if (sedd_tokenizer_encode(opened.tokenizer, text, strlen(text), &prompt, &prompt_count,
                              &error) != SEDD_OK) {
        cli_fail(&error);
        cli_close(&opened);
        return EXIT_FAILED;
    }
    int32_t *ids = calloc(prompt_count + count + 1, sizeof *ids);
    float *logits = calloc((size_t)opened.info.states, sizeof *logits);
    int32_t bos = sedd_tokenizer_find(opened.tokenizer, "<|endoftext|>");
    size_t skip = prompt_count == 0 ? 1 : 0; /* an empty prompt starts at end-of-text, unprinted */
    bool done = ids != NULL && logits != NULL;
    if (!done) {
        fprintf(stderr, "sedd: no memory for %zu tokens\n", count);
    } else {
        ids[0] = bos;
        memcpy(ids + skip, prompt, prompt_count * sizeof *ids);
        done = write_tokens(&options, &opened, ids, prompt_count + skip, count, logits) &&
               print_sample(cli, &opened, options.seed, ids + skip, prompt_count + count);
    }
    free(ids);
    free(logits);
    sedd_memory_free(prompt);
    cli_close(&opened);
    return done ? 0 : EXIT_FAILED;
}
