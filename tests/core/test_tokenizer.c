/*
 * test_tokenizer.c - GPT-2's ids for GPT-2's vocabulary, exact bytes back, linear time on long
 * words, and one sentence for each broken vocabulary.
 */
#include "files/json.h"
#include "files/open.h"
#include "test.h"
#include "text/pretokenize.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A check that also says what was found. */
#define HOLDS(condition, ...)                                                                      \
    do {                                                                                           \
        if (!CHECK(condition)) {                                                                   \
            fprintf(stderr, "    " __VA_ARGS__);                                                   \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

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

/* Writes GPT-2's vocab.json and merges.txt as the tokenizer.json of `gpt2` on the hub has them: a
 * model without a type, merges as strings or as pairs, and everything that stands around it. */
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
        status = sedd_tokenizer_new(document, size, NULL, 0, &tokenizer, &error);
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

/* Ends of the pieces of a text, for what no string in a case file can hold. */
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

/* 16 times the text may take 16 times as long and a logarithm more, not 256 times. */
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

/* ---- Broken vocabularies ----------------------------------------------------------------- */

/* Characters of the byte alphabet as JSON, ids 0..255, then `more`. */
static size_t write_vocab(char *out, size_t size, const char *more)
{
    size_t used = (size_t)snprintf(out, size, "{");
    for (int byte = 0, other = 256; byte < 256; byte++) {
        bool plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        used += (size_t)snprintf(out + used, size - used, "\"\\u%04x\":%d,",
                                 (unsigned)(plain ? byte : other), byte);
        other += plain ? 0 : 1;
    }
    return used + (size_t)snprintf(out + used, size - used, "%s}", more);
}

static enum sedd_status try_parts(const char *more, const char *merges, struct sedd_error *error)
{
    char vocab[8192];
    size_t size = write_vocab(vocab, sizeof vocab, more);
    struct sedd_tokenizer *tokenizer = NULL;
    enum sedd_status status =
        sedd_tokenizer_new(vocab, size, merges, strlen(merges), &tokenizer, error);
    sedd_tokenizer_free(tokenizer);
    return status;
}

static void check_parts(void)
{
    static const struct {
        const char *more, *merges;
        bool good;
    } cases[] = {
        {"\"ab\":256", "#version: 0.2\na b\n", true},
        {"\"ab\":256", "#version: 0.2\r\na b\r\n", true},
        {"\"ab\":256", "", true},
        {"\"ab\":1000000", "a b", true},  /* sparse ids */
        {"\"ab\":256", "a b\na b", true}, /* the first of equal merges counts */
        {"\"ab\":-1", "a b", false},      /* negative */
        {"\"ab\":1e9", "a b", false},     /* huge */
        {"\"ab\":1e300", "a b", false},   /* beyond any integer */
        {"\"ab\":256.5", "a b", false},   /* no whole number */
        {"\"ab\":\"256\"", "a b", false}, /* text */
        {"\"ab\":null", "a b", false},
        {"\"ab\":65", "a b", false},    /* an id taken */
        {"\"a\":256", "", false},       /* a token taken */
        {"\"\":256", "", false},        /* an empty token */
        {"\"\\u4f60\":256", "", false}, /* outside the alphabet */
        {"\"\\u0144\":256", "", false}, /* just behind the alphabet */
        {"\"ab\":256", "a c", false},   /* result is no token */
        {"\"ab\":256", "ab ab", false},
        {"\"ab\":256", "ab", false}, /* half a merge */
        {"\"ab\":256", "a  b", false},
        {"\"ab\":256", " b", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sedd_error error = {0};
        bool good = try_parts(cases[i].more, cases[i].merges, &error) == SEDD_OK;
        HOLDS(good == cases[i].good, "vocabulary with %s and merges \"%s\" is %s: %s",
              cases[i].more, cases[i].merges, good ? "accepted" : "refused", error.message);
        HOLDS(good || strlen(error.message) > 10, "%s is refused without a word", cases[i].more);
    }
}

static enum sedd_status try_document(const char *outer, const char *model, const char *more,
                                     struct sedd_error *error)
{
    char vocab[8192], document[16384];
    write_vocab(vocab, sizeof vocab, more);
    int size = snprintf(document, sizeof document, "{%s,\"model\":{%s,\"vocab\":%s}}", outer, model,
                        vocab);
    struct sedd_tokenizer *tokenizer = NULL;
    enum sedd_status status =
        sedd_tokenizer_new(document, (size_t)size, NULL, 0, &tokenizer, error);
    sedd_tokenizer_free(tokenizer);
    return status;
}

static void check_documents(void)
{
#define BYTES "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
    static const struct {
        const char *outer, *model;
        bool good;
    } cases[] = {
        {BYTES, "\"type\":\"BPE\",\"merges\":[\"a b\"]", true},
        {BYTES, "\"type\":\"BPE\",\"merges\":[[\"a\",\"b\"]]", true},
        {BYTES ",\"added_tokens\":[{\"id\":300,\"content\":\"<|x|>\"}]",
         "\"type\":\"BPE\",\"merges\":[]", true},
        {BYTES ",\"added_tokens\":[{\"id\":256,\"content\":\"<|x|>\"}]",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES ",\"added_tokens\":[{\"id\":-5,\"content\":\"<|x|>\"}]",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES ",\"added_tokens\":[7]", "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES, "\"merges\":[\"a b\"]", true},
        {BYTES, "\"merges\":[[\"a\",\"b\"]]", true},
        {BYTES, "\"type\":null,\"merges\":[\"a b\"]", true},
        {BYTES, "\"type\":\"\",\"merges\":[\"a b\"]", false},
        {BYTES, "\"type\":7,\"merges\":[\"a b\"]", false},
        {BYTES, "\"unk_token\":\"ab\"", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[[\"a\",\"b\",\"c\"]]", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[[\"a\",1]]", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[1]", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":{\"a\":\"b\"}", false},
        {BYTES, "\"type\":\"BPE\"", false},
        {BYTES, "\"type\":\"WordPiece\",\"merges\":[]", false},
        {BYTES ",\"normalizer\":{\"type\":\"NFC\"}", "\"type\":\"BPE\",\"merges\":[]", false},
        {"\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {"\"pre_tokenizer\":{\"type\":\"Whitespace\"}", "\"type\":\"BPE\",\"merges\":[]", false},
        {"\"pre_tokenizer\":null", "\"type\":\"BPE\",\"merges\":[]", false},
    };
#undef BYTES
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sedd_error error = {0};
        bool good = try_document(cases[i].outer, cases[i].model, "\"ab\":256", &error) == SEDD_OK;
        HOLDS(good == cases[i].good, "tokenizer.json with %s and %s is %s: %s", cases[i].outer,
              cases[i].model, good ? "accepted" : "refused", error.message);
        HOLDS(good || strlen(error.message) > 10, "%s is refused without a word", cases[i].outer);
    }
}

static void check_not_json(void)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "[]",
                                        "null",
                                        "{}x",
                                        "{\"model\":{}}",
                                        "\xff\xfe{}",
                                        "{\"model\":{\"vocab\":[]}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sedd_tokenizer *tokenizer = NULL;
        struct sedd_error error = {0};
        enum sedd_status status =
            sedd_tokenizer_new(texts[i], strlen(texts[i]), NULL, 0, &tokenizer, &error);
        HOLDS(status != SEDD_OK && error.message[0] != '\0', "\"%s\" is accepted", texts[i]);
        sedd_tokenizer_free(tokenizer);
    }
    char deep[4096];
    memset(deep, '[', sizeof deep);
    struct sedd_tokenizer *tokenizer = NULL;
    HOLDS(sedd_tokenizer_new(deep, sizeof deep, NULL, 0, &tokenizer, NULL) == SEDD_ERROR_FORMAT,
          "4,096 open brackets are accepted");
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
    check_parts();
    check_documents();
    check_not_json();
    sedd_tokenizer_free(tokenizer);
    return test_report("tokenizer");
}
