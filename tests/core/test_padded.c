/*
 * test_padded.c - tests that ids without a token, beyond the tokenizer's ids or in gaps between
 * them, are never written and never shown: with every way to sample, every kernel table, both
 * graphs and GPT-2.
 */
#include "test.h"

#include "sedd.h"

#include <math.h>
#include <stdlib.h>

static void need(enum sedd_status status, const struct sedd_error *error)
{
    if (!CHECK(status == SEDD_OK)) {
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
}

/* Makes a tokenizer whose single bytes have the ids from `first` on. */
static struct sedd_tokenizer *bytes_from(int first)
{
    char vocab[8192];
    size_t used = (size_t)snprintf(vocab, sizeof vocab, "{");
    for (int byte = 0, other = 256; byte < 256; byte++) {
        bool plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        used +=
            (size_t)snprintf(vocab + used, sizeof vocab - used, "%s\"\\u%04x\":%d",
                             byte == 0 ? "" : ",", (unsigned)(plain ? byte : other), byte + first);
        other += plain ? 0 : 1;
    }
    used += (size_t)snprintf(vocab + used, sizeof vocab - used, "}");
    struct sedd_tokenizer *tokenizer = NULL;
    struct sedd_error error = {0};
    struct sedd_tokenizer_files files = {.vocab = vocab, .vocab_size = used, .merges = ""};
    need(sedd_tokenizer_new(&files, &tokenizer, &error), &error);
    return tokenizer;
}

struct setup {
    struct sedd_engine *engine;
    struct sedd_model *model;
    struct sedd_session *session;
    struct sedd_model_info info;
};

static struct setup open_setup(const char *folder, const char *kernels, enum sedd_dtype dtype,
                               const struct sedd_tokenizer *tokenizer)
{
    struct setup setup = {0};
    struct sedd_error error = {0};
    struct sedd_engine_options options = {.kernels = kernels};
    need(sedd_engine_new(&options, &setup.engine, &error), &error);
    need(sedd_model_open(folder, dtype, &setup.model, &error), &error);
    need(sedd_session_new(setup.engine, setup.model, 32, &setup.session, &error), &error);
    need(sedd_session_limit(setup.session, tokenizer, &error), &error);
    sedd_model_describe(setup.model, &setup.info);
    return setup;
}

static void close_setup(struct setup *setup)
{
    sedd_session_free(setup->session);
    sedd_model_free(setup->model);
    sedd_engine_free(setup->engine);
}

/* Checks that every state of a run holds only tokens and masks. */
static void check_run(const struct setup *setup, struct sedd_sample_options options,
                      const struct sedd_tokenizer *tokenizer)
{
    struct sedd_error error = {0};
    options.length = 16;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_step step;
        options.seed = seed;
        need(sedd_sampler_new(setup->session, &options, &sampler, &error), &error);
        int32_t bad = 0;
        for (bool more = true; more; more = !sedd_sampler_done(sampler)) {
            const int32_t *ids = sedd_sampler_ids(sampler);
            for (int32_t i = 0; i < options.length; i++) {
                bad += ids[i] != setup->info.mask_id && !sedd_tokenizer_has(tokenizer, ids[i]);
            }
            need(sedd_sampler_advance(sampler, &step, &error), &error);
        }
        for (int32_t i = 0; i < options.length; i++) {
            bad += !sedd_tokenizer_has(tokenizer, sedd_sampler_ids(sampler)[i]);
        }
        CHECK(bad == 0);
        sedd_sampler_free(sampler);
    }
}

static void check_candidates(const struct setup *setup, const struct sedd_tokenizer *tokenizer)
{
    int32_t ids[16], positions[] = {3, 7}, tokens = setup->info.tokens, named = 0;
    struct sedd_candidate *best = calloc(2 * (size_t)tokens, sizeof *best);
    struct sedd_inspected found[2];
    struct sedd_error error = {0};
    double sigma;
    for (int32_t i = 0; i < 16; i++) {
        ids[i] = setup->info.mask_id >= 0 ? setup->info.mask_id : 60 + i;
    }
    for (int32_t id = 0; id < tokens; id++) {
        named += sedd_tokenizer_has(tokenizer, id) && id != ids[3];
    }
    struct sedd_inspect_options options = {
        .step = 2, .steps = 8, .positions = positions, .position_count = 2, .top_k = tokens};
    need(sedd_inspect(setup->session, 16, ids, &options, &sigma, found, best, &error), &error);
    double moved = found[0].stay;
    int32_t shown = 0;
    for (int32_t i = 0; i < tokens && best[i].id >= 0; i++, shown++) {
        CHECK(sedd_tokenizer_has(tokenizer, best[i].id));
        moved += best[i].move;
    }
    CHECK(shown == named);
    CHECK(fabs(moved - 1.0) < 1e-5 && isfinite(found[0].entropy) && found[0].entropy > 0.0);
    free(best);
}

static void test_absorb(void)
{
    static const struct sedd_sample_options ways[] = {
        {.steps = 8},
        {.steps = 8, .temperature = 3.0, .top_p = 0.9, .top_k = 300},
        {.steps = 3, .predictor = SEDD_PREDICTOR_EULER},
        {.steps = 4, .draw = SEDD_DRAW_OFFICIAL},
        {.steps = 4, .draw = SEDD_DRAW_OFFICIAL, .predictor = SEDD_PREDICTOR_EULER},
        {.steps = 4, .positions = SEDD_POSITIONS_NORMALISED},
        {.steps = 4, .positions = SEDD_POSITIONS_PLANNED, .order = SEDD_ORDER_MARGIN},
        {.steps = 8, .positions = SEDD_POSITIONS_BOUNDED, .gamma = 1.0},
        {.steps = 16, .positions = SEDD_POSITIONS_HITTING},
    };
    const char *folder = TEST_DIR "/cases/padded-vocabulary";
    struct sedd_tokenizer *tokenizer = NULL;
    struct sedd_error error = {0};
    need(sedd_tokenizer_open(folder, &tokenizer, &error), &error);
    CHECK(sedd_tokenizer_size(tokenizer) == 257 && !sedd_tokenizer_has(tokenizer, 257) &&
          !sedd_tokenizer_has(tokenizer, -1) && sedd_tokenizer_has(tokenizer, 256));
    for (size_t table = 0; sedd_kernels_name(table) != NULL; table++) {
        for (int dtype = SEDD_DTYPE_F32; dtype <= SEDD_DTYPE_Q8; dtype++) {
            struct setup setup =
                open_setup(folder, sedd_kernels_name(table), (enum sedd_dtype)dtype, tokenizer);
            for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
                check_run(&setup, ways[i], tokenizer);
            }
            check_candidates(&setup, tokenizer);
            close_setup(&setup);
        }
    }
    sedd_tokenizer_free(tokenizer);
}

/* Ids 0 to 39 of 97 have no token. */
static void test_uniform(void)
{
    static const struct sedd_sample_options ways[] = {
        {.steps = 5},
        {.steps = 5, .draw = SEDD_DRAW_OFFICIAL},
        {.steps = 5, .predictor = SEDD_PREDICTOR_EULER, .draw = SEDD_DRAW_OFFICIAL},
        {.steps = 2, .predictor = SEDD_PREDICTOR_EULER},
    };
    struct sedd_tokenizer *tokenizer = bytes_from(40);
    struct setup setup = open_setup(TEST_DIR "/golden/uniform", NULL, SEDD_DTYPE_F32, tokenizer);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        check_run(&setup, ways[i], tokenizer);
    }
    check_candidates(&setup, tokenizer);
    close_setup(&setup);
    sedd_tokenizer_free(tokenizer);
}

/* Ids 0 to 199 of 257 have no token. Neither a draw nor the greedy choice takes one of them, and
 * logits and likelihoods do not change. */
static void test_gpt2(void)
{
    static float logits[257], again[257];
    struct sedd_tokenizer *tokenizer = bytes_from(200);
    struct setup setup =
        open_setup(TEST_DIR "/cases/gpt2-fields/plain", NULL, SEDD_DTYPE_F32, tokenizer);
    struct sedd_error error = {0};
    int32_t id = 210, taken = -1;
    need(sedd_gpt2_append(setup.session, &id, 1, false, logits, &error), &error);
    for (int32_t seed = 0; seed < 400; seed++) {
        struct sedd_sample_options options = {
            .seed = (uint64_t)seed, .greedy = seed == 0, .temperature = seed % 2 ? 5.0 : 1.0};
        memcpy(again, logits, sizeof again);
        need(sedd_gpt2_draw(setup.session, &options, 0, again, &taken, &error), &error);
        CHECK(sedd_tokenizer_has(tokenizer, taken));
    }
    sedd_gpt2_reset(setup.session);
    need(sedd_gpt2_append(setup.session, &id, 1, false, again, &error), &error);
    CHECK(memcmp(again, logits, sizeof again) == 0);
    struct sedd_tokenizer *other = bytes_from(1000);
    CHECK(sedd_session_limit(setup.session, other, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "0 to 256");
    sedd_tokenizer_free(other);
    close_setup(&setup);
    sedd_tokenizer_free(tokenizer);
}

int main(void)
{
    test_absorb();
    test_uniform();
    test_gpt2();
    return test_report("padded");
}
