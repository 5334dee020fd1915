/*
 * test_eval.c - compares likelihoods, choices and measures of texts with eval.json, which a second
 * implementation wrote (make_eval.py), and with models whose answers are known.
 */
#include "checkpoint.h"
#include "test.h"

#include "files/json.h"

#include <math.h>
#include <stdlib.h>

#define CLOSE 2e-5 /* relative: float32 against float64, as for the golden log-scores */

enum { MOST = 64 };

struct fixture {
    struct sedd_engine *engine;
    struct sedd_model *model;
    struct sedd_session *session;
};

static void open_session(struct fixture *fixture, int32_t rows)
{
    struct sedd_error error = {SEDD_OK, ""};
    struct sedd_engine_options options = {0};
    if (!CHECK(sedd_engine_new(&options, &fixture->engine, &error) == SEDD_OK) ||
        !CHECK(sedd_session_new(fixture->engine, fixture->model, rows, &fixture->session, &error) ==
               SEDD_OK)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static struct fixture open_fixture(const char *folder, int32_t rows)
{
    struct fixture fixture = {0};
    CHECK(sedd_model_open(folder, SEDD_DTYPE_F32, &fixture.model, NULL) == SEDD_OK);
    open_session(&fixture, rows);
    return fixture;
}

static void close_fixture(struct fixture *fixture)
{
    sedd_session_free(fixture->session);
    sedd_model_free(fixture->model);
    sedd_engine_free(fixture->engine);
}

static bool close_to(double value, double expected, double tolerance)
{
    bool close = fabs(value - expected) <= tolerance * fmax(1.0, fabs(expected));
    if (!close) {
        fprintf(stderr, "    found %.9g, expected %.9g\n", value, expected);
    }
    return close;
}

/* ---- eval.json --------------------------------------------------------------------------- */

static cJSON *read_expected(void)
{
    static char text[1 << 16];
    cJSON *root = NULL;
    FILE *file = fopen(TEST_DIR "/golden/eval.json", "rb");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text, file);
    if (file != NULL) {
        fclose(file);
    }
    if (!CHECK(sedd_json_parse("eval.json", text, size, &root, NULL) == SEDD_OK)) {
        exit(1);
    }
    return root;
}

static int32_t read_ids(const cJSON *array, int32_t *ids)
{
    int32_t count = 0;
    for (const cJSON *item = array->child; item != NULL; item = item->next) {
        ids[count++] = item->valueint;
    }
    return count;
}

static double number(const cJSON *object, const char *path)
{
    return sedd_json_find(object, path)->valuedouble;
}

static double element(const cJSON *object, const char *path, int index)
{
    return cJSON_GetArrayItem(sedd_json_find(object, path), index)->valuedouble;
}

static int32_t read_options(const cJSON *list, int32_t (*ids)[MOST], struct sedd_option *options)
{
    int32_t count = 0;
    for (const cJSON *item = list->child; item != NULL; item = item->next, count++) {
        options[count] =
            (struct sedd_option){ids[count], read_ids(sedd_json_find(item, "ids"), ids[count]),
                                 sedd_json_find(item, "given")->valueint};
    }
    return count;
}

/* ---- SEDD -------------------------------------------------------------------------------- */

static void test_chain(const struct fixture *fixture, const cJSON *list)
{
    int32_t ids[8][MOST];
    struct sedd_option options[8];
    struct sedd_choice_options choice = {.scoring = SEDD_SCORING_CHAIN};
    double together[8], alone;
    int32_t count = read_options(list, ids, options);
    CHECK(sedd_choice(fixture->session, options, count, &choice, together, NULL) == SEDD_OK);
    for (int32_t i = 0; i < count; i++) {
        CHECK(close_to(together[i], number(cJSON_GetArrayItem(list, i), "chain"), CLOSE));
        CHECK(sedd_choice(fixture->session, &options[i], 1, &choice, &alone, NULL) == SEDD_OK);
        CHECK(alone == together[i]); /* independent of what else is computed in the call */
    }
}

/* A window's exact value is that of the option without given tokens, which make_eval.py computed by
 * brute force. A second window after it does not change it. */
static void test_whole_chain(const struct fixture *fixture, const cJSON *list)
{
    int32_t ids[8][MOST], twice[2 * MOST];
    struct sedd_option options[8];
    struct sedd_model_info info;
    struct sedd_estimate one, two;
    struct sedd_error error;
    double parts[2 * MOST], alone[MOST], sum = 0.0;
    int32_t whole = 3;
    read_options(list, ids, options);
    sedd_model_describe(fixture->model, &info);
    int32_t length = info.length;
    CHECK(length <= MOST);
    size_t count = (size_t)options[whole].length;
    CHECK(options[whole].given == 0);
    CHECK(sedd_chain(fixture->session, ids[whole], count, &one, alone, NULL) == SEDD_OK);
    double expected = number(cJSON_GetArrayItem(list, whole), "chain");
    CHECK(close_to(one.nats_per_token * (double)count, expected, CLOSE));
    CHECK(one.standard_error == 0.0 && one.tokens == (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        sum += alone[i];
    }
    CHECK(close_to(sum, expected, CLOSE));
    for (int32_t i = 0; i < length; i++) {
        twice[i] = ids[whole][(size_t)i % count];
    }
    memcpy(twice + length, ids[whole], count * sizeof *twice);
    CHECK(sedd_chain(fixture->session, twice, (size_t)length + count, &two, parts, NULL) ==
          SEDD_OK);
    CHECK(two.tokens == (int64_t)((size_t)length + count));
    CHECK(memcmp(parts + length, alone, count * sizeof *parts) == 0);
    twice[1] = 97;
    CHECK(sedd_chain(fixture->session, twice, 4, &two, NULL, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "token id 97 at position 1");
}

/* The mean of many random masks agrees with the expectation over all masks: 200 seeds of 16 samples
 * each, within four standard errors. The whole window's bound is the option without given tokens.
 */
static void test_bound(const struct fixture *fixture, const cJSON *list)
{
    enum { SEEDS = 200 };
    int32_t ids[8][MOST];
    struct sedd_option options[8];
    double sum[8] = {0}, squares[8] = {0}, nats[8], window = 0.0, window_squares = 0.0;
    int32_t count = read_options(list, ids, options), whole = 3;
    for (int32_t seed = 0; seed < SEEDS; seed++) {
        struct sedd_choice_options choice = {.samples = 16, .seed = (uint64_t)seed};
        struct sedd_bound_options bound = {.samples = 16, .seed = (uint64_t)seed};
        struct sedd_estimate estimate;
        CHECK(sedd_choice(fixture->session, options, count, &choice, nats, NULL) == SEDD_OK);
        CHECK(sedd_bound(fixture->session, ids[whole], (size_t)options[whole].length, &bound,
                         &estimate, NULL, NULL) == SEDD_OK);
        for (int32_t i = 0; i < count; i++) {
            sum[i] += nats[i] / SEEDS;
            squares[i] += nats[i] * nats[i] / SEEDS;
        }
        double all = estimate.nats_per_token * options[whole].length;
        window += all / SEEDS;
        window_squares += all * all / SEEDS;
    }
    for (int32_t i = 0; i < count; i++) {
        double error = sqrt(fmax(0.0, squares[i] - sum[i] * sum[i]) / SEEDS);
        double expected = number(cJSON_GetArrayItem(list, i), "bound");
        CHECK(close_to(sum[i], expected, CLOSE + 4.0 * error / expected));
        CHECK(error < 0.02 * expected); /* otherwise the check above would be weak */
    }
    double error = sqrt(fmax(0.0, window_squares - window * window) / SEEDS);
    double expected = number(cJSON_GetArrayItem(list, whole), "bound");
    CHECK(close_to(window, expected, CLOSE + 4.0 * error / expected));
}

static void test_refusals(const struct fixture *fixture)
{
    struct sedd_error error;
    int32_t ids[65] = {0};
    double nats;
    struct sedd_choice_options choice = {0};
    struct sedd_option option = {ids, 65, 60};
    CHECK(sedd_choice(fixture->session, &option, 1, &choice, &nats, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "option 0 has 65 tokens; the session has room for 64");
    option = (struct sedd_option){ids, 4, 4};
    CHECK(sedd_choice(fixture->session, &option, 1, &choice, &nats, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "one or more to score");
    ids[3] = 97;
    option = (struct sedd_option){ids, 4, 2};
    CHECK(sedd_choice(fixture->session, &option, 1, &choice, &nats, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "token id 97 at position 3");
    CHECK(sedd_choice(fixture->session, &option, 0, &choice, &nats, &error) == SEDD_ERROR_ARGUMENT);
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

static void check_parts(const double *parts, const cJSON *gpt2, const char *path, int32_t count,
                        const struct sedd_estimate *estimate)
{
    double sum = 0.0;
    for (int32_t i = 0; i < count; i++) {
        CHECK(close_to(parts[i], element(gpt2, path, i), CLOSE));
        sum += element(gpt2, path, i);
    }
    CHECK(close_to(estimate->nats_per_token * count, sum, CLOSE));
    CHECK(estimate->tokens == count);
}

static void test_nll(const cJSON *gpt2)
{
    int32_t ids[MOST], count = read_ids(sedd_json_find(gpt2, "ids"), ids);
    struct sedd_nll_options options = {.bos = sedd_json_find(gpt2, "bos")->valueint};
    struct fixture fixture =
        open_fixture(TEST_DIR "/golden/gpt2", sedd_json_find(gpt2, "rows")->valueint);
    struct sedd_estimate estimate;
    struct sedd_error error;
    double parts[MOST];
    CHECK(sedd_gpt2_nll(fixture.session, ids, (size_t)count, &options, &estimate, parts, NULL) ==
          SEDD_OK);
    check_parts(parts, gpt2, "blocks", count, &estimate);
    options.stride = sedd_json_find(gpt2, "stride")->valueint;
    CHECK(sedd_gpt2_nll(fixture.session, ids, (size_t)count, &options, &estimate, parts, NULL) ==
          SEDD_OK);
    check_parts(parts, gpt2, "sliding", count, &estimate);
    options.stride = 13;
    CHECK(sedd_gpt2_nll(fixture.session, ids, (size_t)count, &options, &estimate, parts, &error) ==
          SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "stride is 13; expected 1 to 12");
    close_fixture(&fixture);
}

static void test_gpt2_choice(const cJSON *gpt2)
{
    int32_t ids[8][MOST];
    struct sedd_option options[8];
    struct sedd_choice_options choice = {0};
    struct sedd_error error;
    double nats[8];
    const cJSON *list = sedd_json_find(gpt2, "options");
    struct fixture fixture = open_fixture(TEST_DIR "/golden/gpt2", 32);
    int32_t count = read_options(list, ids, options);
    CHECK(sedd_choice(fixture.session, options, count, &choice, nats, NULL) == SEDD_OK);
    for (int32_t i = 0; i < count; i++) {
        CHECK(close_to(nats[i], number(cJSON_GetArrayItem(list, i), "nats"), CLOSE));
    }
    options[0].given = 0;
    CHECK(sedd_choice(fixture.session, options, 1, &choice, nats, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "expected 1 or more given");
    close_fixture(&fixture);
}

/* ---- Models with known answers ------------------------------------------------------------- */

/* Opens a SEDD whose head uses only its bias, so that every token is drawn from softmax(bias). */
static struct fixture open_unigram(const float *bias)
{
    struct checkpoint checkpoint;
    struct fixture fixture = {0};
    checkpoint_sedd(&checkpoint);
    struct entry *head = checkpoint_find(&checkpoint, "output_layer.linear.weight");
    struct entry *head_bias = checkpoint_find(&checkpoint, "output_layer.linear.bias");
    memset(head->values, 0, head->count * sizeof(float));
    memcpy(head_bias->values, bias, head_bias->count * sizeof(float));
    CHECK(checkpoint_load_all(&checkpoint, SEDD_CONFIG, SEDD_DTYPE_F32, &fixture.model, NULL) ==
          SEDD_OK);
    checkpoint_clear(&checkpoint);
    open_session(&fixture, 32);
    return fixture;
}

static void test_unigrams(void)
{
    /* For the reference estimator to agree, the sum of the scores must be 1 / (e^sigma - 1), so
     * logits - ln(N - 1) must be normalised over the five tokens. */
    const double p[] = {0.5, 0.25, 0.125, 0.0625, 0.0625};
    float bias[6] = {0};
    for (int i = 0; i < 5; i++) {
        bias[i] = (float)log(p[i] * 5.0);
    }
    struct fixture fixture = open_unigram(bias);
    const int32_t text[] = {0, 0, 1, 2, 0, 3, 1, 0}, other[] = {0, 0, 1, 4, 3, 3, 2, 4};
    struct sedd_option options[] = {{text, 8, 2}, {other, 8, 2}};
    double nats[2];
    struct sedd_choice_options choice = {.samples = 5};
    for (int chain = 0; chain < 2; chain++) {
        choice.scoring = chain ? SEDD_SCORING_CHAIN : SEDD_SCORING_BOUND;
        CHECK(sedd_choice(fixture.session, options, 2, &choice, nats, NULL) == SEDD_OK);
        CHECK(nats[0] < nats[1]);
    }
    /* The chain rule, which ran last, counts every token once. */
    CHECK(close_to(nats[0], (2 + 3 + 1 + 4 + 2 + 1) * log(2.0), CLOSE));
    CHECK(close_to(nats[1], (2 + 4 + 4 + 4 + 3 + 4) * log(2.0), CLOSE));
    struct sedd_estimate kmask, reference;
    struct sedd_bound_options bound = {.samples = 4000, .seed = 5};
    CHECK(sedd_bound(fixture.session, text, 8, &bound, &kmask, NULL, NULL) == SEDD_OK);
    bound.estimator = SEDD_ESTIMATOR_REFERENCE;
    double parts[8], sum = 0.0, reference_sum = 0.0;
    CHECK(sedd_bound(fixture.session, text, 8, &bound, &reference, parts, NULL) == SEDD_OK);
    for (int i = 0; i < 8; i++) {
        reference_sum += parts[i];
    }
    CHECK(close_to(reference_sum / 8.0, reference.nats_per_token, 1e-9));
    double expected = (1 + 1 + 2 + 3 + 1 + 4 + 2 + 1) * log(2.0) / 8.0;
    CHECK(close_to(kmask.nats_per_token, expected, 4.0 * kmask.standard_error / expected));
    /* Times below 1e-3 are left out, so at most that share is missing. */
    CHECK(close_to(reference.nats_per_token, expected,
                   4.0 * reference.standard_error / expected + 2e-3));
    CHECK(kmask.standard_error < reference.standard_error);
    struct sedd_estimate lambda;
    bound.estimator = SEDD_ESTIMATOR_LAMBDA;
    CHECK(sedd_bound(fixture.session, text, 8, &bound, &lambda, parts, NULL) == SEDD_OK);
    CHECK(close_to(lambda.nats_per_token, expected, 4.0 * lambda.standard_error / expected));
    CHECK(kmask.standard_error < lambda.standard_error);
    for (int i = 0; i < 8; i++) {
        sum += parts[i];
    }
    CHECK(close_to(sum / 8.0, lambda.nats_per_token, 1e-9));
    close_fixture(&fixture);
}

/* The probabilities of all texts of three tokens add up to one. */
static void test_normalised(void)
{
    struct checkpoint checkpoint;
    struct fixture fixture = {0};
    struct sedd_estimate estimate;
    double total = 0.0, parts[3];
    checkpoint_sedd(&checkpoint);
    CHECK(checkpoint_load_all(&checkpoint, SEDD_CONFIG, SEDD_DTYPE_F32, &fixture.model, NULL) ==
          SEDD_OK);
    checkpoint_clear(&checkpoint);
    open_session(&fixture, 32);
    struct sedd_model_info info;
    sedd_model_describe(fixture.model, &info);
    for (int32_t text = 0; text < info.tokens * info.tokens * info.tokens; text++) {
        int32_t ids[] = {text % info.tokens, text / info.tokens % info.tokens,
                         text / info.tokens / info.tokens};
        CHECK(sedd_chain(fixture.session, ids, 3, &estimate, parts, NULL) == SEDD_OK);
        CHECK(close_to(parts[0] + parts[1] + parts[2], 3.0 * estimate.nats_per_token, 1e-12));
        total += exp(-3.0 * estimate.nats_per_token);
    }
    CHECK(close_to(total, 1.0, CLOSE));
    close_fixture(&fixture);
}

/* A single sample a window gives no error of the bound; two samples do. */
static void test_single_sample(const struct fixture *fixture)
{
    const int32_t ids[] = {1, 4, 0, 2, 2, 3, 1, 0, 4, 2};
    struct sedd_estimate estimate;
    for (int estimator = 0; estimator < 2; estimator++) {
        struct sedd_bound_options bound = {.estimator = (enum sedd_estimator)estimator};
        bound.samples = 1;
        CHECK(sedd_bound(fixture->session, ids, 10, &bound, &estimate, NULL, NULL) == SEDD_OK);
        CHECK(isnan(estimate.standard_error));
        bound.samples = 2;
        CHECK(sedd_bound(fixture->session, ids, 10, &bound, &estimate, NULL, NULL) == SEDD_OK);
        CHECK(estimate.standard_error > 0.0);
    }
}

static void test_uniform(void)
{
    const float zeros[6] = {0};
    const int32_t ids[] = {1, 4, 0, 2, 2, 3, 1, 0, 4, 2};
    struct fixture fixture = open_unigram(zeros);
    struct sedd_estimate estimate;
    struct sedd_bound_options bound = {.samples = 7};
    CHECK(sedd_bound(fixture.session, ids, 10, &bound, &estimate, NULL, NULL) == SEDD_OK);
    CHECK(close_to(estimate.nats_per_token, log(5.0), CLOSE));
    close_fixture(&fixture);
}

/* Makes a GPT-2 without attention and MLP, in which position p encodes the token at p + 1. */
static void test_memory(void)
{
    struct checkpoint checkpoint;
    struct fixture fixture = {0};
    const int32_t text[] = {4, 2, 0, 3, 1}, twisted[] = {4, 2, 3, 0, 1};
    checkpoint_gpt2(&checkpoint, "");
    static const char *const silent[] = {"wte.weight",
                                         "wpe.weight",
                                         "h.0.attn.c_proj.weight",
                                         "h.0.attn.c_proj.bias",
                                         "h.0.mlp.c_proj.weight",
                                         "h.0.mlp.c_proj.bias",
                                         "ln_f.weight",
                                         "ln_f.bias"};
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        struct entry *entry = checkpoint_find(&checkpoint, silent[i]);
        memset(entry->values, 0, entry->count * sizeof(float));
    }
    for (int i = 0; i < 6; i++) {
        checkpoint_find(&checkpoint, "ln_f.weight")->values[i] = 1.0f;
        checkpoint_find(&checkpoint, "wte.weight")->values[i < 5 ? i * 6 + i : 0] = 1.0f;
    }
    for (int place = 0; place < 4; place++) {
        checkpoint_find(&checkpoint, "wpe.weight")->values[place * 6 + text[place + 1]] = 100.0f;
    }
    checkpoint_remove(&checkpoint, "lm_head.weight");
    CHECK(checkpoint_load_all(&checkpoint, GPT2_CONFIG, SEDD_DTYPE_F32, &fixture.model, NULL) ==
          SEDD_OK);
    checkpoint_clear(&checkpoint);
    open_session(&fixture, 4);
    struct sedd_option options[] = {{twisted, 5, 1}, {text, 5, 1}};
    struct sedd_choice_options choice = {0};
    double nats[2];
    CHECK(sedd_choice(fixture.session, options, 2, &choice, nats, NULL) == SEDD_OK);
    /* After the norm of a one-hot row of six, the correct logit is sqrt(5) + 1 / sqrt(5) above the
     * others. */
    double right = log(1.0 + 4.0 * exp(-(sqrt(5.0) + 1.0 / sqrt(5.0))));
    CHECK(close_to(nats[1], 4.0 * right, 0.02));
    CHECK(nats[0] > nats[1] + 2.0);
    close_fixture(&fixture);
}

/* ---- Texts ------------------------------------------------------------------------------- */

struct set {
    int32_t ids[4 * MOST];
    size_t begin[9];
    struct sedd_texts texts;
};

static void read_set(const cJSON *list, struct set *set)
{
    int32_t count = 0;
    set->begin[0] = 0;
    for (const cJSON *item = list->child; item != NULL; item = item->next, count++) {
        set->begin[count + 1] =
            set->begin[count] + (size_t)read_ids(item, set->ids + set->begin[count]);
    }
    set->texts = (struct sedd_texts){set->ids, set->begin, count};
}

static void test_texts(const cJSON *texts)
{
    struct set a, b;
    struct sedd_diversity found;
    struct sedd_error error;
    double divergence;
    read_set(sedd_json_find(texts, "a"), &a);
    read_set(sedd_json_find(texts, "b"), &b);
    CHECK(sedd_diversity(&a.texts, &found, NULL) == SEDD_OK);
    CHECK(close_to(found.entropy, number(texts, "measures.entropy"), 1e-12));
    CHECK(close_to(found.entropy_error, number(texts, "measures.entropy_error"), 1e-9));
    CHECK(close_to(found.self_bleu, number(texts, "measures.self_bleu"), 1e-12));
    for (int n = 1; n <= SEDD_NGRAM_MAX; n++) {
        CHECK(close_to(found.distinct[n - 1], element(texts, "measures.distinct", n - 1), 1e-12));
        CHECK(
            close_to(found.repetition[n - 1], element(texts, "measures.repetition", n - 1), 1e-12));
        CHECK(sedd_ngram_divergence(&a.texts, &b.texts, n, &divergence, NULL) == SEDD_OK);
        CHECK(close_to(divergence, element(texts, "divergence", n - 1), 1e-12));
        CHECK(sedd_ngram_divergence(&a.texts, &a.texts, n, &divergence, NULL) == SEDD_OK);
        CHECK(divergence == 0.0);
    }
    a.begin[2] = a.begin[1];
    CHECK(sedd_diversity(&a.texts, &found, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "text 1 is empty");
    b.texts.count = 0;
    CHECK(sedd_diversity(&b.texts, &found, &error) == SEDD_ERROR_ARGUMENT);
}

int main(void)
{
    cJSON *expected = read_expected();
    struct fixture sedd = open_fixture(TEST_DIR "/golden/absorb", 64);
    const cJSON *options = sedd_json_find(expected, "sedd.options");
    test_chain(&sedd, options);
    test_whole_chain(&sedd, options);
    test_bound(&sedd, options);
    test_single_sample(&sedd);
    test_refusals(&sedd);
    close_fixture(&sedd);
    test_nll(sedd_json_find(expected, "gpt2"));
    test_gpt2_choice(sedd_json_find(expected, "gpt2"));
    test_unigrams();
    test_normalised();
    test_uniform();
    test_memory();
    test_texts(sedd_json_find(expected, "texts"));
    cJSON_Delete(expected);
    return test_report("eval");
}
