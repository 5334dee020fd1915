/* test_sampler.c - the network on chosen rows, and every way to choose which masks open. */
#include "test.h"

#include "model/score.h"

#include <math.h>
#include <stdlib.h>

#define ROWS 64 /* two sequences of folder A's 32 tokens, whose network has 98 states */
#define STATES 98

struct studio {
    struct sedd_engine *engine;
    struct sedd_model *model;
    struct sedd_session *session;
};

static void open_studio(struct studio *studio, enum sedd_dtype dtype, int32_t threads)
{
    struct sedd_error error = {SEDD_OK, ""};
    struct sedd_engine_options options = {.threads = threads};
    if (!CHECK(sedd_model_open(TEST_DIR "/golden/A", dtype, &studio->model, &error) == SEDD_OK) ||
        !CHECK(sedd_engine_new(&options, &studio->engine, &error) == SEDD_OK) ||
        !CHECK(sedd_session_new(studio->engine, studio->model, ROWS, &studio->session, &error) ==
               SEDD_OK)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static void close_studio(struct studio *studio)
{
    sedd_session_free(studio->session);
    sedd_engine_free(studio->engine);
    sedd_model_free(studio->model);
}

/* ---- Rows -------------------------------------------------------------------------------- */

static void keep_row(void *user, int32_t row, float *logits, float *work)
{
    (void)work;
    memcpy((float *)user + (size_t)row * STATES, logits, STATES * sizeof(float));
}

/* The rows asked for have the same bits as when every row is asked for. */
static void test_rows(enum sedd_dtype dtype)
{
    static const int32_t some[] = {0, 1, 5, 31, 32, 40, 63}, second[] = {33, 34};
    static float all[ROWS * STATES], few[ROWS * STATES];
    int32_t ids[ROWS];
    struct studio studio;
    open_studio(&studio, dtype, 2);
    for (int32_t i = 0; i < ROWS; i++) {
        ids[i] = i % 3 == 0 ? STATES - 1 : i * 7 % 97;
    }
    CHECK(sedd_score_forward(studio.session, 2, 32, ids, 1.5, ROWS, NULL, NULL) == SEDD_OK);
    CHECK(sedd_score_head(studio.session, ROWS, keep_row, all, NULL) == SEDD_OK);
    for (int part = 0; part < 2; part++) {
        const int32_t *index = part == 0 ? some : second;
        int32_t count = part == 0 ? 7 : 2, equal = 0;
        CHECK(sedd_score_forward(studio.session, 2, 32, ids, 1.5, count, index, NULL) == SEDD_OK);
        CHECK(sedd_score_head(studio.session, count, keep_row, few, NULL) == SEDD_OK);
        for (int32_t i = 0; i < count; i++) {
            equal += memcmp(few + i * STATES, all + index[i] * STATES, STATES * sizeof(float)) == 0;
        }
        CHECK(equal == count);
    }
    close_studio(&studio);
}

int main(void)
{
    test_rows(SEDD_DTYPE_F32);
    test_rows(SEDD_DTYPE_Q8);
    return test_report("sampler");
}
