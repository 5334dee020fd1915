/*
 * test_defaults.c - tests the options of a call and of generation_config.json: what they set, which
 * takes precedence, and that a value that means nothing is refused with a sentence that names it.
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
    CHECK(options.length == 77); /* not a key of the file */
    return options;
}

static void refuses_bytes(const char *text, size_t size, const char *words)
{
    struct sedd_error error = {0};
    struct sedd_sample_options options = {.steps = 64, .top_k = 7, .top_p = 0.5};
    const struct sedd_sample_options before = options;
    enum sedd_status status = read(text, size, &options, &error);
    CHECK(status == SEDD_ERROR_FORMAT);
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
    CHECK(options.steps == 8 && options.positions == SEDD_POSITIONS_PLANNED);
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
    refuses("{\"steps\": 0}", "steps is 0; expected a whole number from 1 to 1000000");
    refuses("{\"steps\": 1e9}", "steps is 1000000000");
    refuses("{\"steps\": 2.5}", "steps is 2.5; expected a whole number");
    refuses("{\"steps\": true}", "steps is true; expected a whole number");
    refuses("{\"positions\": \"best\"}",
            "positions is \"best\"; expected score, normalised, planned, bounded or hitting");
    refuses("{\"positions\": 3}", "positions is 3; expected score, normalised");
    refuses("{\"positions\": [\"fixed\"]}", "positions is a list; expected score, normalised");
    refuses("{\"order\": \"\"}", "order is \"\"; expected random, spread");
    refuses("{\"grid\": \"cos\"}", "grid is \"cos\"; expected linear or cosine");
    refuses("{\"context\": \"none\"}", "context is \"none\"; expected all or known");
    refuses("{\"temperature\": -1}",
            "temperature is -1; expected 0 (the likeliest token) or a number from 0.01 to 100");
    refuses("{\"temperature\": 1e999}", "temperature is inf");
    refuses("{\"top_k\": -5}", "top_k is -5; expected a whole number from 0");
    refuses("{\"top_p\": 0}", "top_p is 0; expected a number from 1e-06 to 1");
    refuses("{\"gamma\": {}}", "gamma is {}; expected a number");
    refuses("{\"context\": \"known\", \"positions\": \"score\"}", "context known needs positions");
    refuses("{\"positions\": \"normalised\", \"order\": \"spread\"}", "order needs positions");
    memset(large, ' ', sizeof large);
    large[0] = '{';
    large[sizeof large - 1] = '}';
    refuses_bytes(large, sizeof large, "65537 bytes; expected at most 65536");
}

/* ---- A call's options -------------------------------------------------------------------- */

static struct sedd_sample_options asks(const char *file, const char *call)
{
    struct sedd_error error = {0};
    struct sedd_sample_options options = {0};
    CHECK(sedd_sample_defaults(file, strlen(file), &options, &error) == SEDD_OK);
    if (!CHECK(sedd_sample_read(call, strlen(call), SEDD_KIND_SEDD, &options, &error) == SEDD_OK)) {
        fprintf(stderr, "    %s\n    %s\n", call, error.message);
    }
    return options;
}

static const char TRAINED[] =
    "{\"steps\": 8, \"positions\": \"fixed\", \"order\": \"spread\", \"grid\": \"cosine\", "
    "\"context\": \"known\", \"temperature\": 0.9, \"top_k\": 40}";

/* The options of a call take precedence over the model's file. If the call sets other positions,
 * the options that belong to the file's positions are not used. */
static void test_precedence(void)
{
    struct sedd_sample_options options = asks(TRAINED, "{}");
    CHECK(options.steps == 8 && options.order == SEDD_ORDER_SPREAD && options.top_k == 40);
    options = asks(TRAINED, "{\"steps\": 3, \"topK\": 0, \"order\": \"random\"}");
    CHECK(options.steps == 3 && options.top_k == 0 && options.order == SEDD_ORDER_RANDOM);
    CHECK(options.grid == SEDD_GRID_COSINE && options.context == SEDD_CONTEXT_KNOWN);
    options = asks(TRAINED, "{\"positions\": \"planned\"}");
    CHECK(options.order == SEDD_ORDER_SPREAD && options.context == SEDD_CONTEXT_KNOWN);
    options = asks(TRAINED, "{\"order\": \"margin\", \"positions\": \"bounded\", \"gamma\": 2}");
    CHECK(options.positions == SEDD_POSITIONS_BOUNDED && options.order == SEDD_ORDER_MARGIN);
    CHECK(options.grid == SEDD_GRID_LINEAR && options.context == SEDD_CONTEXT_ALL);
    CHECK(options.gamma == 2.0 && options.temperature == 0.9 && options.steps == 8);
    options = asks("{\"positions\": \"bounded\", \"gamma\": 2}", "{\"positions\": \"score\"}");
    CHECK(options.positions == SEDD_POSITIONS_SCORE && options.gamma == 0.0);
}

static void test_greedy(void)
{
    CHECK(asks("{}", "{\"temperature\": 0}").greedy);
    CHECK(asks("{}", "{\"temperature\": -0}").greedy);
    CHECK(asks("{}", "{\"greedy\": true, \"temperature\": 0.7}").greedy);
    CHECK(asks("{}", "{\"greedy\": false, \"temperature\": 0}").greedy);
    CHECK(asks("{\"temperature\": 0}", "{}").greedy);
    CHECK(!asks("{\"temperature\": 0}", "{\"temperature\": 0.7}").greedy);
    CHECK(!asks("{}", "{\"greedy\": false}").greedy);
}

/* What is written reads back as the same options. */
static void test_writing(void)
{
    struct sedd_sample_options options =
        asks(TRAINED, "{\"seed\": \"18446744073709551615\", \"length\": 20, \"topP\": 0.3}");
    struct sedd_sample_options again = {0}, none = {0};
    char inside[512], text[520];
    size_t size = sedd_sample_write(&options, true, inside, sizeof inside);
    CHECK(size == strlen(inside));
    CHECK_TEXT(inside, "\"length\":20,\"steps\":8,\"seed\":\"18446744073709551615\",");
    CHECK_TEXT(inside, "\"sampler\":\"analytic\",\"draw\":\"exact\",\"positions\":\"planned\"");
    CHECK_TEXT(inside, "\"denoise\":true,\"temperature\":0.9,\"topK\":40,\"topP\":0.3");
    snprintf(text, sizeof text, "{%s}", inside);
    CHECK(sedd_sample_read(text, strlen(text), SEDD_KIND_SEDD, &again, NULL) == SEDD_OK);
    CHECK(memcmp(&again, &options, sizeof again) == 0);
    sedd_sample_write(&none, true, inside, sizeof inside);
    CHECK_TEXT(inside, "\"steps\":64,\"seed\":\"0\"");
    CHECK(strstr(inside, "gamma") == NULL && strstr(inside, "length") == NULL);
    CHECK(sedd_sample_write(&none, false, inside, sizeof inside) == 0 && inside[0] == '\0');
    none.greedy = true;
    sedd_sample_write(&none, false, inside, sizeof inside);
    CHECK(strcmp(inside, "\"temperature\":0") == 0);
    CHECK(sedd_sample_write(&options, true, inside, 10) == size && strlen(inside) == 9);
}

/* Each meaningless value is refused by a sentence with its name and the value. */
static void test_call_refusals(void)
{
    static const struct {
        const char *json, *words;
        enum sedd_kind kind;
    } bad[] = {
        {"{\"temperature\": null}", "temperature is null; expected 0", SEDD_KIND_SEDD},
        {"{\"temperature\": \"\"}", "temperature is \"\";", SEDD_KIND_GPT2},
        {"{\"temperature\": false}", "temperature is false;", SEDD_KIND_SEDD},
        {"{\"temperature\": []}", "temperature is [];", SEDD_KIND_GPT2},
        {"{\"temperature\": \"NaN\"}", "temperature is NaN;", SEDD_KIND_SEDD},
        {"{\"temperature\": \"-Infinity\"}", "temperature is -Infinity;", SEDD_KIND_SEDD},
        {"{\"temperature\": 1e-9}", "temperature is 1e-09;", SEDD_KIND_SEDD},
        {"{\"topP\": 0}", "topP is 0; expected a number from 1e-06 to 1", SEDD_KIND_GPT2},
        {"{\"topK\": 0.5}", "topK is 0.5; expected a whole number", SEDD_KIND_SEDD},
        {"{\"topK\": 2147483648}", "topK is 2147483648;", SEDD_KIND_SEDD},
        {"{\"topK\": 1e300}", "topK is 1e+300;", SEDD_KIND_GPT2},
        {"{\"seed\": \"\"}", "seed is \"\";", SEDD_KIND_SEDD},
        {"{\"seed\": []}", "seed is [];", SEDD_KIND_GPT2},
        {"{\"seed\": \" -1\"}", "seed is \" -1\";", SEDD_KIND_SEDD},
        {"{\"seed\": \"18446744073709551616\"}", "seed is \"18446744073709551616\";",
         SEDD_KIND_SEDD},
        {"{\"seed\": 1.5}", "seed is 1.5;", SEDD_KIND_SEDD},
        {"{\"seed\": -1}", "seed is -1;", SEDD_KIND_SEDD},
        {"{\"denoise\": 0}", "denoise is 0; expected true or false", SEDD_KIND_SEDD},
        {"{\"context\": {}}", "context is {}; expected all or known", SEDD_KIND_SEDD},
        {"{\"tempreature\": 1}", "unknown option \"tempreature\"", SEDD_KIND_SEDD},
        {"{\"positions\": \"score\"}", "unknown option \"positions\"", SEDD_KIND_GPT2},
        {"[1]", "not a JSON object", SEDD_KIND_SEDD},
        {"{", "not valid JSON", SEDD_KIND_SEDD},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sedd_error error = {0};
        struct sedd_sample_options options = {.steps = 3}, before = options;
        CHECK(sedd_sample_read(bad[i].json, strlen(bad[i].json), bad[i].kind, &options, &error) !=
              SEDD_OK);
        CHECK_TEXT(error.message, bad[i].words);
        CHECK(memcmp(&options, &before, sizeof options) == 0);
    }
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
    test_precedence();
    test_greedy();
    test_writing();
    test_call_refusals();
    test_folder();
    return test_report("defaults");
}
