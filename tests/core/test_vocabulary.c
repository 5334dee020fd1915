/*
 * test_vocabulary.c - tests the files of a tokenizer: their options change ids as in the reference,
 * and each invalid vocabulary is refused with one sentence.
 */
#include "sedd.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    check_parts();
    check_documents();
    check_options();
    check_gpt2_files();
    check_not_json();
    return test_report("vocabulary");
}
