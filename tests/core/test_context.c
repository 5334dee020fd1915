/*
 * test_context.c - tests the network on some positions of a window with the others left out.
 * Compares it with the formula in double precision (dense.c), and bit for bit with shorter windows.
 * Also tests the sampler's context `known`, which reads the known tokens and the masks to fill in.
 */
#include "dense.h"
#include "fixture.h"

#include "model/score.h"

#include <math.h>
#include <stdlib.h>

#define LENGTH 32 /* of folder A */
#define MASK 97

/* ---- Passes ------------------------------------------------------------------------------ */

/* Two windows of 32: the positions that are read, and those whose output is wanted. */
static const struct {
    int32_t read_count, read[ROWS], rows, index[ROWS];
} CASES[] = {
    {9, {0, 3, 4, 17, 31, 32, 40, 41, 63}, 5, {3, 17, 40, 41, 63}},
    {9, {0, 3, 4, 17, 31, 32, 40, 41, 63}, 9, {0, 3, 4, 17, 31, 32, 40, 41, 63}},
    {6, {2, 9, 10, 11, 29, 50}, 2, {10, 50}},  /* one row per window, and a window of one row */
    {5, {8, 12, 16, 20, 24}, 3, {12, 20, 24}}, /* reads nothing of the second window */
    {7, {31, 33, 35, 36, 37, 38, 61}, 3, {33, 38, 61}}, /* wants no output of the first window */
};

#define CASE_COUNT (sizeof CASES / sizeof CASES[0])

static void fill(int32_t *ids)
{
    for (int32_t i = 0; i < ROWS; i++) {
        ids[i] = i % 3 == 0 ? MASK : i * 7 % 97;
    }
}

static void keep_row(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    (void)place;
    (void)work;
    memcpy((float *)user + (size_t)row * STATES, logits, STATES * sizeof(float));
}

static void pass(struct sedd_session *session, const struct sedd_reading *reading, float *logits)
{
    CHECK(sedd_score_forward(session, reading, NULL) == SEDD_OK);
    CHECK(sedd_score_head(session, reading, keep_row, logits, NULL) == SEDD_OK);
}

static void pass_case(struct sedd_session *session, size_t at, const int32_t *ids, float *logits)
{
    struct sedd_reading reading = {.batch = 2,
                                   .length = LENGTH,
                                   .ids = ids,
                                   .sigma = 1.25,
                                   .read_count = CASES[at].read_count,
                                   .read = CASES[at].read,
                                   .rows = CASES[at].rows,
                                   .index = CASES[at].index};
    pass(session, &reading, logits);
}

/* Window b of a case, with its positions moved together; `wanted` are rows of that window. */
struct part {
    int32_t count, positions[LENGTH], ids[LENGTH];
    int32_t rows, wanted[LENGTH],
        first; /* first: the case's row that is the part's first wanted one */
};

static struct part part_of(size_t at, int32_t b, const int32_t *ids)
{
    struct part part = {0};
    for (int32_t i = 0, row = 0; i < CASES[at].read_count; i++) {
        int32_t place = CASES[at].read[i];
        bool wanted = row < CASES[at].rows && CASES[at].index[row] == place;
        if (place / LENGTH == b) {
            part.first = wanted && part.rows == 0 ? row : part.first;
            part.wanted[part.rows] = part.count;
            part.rows += wanted;
            part.positions[part.count] = place % LENGTH;
            part.ids[part.count++] = ids[place];
        }
        row += wanted;
    }
    return part;
}

/* Compares with the formula: the error is at most 2e-5 of the largest magnitude, as in the golden
 * sets. */
static void test_formula(const char *kernels)
{
    static float logits[ROWS * STATES];
    static double expected[LENGTH * STATES];
    int32_t ids[ROWS], compared = 0;
    double worst = 0.0, largest = 0.0;
    struct fixture fixture;
    open_fixture(&fixture, SEDD_DTYPE_F32, 2, kernels);
    fill(ids);
    for (size_t at = 0; at < CASE_COUNT; at++) {
        pass_case(fixture.session, at, ids, logits);
        for (int32_t b = 0; b < 2; b++) {
            struct part part = part_of(at, b, ids);
            dense_logits(fixture.model, part.count, part.ids, part.positions, 1.25, expected);
            for (int32_t i = 0; i < part.rows * STATES; i++) {
                double value = expected[part.wanted[i / STATES] * STATES + i % STATES];
                worst = fmax(worst, fabs((double)logits[part.first * STATES + i] - value));
                largest = fmax(largest, fabs(value));
                compared++;
            }
        }
    }
    CHECK(compared == (5 + 9 + 2 + 3 + 3) * STATES);
    if (!CHECK(worst <= 2e-5 * largest)) {
        fprintf(stderr, "    %s: %g of %g\n", kernels, worst, largest);
    }
    close_fixture(&fixture);
}

/* Makes a session rotate row r of a window by the angles of positions[r]. */
static void turn_as(struct sedd_session *session, const struct sedd_session *plain,
                    const struct part *part)
{
    const struct sedd_model_info *info = &plain->model->info;
    size_t half = (size_t)(info->hidden_size / info->n_heads / 2);
    for (int32_t row = 0; row < part->count; row++) {
        size_t to = (size_t)row * half, from = (size_t)part->positions[row] * half;
        memcpy(session->cosine + to, plain->cosine + from, half * sizeof(float));
        memcpy(session->sine + to, plain->sine + from, half * sizeof(float));
    }
}

/* Compares bit for bit with each window alone, moved together, in a session that rotates rows by
 * their original positions. */
static void test_bits(enum sedd_dtype dtype, int32_t threads, const char *kernels)
{
    static float logits[ROWS * STATES], alone[LENGTH * STATES];
    int32_t ids[ROWS], unequal = 0, compared = 0;
    struct fixture fixture, turned;
    open_fixture(&fixture, dtype, threads, kernels);
    open_fixture(&turned, dtype, 1, kernels);
    fill(ids);
    for (size_t at = 0; at < CASE_COUNT; at++) {
        pass_case(fixture.session, at, ids, logits);
        for (int32_t b = 0; b < 2; b++) {
            struct part part = part_of(at, b, ids);
            if (part.rows > 0) {
                struct sedd_reading reading = {.batch = 1,
                                               .length = part.count,
                                               .ids = part.ids,
                                               .sigma = 1.25,
                                               .rows = part.rows,
                                               .index = part.wanted};
                turn_as(turned.session, fixture.session, &part);
                pass(turned.session, &reading, alone);
                unequal += memcmp(alone, logits + part.first * STATES,
                                  (size_t)part.rows * STATES * sizeof(float)) != 0;
                compared++;
            }
        }
    }
    CHECK(compared == 8);
    CHECK(unequal == 0);
    close_fixture(&fixture);
    close_fixture(&turned);
}

/* A list of all positions equals no list, and a list of the first positions a shorter window. */
static void test_whole(enum sedd_dtype dtype)
{
    static float listed[ROWS * STATES], plain[ROWS * STATES];
    int32_t ids[ROWS], places[ROWS];
    struct fixture fixture;
    open_fixture(&fixture, dtype, 2, NULL);
    fill(ids);
    for (int32_t i = 0; i < ROWS; i++) {
        places[i] = i;
    }
    struct sedd_reading reading = {.batch = 2, .length = LENGTH, .ids = ids, .sigma = 0.5};
    pass(fixture.session, &reading, plain);
    reading.read_count = ROWS;
    reading.read = places;
    pass(fixture.session, &reading, listed);
    CHECK(memcmp(plain, listed, sizeof plain) == 0);
    reading.batch = 1;
    reading.read_count = 11;
    pass(fixture.session, &reading, listed);
    struct sedd_reading shorter = {.batch = 1, .length = 11, .ids = ids, .sigma = 0.5};
    pass(fixture.session, &shorter, plain);
    CHECK(memcmp(plain, listed, 11 * STATES * sizeof(float)) == 0);
    close_fixture(&fixture);
}

/* ---- Runs -------------------------------------------------------------------------------- */

/* Computes the probability of `id` and the entropy of a row of logits at temperature 0.8. */
static void measure(const double *logits, int32_t id, double *probability, double *entropy)
{
    double sum = 0.0;
    for (int32_t y = 0; y < MASK; y++) {
        sum += exp(logits[y] / 0.8);
    }
    *entropy = 0.0;
    for (int32_t y = 0; y < MASK; y++) {
        double q = exp(logits[y] / 0.8) / sum;
        *entropy -= q * log(q);
    }
    *probability = exp(logits[id] / 0.8) / sum;
}

/* Checks what a step reports for the tokens of window b that it filled in. The report must equal
 * the formula for these tokens beside the known tokens and each other. Returns the number of
 * these tokens. */
static int32_t check_step(const struct sedd_model *model, const struct sedd_step *step,
                          const int32_t *before, int32_t b)
{
    static double logits[LENGTH * STATES];
    int32_t ids[LENGTH], positions[LENGTH], changed[LENGTH], count = 0, open = 0;
    for (int32_t place = b * LENGTH, next = 0; place < (b + 1) * LENGTH; place++) {
        while (next < step->changed_count && step->changed[next] < place) {
            next++;
        }
        bool opens = next < step->changed_count && step->changed[next] == place;
        changed[count] = opens ? next : -1;
        if (opens || before[place] != MASK) {
            ids[count] = before[place];
            positions[count++] = place % LENGTH;
        }
    }
    dense_logits(model, count, ids, positions, step->sigma, logits);
    for (int32_t row = 0; row < count; row++) {
        if (changed[row] >= 0) {
            double probability, entropy;
            measure(logits + row * STATES, step->changed_ids[changed[row]], &probability, &entropy);
            CHECK(fabs((double)step->confidence[changed[row]] - probability) < 1e-5);
            CHECK(fabs((double)step->entropy[changed[row]] - entropy) < 1e-4);
            open++;
        }
    }
    return open;
}

/* Checks every step of a run from windows with different numbers of given tokens, in the middle and
 * at the ends. */
static void test_run(struct sedd_sample_options options)
{
    int32_t initial[ROWS], opened = 0, masked = 0;
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    struct fixture fixture;
    open_fixture(&fixture, SEDD_DTYPE_F32, 2, NULL);
    for (int32_t i = 0; i < ROWS; i++) {
        initial[i] = i % 7 == 0 && i > 20 ? i : MASK;
        masked += i < options.batch * LENGTH && initial[i] == MASK;
    }
    options.temperature = 0.8;
    options.held_count = 2;
    options.held_positions = (int32_t[]){1, 18};
    options.held_ids = (int32_t[]){4, 5};
    options.context = SEDD_CONTEXT_KNOWN;
    options.initial_ids = initial;
    CHECK(sedd_sampler_new(fixture.session, &options, &sampler, NULL) == SEDD_OK);
    masked -= 2 * options.batch; /* none of them holds a token initially */
    while (!sedd_sampler_done(sampler)) {
        int32_t before[ROWS];
        memcpy(before, sedd_sampler_ids(sampler),
               (size_t)(options.batch * LENGTH) * sizeof *before);
        if (!CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK)) {
            break;
        }
        CHECK(step.rows == step.changed_count); /* the head runs only for these */
        for (int32_t b = 0; b < options.batch && step.rows > 0; b++) {
            opened += check_step(fixture.model, &step, before, b);
        }
    }
    CHECK(step.masked == 0 && opened == masked);
    sedd_sampler_free(sampler);
    close_fixture(&fixture);
}

/* A cancelled step leaves the run as it was. */
static void test_cancel(void)
{
    struct fixture fixture;
    struct sedd_sampler *sampler = NULL, *straight = NULL;
    struct sedd_step step;
    struct sedd_sample_options options = {.steps = 3,
                                          .positions = SEDD_POSITIONS_PLANNED,
                                          .order = SEDD_ORDER_SPREAD,
                                          .context = SEDD_CONTEXT_KNOWN};
    open_fixture(&fixture, SEDD_DTYPE_AUTO, 1, NULL);
    CHECK(sedd_sampler_new(fixture.session, &options, &sampler, NULL) == SEDD_OK);
    CHECK(sedd_sampler_new(fixture.session, &options, &straight, NULL) == SEDD_OK);
    for (int i = 0; i < 3; i++) {
        sedd_session_cancel(fixture.session, true);
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_CANCELLED);
        sedd_session_cancel(fixture.session, false);
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
        CHECK(sedd_sampler_advance(straight, &step, NULL) == SEDD_OK);
        CHECK(memcmp(sedd_sampler_ids(sampler), sedd_sampler_ids(straight),
                     LENGTH * sizeof(int32_t)) == 0);
    }
    sedd_sampler_free(sampler);
    sedd_sampler_free(straight);
    close_fixture(&fixture);
}

int main(void)
{
    for (size_t i = 0; sedd_kernels_name(i) != NULL; i++) {
        const char *kernels = sedd_kernels_name(i);
        test_formula(kernels);
        for (int32_t threads = 1; threads <= 2; threads++) {
            test_bits(SEDD_DTYPE_F32, threads, kernels);
            test_bits(SEDD_DTYPE_Q8, threads, kernels);
        }
    }
    test_whole(SEDD_DTYPE_F32);
    test_whole(SEDD_DTYPE_Q8);
    for (int32_t batch = 1; batch <= 2; batch++) {
        test_run((struct sedd_sample_options){.steps = 5,
                                              .batch = batch,
                                              .positions = SEDD_POSITIONS_PLANNED,
                                              .order = SEDD_ORDER_SPREAD,
                                              .grid = SEDD_GRID_COSINE});
        test_run((struct sedd_sample_options){
            .steps = 5, .batch = batch, .positions = SEDD_POSITIONS_PLANNED});
        test_run((struct sedd_sample_options){
            .steps = 4, .batch = batch, .positions = SEDD_POSITIONS_NORMALISED});
    }
    test_run(
        (struct sedd_sample_options){.steps = 1, .batch = 1, .positions = SEDD_POSITIONS_HITTING});
    test_cancel();
    return test_report("context");
}
