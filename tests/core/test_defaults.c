/*
 * test_defaults.c - tests generation_config.json: the fields it sets, the fields it skips, and that
 * every invalid one is refused with a sentence that names the file and the key.
 */
#include "sedd.h"
#include "test.h"

#include <stdlib.h>

static enum sedd_status read(const char *text, size_t size, struct sedd_sample_options *options,
                             struct sedd_error *error)
{
    /* an exact copy without a final zero, so that a sanitizer detects reads past it */
    char *exact = malloc(size > 0 ? size : 1);
    memcpy(exact, text, size);
    enum sedd_status status = sedd_sample_defaults(exact, size, options, error);
    free(exact);
    return status;
}

static struct sedd_sample_options accepts(const char *text)
{
    struct sedd_error error = {0};
    struct sedd_sample_options options = {.length = 77, .steps = 64};
    if (!CHECK(read(text, strlen(text), &options, &error) == SEDD_OK)) {
        fprintf(stderr, "    %s\n    %s\n", text, error.message);
    }
    CHECK(options.length == 77); /* not the file's business */
    return options;
}

static void refuses_bytes(const char *text, size_t size, const char *words)
{
    struct sedd_error error = {0};
    struct sedd_sample_options options = {.steps = 64, .top_k = 7, .top_p = 0.5};
    const struct sedd_sample_options before = options;
    enum sedd_status status = read(text, size, &options, &error);
    CHECK(status == SEDD_ERROR_FORMAT || status == SEDD_ERROR_UNSUPPORTED);
    CHECK(error.status == status && memcmp(&options, &before, sizeof options) == 0);
    CHECK_TEXT(error.message, "generation_config.json");
    CHECK_TEXT(error.message, words);
}

static void refuses(const char *text, const char *words)
{
    refuses_bytes(text, strlen(text), words);
}

static void test_values(void)
{
    struct sedd_sample_options options = accepts(
        "{\"steps\": 8, \"positions\": \"fixed\", \"order\": \"spread\", \"grid\": \"cosine\", "
        "\"context\": \"known\", \"temperature\": 0.9, \"top_k\": 40, \"top_p\": 0.95}");
    CHECK(options.steps == 8 && options.positions == SEDD_POSITIONS_FIXED);
    CHECK(options.order == SEDD_ORDER_SPREAD && options.grid == SEDD_GRID_COSINE);
    CHECK(options.context == SEDD_CONTEXT_KNOWN && options.gamma == 0.0);
    CHECK(options.temperature == 0.9 && options.top_k == 40 && options.top_p == 0.95);
    options = accepts("{\"positions\": \"bounded\", \"order\": \"margin\", \"gamma\": 2.5}");
    CHECK(options.positions == SEDD_POSITIONS_BOUNDED && options.order == SEDD_ORDER_MARGIN);
    CHECK(options.gamma == 2.5 && options.steps == 64);
    options = accepts("{\"positions\": \"hitting\", \"context\": \"known\"}");
    CHECK(options.positions == SEDD_POSITIONS_HITTING && options.context == SEDD_CONTEXT_KNOWN);
}

/* Tests Hugging Face's own keys, nulls, and an empty object. */
static void test_others(void)
{
    struct sedd_sample_options options = accepts(
        "{\"_from_model_config\": true, \"bos_token_id\": 50256, \"eos_token_id\": [50256, 3], "
        "\"transformers_version\": \"4.40.0\", \"do_sample\": true, \"temperature\": null, "
        "\"top_p\": null, \"steps\": null, \"order\": null, \"nested\": {\"steps\": 1}}");
    CHECK(options.steps == 64 && options.temperature == 0.0 && options.top_p == 0.0);
    options = accepts("{}");
    CHECK(options.steps == 64 && options.positions == SEDD_POSITIONS_SCORE);
}

static void test_refusals(void)
{
    static char large[(1 << 16) + 1];
    refuses("", "not valid JSON");
    refuses("{\"steps\": 8", "not valid JSON");
    refuses("<!doctype html>", "not valid JSON");
    refuses("{} {}", "extra content after");
    refuses("[8]", "not an object");
    refuses("\"steps\"", "not an object");
    refuses("{\"steps\": 0}", "\"steps\" is 0; expected 1 to 1e+06");
    refuses("{\"steps\": 1e9}", "\"steps\" is 1e+09");
    refuses("{\"steps\": 2.5}", "\"steps\" is 2.5; expected a whole number");
    refuses("{\"steps\": true}", "\"steps\" is not a number");
    refuses(
        "{\"positions\": \"best\"}",
        "\"positions\" is \"best\"; this engine runs score, normalised, fixed, bounded or hitting");
    refuses("{\"positions\": 3}", "\"positions\" is not a string; expected score, normalised");
    refuses("{\"positions\": [\"fixed\"]}", "\"positions\" is not a string");
    refuses("{\"order\": \"\"}", "\"order\" is \"\"; this engine runs random, spread");
    refuses("{\"grid\": \"cos\"}", "\"grid\" is \"cos\"; this engine runs linear or cosine");
    refuses("{\"context\": \"none\"}", "\"context\" is \"none\"; this engine runs all or known");
    refuses("{\"temperature\": -1}", "\"temperature\" is -1; expected 0.01 to 100");
    refuses("{\"temperature\": 1e999}", "\"temperature\"");
    refuses("{\"top_k\": -5}", "\"top_k\" is -5");
    refuses("{\"top_p\": 0}", "\"top_p\" is 0");
    refuses("{\"gamma\": {}}", "\"gamma\" is not a number");
    refuses("{\"context\": \"known\", \"positions\": \"score\"}", "context known needs positions");
    refuses("{\"positions\": \"normalised\", \"order\": \"spread\"}", "order needs positions");
    memset(large, ' ', sizeof large);
    large[0] = '{';
    large[sizeof large - 1] = '}';
    refuses_bytes(large, sizeof large, "65537 bytes; expected at most 65536");
}

static void test_folder(void)
{
    struct sedd_sample_options options = {.steps = 64};
    CHECK(sedd_sample_defaults_open(TEST_DIR "/golden/absorb", &options, NULL) == SEDD_OK);
    CHECK(sedd_sample_defaults_open(TEST_DIR "/nowhere", &options, NULL) == SEDD_OK);
    CHECK(options.steps == 64);
}

int main(void)
{
    test_values();
    test_others();
    test_refusals();
    test_folder();
    return test_report("defaults");
}
