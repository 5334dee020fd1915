/* test_sampler.c - tests every way to choose which masks open, and steps in two halves. */
#include "checkpoint.h"
#include "fixture.h"

#include "diffusion/draw.h"
#include "model/score.h"

#include <math.h>
#include <stdlib.h>

/* ---- Runs -------------------------------------------------------------------------------- */

#define LENGTH 32 /* of folder A */
#define MASK 97

static const struct sedd_sample_options WAYS[] = {
    {.steps = 6},
    {.steps = 6, .grid = SEDD_GRID_COSINE, .temperature = 0.7},
    {.steps = 6, .draw = SEDD_DRAW_OFFICIAL},
    {.steps = 6, .predictor = SEDD_PREDICTOR_EULER},
    {.steps = 6, .positions = SEDD_POSITIONS_NORMALISED},
    {.steps = 6, .positions = SEDD_POSITIONS_NORMALISED, .grid = SEDD_GRID_COSINE, .top_k = 5},
    {.steps = 6, .positions = SEDD_POSITIONS_PLANNED},
    {.steps = 6, .positions = SEDD_POSITIONS_PLANNED, .grid = SEDD_GRID_COSINE, .top_p = 0.9},
    {.steps = 6, .positions = SEDD_POSITIONS_PLANNED, .order = SEDD_ORDER_SPREAD},
    {.steps = 6, .positions = SEDD_POSITIONS_PLANNED, .order = SEDD_ORDER_CONFIDENCE},
    {.steps = 6, .positions = SEDD_POSITIONS_PLANNED, .order = SEDD_ORDER_MARGIN},
    {.steps = 6, .positions = SEDD_POSITIONS_PLANNED, .order = SEDD_ORDER_ENTROPY},
    {.steps = 6, .positions = SEDD_POSITIONS_BOUNDED, .order = SEDD_ORDER_ENTROPY, .gamma = 12},
    {.steps = 6, .positions = SEDD_POSITIONS_BOUNDED, .gamma = 12},
    {.steps = 1, .positions = SEDD_POSITIONS_HITTING},
    {.steps = 6, .positions = SEDD_POSITIONS_NORMALISED, .context = SEDD_CONTEXT_KNOWN},
    {.steps = 6, .positions = SEDD_POSITIONS_PLANNED, .context = SEDD_CONTEXT_KNOWN},
    {.steps = 6,
     .positions = SEDD_POSITIONS_PLANNED,
     .order = SEDD_ORDER_SPREAD,
     .grid = SEDD_GRID_COSINE,
     .context = SEDD_CONTEXT_KNOWN},
    {.steps = 1, .positions = SEDD_POSITIONS_HITTING, .context = SEDD_CONTEXT_KNOWN},
};

#define WAY_COUNT (sizeof WAYS / sizeof WAYS[0])

/* Finishes a run and records the ids after every step (at most 64). Returns the number of steps. */
static int32_t finish(struct sedd_sampler *sampler, int32_t (*states)[ROWS], int32_t rows)
{
    struct sedd_step step;
    int32_t count = 0;
    while (!sedd_sampler_done(sampler) && count < 64) {
        if (!CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK)) {
            break;
        }
        memcpy(states[count++], sedd_sampler_ids(sampler), (size_t)rows * sizeof(int32_t));
    }
    return count;
}

static int32_t run(struct fixture *fixture, const struct sedd_sample_options *options,
                   int32_t (*states)[ROWS])
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_error error = {SEDD_OK, ""};
    int32_t batch = options->batch == 0 ? 1 : options->batch;
    if (!CHECK(sedd_sampler_new(fixture->session, options, &sampler, &error) == SEDD_OK)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    int32_t count = finish(sampler, states, batch * LENGTH);
    sedd_sampler_free(sampler);
    return count;
}

/* A run continues from any of its states as before, held tokens stay, no mask is left, and one and
 * two threads write the same. */
static void test_ways(void)
{
    static int32_t whole[64][ROWS], again[64][ROWS];
    static const int32_t places[] = {0, 7, 31}, held[] = {5, 6, 7};
    struct fixture one, two;
    open_fixture(&one, SEDD_DTYPE_AUTO, 1, NULL);
    open_fixture(&two, SEDD_DTYPE_AUTO, 2, NULL);
    for (size_t way = 0; way < WAY_COUNT; way++) {
        struct sedd_sample_options options = WAYS[way];
        options.seed = 11;
        options.held_count = 3;
        options.held_positions = places;
        options.held_ids = held;
        int32_t count = run(&one, &options, whole), wrong = 0;
        CHECK(run(&two, &options, again) == count);
        CHECK(memcmp(whole, again, (size_t)count * sizeof whole[0]) == 0);
        for (int32_t i = 0; i < count; i++) {
            wrong += whole[i][0] != 5 || whole[i][7] != 6 || whole[i][31] != 7;
        }
        for (int32_t i = 0; i < LENGTH; i++) {
            wrong += whole[count - 1][i] == MASK;
        }
        for (int32_t i = 0; i < count; i++) {
            struct sedd_sampler *sampler = NULL;
            CHECK(sedd_sampler_new(one.session, &options, &sampler, NULL) == SEDD_OK);
            CHECK(sedd_sampler_restore(sampler, i + 1, whole[i], NULL) == SEDD_OK);
            wrong += finish(sampler, again, LENGTH) != count - 1 - i;
            wrong += memcmp(again, whole[i + 1], (size_t)(count - 1 - i) * sizeof whole[0]) != 0;
            sedd_sampler_free(sampler);
        }
        if (!CHECK(wrong == 0)) {
            fprintf(stderr, "    way %zu\n", way);
        }
    }
    close_fixture(&one);
    close_fixture(&two);
}

/* Two sequences of a batch have the same prompt and different randomness. */
static void test_batch(struct fixture *fixture)
{
    static int32_t states[64][ROWS];
    for (size_t way = 0; way < WAY_COUNT; way++) {
        struct sedd_sample_options options = WAYS[way];
        options.batch = 2;
        options.held_count = 1;
        options.held_positions = (int32_t[]){3};
        options.held_ids = (int32_t[]){9};
        if (options.positions == SEDD_POSITIONS_HITTING) {
            continue;
        }
        const int32_t *last = states[run(fixture, &options, states) - 1];
        int32_t masks = 0;
        for (int32_t i = 0; i < ROWS; i++) {
            masks += last[i] == MASK;
        }
        CHECK(masks == 0 && last[3] == 9 && last[LENGTH + 3] == 9);
        CHECK(memcmp(last, last + LENGTH, LENGTH * sizeof(int32_t)) != 0);
    }
}

/* ---- Counts ------------------------------------------------------------------------------ */

/* Tests how many of ten masks each step fills in. Computed by hand, linear gives 10/4, 8/3, 5/2
 * and the rest; cosine gives 10 (1 - 0.924), 9 (1 - 0.707/0.924), 7 (1 - 0.383/0.707) and the
 * rest. With more steps than masks, each step fills in one mask, and later steps do not evaluate
 * the network. */
static void test_counts(struct fixture *fixture)
{
    static const struct {
        int32_t steps, counts[14];
        enum sedd_grid grid;
    } plans[] = {{4, {2, 3, 2, 3}, SEDD_GRID_LINEAR},
                 {4, {1, 2, 3, 4}, SEDD_GRID_COSINE},
                 {1, {10}, SEDD_GRID_LINEAR},
                 {14, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, SEDD_GRID_LINEAR}};
    for (size_t plan = 0; plan < sizeof plans / sizeof plans[0]; plan++) {
        for (int order = SEDD_ORDER_RANDOM; order <= SEDD_ORDER_ENTROPY; order++) {
            struct sedd_sampler *sampler = NULL;
            struct sedd_step step;
            struct sedd_sample_options options = {.length = 10,
                                                  .steps = plans[plan].steps,
                                                  .seed = (uint64_t)order,
                                                  .positions = SEDD_POSITIONS_PLANNED,
                                                  .order = (enum sedd_order)order,
                                                  .grid = plans[plan].grid};
            bool foreseen = order <= SEDD_ORDER_SPREAD;
            int32_t masked = 10;
            CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
            for (int32_t i = 0; i < options.steps; i++) {
                int32_t open = plans[plan].counts[i];
                CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
                CHECK(step.changed_count == open && step.total == options.steps);
                CHECK(step.rows == (foreseen ? open : masked));
                masked -= open;
                CHECK(step.masked == masked);
            }
            CHECK(sedd_sampler_done(sampler));
            sedd_sampler_free(sampler);
        }
    }
}

/* With the order spread, the first eight of 32 positions are four apart, also across the end. */
static void test_spread(struct fixture *fixture)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    int32_t starts = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sedd_sample_options options = {.steps = 4,
                                              .seed = seed,
                                              .positions = SEDD_POSITIONS_PLANNED,
                                              .order = SEDD_ORDER_SPREAD};
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
        CHECK(step.changed_count == 8);
        for (int32_t i = 1; i < step.changed_count; i++) {
            CHECK(step.changed[i] - step.changed[i - 1] == 4);
        }
        starts |= 1 << step.changed[0];
        sedd_sampler_free(sampler);
    }
    CHECK(starts == 15);
}

/* Tests the orders that depend on the network: the eight positions of the first step are the best
 * by the scores of sedd_score at the same noise, and the event has their probabilities and
 * entropies. */
static void test_ranks(struct fixture *fixture)
{
    static float scores[LENGTH * STATES];
    int32_t ids[LENGTH];
    for (int32_t i = 0; i < LENGTH; i++) {
        ids[i] = i % 4 == 1 ? i : MASK;
    }
    for (int order = SEDD_ORDER_CONFIDENCE; order <= SEDD_ORDER_ENTROPY; order++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_step step;
        struct sedd_sample_options options = {.steps = 3,
                                              .seed = 5,
                                              .temperature = 0.8,
                                              .positions = SEDD_POSITIONS_PLANNED,
                                              .order = (enum sedd_order)order,
                                              .initial_ids = ids};
        double rank[LENGTH] = {0.0}, worst = -INFINITY;
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
        float sigma = (float)step.sigma;
        CHECK(sedd_score(fixture->session, 1, LENGTH, ids, &sigma, scores, NULL) == SEDD_OK);
        CHECK(step.changed_count == 8);
        for (int32_t p = 0, chosen = 0; p < LENGTH; p++) {
            double sum = 0.0, first = 0.0, second = 0.0, entropy = 0.0;
            for (int32_t y = 0; y < MASK; y++) {
                sum += exp((double)scores[p * STATES + y] / 0.8);
            }
            for (int32_t y = 0; y < MASK; y++) {
                double q = exp((double)scores[p * STATES + y] / 0.8) / sum;
                entropy -= q * log(q);
                second = q > first ? first : fmax(second, q);
                first = fmax(first, q);
            }
            rank[p] = order == SEDD_ORDER_CONFIDENCE ? -first
                      : order == SEDD_ORDER_MARGIN   ? second - first
                                                     : entropy;
            if (chosen < step.changed_count && step.changed[chosen] == p) {
                double told = (double)step.confidence[chosen];
                double q = exp((double)scores[p * STATES + step.changed_ids[chosen]] / 0.8) / sum;
                CHECK(fabs(told - q) < 1e-5 && fabs((double)step.entropy[chosen] - entropy) < 1e-4);
                worst = fmax(worst, rank[p]);
                chosen++;
            }
        }
        for (int32_t p = 0, chosen = 0; p < LENGTH; p++) {
            bool open = chosen < step.changed_count && step.changed[chosen] == p;
            chosen += open;
            CHECK(ids[p] != MASK ? !open : open || rank[p] > worst - 1e-6);
        }
        sedd_sampler_free(sampler);
    }
}

/* Tests greedy runs: every position takes its likeliest token, whatever the seed and the
 * filters. Confidence and entropy are those of the network itself. */
static void test_greedy(struct fixture *fixture)
{
    static float scores[LENGTH * STATES];
    int32_t ids[LENGTH];
    for (int32_t i = 0; i < LENGTH; i++) {
        ids[i] = i % 4 == 1 ? i : MASK;
    }
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_step step;
        struct sedd_sample_options options = {
            .steps = 3, .seed = seed, .greedy = true, .temperature = 2.0, .initial_ids = ids};
        options.positions = seed % 2 == 0 ? SEDD_POSITIONS_PLANNED : SEDD_POSITIONS_SCORE;
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
        float sigma = (float)step.sigma;
        CHECK(sedd_score(fixture->session, 1, LENGTH, ids, &sigma, scores, NULL) == SEDD_OK);
        CHECK(step.changed_count > 0);
        for (int32_t i = 0; i < step.changed_count; i++) {
            const float *row = scores + step.changed[i] * STATES;
            double sum = 0.0;
            int32_t best = 0;
            for (int32_t y = 0; y < MASK; y++) {
                sum += exp((double)row[y]);
                best = row[y] > row[best] ? y : best;
            }
            CHECK(step.changed_ids[i] == best);
            CHECK(fabs((double)step.confidence[i] - exp((double)row[best]) / sum) < 1e-5);
            CHECK(step.entropy[i] > 0.0f);
        }
        sedd_sampler_free(sampler);
    }
}

/* Every step of a bounded run keeps within its bound or fills in a single mask. */
static void test_bounded(struct fixture *fixture)
{
    const double gammas[] = {0.5, 9.5, 1e9};
    int32_t evaluations[3] = {0};
    for (int i = 0; i < 3; i++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_step step;
        struct sedd_sample_options options = {
            .steps = 40, .positions = SEDD_POSITIONS_BOUNDED, .gamma = gammas[i]};
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
        for (; !sedd_sampler_done(sampler); evaluations[i]++) {
            double sum = 0.0, largest = 0.0;
            CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
            for (int32_t j = 0; j < step.changed_count; j++) {
                sum += (double)step.entropy[j];
                largest = fmax(largest, (double)step.entropy[j]);
            }
            CHECK(step.changed_count == 1 ||
                  (step.changed_count > 1 && sum - largest <= gammas[i]));
        }
        CHECK(step.masked == 0);
        sedd_sampler_free(sampler);
    }
    CHECK(evaluations[0] == LENGTH && evaluations[2] == 1);
    CHECK(evaluations[1] > 1 && evaluations[1] < LENGTH);
}

/* First-hitting fills in one mask per evaluation, at decreasing times. */
static void test_hitting(struct fixture *fixture)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step;
    struct sedd_sample_options options = {.steps = 1, .positions = SEDD_POSITIONS_HITTING};
    double before = 1.0, opened[LENGTH] = {0.0};
    for (uint64_t seed = 0; seed < 400; seed++) {
        options.seed = seed;
        before = 1.0;
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
        for (int32_t i = 0; i < 16; i++) {
            CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
            CHECK(step.changed_count == 1 && step.rows == 1 && step.total == LENGTH);
            CHECK(step.t < before);
            before = step.t;
        }
        opened[0] += before / 400;
        sedd_sampler_free(sampler);
    }
    /* The 16th largest of 32 uniform times: mean 17/33, variance 17 * 16 / (33^2 * 34). */
    CHECK(fabs(opened[0] - 17.0 / 33) < 4 * sqrt(17.0 * 16 / (33.0 * 33 * 34) / 400) + 1e-3);
}

/* ---- Refusals ---------------------------------------------------------------------------- */

static void test_refusals(struct fixture *fixture)
{
    static const struct {
        struct sedd_sample_options options;
        const char *words;
    } bad[] = {
        {{.order = SEDD_ORDER_SPREAD}, "order needs positions planned or bounded"},
        {{.order = SEDD_ORDER_SPREAD, .positions = SEDD_POSITIONS_HITTING}, "order needs"},
        {{.grid = SEDD_GRID_COSINE, .positions = SEDD_POSITIONS_BOUNDED}, "a grid needs"},
        {{.grid = SEDD_GRID_COSINE, .positions = SEDD_POSITIONS_HITTING}, "a grid needs"},
        {{.gamma = 1}, "gamma needs positions bounded"},
        {{.gamma = -1, .positions = SEDD_POSITIONS_BOUNDED}, "gamma is -1"},
        {{.gamma = NAN, .positions = SEDD_POSITIONS_BOUNDED}, "gamma is"},
        {{.gamma = INFINITY, .positions = SEDD_POSITIONS_BOUNDED}, "gamma is"},
        {{.predictor = SEDD_PREDICTOR_EULER, .positions = SEDD_POSITIONS_PLANNED},
         "euler predictor"},
        {{.draw = SEDD_DRAW_OFFICIAL, .greedy = true}, "need exact draws"},
        {{.draw = SEDD_DRAW_OFFICIAL, .positions = SEDD_POSITIONS_PLANNED}, "need exact draws"},
        {{.no_denoise = true, .positions = SEDD_POSITIONS_BOUNDED}, "no_denoise needs"},
        {{.batch = 2, .positions = SEDD_POSITIONS_HITTING}, "one sequence"},
        {{.positions = (enum sedd_positions)5}, "positions is 5; expected 0 to 4"},
        {{.order = (enum sedd_order)9}, "order is 9; expected 0 to 4"},
        {{.grid = (enum sedd_grid)2}, "grid is 2; expected 0 to 1"},
        {{.context = SEDD_CONTEXT_KNOWN}, "context known needs positions normalised"},
        {{.context = SEDD_CONTEXT_KNOWN, .draw = SEDD_DRAW_OFFICIAL}, "context known needs"},
        {{.context = SEDD_CONTEXT_KNOWN,
          .positions = SEDD_POSITIONS_NORMALISED,
          .draw = SEDD_DRAW_OFFICIAL},
         "need exact draws"},
        {{.context = SEDD_CONTEXT_KNOWN, .positions = SEDD_POSITIONS_BOUNDED},
         "context known needs"},
        {{.context = SEDD_CONTEXT_KNOWN,
          .positions = SEDD_POSITIONS_PLANNED,
          .order = SEDD_ORDER_CONFIDENCE},
         "context known needs"},
        {{.context = SEDD_CONTEXT_KNOWN,
          .positions = SEDD_POSITIONS_PLANNED,
          .order = SEDD_ORDER_MARGIN},
         "context known needs"},
        {{.context = SEDD_CONTEXT_KNOWN,
          .positions = SEDD_POSITIONS_PLANNED,
          .order = SEDD_ORDER_ENTROPY},
         "context known needs"},
        {{.context = (enum sedd_context)2}, "context is 2; expected 0 to 1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_error error = {SEDD_OK, ""};
        struct sedd_sample_options options = bad[i].options;
        options.steps = 4;
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, &error) ==
              SEDD_ERROR_ARGUMENT);
        CHECK_TEXT(error.message, bad[i].words);
        CHECK(sampler == NULL);
    }
}

/* Every position has its own random numbers: on a network that ignores the context, holding some
 * tokens does not change the coins and draws of the others. */
static void test_independence(void)
{
    static int32_t free_run[64][ROWS], held_run[64][ROWS];
    static const int32_t places[] = {2, 3, 30}, held[] = {1, 1, 1};
    struct checkpoint checkpoint;
    struct sedd_engine_options engine_options = {0};
    struct fixture fixture;
    checkpoint_sedd(&checkpoint);
    struct entry *head = checkpoint_find(&checkpoint, "output_layer.linear.weight");
    memset(head->values, 0, head->count * sizeof(float));
    CHECK(checkpoint_load_all(&checkpoint, SEDD_CONFIG, SEDD_DTYPE_F32, &fixture.model, NULL) ==
          SEDD_OK);
    CHECK(sedd_engine_new(&engine_options, &fixture.engine, NULL) == SEDD_OK);
    CHECK(sedd_session_new(fixture.engine, fixture.model, LENGTH, &fixture.session, NULL) ==
          SEDD_OK);
    checkpoint_clear(&checkpoint);
    for (size_t way = 0; way < 6; way++) { /* the ways that use coins */
        struct sedd_sample_options options = WAYS[way];
        options.length = LENGTH;
        options.seed = 4;
        options.top_k = 0;
        int32_t count = run(&fixture, &options, free_run), differ = 0;
        options.held_count = 3;
        options.held_positions = places;
        options.held_ids = held;
        CHECK(run(&fixture, &options, held_run) == count);
        for (int32_t i = 0; i < count; i++) {
            for (int32_t p = 0; p < LENGTH; p++) {
                bool given = p == 2 || p == 3 || p == 30;
                differ += !given && free_run[i][p] != held_run[i][p];
            }
        }
        CHECK(differ == 0);
    }
    close_fixture(&fixture);
}

/* ---- Steps in two halves ----------------------------------------------------------------- */

/* Evaluates a request in another session, as a host with a network of its own does. */
struct evaluation {
    const struct sedd_sample_options *options;
    const struct sedd_request *request;
    struct sedd_row_result *results;
};

static void evaluate_row(void *user, int32_t row, int32_t place, float *logits, float *weights)
{
    (void)place;
    const struct evaluation *evaluation = user;
    double temperature =
        evaluation->options->temperature == 0 ? 1 : evaluation->options->temperature;
    double top_p = evaluation->options->top_p == 0 ? 1 : evaluation->options->top_p;
    double raw = 0.0, sum = 0.0, entropy = 0.0, first = 0.0, second = 0.0;
    struct sedd_row_result *result = &evaluation->results[row];
    for (int32_t y = 0; y < MASK; y++) {
        raw += exp((double)logits[y]);
        weights[y] = (float)exp((double)logits[y] / temperature);
        sum += (double)weights[y];
    }
    for (int32_t y = 0; y < MASK; y++) {
        double p = (double)weights[y] / sum;
        entropy -= p * log(p);
        second = fmax(second, fmin(first, p));
        first = fmax(first, p);
    }
    float kept[STATES];
    memcpy(kept, weights, MASK * sizeof(float));
    sedd_draw_filter(kept, MASK, evaluation->options->top_k, top_p);
    result->id = sedd_draw_exact(kept, MASK, (double)evaluation->request->uniforms[row]);
    result->log_sum = (float)log(raw);
    result->confidence = (float)((double)weights[result->id] / sum);
    result->entropy = (float)entropy;
    result->likeliest = (float)first;
    result->second = (float)second;
}

static void evaluate_request(struct sedd_session *session,
                             const struct sedd_sample_options *options,
                             const struct sedd_request *request, struct sedd_row_result *results)
{
    struct evaluation evaluation = {options, request, results};
    struct sedd_reading reading = {.batch = 1,
                                   .length = LENGTH,
                                   .ids = request->ids,
                                   .sigma = request->sigma,
                                   .read_count = request->read_count,
                                   .read = request->read,
                                   .rows = request->rows,
                                   .index = request->index};
    if (request->rows > 0) {
        CHECK(sedd_score_forward(session, &reading, NULL) == SEDD_OK);
        CHECK(memcmp(session->modulation, request->modulation,
                     (size_t)request->modulation_size * sizeof(float)) == 0);
        CHECK(sedd_score_head(session, &reading, evaluate_row, &evaluation, NULL) == SEDD_OK);
    }
}

/* A run whose network is evaluated elsewhere has the same states as one that is advanced here. A
 * run may change between the two after any step. */
static void test_halves(struct fixture *fixture)
{
    static int32_t expected[64][ROWS];
    static struct sedd_row_result results[ROWS];
    struct fixture other;
    int32_t initial[LENGTH]; /* in a window of masks alone, entropies differ by rounding only */
    for (int32_t p = 0; p < LENGTH; p++) {
        initial[p] = p % 2 == 0 ? MASK : p * p * 7 % MASK;
    }
    open_fixture(&other, SEDD_DTYPE_AUTO, 1, NULL);
    for (size_t way = 0; way < WAY_COUNT; way++) {
        struct sedd_sample_options options = WAYS[way];
        struct sedd_sampler *sampler = NULL;
        struct sedd_request request;
        struct sedd_step step;
        options.seed = 5;
        options.initial_ids = initial;
        int32_t count = run(fixture, &options, expected), equal = 0, i = 0;
        CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
        if (options.draw == SEDD_DRAW_OFFICIAL) {
            CHECK(sedd_sampler_request(sampler, &request, NULL) == SEDD_ERROR_UNSUPPORTED);
            sedd_sampler_free(sampler);
            continue;
        }
        for (; i < count && !sedd_sampler_done(sampler); i++) {
            if (i % 3 == 2) { /* the engine's own network */
                CHECK(sedd_sampler_request(sampler, &request, NULL) == SEDD_OK);
                CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
            } else {
                CHECK(sedd_sampler_request(sampler, &request, NULL) == SEDD_OK);
                evaluate_request(other.session, &options, &request, results);
                CHECK(sedd_sampler_take(sampler, results, &step, NULL) == SEDD_OK);
            }
            CHECK(step.step == i + 1 && step.rows == request.rows);
            equal += memcmp(sedd_sampler_ids(sampler), expected[i], LENGTH * sizeof(int32_t)) == 0;
        }
        if (!CHECK(sedd_sampler_done(sampler) && i == count && equal == count)) {
            fprintf(stderr, "    way %zu: %d of %d states\n", way, (int)equal, (int)count);
        }
        sedd_sampler_free(sampler);
    }
    close_fixture(&other);
}

/* Impossible results are refused, and the run continues from its state before them. */
static void test_bad_results(struct fixture *fixture)
{
    static struct sedd_row_result results[ROWS];
    static int32_t expected[64][ROWS];
    const struct sedd_sample_options options = {.steps = 2, .positions = SEDD_POSITIONS_PLANNED};
    struct sedd_sampler *sampler = NULL;
    struct sedd_error error;
    struct sedd_request request;
    struct sedd_step step;
    run(fixture, &options, expected);
    CHECK(sedd_sampler_new(fixture->session, &options, &sampler, NULL) == SEDD_OK);
    CHECK(sedd_sampler_take(sampler, results, &step, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "no step was requested");
    CHECK(sedd_sampler_request(sampler, &request, &error) == SEDD_OK && request.rows == LENGTH / 2);
    results[1].id = MASK;
    CHECK(sedd_sampler_take(sampler, results, &step, &error) == SEDD_ERROR_ARGUMENT);
    CHECK_TEXT(error.message, "row 1 of a step has token id 97");
    results[1].log_sum = NAN;
    CHECK(sedd_sampler_take(sampler, results, &step, &error) == SEDD_ERROR_FORMAT);
    CHECK(sedd_sampler_steps_done(sampler) == 0);
    CHECK(sedd_sampler_advance(sampler, &step, &error) == SEDD_OK);
    CHECK(memcmp(sedd_sampler_ids(sampler), expected[0], LENGTH * sizeof(int32_t)) == 0);
    CHECK(sedd_sampler_take(sampler, results, &step, &error) == SEDD_ERROR_ARGUMENT);
    sedd_sampler_free(sampler);
}

int main(void)
{
    struct fixture fixture;
    test_ways();
    test_independence();
    open_fixture(&fixture, SEDD_DTYPE_AUTO, 1, NULL);
    test_batch(&fixture);
    test_counts(&fixture);
    test_spread(&fixture);
    test_ranks(&fixture);
    test_greedy(&fixture);
    test_bounded(&fixture);
    test_hitting(&fixture);
    test_refusals(&fixture);
    test_halves(&fixture);
    test_bad_results(&fixture);
    close_fixture(&fixture);
    return test_report("sampler");
}
