/*
 * test_tokenizer.c - tests that GPT-2's vocabulary gives GPT-2's ids, that decoding returns the
 * exact bytes, and that long words take linear time. test_vocabulary.c tests the files.
 */
#include "files/json.h"
#include "files/open.h"
#include "test.h"
#include "text/pretokenize.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GPT2 TEST_DIR "/golden/gpt2-tokenizer"

/* ---- Known ids --------------------------------------------------------------------------- */

static size_t from_hex(const char *hex, char *bytes)
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtol(pair, NULL, 16);
    }
    return size;
}

static void check_case(const struct sedd_tokenizer *tokenizer, const cJSON *item)
{
    const char *hex = sedd_json_find(item, "utf8_hex")->valuestring;
    const cJSON *expected = sedd_json_find(item, "ids");
    char *text = malloc(strlen(hex) / 2 + 1), *back = NULL;
    size_t size = from_hex(hex, text), count = 0, back_size = 0;
    int32_t *ids = NULL;
    struct sedd_error error = {0};
    enum sedd_status status = sedd_tokenizer_encode(tokenizer, text, size, &ids, &count, &error);
    HOLDS(status == SEDD_OK, "%s: %s", hex, error.message);
    bool same = count == (size_t)cJSON_GetArraySize(expected);
    const cJSON *id = expected->child;
    for (size_t i = 0; same && i < count; i++, id = id->next) {
        same = ids[i] == id->valueint;
    }
    HOLDS(same, "other ids for the text %s", hex);
    if (status == SEDD_OK) {
        status = sedd_tokenizer_decode(tokenizer, ids, count, &back, &back_size, &error);
        HOLDS(status == SEDD_OK && back_size == size && memcmp(back, text, size) == 0,
              "decoding does not give back %s", hex);
    }
    sedd_memory_free(ids);
    sedd_memory_free(back);
    free(text);
}

static void check_cases(const struct sedd_tokenizer *tokenizer, const char *name, int least)
{
    char *text = NULL;
    size_t size;
    cJSON *root = NULL;
    struct sedd_error error = {0};
    enum sedd_status status = sedd_file_read(GPT2, name, 1 << 20, &text, &size, &error);
    if (status == SEDD_OK) {
        status = sedd_json_parse(name, text, size, &root, &error);
    }
    HOLDS(status == SEDD_OK, "%s", error.message);
    const cJSON *cases = status == SEDD_OK ? sedd_json_find(root, "cases") : NULL;
    HOLDS(cJSON_GetArraySize(cases) >= least, "%s has too few cases", name);
    for (const cJSON *item = cases == NULL ? NULL : cases->child; item != NULL; item = item->next) {
        check_case(tokenizer, item);
    }
    cJSON_Delete(root);
    sedd_memory_free(text);
}

/* ---- The hub's tokenizer.json ------------------------------------------------------------- */

/* Writes GPT-2's vocab.json and merges.txt in the form of the hub's tokenizer.json for `gpt2`: a
 * model without a type, merges as strings or as pairs, and all other sections of the file. */
static size_t write_hub_file(const char *vocab, char *merges, bool pairs, char *out, size_t size)
{
    size_t used = (size_t)snprintf(
        out, size,
        "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[{\"id\":50256,"
        "\"special\":true,\"content\":\"<|endoftext|>\",\"single_word\":false,\"lstrip\":false,"
        "\"rstrip\":false,\"normalized\":true}],\"normalizer\":null,\"pre_tokenizer\":{\"type\":"
        "\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true},\"post_processor\":{"
        "\"type\":"
        "\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":false},\"decoder\":{\"type\":"
        "\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true},\"model\":{\"dropout\":"
        "null,"
        "\"unk_token\":null,\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":\"\","
        "\"fuse_unk\":false,\"vocab\":%s,\"merges\":[",
        vocab);
    const char *comma = "";
    for (char *line = strtok(merges, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char escaped[512];
        size_t length = 0;
        for (const char *c = line; *c != '\0'; c++) {
            const char *between = pairs && *c == ' ' ? "\",\"" : NULL;
            bool quoted = *c == '"' || *c == '\\';
            length += (size_t)(between != NULL ? snprintf(escaped + length, sizeof escaped - length,
                                                          "%s", between)
                                               : snprintf(escaped + length, sizeof escaped - length,
                                                          "%s%c", quoted ? "\\" : "", *c));
        }
        if (strncmp(line, "#version", 8) != 0) {
            used += (size_t)snprintf(out + used, size - used, pairs ? "%s[\"%s\"]" : "%s\"%s\"",
                                     comma, escaped);
            comma = ",";
        }
    }
    return used + (size_t)snprintf(out + used, size - used, "]}}");
}

static void check_hub_file(bool pairs)
{
    char *vocab = NULL, *merges = NULL, *document = malloc(8 << 20);
    size_t size;
    struct sedd_tokenizer *tokenizer = NULL;
    struct sedd_error error = {0};
    enum sedd_status status = sedd_file_read(GPT2, "vocab.json", 4 << 20, &vocab, &size, &error);
    if (status == SEDD_OK) {
        status = sedd_file_read(GPT2, "merges.txt", 4 << 20, &merges, &size, &error);
    }
    if (status == SEDD_OK) {
        size = write_hub_file(vocab, merges, pairs, document, 8 << 20);
        status = sedd_tokenizer_new(
            &(struct sedd_tokenizer_files){.vocab = document, .vocab_size = size}, &tokenizer,
            &error);
    }
    HOLDS(status == SEDD_OK, "the hub's tokenizer.json: %s", error.message);
    if (status == SEDD_OK) {
        check_cases(tokenizer, "cases.json", 117);
        check_cases(tokenizer, "more.json", 240);
        HOLDS(sedd_tokenizer_size(tokenizer) == 50257, "it has %d ids",
              (int)sedd_tokenizer_size(tokenizer));
    }
    sedd_tokenizer_free(tokenizer);
    sedd_memory_free(vocab);
    sedd_memory_free(merges);
    free(document);
}

/* ---- Any bytes --------------------------------------------------------------------------- */

static void check_round_trip(const struct sedd_tokenizer *tokenizer, const char *text, size_t size)
{
    int32_t *ids = NULL;
    size_t count = 0, back_size = 0;
    char *back = NULL;
    struct sedd_error error = {0};
    enum sedd_status status = sedd_tokenizer_encode(tokenizer, text, size, &ids, &count, &error);
    if (status == SEDD_OK) {
        status = sedd_tokenizer_decode(tokenizer, ids, count, &back, &back_size, &error);
    }
    HOLDS(status == SEDD_OK && back_size == size && memcmp(back, text, size) == 0,
          "%zu bytes beginning with 0x%02x come back otherwise: %s", size,
          size > 0 ? (unsigned)(unsigned char)text[0] : 0u, error.message);
    sedd_memory_free(ids);
    sedd_memory_free(back);
}

static void check_any_bytes(const struct sedd_tokenizer *tokenizer)
{
    char text[64];
    uint32_t state = 1;
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)round % sizeof text;
        for (size_t i = 0; i < size; i++) {
            state = state * 1664525u + 1013904223u; /* Numerical Recipes */
            text[i] = (char)(state >> 24);
        }
        check_round_trip(tokenizer, text, size);
    }
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char pair[2] = {(char)a, (char)b};
            check_round_trip(tokenizer, pair, 2);
        }
    }
}

/* Checks the ends of the pieces of a text, for bytes that a case file cannot hold. */
static void check_pieces(const char *text, size_t size, const size_t *ends, size_t count)
{
    size_t place = 0;
    for (size_t i = 0; i < count; i++) {
        size_t end = place < size ? sedd_pretoken_end(text, size, place) : 0;
        HOLDS(end == ends[i], "piece %zu of 0x%02x... ends at %zu; expected %zu", i,
              (unsigned)(unsigned char)text[0], end, ends[i]);
        place = end;
    }
    HOLDS(place == size, "the pieces end at %zu of %zu", place, size);
}

static void check_bad_utf8(void)
{
    /* A stray continuation, an overlong space, a surrogate and a cut-off character are neither
     * letters, numbers nor spaces. */
    check_pieces("a\x80"
                 "b",
                 3, (size_t[]){1, 2, 3}, 3);
    check_pieces("a\xc0\xa0"
                 "b",
                 4, (size_t[]){1, 3, 4}, 3);
    check_pieces(" \xed\xa0\x80 x", 6, (size_t[]){4, 6}, 2);
    check_pieces("1\xe4\xbd", 3, (size_t[]){1, 3}, 2);
    check_pieces("\xf4\x90\x80\x80!", 5, (size_t[]){5}, 1);
}

/* ---- Long words -------------------------------------------------------------------------- */

static double seconds_for(const struct sedd_tokenizer *tokenizer, const char *pattern, size_t size)
{
    char *text = malloc(size);
    size_t length = strlen(pattern), count = 0;
    for (size_t i = 0; i < size; i++) {
        text[i] = pattern[i % length];
    }
    int32_t *ids = NULL;
    clock_t begin = clock();
    enum sedd_status status = sedd_tokenizer_encode(tokenizer, text, size, &ids, &count, NULL);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    HOLDS(status == SEDD_OK && count > 0, "a word of %zu bytes fails", size);
    sedd_memory_free(ids);
    free(text);
    return seconds;
}

/* A text that is 16 times as long may take 16 times as long times a logarithm, not 256 times. */
static void check_long_words(const struct sedd_tokenizer *tokenizer)
{
    static const char *const patterns[] = {"a", "ab", "the", "-=", " ", "\n", "9", "\xe4\xbd\xa0"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        double part = seconds_for(tokenizer, patterns[i], 1 << 16);
        double whole = seconds_for(tokenizer, patterns[i], 1 << 20);
        HOLDS(whole < 80 * part + 0.5, "a megabyte of \"%s\" takes %.2f s, a sixteenth %.3f s",
              patterns[i], whole, part);
    }
}

/* ---- Folders and ids --------------------------------------------------------------------- */

/* Checks a folder with in.txt and the reference's ids in expected.json. */
static void check_folder(const char *folder)
{
    char *text = NULL, *json = NULL;
    size_t size = 0, json_size = 0, count = 0;
    struct sedd_tokenizer *tokenizer = NULL;
    struct sedd_error error = {0};
    int32_t *ids = NULL;
    bool read =
        sedd_file_read(folder, "in.txt", 1 << 16, &text, &size, &error) == SEDD_OK &&
        sedd_file_read(folder, "expected.json", 1 << 16, &json, &json_size, &error) == SEDD_OK &&
        sedd_tokenizer_open(folder, &tokenizer, &error) == SEDD_OK &&
        sedd_tokenizer_encode(tokenizer, text, size, &ids, &count, &error) == SEDD_OK;
    cJSON *root = read ? cJSON_ParseWithLength(json, json_size) : NULL;
    const cJSON *expected = sedd_json_find(root, "ids");
    bool same = expected != NULL && count == (size_t)cJSON_GetArraySize(expected);
    for (size_t i = 0; same && i < count; i++) {
        same = ids[i] == cJSON_GetArrayItem(expected, (int)i)->valueint;
    }
    HOLDS(same, "%s: other ids. %s", folder, error.message);
    cJSON_Delete(root);
    sedd_memory_free(ids);
    sedd_tokenizer_free(tokenizer);
    sedd_memory_free(text);
    sedd_memory_free(json);
}

static void check_ids(const struct sedd_tokenizer *tokenizer)
{
    const int32_t bad[] = {-1, 50257, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *text = NULL;
        size_t size;
        HOLDS(sedd_tokenizer_decode(tokenizer, &bad[i], 1, &text, &size, NULL) ==
                  SEDD_ERROR_ARGUMENT,
              "id %d is decoded", (int)bad[i]);
    }
    HOLDS(sedd_tokenizer_size(tokenizer) == 50257, "the vocabulary has %d ids",
          (int)sedd_tokenizer_size(tokenizer));
    HOLDS(sedd_tokenizer_find(tokenizer, "<|endoftext|>") == 50256, "end of text is %d",
          (int)sedd_tokenizer_find(tokenizer, "<|endoftext|>"));
    HOLDS(sedd_tokenizer_find(tokenizer, "<|nothing|>") == -1, "a token that is none is found");
}

int main(void)
{
    struct sedd_tokenizer *tokenizer = NULL;
    struct sedd_error error = {0};
    enum sedd_status status = sedd_tokenizer_open(GPT2, &tokenizer, &error);
    HOLDS(status == SEDD_OK, "%s", error.message);
    if (status == SEDD_OK) {
        check_cases(tokenizer, "cases.json", 117);
        check_cases(tokenizer, "more.json", 240);
        check_any_bytes(tokenizer);
        check_long_words(tokenizer);
        check_ids(tokenizer);
    }
    check_hub_file(false);
    check_hub_file(true);
    check_bad_utf8();
    check_folder(TEST_DIR "/cases/tokenizer-options/use-regex-false");
    check_folder(TEST_DIR "/cases/tokenizer-options/ignore-merges");
    check_folder(TEST_DIR "/cases/tokenizer-options/merges-bom");
    check_folder(TEST_DIR "/cases/tokenizer-without-model-type");
    sedd_tokenizer_free(tokenizer);
    return test_report("tokenizer");
}
