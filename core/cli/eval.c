/*
 * eval.c - `sedd eval`: a long-lived process that answers one JSON object a line, so that a script
 * can evaluate thousands of texts with a model opened once.
 *
 *     {"id": 7, "op": "bound", "ids": [1, 2, 3], "samples": 64}
 *     {"id": 7, "nats": 8.41, "stderr": 0.02, "tokens": 3}
 *
 * A request that cannot be answered gets {"id": 7, "error": "one sentence"}; the process goes on.
 * It ends at the end of its input. eval_operations.c lists the operations.
 */
#include "eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line longer than this is no request but a mistake. */
#define LINE_LIMIT ((size_t)64 << 20)

struct line {
    char *text;
    size_t size, capacity;
};

/* The next line without its end; false at the end of the input (or past the limit, or memory). */
static bool read_line(struct line *line)
{
    int c;
    line->size = 0;
    while ((c = getchar()) != EOF && c != '\n') {
        if (line->size + 1 >= line->capacity) {
            size_t capacity = line->capacity == 0 ? 1 << 12 : 2 * line->capacity;
            char *larger = capacity > LINE_LIMIT ? NULL : realloc(line->text, capacity);
            if (larger == NULL) {
                fprintf(stderr, "sedd: a request is longer than %zu bytes\n", LINE_LIMIT);
                return false;
            }
            line->text = larger;
            line->capacity = capacity;
        }
        line->text[line->size++] = (char)c;
    }
    return c != EOF || line->size > 0;
}

static const struct operation *find_operation(const cJSON *name)
{
    for (size_t i = 0; i < EVAL_OPERATION_COUNT && cJSON_IsString(name); i++) {
        if (strcmp(EVAL_OPERATIONS[i].name, name->valuestring) == 0) {
            return &EVAL_OPERATIONS[i];
        }
    }
    return NULL;
}

/* Sentences hold model and file names, never quotes; what could break a JSON string is left out. */
static void print_error(const char *message)
{
    printf("\"error\": \"");
    for (; *message != '\0'; message++) {
        if (*message != '"' && *message != '\\' && (unsigned char)*message >= 0x20) {
            putchar(*message);
        }
    }
    printf("\"}\n");
}

static void answer(struct evaluator *evaluator, const struct line *line)
{
    cJSON *request = NULL;
    struct sedd_error error;
    enum sedd_status status =
        sedd_json_parse("the request", line->text, line->size, &request, &error);
    const cJSON *id = status == SEDD_OK ? sedd_json_find(request, "id") : NULL;
    const struct operation *operation = NULL;
    printf("{\"id\": %.17g, ", cJSON_IsNumber(id) ? id->valuedouble : -1.0);
    if (status == SEDD_OK) {
        operation = find_operation(sedd_json_find(request, "op"));
    }
    if (status == SEDD_OK && operation == NULL) {
        snprintf(error.message, sizeof error.message, "the request's op is unknown");
    }
    if (operation != NULL && operation->run(evaluator, request, &error) == SEDD_OK) {
        printf("}\n");
    } else {
        print_error(error.message);
    }
    fflush(stdout);
    cJSON_Delete(request);
}

static bool open_evaluator(struct cli *cli, struct evaluator *evaluator)
{
    struct sedd_error error;
    enum sedd_status status = sedd_tokenizer_open(cli->folder, &evaluator->tokenizer, &error);
    if (status != SEDD_OK && status != SEDD_ERROR_IO) {
        cli_fail(&error);
        return false;
    }
    evaluator->model = cli_model(cli);
    evaluator->engine = evaluator->model == NULL ? NULL : cli_engine(cli);
    if (evaluator->engine == NULL) {
        return false;
    }
    sedd_model_describe(evaluator->model, &evaluator->info);
    /* Short SEDD sequences are computed together; a GPT-2's rows are its positions. */
    int32_t rows = evaluator->info.length;
    rows = evaluator->info.kind == SEDD_KIND_SEDD && rows < 512 ? 512 : rows;
    status =
        sedd_session_new(evaluator->engine, evaluator->model, rows, &evaluator->session, &error);
    if (status == SEDD_OK && evaluator->tokenizer != NULL) {
        status = sedd_session_limit(evaluator->session, evaluator->tokenizer, &error);
    }
    if (status != SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    return true;
}

int run_eval(struct cli *cli)
{
    struct evaluator evaluator = {0};
    struct line line = {0};
    bool opened = open_evaluator(cli, &evaluator);
    while (opened && ferror(stdout) == 0 && read_line(&line)) {
        answer(&evaluator, &line);
    }
    free(line.text);
    sedd_session_free(evaluator.session);
    sedd_engine_free(evaluator.engine);
    sedd_model_free(evaluator.model);
    sedd_tokenizer_free(evaluator.tokenizer);
    return opened ? 0 : EXIT_FAILED;
}
