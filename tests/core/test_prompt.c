/*
 * test_prompt.c - tests prompts with holes by the cases of tests/prompts.json. The tests of
 * web/prompt.js use the same cases, so that a prompt means the same in the tool and in a page.
 */
#include "prompt.h"

#include "files/json.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#define FALLBACK 10

/* Tokenizes one token a byte. Fails for a text that ends with '~'. */
static enum sedd_status bytes_of(const void *context, const char *text, size_t size, int32_t **ids,
                                 size_t *count, struct sedd_error *error)
{
    (void)context;
    if (size > 0 && text[size - 1] == '~') {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "no token for ~");
    }
    *ids = sedd_memory_new(size, sizeof **ids);
    *count = size;
    for (size_t i = 0; i < size; i++) {
        (*ids)[i] = (unsigned char)text[i];
    }
    return SEDD_OK;
}

static const char *text_of(const cJSON *item, const char *name)
{
    const cJSON *found = sedd_json_find(item, name);
    return found != NULL ? found->valuestring : NULL;
}

static bool same_part(const struct prompt_part *part, const cJSON *expected)
{
    if (cJSON_IsString(expected)) {
        return part->text != NULL && part->size == strlen(expected->valuestring) &&
               memcmp(part->text, expected->valuestring, part->size) == 0;
    }
    int32_t hole = cJSON_IsNumber(expected) ? expected->valueint : PROMPT_REST;
    return part->text == NULL && part->hole == hole;
}

static void check_parsed(const cJSON *item)
{
    struct sedd_error error = {0};
    struct prompt prompt;
    const cJSON *parts = sedd_json_find(item, "parts");
    const char *text = text_of(item, "prompt");
    if (!CHECK(prompt_parse(text, &prompt, &error) == SEDD_OK)) {
        fprintf(stderr, "    %s: %s\n", text, error.message);
        return;
    }
    bool same = prompt.count == (size_t)cJSON_GetArraySize(parts);
    const cJSON *expected = parts->child;
    for (size_t i = 0; same && i < prompt.count; i++, expected = expected->next) {
        same = same_part(&prompt.parts[i], expected);
    }
    if (!CHECK(same)) {
        fprintf(stderr, "    other parts for %s\n", text);
    }
    prompt_free(&prompt);
}

static void check_refused(const cJSON *item)
{
    struct sedd_error error = {0};
    struct prompt prompt;
    if (!CHECK(prompt_parse(text_of(item, "prompt"), &prompt, &error) == SEDD_ERROR_ARGUMENT)) {
        fprintf(stderr, "    %s\n", text_of(item, "prompt"));
        return;
    }
    CHECK_TEXT(error.message, text_of(item, "words"));
    CHECK(prompt.parts == NULL && prompt.count == 0);
}

static void check_window(const cJSON *item)
{
    struct sedd_error error = {0};
    struct prompt prompt;
    struct prompt_layout layout;
    const cJSON *length = sedd_json_find(item, "length");
    const char *window = text_of(item, "window");
    CHECK(prompt_parse(text_of(item, "prompt"), &prompt, &error) == SEDD_OK);
    enum sedd_status status = prompt_lay(
        &prompt, bytes_of, NULL, length != NULL ? length->valueint : 0, FALLBACK, &layout, &error);
    if (window == NULL) {
        CHECK(status == SEDD_ERROR_ARGUMENT && layout.ids == NULL);
        CHECK_TEXT(error.message, text_of(item, "words"));
    } else if (CHECK(status == SEDD_OK)) {
        char *shown = calloc((size_t)layout.length + 1, 1);
        memset(shown, '.', (size_t)layout.length);
        for (size_t i = 0; i < layout.count; i++) {
            shown[layout.positions[i]] = (char)layout.ids[i];
        }
        if (!CHECK(strcmp(shown, window) == 0)) {
            fprintf(stderr, "    %s: %s, expected %s\n", text_of(item, "prompt"), shown, window);
        }
        free(shown);
    }
    prompt_layout_free(&layout);
    prompt_free(&prompt);
}

static void check_all(const cJSON *cases, const char *name, void (*check)(const cJSON *item))
{
    const cJSON *items = sedd_json_find(cases, name), *item = NULL;
    CHECK(cJSON_GetArraySize(items) > 5);
    cJSON_ArrayForEach(item, items) check(item);
}

/* A message shows the beginning of a long prompt, and never half a character. */
static void test_long(void)
{
    char text[600];
    struct sedd_error error = {0};
    struct prompt prompt;
    memset(text, 'x', sizeof text);
    for (size_t i = 1; i + 1 < 100; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    memcpy(text + sizeof text - 2, "{", 2);
    CHECK(prompt_parse(text, &prompt, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "\xc3\xa9...\"");
}

static void test_tokenizer_fails(void)
{
    struct sedd_error error = {0};
    struct prompt prompt;
    struct prompt_layout layout;
    CHECK(prompt_parse("a{2}b~", &prompt, &error) == SEDD_OK);
    CHECK(prompt_lay(&prompt, bytes_of, NULL, 0, FALLBACK, &layout, &error) == SEDD_ERROR_FORMAT);
    CHECK(layout.ids == NULL && layout.positions == NULL);
    prompt_free(&prompt);
}

int main(void)
{
    char text[8192];
    struct sedd_error error = {0};
    cJSON *cases = NULL;
    FILE *file = fopen(TEST_DIR "/prompts.json", "rb");
    size_t size = file != NULL ? fread(text, 1, sizeof text, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    if (CHECK(sedd_json_parse("prompts.json", text, size, &cases, &error) == SEDD_OK)) {
        check_all(cases, "parsed", check_parsed);
        check_all(cases, "refused", check_refused);
        check_all(cases, "windows", check_window);
    }
    cJSON_Delete(cases);
    test_long();
    test_tokenizer_fails();
    return test_report("prompt");
}
