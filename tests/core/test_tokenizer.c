/*
 * test_tokenizer.c - tests that GPT-2's vocabulary gives GPT-2's ids, that decoding returns the
 * exact bytes, that long words take linear time, and that each invalid vocabulary is refused with
 * one sentence.
 */
#include "files/json.h"
#include "files/open.h"
#include "test.h"
#include "text/pretokenize.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Checks a condition and also prints what was found. */
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

/* ---- Invalid vocabularies ---------------------------------------------------------------- */

/* Writes the characters of the byte alphabet as JSON with ids 0..255, then `more`. */
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
    enum sedd_status status = sedd_tokenizer_new(
        &(struct sedd_tokenizer_files){
            .vocab = vocab, .vocab_size = size, .merges = merges, .merges_size = strlen(merges)},
        &tokenizer, error);
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
        {"\"ab\":256", "a b\na b", true}, /* the last of equal merges counts */
        {"\"ab\":256", "\xEF\xBB\xBF#version: 0.2\na b\n", true},
        {"\"ab\":256", "#version: 0.2\ra b\r", true},
        {"\"ab\":256", "\r", true},
        {"\"ab\":-1", "a b", false},      /* negative */
        {"\"ab\":1e9", "a b", false},     /* huge */
        {"\"ab\":1e300", "a b", false},   /* beyond any integer */
        {"\"ab\":256.5", "a b", false},   /* not a whole number */
        {"\"ab\":\"256\"", "a b", false}, /* text */
        {"\"ab\":null", "a b", false},
        {"\"ab\":65", "a b", false},    /* an id taken */
        {"\"a\":256", "", false},       /* a token taken */
        {"\"\":256", "", false},        /* an empty token */
        {"\"\\u4f60\":256", "", false}, /* outside the alphabet */
        {"\"\\u0144\":256", "", false}, /* just after the alphabet */
        {"\"ab\":256", "a c", false},   /* the result is not a token */
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
    enum sedd_status status = sedd_tokenizer_new(
        &(struct sedd_tokenizer_files){.vocab = document, .vocab_size = (size_t)size}, &tokenizer,
        error);
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
         "\"type\":\"BPE\",\"merges\":[]", true},
        {"\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":1}",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {"\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"use_regex\":null}",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {"\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"}]}",
         "\"type\":\"BPE\",\"merges\":[]", true},
        {"\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\"},{"
         "\"type\":"
         "\"ByteLevel\"}]}",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"dropout\":0.0", true},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"dropout\":0.1", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"dropout\":\"0\"", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"continuing_subword_prefix\":\"\"", true},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"continuing_subword_prefix\":\"##\"", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"end_of_word_suffix\":\"</w>\"", false},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"byte_fallback\":true,\"fuse_unk\":true", true},
        {BYTES, "\"type\":\"BPE\",\"merges\":[],\"ignore_merges\":\"yes\"", false},
        {BYTES ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[]}",
         "\"type\":\"BPE\",\"merges\":[]", true},
        {BYTES ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]}",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES ",\"decoder\":{\"type\":\"ByteFallback\"}", "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES ",\"decoder\":{\"type\":\"ByteLevel\"}", "\"type\":\"BPE\",\"merges\":[]", true},
        {BYTES ",\"post_processor\":{\"type\":\"RobertaProcessing\"}",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES
         ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"
         "\"id\":\"x\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]}",
         "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{"
               "\"id\":\"A\",\"type_id\":0}}]}",
         "\"type\":\"BPE\",\"merges\":[]", true},
        {BYTES ",\"truncation\":null,\"padding\":null", "\"type\":\"BPE\",\"merges\":[]", true},
        {BYTES ",\"added_tokens\":{\"a\":1}", "\"type\":\"BPE\",\"merges\":[]", false},
        {BYTES ",\"added_tokens\":[{\"id\":300,\"content\":\"x\",\"lstrip\":1}]",
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

/* ---- Options ----------------------------------------------------------------------------- */

/* Returns the ids of a text as "1 2 3", or the error. Single bytes have their own ids. */
static const char *ids_of(const struct sedd_tokenizer_files *files, const char *text)
{
    static char out[512];
    struct sedd_tokenizer *tokenizer = NULL;
    struct sedd_error error = {0};
    int32_t *ids = NULL;
    size_t count = 0, used = 0;
    out[0] = '\0';
    enum sedd_status status = sedd_tokenizer_new(files, &tokenizer, &error);
    if (status == SEDD_OK) {
        status = sedd_tokenizer_encode(tokenizer, text, strlen(text), &ids, &count, &error);
    }
    for (size_t i = 0; i < count; i++) {
        used +=
            (size_t)snprintf(out + used, sizeof out - used, "%s%d", i == 0 ? "" : " ", (int)ids[i]);
    }
    if (status != SEDD_OK) {
        snprintf(out, sizeof out, "%s", error.message);
    }
    sedd_memory_free(ids);
    sedd_tokenizer_free(tokenizer);
    return out;
}

static void check_options(void)
{
#define WORDS "\"pre_tokenizer\":{\"type\":\"ByteLevel\"}"
#define WHOLE "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"use_regex\":false}"
#define SPACED "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}"
#define ADDED(flags)                                                                               \
    WORDS ",\"added_tokens\":[{\"id\":300,\"content\":\"[X]\",\"special\":false" flags "},"        \
          "{\"id\":301,\"content\":\"[XX]\",\"special\":true},{\"id\":302,\"content\":\"<S>\","    \
          "\"special\":true}]"
    static const struct {
        const char *outer, *model, *text, *ids;
    } cases[] = {
        /* tokens: ab 256, "b c" 257, bc 258, abc 259, " a" 260 */
        {WORDS, "\"merges\":[\"a b\",\"b c\"]", "abc", "256 99"},
        {WORDS, "\"merges\":[\"a b\",\"b c\",\"a b\"]", "abc", "97 258"}, /* the last counts */
        {WORDS, "\"merges\":[\"a b\",\"ab c\"]", "abc", "259"},
        {WORDS, "\"merges\":[]", "abc", "97 98 99"},
        {WORDS, "\"merges\":[],\"ignore_merges\":true", "abc", "259"},
        {WORDS, "\"merges\":[\"b c\"],\"ignore_merges\":true", "xbc ab", "120 258 32 97 98"},
        {WORDS, "\"merges\":[\"b c\"],\"ignore_merges\":true", " a", "260"},
        {WORDS, "\"merges\":[],\"ignore_merges\":false", "ab", "97 98"},
        {WHOLE, "\"merges\":[\"b \u0120\",\"b\u0120 c\"]", "b c", "257"},
        {WORDS, "\"merges\":[\"b \u0120\",\"b\u0120 c\"]", "b c", "98 32 99"},
        {WHOLE, "\"merges\":[\"b \u0120\",\"b\u0120 c\"]", "", ""},
        {WHOLE, "\"merges\":[],\"ignore_merges\":true", "b c", "257"},
        {SPACED, "\"merges\":[\"\u0120 a\"]", "a", "260"},
        {SPACED, "\"merges\":[\"\u0120 a\"]", " a", "260"},
        {SPACED, "\"merges\":[\"\u0120 a\"]", "\na", "32 10 97"},
        {SPACED, "\"merges\":[\"\u0120 a\"]", "", ""},
        {ADDED(""), "\"merges\":[\"a b\"]", "ab[X]ab", "256 300 256"},
        {ADDED(""), "\"merges\":[]", "[X][X]", "300 300"},
        {ADDED(""), "\"merges\":[]", "a [X] b", "97 32 300 32 98"},
        {ADDED(""), "\"merges\":[]", "[XX]", "91 88 88 93"}, /* special: plain text */
        {ADDED(""), "\"merges\":[]", "<S>", "60 83 62"},
        {ADDED(",\"lstrip\":true"), "\"merges\":[]", "a \n[X] b", "97 300 32 98"},
        {ADDED(",\"rstrip\":true"), "\"merges\":[]", "a [X] \xC2\xA0 b", "97 32 300 98"},
        {ADDED(",\"lstrip\":true,\"rstrip\":true"), "\"merges\":[]", " [X]  [X] ", "300 300"},
        {ADDED(",\"single_word\":true"), "\"merges\":[]", "a[X]", "97 91 88 93"},
        {ADDED(",\"single_word\":true"), "\"merges\":[]", "[X]_", "91 88 93 95"},
        {ADDED(",\"single_word\":true"), "\"merges\":[]", "[X]\xC3\xA9", "91 88 93 195 169"},
        {ADDED(",\"single_word\":true"), "\"merges\":[]", "\xC3\xA9[X]", "195 169 91 88 93"},
        {ADDED(",\"single_word\":true"), "\"merges\":[]", "-[X].", "45 300 46"},
        {ADDED(",\"normalized\":true"), "\"merges\":[]", "a[X]", "97 300"},
        {SPACED ",\"added_tokens\":[{\"id\":300,\"content\":\"[X]\"}]", "\"merges\":[\"\u0120 a\"]",
         "a[X]a[X] a", "260 300 260 300 260"},
        /* tokens that are not normalized come first, wherever they are listed */
        {WORDS ",\"added_tokens\":[{\"id\":300,\"content\":\"ab\\u00e9\",\"normalized\":true},"
               "{\"id\":301,\"content\":\"\\u00e9x\"}]",
         "\"merges\":[]", "ab\xC3\xA9x", "97 98 301"},
        /* a token of the vocabulary that is also an added token */
        {WORDS ",\"added_tokens\":[{\"id\":256,\"content\":\"ab\"}]", "\"merges\":[]", "abab",
         "256 256"},
        {WORDS ",\"added_tokens\":[{\"id\":300,\"content\":\"\"}]", "\"merges\":[]", "a", "97"},
        {WHOLE ",\"added_tokens\":[{\"id\":300,\"content\":\"xy\",\"special\":true}]",
         "\"merges\":[],\"ignore_merges\":true", "xy", "120 121"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char vocab[8192], document[16384];
        write_vocab(vocab, sizeof vocab,
                    "\"ab\":256,\"b\\u0120\":261,\"b\\u0120c\":257,\"bc\":258,\"abc\":259,"
                    "\"\\u0120a\":260");
        int size = snprintf(document, sizeof document, "{%s,\"model\":{%s,\"vocab\":%s}}",
                            cases[i].outer, cases[i].model, vocab);
        struct sedd_tokenizer_files files = {.vocab = document, .vocab_size = (size_t)size};
        const char *found = ids_of(&files, cases[i].text);
        HOLDS(strcmp(found, cases[i].ids) == 0, "%s, %s, \"%s\": %s; expected %s", cases[i].outer,
              cases[i].model, cases[i].text, found, cases[i].ids);
    }
}

/* merges.txt and added_tokens.json beside vocab.json. */
static void check_gpt2_files(void)
{
    static const struct {
        const char *merges, *added, *text, *ids;
    } cases[] = {
        {"\xEF\xBB\xBF#version: 0.2\na b\nab c\n", NULL, "abc", "257"},
        {"\xEF\xBB\xBF"
         "a b\nab c\n",
         NULL, "abc", "257"},
        {"#version: 0.2\ra b\rab c\r", NULL, "abc", "257"},
        {"#version: 0.2\r\n\r\na b\r\nab c", NULL, "abc", "257"},
        {"", NULL, "abc", "97 98 99"},
        {"a b\nb c\na b\n", NULL, "abc", "97 258"},
        {"a c", NULL, "abc", "merges.txt"},
        {"a b\n", "{\"[X]\":300}", "ab[X]", "256 300"},
        {"a b\n", "{\"<|endoftext|>\":300}", "<|", "60 124"},
        {"a b\n", "{\"[X]\":256}", "ab", "added_tokens.json"},
        {"a b\n", "{\"[X]\":-1}", "ab", "added_tokens.json"},
        {"a b\n", "[1]", "ab", "added_tokens.json"},
        {"a b\n", "{", "ab", "added_tokens.json"},
        {"a b\n", "{}", "ab", "256"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char vocab[8192];
        size_t size = write_vocab(vocab, sizeof vocab, "\"ab\":256,\"abc\":257,\"bc\":258");
        struct sedd_tokenizer_files files = {
            .vocab = vocab,
            .vocab_size = size,
            .merges = cases[i].merges,
            .merges_size = strlen(cases[i].merges),
            .added = cases[i].added,
            .added_size = cases[i].added == NULL ? 0 : strlen(cases[i].added)};
        const char *found = ids_of(&files, cases[i].text);
        size_t shown = strlen(cases[i].ids); /* of an error, its file */
        bool error = cases[i].ids[0] >= 'a';
        HOLDS(error ? strncmp(found, cases[i].ids, shown) == 0 : strcmp(found, cases[i].ids) == 0,
              "merges \"%s\", \"%s\": %s; expected %s", cases[i].merges, cases[i].text, found,
              cases[i].ids);
    }
}

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
        enum sedd_status status = sedd_tokenizer_new(
            &(struct sedd_tokenizer_files){.vocab = texts[i], .vocab_size = strlen(texts[i])},
            &tokenizer, &error);
        HOLDS(status != SEDD_OK && error.message[0] != '\0', "\"%s\" is accepted", texts[i]);
        sedd_tokenizer_free(tokenizer);
    }
    char deep[4096];
    memset(deep, '[', sizeof deep);
    struct sedd_tokenizer *tokenizer = NULL;
    HOLDS(
        sedd_tokenizer_new(&(struct sedd_tokenizer_files){.vocab = deep, .vocab_size = sizeof deep},
                           &tokenizer, NULL) == SEDD_ERROR_FORMAT,
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
    check_options();
    check_gpt2_files();
    check_folder(TEST_DIR "/cases/tokenizer-options/use-regex-false");
    check_folder(TEST_DIR "/cases/tokenizer-options/ignore-merges");
    check_folder(TEST_DIR "/cases/tokenizer-options/merges-bom");
    check_folder(TEST_DIR "/cases/tokenizer-without-model-type");
    check_not_json();
    sedd_tokenizer_free(tokenizer);
    return test_report("tokenizer");
}
