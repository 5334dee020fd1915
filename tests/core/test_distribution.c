/*
 * test_distribution.c - compares how often a sampler writes each text with the exact distribution,
 * over thousands of runs of a tiny network. The exact distribution is summed step by step over all
 * states of three positions, from the network's scores alone; with the context `known`, it comes
 * from the formula on the rows that are read.
 *
 * Frequencies are compared by the chi-square statistic. Its bound is Laurent and Massart's: a
 * chi-square of k degrees exceeds k + 2 sqrt(k x) + 2 x with probability below e^-x; x = 14 makes
 * that one in a million. Seeds are fixed, so that a test that passes always passes.
 */
#include "checkpoint.h"
#include "dense.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

#define LENGTH 3
#define TOKENS 5
#define MASK 5
#define CELLS 216 /* (TOKENS + 1)^LENGTH */
#define RUNS 6000

struct fixture {
    struct sedd_model *model;
    struct sedd_engine *engine;
    struct sedd_session *session;
};

enum kind {
    PLAIN,     /* random weights, its scores depend on sigma and the context */
    TIME_FREE, /* the same, conditioning constant */
    CALIBRATED /* scores of all masks add up to what a perfect model's do; the context is ignored */
};

static void zero(struct checkpoint *checkpoint, const char *name)
{
    struct entry *entry = checkpoint_find(checkpoint, name);
    memset(entry->values, 0, entry->count * sizeof(float));
}

static void open_fixture(struct fixture *fixture, enum kind kind)
{
    static const float log_scores[] = {0.0f, 0.5f, -0.5f, 0.25f};
    struct checkpoint checkpoint;
    struct sedd_engine_options options = {0};
    checkpoint_sedd(&checkpoint);
    if (kind != PLAIN) {
        zero(&checkpoint, "blocks.0.adaLN_modulation.weight");
        zero(&checkpoint, "output_layer.adaLN_modulation.weight");
    }
    if (kind == CALIBRATED) {
        float *bias = checkpoint_find(&checkpoint, "output_layer.linear.bias")->values;
        double rest = TOKENS;
        zero(&checkpoint, "output_layer.linear.weight");
        for (int y = 0; y < 4; y++) {
            bias[y] = log_scores[y];
            rest -= exp((double)log_scores[y]);
        }
        bias[4] = (float)log(rest);
    }
    if (!CHECK(checkpoint_load_all(&checkpoint, SEDD_CONFIG, SEDD_DTYPE_F32, &fixture->model,
                                   NULL) == SEDD_OK) ||
        !CHECK(sedd_engine_new(&options, &fixture->engine, NULL) == SEDD_OK) ||
        !CHECK(sedd_session_new(fixture->engine, fixture->model, LENGTH, &fixture->session, NULL) ==
               SEDD_OK)) {
        exit(1);
    }
    checkpoint_clear(&checkpoint);
}

static void close_fixture(struct fixture *fixture)
{
    sedd_session_free(fixture->session);
    sedd_engine_free(fixture->engine);
    sedd_model_free(fixture->model);
}

static int cell_of(const int32_t *ids)
{
    return (ids[0] * 6 + ids[1]) * 6 + ids[2];
}

static void ids_of(int cell, int32_t *ids)
{
    ids[0] = cell / 36;
    ids[1] = cell / 6 % 6;
    ids[2] = cell % 6;
}

/* ---- The exact distribution -------------------------------------------------------------- */

struct odds {
    double open[LENGTH];          /* positions `score`: whether the mask is filled in */
    double token[LENGTH][TOKENS]; /* of the token, given that it is filled in */
    double entropy[LENGTH];
};

static void odds_at(struct fixture *fixture, const int32_t *ids, double temperature, double t,
                    double after, struct odds *odds)
{
    float scores[LENGTH * 6], sigma = (float)-log1p(-0.999 * t);
    double noise = after < 0.0 ? 0.0 : log1p(-0.999 * after) - log1p(-0.999 * t);
    CHECK(sedd_score(fixture->session, 1, LENGTH, ids, &sigma, scores, NULL) == SEDD_OK);
    for (int p = 0; p < LENGTH; p++) {
        double sum = 0.0, tempered = 0.0;
        for (int y = 0; y < TOKENS; y++) {
            sum += exp((double)scores[p * 6 + y]);
            tempered += exp((double)scores[p * 6 + y] / temperature);
        }
        odds->entropy[p] = 0.0;
        for (int y = 0; y < TOKENS; y++) {
            double q = exp((double)scores[p * 6 + y] / temperature) / tempered;
            odds->token[p][y] = q;
            odds->entropy[p] -= q * log(q);
        }
        odds->open[p] = after < 0.0 ? 1.0 : fmin(1.0, expm1(noise) * sum);
    }
}

/* Computes the odds of the tokens of the masks in `set` (bits), when the network reads only them
 * and the known tokens. */
static void odds_known(struct fixture *fixture, const int32_t *ids, unsigned set, double t,
                       struct odds *odds)
{
    double logits[LENGTH * 6];
    int32_t there[LENGTH], positions[LENGTH], count = 0;
    for (int p = 0; p < LENGTH; p++) {
        if ((set >> p & 1) || ids[p] != MASK) {
            there[count] = ids[p];
            positions[count++] = p;
        }
    }
    dense_logits(fixture->model, count, there, positions, -log1p(-0.999 * t), logits);
    for (int row = 0; row < count; row++) {
        double sum = 0.0;
        for (int y = 0; y < TOKENS; y++) {
            sum += exp(logits[row * 6 + y]);
        }
        for (int y = 0; y < TOKENS; y++) {
            odds->token[positions[row]][y] = exp(logits[row * 6 + y]) / sum;
        }
    }
}

/* Distributes `mass` of the state `ids` over the states that follow when the masks in `set`
 * (bits) are filled in. */
static void open_set(const int32_t *ids, const struct odds *odds, unsigned set, double mass,
                     double *next)
{
    for (int cell = 0; cell < CELLS; cell++) {
        int32_t after[LENGTH];
        double p = mass;
        ids_of(cell, after);
        for (int i = 0; i < LENGTH && p > 0.0; i++) {
            bool opens = ids[i] == MASK && (set >> i & 1);
            p *= opens ? (after[i] == MASK ? 0.0 : odds->token[i][after[i]]) : after[i] == ids[i];
        }
        next[cell] += p;
    }
}

static unsigned masks_of(const int32_t *ids)
{
    return (unsigned)(ids[0] == MASK) | (unsigned)(ids[1] == MASK) << 1 |
           (unsigned)(ids[2] == MASK) << 2;
}

static int bits(unsigned set)
{
    return (int)((set & 1) + (set >> 1 & 1) + (set >> 2 & 1));
}

/* Returns the masks with the lowest entropies whose sum without the largest is within gamma. */
static unsigned bounded_set(const struct odds *odds, unsigned masks, double gamma)
{
    unsigned set = 0;
    double sum = 0.0; /* of all but the latest, which is the largest */
    for (;;) {
        int best = -1;
        for (int i = 0; i < LENGTH; i++) {
            bool left = (masks & ~set) >> i & 1;
            best = left && (best < 0 || odds->entropy[i] < odds->entropy[best]) ? i : best;
        }
        if (best < 0 || (set != 0 && sum > gamma)) {
            return set;
        }
        set |= 1u << best;
        sum += odds->entropy[best];
    }
}

static double time_at(const struct sedd_sample_options *options, int i)
{
    return options->grid == SEDD_GRID_COSINE
               ? 1e-5 + (1 - 1e-5) * cos(M_PI / 2 * i / options->steps)
               : 1.0 - i * (1.0 - 1e-5) / options->steps;
}

/* Makes one step from one state. `planned` is the number of masks that are filled in, or -1 if
 * coins decide. */
static void spread(struct fixture *fixture, const struct sedd_sample_options *options, int i,
                   int planned, const int32_t *ids, double mass, double *next)
{
    unsigned masks = masks_of(ids);
    double t = time_at(options, i), after = i < options->steps ? time_at(options, i + 1) : -1.0;
    struct odds odds;
    if (options->positions == SEDD_POSITIONS_BOUNDED) {
        t = fmin(1.0, fmax(bits(masks) / 3.0 / 0.999, 1e-5));
    }
    odds_at(fixture, ids, options->temperature > 0.0 ? options->temperature : 1.0, t, after, &odds);
    if (options->positions == SEDD_POSITIONS_BOUNDED) {
        open_set(ids, &odds, bounded_set(&odds, masks, options->gamma), mass, next);
        return;
    }
    double sum = 0.0, weight[8] = {0.0};
    for (unsigned set = 0; set < 8; set++) {
        if ((set & ~masks) != 0) {
            continue;
        }
        weight[set] =
            planned >= 0 ? bits(set) == (planned < bits(masks) ? planned : bits(masks)) : 1.0;
        for (int p = 0; p < LENGTH && planned < 0; p++) {
            double open = options->positions == SEDD_POSITIONS_SCORE ? odds.open[p]
                          : after < 0.0                              ? 1.0
                                                                     : (t - after) / t;
            weight[set] *= !(masks >> p & 1) ? 1.0 : set >> p & 1 ? open : 1.0 - open;
        }
        sum += weight[set];
    }
    for (unsigned set = 0; set < 8; set++) {
        if (weight[set] > 0.0) {
            if (options->context == SEDD_CONTEXT_KNOWN) {
                odds_known(fixture, ids, set, t, &odds);
            }
            open_set(ids, &odds, set, mass * weight[set] / sum, next);
        }
    }
}

/* Computes the distribution over states after `steps` steps. `counts` is NULL, or how many masks
 * each step fills in. */
static void enumerate(struct fixture *fixture, const struct sedd_sample_options *options, int steps,
                      const int *counts, double *p)
{
    memset(p, 0, CELLS * sizeof *p);
    p[CELLS - 1] = 1.0;
    for (int i = 0; i < steps; i++) {
        double next[CELLS] = {0.0};
        for (int cell = 0; cell < CELLS; cell++) {
            int32_t ids[LENGTH];
            ids_of(cell, ids);
            if (p[cell] > 0.0) {
                spread(fixture, options, i, counts == NULL ? -1 : counts[i], ids, p[cell], next);
            }
        }
        memcpy(p, next, sizeof next);
    }
}

/* ---- Comparison -------------------------------------------------------------------------- */

static void sample(struct fixture *fixture, struct sedd_sample_options options, int steps,
                   double *frequency)
{
    memset(frequency, 0, CELLS * sizeof *frequency);
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_step step;
        options.seed = seed;
        if (sedd_sampler_new(fixture->session, &options, &sampler, NULL) != SEDD_OK) {
            CHECK(!"the sampler starts");
            return;
        }
        for (int i = 0; i < steps && !sedd_sampler_done(sampler); i++) {
            if (sedd_sampler_advance(sampler, &step, NULL) != SEDD_OK) {
                CHECK(!"the sampler goes on");
                return;
            }
        }
        frequency[cell_of(sedd_sampler_ids(sampler))] += 1.0 / RUNS;
        sedd_sampler_free(sampler);
    }
}

/* Compares frequencies with the distribution. Cells that are expected fewer than five times are
 * pooled. */
static void agree(const char *name, const double *frequency, const double *p)
{
    double statistic = 0.0, rare = 0.0, rare_seen = 0.0, total = 0.0, x = 14.0;
    int degrees = -1;
    for (int cell = 0; cell < CELLS; cell++) {
        double expected = RUNS * p[cell], seen = RUNS * frequency[cell];
        total += p[cell];
        if (expected < 5.0) {
            rare += expected;
            rare_seen += seen;
        } else {
            statistic += (seen - expected) * (seen - expected) / expected;
            degrees++;
        }
    }
    if (rare > 0.0) {
        statistic += (rare_seen - rare) * (rare_seen - rare) / fmax(rare, 1.0);
        degrees++;
    }
    double bound = degrees + 2.0 * sqrt(degrees * x) + 2.0 * x;
    CHECK(fabs(total - 1.0) < 1e-9);
    CHECK(degrees > 5);
    if (!CHECK(statistic <= bound)) {
        fprintf(stderr, "    %s: chi-square %.1f of %d degrees, bound %.1f\n", name, statistic,
                degrees, bound);
    }
}

static void compare(struct fixture *fixture, const char *name, struct sedd_sample_options options,
                    int steps, const int *counts)
{
    double frequency[CELLS], p[CELLS];
    options.length = LENGTH;
    sample(fixture, options, steps, frequency);
    enumerate(fixture, &options, steps, counts, p);
    agree(name, frequency, p);
}

static void test_grids(struct fixture *fixture)
{
    struct sedd_sample_options score = {.steps = 4}, normalised = {.steps = 4},
                               planned = {.steps = 2}, cosine = {.steps = 3},
                               bounded = {.steps = 3};
    normalised.positions = SEDD_POSITIONS_NORMALISED;
    planned.positions = SEDD_POSITIONS_PLANNED;
    bounded.positions = SEDD_POSITIONS_BOUNDED;
    bounded.order = SEDD_ORDER_ENTROPY;
    compare(fixture, "score, two of four steps", score, 2, NULL);
    compare(fixture, "score, the whole run", score, 5, NULL);
    compare(fixture, "normalised, two of four steps", normalised, 2, NULL);
    compare(fixture, "normalised, the whole run", normalised, 5, NULL);
    compare(fixture, "planned, one and two", planned, 2, (const int[]){1, 2});
    cosine.grid = SEDD_GRID_COSINE;
    compare(fixture, "score on the cosine grid", cosine, 2, NULL);
    cosine.positions = SEDD_POSITIONS_NORMALISED;
    compare(fixture, "normalised on the cosine grid", cosine, 4, NULL);
    const double gammas[] = {1e-6, 0.9, 1.4, 1.8, 100.0};
    for (int i = 0; i < 5; i++) {
        bounded.gamma = gammas[i];
        compare(fixture, "bounded", bounded, 3, NULL);
    }
}

/* Tests that the network reads only known tokens and the masks to fill in. Masks alone look like
 * each other, so only a mask that stays masked beside a known token shows the difference. */
static void test_known(struct fixture *fixture)
{
    struct sedd_sample_options options = {.steps = 3, .context = SEDD_CONTEXT_KNOWN};
    options.positions = SEDD_POSITIONS_PLANNED;
    compare(fixture, "planned, known", options, 3, (const int[]){1, 1, 1});
    options.positions = SEDD_POSITIONS_NORMALISED;
    options.grid = SEDD_GRID_COSINE;
    compare(fixture, "normalised, known", options, 4, NULL);
}

/* If the network ignores time, first-hitting fills in single masks in any order. So does a
 * planned count of one, and normalised runs with many steps approach the same distribution. */
static void test_hitting(struct fixture *fixture)
{
    struct sedd_sample_options options = {.length = LENGTH, .steps = 3};
    double one[CELLS], exact[CELLS], many[CELLS], frequency[CELLS], far = 0.0;
    options.positions = SEDD_POSITIONS_PLANNED;
    enumerate(fixture, &options, 3, (const int[]){1, 1, 1}, one);
    sample(fixture, options, 3, frequency);
    agree("planned, one a step", frequency, one);
    options.positions = SEDD_POSITIONS_HITTING;
    sample(fixture, options, 1, frequency);
    enumerate(fixture, &options, 1, (const int[]){1, 1, 1}, exact);
    agree("first-hitting, one evaluation", frequency, exact);
    sample(fixture, options, 3, frequency);
    agree("first-hitting", frequency, one);
    options.context = SEDD_CONTEXT_KNOWN;
    enumerate(fixture, &options, 3, (const int[]){1, 1, 1}, exact);
    sample(fixture, options, 3, frequency);
    agree("first-hitting, known", frequency, exact);
    options.context = SEDD_CONTEXT_ALL;
    options.positions = SEDD_POSITIONS_NORMALISED;
    options.steps = 400;
    enumerate(fixture, &options, 401, NULL, many);
    for (int cell = 0; cell < CELLS; cell++) {
        far = fmax(far, fabs(many[cell] - one[cell]));
    }
    CHECK(far < 3.0 / 400); /* each of three pairs shares a step with odds 1 / steps */
}

/* On a calibrated model the scores of a mask give the same odds as time alone. */
static void test_calibrated(struct fixture *fixture)
{
    struct sedd_sample_options options = {.length = LENGTH, .steps = 4};
    double score[CELLS], normalised[CELLS], frequency[CELLS];
    for (int steps = 1; steps <= 5; steps += 2) {
        double far = 0.0;
        options.positions = SEDD_POSITIONS_SCORE;
        enumerate(fixture, &options, steps, NULL, score);
        sample(fixture, options, steps, frequency);
        agree("score, calibrated", frequency, score);
        options.positions = SEDD_POSITIONS_NORMALISED;
        enumerate(fixture, &options, steps, NULL, normalised);
        sample(fixture, options, steps, frequency);
        agree("normalised, calibrated", frequency, score);
        for (int cell = 0; cell < CELLS; cell++) {
            far = fmax(far, fabs(score[cell] - normalised[cell]));
        }
        CHECK(far < 1e-6); /* float32 scores, three factors a cell */
    }
    options.positions = SEDD_POSITIONS_SCORE;
    options.temperature = 0.6; /* changes the token's odds, but not those of filling it in */
    compare(fixture, "score, calibrated, temperature 0.6", options, 2, NULL);
}

int main(void)
{
    struct fixture fixture;
    open_fixture(&fixture, PLAIN);
    test_grids(&fixture);
    test_known(&fixture);
    close_fixture(&fixture);
    open_fixture(&fixture, TIME_FREE);
    test_known(&fixture);
    test_hitting(&fixture);
    close_fixture(&fixture);
    open_fixture(&fixture, CALIBRATED);
    test_calibrated(&fixture);
    close_fixture(&fixture);
    return test_report("distribution");
}
