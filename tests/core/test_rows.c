/* test_rows.c - tests the network on chosen rows, and noise levels that are computed together. */
#include "fixture.h"

#include "model/condition.h"
#include "model/score.h"

#include <string.h>

static void keep_row(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    (void)place;
    (void)work;
    memcpy((float *)user + (size_t)row * STATES, logits, STATES * sizeof(float));
}

/* Requested rows have the same bits as when every row is requested. */
static void test_rows(enum sedd_dtype dtype)
{
    static const int32_t some[] = {0, 1, 5, 31, 32, 40, 63}, second[] = {33, 34};
    static float all[ROWS * STATES], few[ROWS * STATES];
    int32_t ids[ROWS];
    struct fixture fixture;
    open_fixture(&fixture, dtype, 2, NULL);
    for (int32_t i = 0; i < ROWS; i++) {
        ids[i] = i % 3 == 0 ? STATES - 1 : i * 7 % 97;
    }
    struct sedd_reading reading = {.batch = 2, .length = 32, .ids = ids, .sigma = 1.5};
    CHECK(sedd_score_forward(fixture.session, &reading, NULL) == SEDD_OK);
    CHECK(sedd_score_head(fixture.session, &reading, keep_row, all, NULL) == SEDD_OK);
    for (int part = 0; part < 2; part++) {
        const int32_t *index = part == 0 ? some : second;
        int32_t count = part == 0 ? 7 : 2, equal = 0;
        reading.rows = count;
        reading.index = index;
        CHECK(sedd_score_forward(fixture.session, &reading, NULL) == SEDD_OK);
        CHECK(sedd_score_head(fixture.session, &reading, keep_row, few, NULL) == SEDD_OK);
        for (int32_t i = 0; i < count; i++) {
            equal += memcmp(few + i * STATES, all + index[i] * STATES, STATES * sizeof(float)) == 0;
        }
        CHECK(equal == count);
    }
    close_fixture(&fixture);
}

/* Noise levels that are computed together have the same bits as one at a time, and are cached. */
static void test_conditions(enum sedd_dtype dtype, const char *kernels)
{
    double sigmas[SEDD_CONDITIONS];
    struct fixture together, alone;
    int32_t equal = 0;
    open_fixture(&together, dtype, 2, kernels);
    open_fixture(&alone, dtype, 1, kernels);
    for (int32_t i = 0; i < SEDD_CONDITIONS; i++) {
        sigmas[i] = 0.05 + 0.4 * i;
    }
    sedd_condition_prepare(together.session, sigmas, SEDD_CONDITIONS);
    for (int32_t i = SEDD_CONDITIONS - 1; i >= 0; i--) {
        CHECK(sedd_condition_kept(together.session, sigmas[i]));
        CHECK(!sedd_condition_kept(alone.session, sigmas[i]));
        sedd_condition(together.session, sigmas[i]);
        sedd_condition(alone.session, sigmas[i]);
        equal += memcmp(together.session->modulation, alone.session->modulation,
                        alone.session->modulation_size * sizeof(float)) == 0;
    }
    CHECK(equal == SEDD_CONDITIONS);
    sedd_condition(together.session, 3.21); /* replaces the oldest */
    CHECK(!sedd_condition_kept(together.session, sigmas[0]));
    CHECK(sedd_condition_kept(together.session, sigmas[1]));
    close_fixture(&together);
    close_fixture(&alone);
}

int main(void)
{
    test_rows(SEDD_DTYPE_F32);
    test_rows(SEDD_DTYPE_Q8);
    for (size_t i = 0; sedd_kernels_name(i) != NULL; i++) {
        test_conditions(SEDD_DTYPE_F32, sedd_kernels_name(i));
        test_conditions(SEDD_DTYPE_Q8, sedd_kernels_name(i));
    }
    return test_report("rows");
}
