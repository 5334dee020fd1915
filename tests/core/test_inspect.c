/* test_inspect.c - compares the inspection of single positions with whole rows of log-scores and
 * with draws. */
#include "test.h"

#include "sedd.h"

#include <math.h>
#include <stdlib.h>

enum { LENGTH = 32, TOP = 5 };

struct fixture {
    struct sedd_engine *engine;
    struct sedd_model *model;
    struct sedd_session *session;
    struct sedd_model_info info;
};

static void open_fixture(struct fixture *fixture, const char *folder)
{
    struct sedd_error error = {SEDD_OK, ""};
    struct sedd_engine_options options = {0};
    if (!CHECK(sedd_model_open(folder, SEDD_DTYPE_AUTO, &fixture->model, &error) == SEDD_OK) ||
        !CHECK(sedd_engine_new(&options, &fixture->engine, &error) == SEDD_OK) ||
        !CHECK(sedd_session_new(fixture->engine, fixture->model, LENGTH, &fixture->session,
                                &error) == SEDD_OK)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    sedd_model_describe(fixture->model, &fixture->info);
}

static void close_fixture(struct fixture *fixture)
{
    sedd_session_free(fixture->session);
    sedd_engine_free(fixture->engine);
    sedd_model_free(fixture->model);
}

/* Checks candidates, sum and entropy of a position against their definitions over all log-scores.
 */
static void check_position(const struct fixture *fixture, int32_t own, const float *logscore,
                           const struct sedd_inspected *found, const struct sedd_candidate *best)
{
    double sum = 0.0, entropy = 0.0;
    int32_t larger[TOP] = {0};
    for (int32_t y = 0; y < fixture->info.tokens; y++) {
        sum += y == own ? 0.0 : exp((double)logscore[y]);
        for (int32_t i = 0; i < TOP; i++) {
            larger[i] += y != own && (double)logscore[y] > best[i].logscore;
        }
    }
    for (int32_t y = 0; y < fixture->info.tokens; y++) {
        double p = y == own ? 0.0 : exp((double)logscore[y]) / sum;
        entropy -= p > 0.0 ? p * log(p) : 0.0;
    }
    CHECK(fabs(found->score_sum - sum) <= 1e-9 * sum);
    CHECK(fabs(found->entropy - entropy) <= 1e-9 * (1.0 + entropy));
    for (int32_t i = 0; i < TOP; i++) {
        CHECK(best[i].id >= 0 && best[i].id != own);
        CHECK(larger[i] <= i);
        CHECK((double)logscore[best[i].id] == best[i].logscore);
    }
}

static void test_rows(const char *folder)
{
    struct fixture fixture;
    open_fixture(&fixture, folder);
    int32_t ids[LENGTH], positions[] = {7, 0, 31};
    for (int32_t i = 0; i < LENGTH; i++) {
        ids[i] = i % 3 == 1 && fixture.info.mask_id >= 0 ? fixture.info.mask_id
                                                         : (i * 7) % fixture.info.tokens;
    }
    size_t states = (size_t)fixture.info.states;
    float *all = malloc(LENGTH * states * sizeof *all), sigma = 0.5f;
    struct sedd_inspected found[3];
    struct sedd_candidate best[3 * TOP];
    struct sedd_inspect_options options = {
        .sigma = 0.5, .steps = 8, .positions = positions, .position_count = 3, .top_k = TOP};
    double used;
    CHECK(sedd_score(fixture.session, 1, LENGTH, ids, &sigma, all, NULL) == SEDD_OK);
    CHECK(sedd_inspect(fixture.session, LENGTH, ids, &options, &used, found, best, NULL) ==
          SEDD_OK);
    CHECK(used == 0.5);
    for (int i = 0; i < 3; i++) {
        check_position(&fixture, ids[positions[i]], all + (size_t)positions[i] * states, &found[i],
                       best + i * TOP);
        double moved = 0.0;
        for (int j = 0; j < TOP; j++) {
            moved += best[i * TOP + j].move;
        }
        CHECK(found[i].stay >= 0.0 && found[i].stay + moved <= 1.0 + 1e-6);
    }
    free(all);
    close_fixture(&fixture);
}

/* Over many seeds, a first step leaves a position masked as often as inspection predicts. */
static void test_stay(void)
{
    struct fixture fixture;
    open_fixture(&fixture, TEST_DIR "/golden/absorb");
    enum { STEPS = 3, SEEDS = 400 };
    int32_t ids[LENGTH], place = 5, stayed = 0;
    for (int32_t i = 0; i < LENGTH; i++) {
        ids[i] = fixture.info.mask_id;
    }
    struct sedd_inspect_options options = {
        .step = 0, .steps = STEPS, .positions = &place, .position_count = 1, .top_k = 1};
    struct sedd_inspected found;
    struct sedd_candidate best;
    double sigma;
    CHECK(sedd_inspect(fixture.session, LENGTH, ids, &options, &sigma, &found, &best, NULL) ==
          SEDD_OK);
    CHECK(sigma > 6.9 && sigma < 6.91); /* ln 1000, the noise at which a run starts */
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sedd_sample_options run = {.steps = STEPS, .seed = seed, .length = LENGTH};
        struct sedd_sampler *sampler;
        struct sedd_step step;
        CHECK(sedd_sampler_new(fixture.session, &run, &sampler, NULL) == SEDD_OK);
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
        stayed += sedd_sampler_ids(sampler)[place] == fixture.info.mask_id;
        sedd_sampler_free(sampler);
    }
    double p = found.stay, error = sqrt(p * (1.0 - p) / SEEDS);
    CHECK(fabs((double)stayed / SEEDS - p) <= 4.0 * error + 1e-9); /* four standard errors */
    options.step = STEPS;
    CHECK(sedd_inspect(fixture.session, LENGTH, ids, &options, &sigma, &found, &best, NULL) ==
          SEDD_OK);
    CHECK(found.stay == 0.0); /* the denoiser leaves no mask */
    close_fixture(&fixture);
}

static void test_refusals(void)
{
    struct fixture fixture;
    open_fixture(&fixture, TEST_DIR "/golden/absorb");
    int32_t ids[LENGTH] = {0}, inside = 0, outside = LENGTH;
    const struct {
        struct sedd_inspect_options options;
        const char *words;
    } bad[] = {
        {{.sigma = -1, .positions = &inside, .position_count = 1, .top_k = 1}, "sigma is -1"},
        {{.step = 5, .steps = 4, .positions = &inside, .position_count = 1, .top_k = 1}, "step 5"},
        {{.sigma = 1, .positions = &outside, .position_count = 1, .top_k = 1}, "position 32"},
        {{.sigma = 1, .positions = &inside, .position_count = 1, .top_k = 0}, "0 tokens each"},
        {{.sigma = 1, .positions = &inside, .position_count = 0, .top_k = 1}, "of 0 positions"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sedd_inspected found;
        struct sedd_candidate best;
        struct sedd_error error;
        double sigma;
        CHECK(sedd_inspect(fixture.session, LENGTH, ids, &bad[i].options, &sigma, &found, &best,
                           &error) == SEDD_ERROR_ARGUMENT);
        CHECK_TEXT(error.message, bad[i].words);
    }
    double dsigma, sigma;
    sedd_noise_at(&fixture.info, 0.25, &sigma, &dsigma);
    CHECK(fabs(sedd_noise_time(&fixture.info, sigma) - 0.25) < 1e-12);
    close_fixture(&fixture);
}

int main(void)
{
    test_rows(TEST_DIR "/golden/absorb");
    test_rows(TEST_DIR "/golden/uniform");
    test_stay();
    test_refusals();
    return test_report("inspect");
}
