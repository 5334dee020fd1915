/* test_core.c - tests random numbers, the thread pool, draws, and a sampler from start to end. */
#include "fixture.h"

#include "diffusion/draw.h"
#include "parallel.h"
#include "random.h"
#include "sedd.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* Random123's known answer for a counter and key of zero: 6627e8d5 e169c58d bc57ac4c 9b00dbd8. */
static void test_random(void)
{
    uint64_t bits = (uint64_t)(0x6627e8d5u >> 5) << 26 | 0xe169c58du >> 6;
    float four[4];
    CHECK(sedd_random_uniform(0, SEDD_STREAM_DRAW, 0, 0, 0) == (double)bits * 0x1p-53);
    sedd_random_floats(0, SEDD_STREAM_DRAW, 0, 0, four, 4);
    CHECK(four[2] == (float)(0xbc57ac4cu >> 8) * 0x1p-24f);
    double mean = 0.0;
    for (uint32_t i = 0; i < 10000; i++) {
        double u = sedd_random_uniform(7, SEDD_STREAM_MASK, 3, i, 1);
        mean += u / 10000;
        if (u < 0.0 || u >= 1.0) {
            CHECK(!"inside [0, 1)");
        }
    }
    CHECK(fabs(mean - 0.5) < 4 * 0.2887 / 100); /* four standard errors */
}

static void count_up(void *context, int32_t begin, int32_t end, int32_t thread)
{
    int32_t *seen = context;
    (void)thread;
    for (int32_t i = begin; i < end; i++) {
        if (i % 300 == 0) { /* lets other threads run meanwhile */
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        }
        seen[i]++;
    }
}

static void test_parallel(void)
{
    static int32_t seen[1000];
    for (int32_t threads = 1; threads <= 9; threads++) { /* also more threads than cores */
        struct sedd_pool *pool = NULL;
        CHECK(sedd_pool_new(threads, &pool, NULL) == SEDD_OK);
        memset(seen, 0, sizeof seen);
        int wrong = 0;
        for (int run = 0; run < 50; run++) {
            sedd_pool_run(pool, 1000, 1 + run % 7, count_up, seen);
            for (int i = 0; i < 1000; i++) {
                wrong += seen[i] != run + 1;
            }
        }
        CHECK(wrong == 0);
        sedd_pool_free(pool);
    }
    sedd_pool_free(NULL);
}

static void spin_briefly(void *context, int32_t begin, int32_t end, int32_t thread)
{
    (void)context;
    (void)thread;
    for (volatile int32_t i = 0; i < 20 * (end - begin); i++) {
    }
}

/* Threads that sleep between loops all end with their pool. If one were not woken, the test
 * would wait for it forever. How likely that is depends on how busy the machine is. */
static void test_sleepers(void)
{
    for (int round = 0; round < 1500; round++) {
        struct sedd_pool *pool = NULL;
        CHECK(sedd_pool_new(3, &pool, NULL) == SEDD_OK);
        for (int run = 0; run < 200; run++) {
            sedd_pool_run(pool, 8, 1, spin_briefly, NULL);
        }
        sedd_pool_free(pool);
    }
}

static void test_draws(void)
{
    const float weights[] = {0.1f, -5.0f, 0.0f, 0.4f, 0.5f};
    CHECK(sedd_draw_exact(weights, 5, 0.0) == 0);
    CHECK(sedd_draw_exact(weights, 5, 0.0999) == 0);
    CHECK(sedd_draw_exact(weights, 5, 0.101) == 3);
    CHECK(sedd_draw_exact(weights, 5, 0.4999) == 3);
    CHECK(sedd_draw_exact(weights, 5, 0.501) == 4);
    CHECK(sedd_draw_exact(weights, 5, 1.0 - 0x1p-53) == 4);
    const float negative[] = {-3.0f, -1.0f, -2.0f};
    CHECK(sedd_draw_exact(negative, 3, 0.7) == 1);
    float kept[] = {0.1f, 0.2f, 0.3f, 0.4f};
    sedd_draw_filter(kept, 4, 2, 1.0);
    CHECK(kept[0] == 0.0f && kept[1] == 0.0f && kept[2] == 0.3f && kept[3] == 0.4f);
    float nucleus[] = {0.1f, 0.2f, 0.3f, 0.4f};
    sedd_draw_filter(nucleus, 4, 0, 0.65);
    CHECK(nucleus[1] == 0.0f && nucleus[2] == 0.3f && nucleus[3] == 0.4f);
    float ties[] = {0.25f, 0.25f, 0.25f, 0.25f};
    sedd_draw_filter(ties, 4, 1, 0.1);
    CHECK(ties[0] == 0.25f && ties[3] == 0.25f);
}

/* ---- The sampler ------------------------------------------------------------------------- */

static void test_cancel(struct fixture *fixture)
{
    struct sedd_sampler *sampler;
    struct sedd_step step;
    struct sedd_error error;
    struct sedd_sample_options options = {.steps = 8, .seed = 3};
    int32_t before[32];
    CHECK(sedd_sampler_new(fixture->session, &options, &sampler, &error) == SEDD_OK);
    CHECK(sedd_sampler_advance(sampler, &step, &error) == SEDD_OK);
    memcpy(before, sedd_sampler_ids(sampler), sizeof before);
    sedd_session_cancel(fixture->session, true);
    CHECK(sedd_sampler_advance(sampler, &step, &error) == SEDD_CANCELLED);
    CHECK(sedd_sampler_steps_done(sampler) == 1);
    CHECK(memcmp(before, sedd_sampler_ids(sampler), sizeof before) == 0);
    /* the engine's flag applies to all its sessions, whatever their own flags are */
    struct sedd_session *other;
    const float sigma = 0.5f;
    float logscore[98];
    CHECK(sedd_session_new(fixture->engine, fixture->model, 1, &other, &error) == SEDD_OK);
    sedd_engine_cancel(fixture->engine, true);
    sedd_session_cancel(fixture->session, false);
    CHECK(sedd_sampler_advance(sampler, &step, &error) == SEDD_CANCELLED);
    CHECK(sedd_score(other, 1, 1, &(int32_t){3}, &sigma, logscore, &error) == SEDD_CANCELLED);
    sedd_engine_cancel(fixture->engine, false);
    CHECK(sedd_score(other, 1, 1, &(int32_t){3}, &sigma, logscore, &error) == SEDD_OK);
    sedd_session_free(other);
    int32_t changed = 0;
    while (!sedd_sampler_done(sampler)) {
        CHECK(sedd_sampler_advance(sampler, &step, &error) == SEDD_OK);
        changed += step.changed_count;
    }
    CHECK(step.masked == 0 && step.step == 9 && step.total == 9);
    CHECK(changed <= 32);
    CHECK(sedd_sampler_advance(sampler, &step, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "over after 9");
    sedd_sampler_free(sampler);
}

/* Temperature 0.01 draws the likeliest token wherever two runs fill in the same mask. */
static void test_options(struct fixture *fixture)
{
    const struct {
        struct sedd_sample_options options;
        const char *words;
    } bad[] = {
        {{.steps = -1}, "steps is -1"},
        {{.steps = 4, .length = 65}, "do not fit a session of 64"},
        {{.steps = 4, .temperature = -1}, "temperature is -1"},
        {{.steps = 4, .temperature = NAN}, "temperature is"},
        {{.steps = 4, .top_p = 1.5}, "top_p is 1.5"},
        {{.steps = 4, .top_k = -3}, "top_k is -3"},
        {{.steps = 4, .top_k = 3, .draw = SEDD_DRAW_OFFICIAL}, "need exact draws"},
        {{.steps = 4,
          .held_count = 1,
          .held_positions = (int32_t[]){32},
          .held_ids = (int32_t[]){0}},
         "held at position 32"},
        {{.steps = 4,
          .held_count = 1,
          .held_positions = (int32_t[]){0},
          .held_ids = (int32_t[]){97}},
         "token id 97"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_error error = {SEDD_OK, ""};
        CHECK(sedd_sampler_new(fixture->session, &bad[i].options, &sampler, &error) ==
              SEDD_ERROR_ARGUMENT);
        CHECK_TEXT(error.message, bad[i].words);
        CHECK(sampler == NULL);
    }
}

/* If positions are chosen first, a step fills in about (t - s) / t of the masks. */
static void test_normalised(struct fixture *fixture)
{
    double opened = 0.0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sedd_sampler *sampler;
        struct sedd_step step;
        struct sedd_sample_options options = {
            .steps = 4, .seed = seed, .positions = SEDD_POSITIONS_NORMALISED};
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
        opened += step.changed_count / (200.0 * 32);
        sedd_sampler_free(sampler);
    }
    CHECK(fabs(opened - 0.25) < 4 * sqrt(0.25 * 0.75 / 6400)); /* four standard errors */
}

int main(void)
{
    struct fixture fixture;
    test_random();
    test_parallel();
    test_sleepers();
    test_draws();
    open_fixture(&fixture, SEDD_DTYPE_AUTO, 0, NULL);
    test_cancel(&fixture);
    test_options(&fixture);
    test_normalised(&fixture);
    close_fixture(&fixture);
    return test_report("core");
}
