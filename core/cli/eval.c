/*
 * eval.c - `sedd eval`: a long-lived process that answers one JSON object per line, so that a
 * script can evaluate thousands of texts and opens the model once.
 *
 *     {"id": 7, "op": "bound", "ids": [1, 2, 3], "samples": 64}
 *     {"id": 7, "nats": 8.41, "stderr": 0.02, "tokens": 3}
 *
 * An invalid request gets {"id": 7, "error": "one sentence"}, and the process continues.
 * It ends at the end of its input. eval_operations.c lists the operations.
 */
#include "eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limit of a request, in bytes. */
#define LINE_LIMIT ((size_t)64 << 20)

struct line {
    char *text;
    size_t size, capacity;
};

/* Reads the next line without its end. Returns false at the end of the input, for a line above the
 * limit, or without memory. */
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

/* Prints a sentence as a JSON string, without the characters that would break it. */
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

static void answer(struct opened *opened, const struct line *line)
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
    if (operation != NULL && operation->run(opened, request, &error) == SEDD_OK) {
        printf("}\n");
    } else {
        print_error(error.message);
    }
    fflush(stdout);
    cJSON_Delete(request);
}

/* Returns the rows of the session. Short SEDD sequences share an evaluation; a GPT-2's rows are its
 * positions. */
static int32_t session_rows(const struct sedd_model_info *info)
{
    return info->kind == SEDD_KIND_SEDD && info->length < 512 ? 512 : info->length;
}

int run_eval(struct cli *cli)
{
    struct opened opened;
    struct line line = {0};
    bool ready = cli_open(cli, CLI_TOKENIZER | CLI_MODEL | CLI_ENGINE, &opened) &&
                 cli_open_session(&opened, session_rows(&opened.info));
    while (ready && ferror(stdout) == 0 && read_line(&line)) {
        answer(&opened, &line);
    }
    free(line.text);
    cli_close(&opened);
    return ready ? 0 : EXIT_FAILED;
}
