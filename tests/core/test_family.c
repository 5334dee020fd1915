/*
 * test_family.c - tests the models that give ln p(x0): MDLM, SDTT, RADD and DUO. The golden folders
 * compare their numbers with the reference codes; here are the rules around them: which evaluations
 * are skipped or reused, how runs end, what is refused, which way is the default.
 */
#include "diffusion/sampler.h"
#include "fixture.h"

#include <math.h>

static bool open_family(struct fixture *f, const char *name)
{
    struct sedd_engine_options options = {0};
    return open_golden(f, name, ROWS, SEDD_DTYPE_AUTO, &options);
}

/* The results of a run. */
struct ran {
    int32_t ids[ROWS], total, empty, evaluations, sequences;
};

static bool run(struct fixture *f, const struct sedd_sample_options *options, struct ran *ran)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_step step = {0};
    struct sedd_error error = {0};
    *ran = (struct ran){0};
    bool ok = sedd_sampler_new(f->session, options, &sampler, &error) == SEDD_OK;
    while (ok && !sedd_sampler_done(sampler)) {
        ok = sedd_sampler_advance(sampler, &step, &error) == SEDD_OK;
        ran->empty += step.rows == 0;
    }
    if (CHECK(ok)) {
        memcpy(ran->ids, sedd_sampler_ids(sampler), (size_t)sampler->rows * sizeof(int32_t));
        ran->total = step.total;
        ran->evaluations = sampler->evaluations;
        ran->sequences = sampler->sequences;
        CHECK(step.masked == 0);
    } else {
        fprintf(stderr, "    %s\n", error.message);
    }
    sedd_sampler_free(sampler);
    return ok;
}

static bool same_ids(const struct ran *a, const struct ran *b)
{
    return memcmp(a->ids, b->ids, sizeof a->ids) == 0;
}

/* Between noise levels, all log-scores of a time-free model change by the same number. */
static void test_time_free(void)
{
    static const char *const names[] = {"mdlm", "sdtt", "radd"};
    for (size_t k = 0; k < 3; k++) {
        struct fixture f;
        if (!open_family(&f, names[k])) {
            continue;
        }
        int32_t ids[4] = {f.info.mask_id, 3, f.info.mask_id, 5};
        float low[4 * 128], high[4 * 128], sigma = 0.3f;
        CHECK(f.info.time_free && f.info.normalised && f.info.states <= 128);
        CHECK(sedd_score(f.session, 1, 4, ids, &sigma, low, NULL) == SEDD_OK);
        sigma = 2.5f;
        CHECK(sedd_score(f.session, 1, 4, ids, &sigma, high, NULL) == SEDD_OK);
        double shift = log(expm1(2.5)) - log(expm1((double)0.3f)), worst = 0.0, sum = 0.0;
        for (int32_t y = 0; y < f.info.tokens; y++) {
            worst = fmax(worst, fabs((double)low[y] - (double)high[y] - shift));
            sum += exp((double)high[y]);
            CHECK(y == 3 ? low[f.info.states + y] == 0.0f : low[f.info.states + y] == -INFINITY);
        }
        CHECK(worst < 1e-5 && fabs(sum * expm1(2.5) - 1.0) < 1e-5);
        close_fixture(&f);
    }
}

/* With exact draws, a run knows which masks a step fills in before the network runs. Steps that
 * fill in none are not evaluated. */
static void test_skipping(void)
{
    static const char *const names[] = {"mdlm", "mdlm-time", "sdtt", "radd"};
    for (size_t k = 0; k < 4; k++) {
        struct fixture f;
        if (!open_family(&f, names[k])) {
            continue;
        }
        struct ran score, coin, euler;
        struct sedd_sample_options options = {.length = 8, .steps = 64, .seed = 5};
        CHECK(run(&f, &options, &score));
        CHECK(score.evaluations == score.total - score.empty && score.evaluations <= 8);
        CHECK(score.evaluations > 1);
        options.positions = SEDD_POSITIONS_NORMALISED;
        CHECK(run(&f, &options, &coin) && same_ids(&score, &coin));
        options.predictor = SEDD_PREDICTOR_EULER;
        CHECK(run(&f, &options, &euler) && euler.evaluations <= 9);
        options = (struct sedd_sample_options){
            .length = 8, .seed = 5, .positions = SEDD_POSITIONS_HITTING};
        CHECK(run(&f, &options, &coin) && coin.evaluations == 8);
        options = (struct sedd_sample_options){.length = 12,
                                               .steps = 4,
                                               .seed = 5,
                                               .positions = SEDD_POSITIONS_PLANNED,
                                               .order = SEDD_ORDER_SPREAD,
                                               .grid = SEDD_GRID_COSINE,
                                               .context = SEDD_CONTEXT_KNOWN};
        CHECK(run(&f, &options, &coin) && coin.evaluations == 4);
        close_fixture(&f);
    }
}

/* Official draws reuse the network's output while nothing changes; the text is the same. */
static void test_reuse(void)
{
    struct fixture f;
    struct ran fresh, kept;
    struct sedd_sample_options options = {
        .batch = 2, .length = 5, .steps = 40, .seed = 9, .draw = SEDD_DRAW_OFFICIAL};
    if (open_family(&f, "mdlm")) {
        options.predictor = SEDD_PREDICTOR_DDPM;
        CHECK(run(&f, &options, &fresh) && fresh.evaluations == 41 && fresh.sequences == 82);
        options.predictor = SEDD_PREDICTOR_DDPM_CACHE;
        CHECK(run(&f, &options, &kept) && same_ids(&fresh, &kept));
        CHECK(kept.evaluations <= 12 && kept.sequences == 2 * kept.evaluations);
        close_fixture(&f);
    }
    if (open_family(&f, "mdlm-time")) {
        CHECK(run(&f, &options, &fresh) && fresh.evaluations == 41);
        close_fixture(&f);
    }
    if (open_family(&f, "radd")) { /* each sequence separately; no evaluation at the end */
        options.predictor = SEDD_PREDICTOR_ANALYTIC;
        CHECK(run(&f, &options, &kept) && kept.total == 40);
        CHECK(kept.sequences < 2 * kept.evaluations && kept.sequences <= 12);
        close_fixture(&f);
    }
}

/* A run that continues from a saved state draws the same. */
static void test_restore(void)
{
    struct fixture f;
    struct ran whole;
    struct sedd_step step;
    struct sedd_sampler *sampler = NULL;
    struct sedd_sample_options options = {.length = 9,
                                          .steps = 12,
                                          .seed = 3,
                                          .draw = SEDD_DRAW_OFFICIAL,
                                          .predictor = SEDD_PREDICTOR_DDPM_CACHE};
    if (!open_family(&f, "mdlm") || !run(&f, &options, &whole) ||
        !CHECK(sedd_sampler_new(f.session, &options, &sampler, NULL) == SEDD_OK)) {
        return;
    }
    int32_t saved[9], half = 5;
    for (int32_t i = 0; i < half; i++) {
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
    }
    memcpy(saved, sedd_sampler_ids(sampler), sizeof saved);
    while (!sedd_sampler_done(sampler)) {
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
    }
    CHECK(sedd_sampler_restore(sampler, half, saved, NULL) == SEDD_OK);
    while (!sedd_sampler_done(sampler)) {
        CHECK(sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK);
    }
    CHECK(memcmp(whole.ids, sedd_sampler_ids(sampler), sizeof saved) == 0);
    sedd_sampler_free(sampler);
    close_fixture(&f);
}

/* Returns the total number of steps of a run. */
static int32_t total_of(struct fixture *f, const struct sedd_sample_options *options)
{
    struct ran ran;
    return run(f, options, &ran) ? ran.total : -1;
}

static void test_endings(void)
{
    struct fixture f;
    struct ran ran, again;
    struct sedd_sample_options options = {.length = 10, .steps = 3, .seed = 2};
    if (open_family(&f, "radd")) {
        CHECK(total_of(&f, &options) == 3); /* its last step fills in all masks */
        options.ending = SEDD_ENDING_DRAW;
        CHECK(total_of(&f, &options) == 4);
        close_fixture(&f);
    }
    if (open_family(&f, "mdlm")) {
        options.ending = SEDD_ENDING_OWN;
        CHECK(total_of(&f, &options) == 4);
        options.ending = SEDD_ENDING_OPEN;
        CHECK(total_of(&f, &options) == 3);
        close_fixture(&f);
    }
    if (open_family(&f, "duo")) { /* the likeliest ending is deterministic */
        options.ending = SEDD_ENDING_LIKELIEST;
        CHECK(run(&f, &options, &ran) && run(&f, &options, &again) && same_ids(&ran, &again));
        CHECK(ran.total == 4 && ran.evaluations == 4);
        close_fixture(&f);
    }
}

/* A step that is evaluated elsewhere is told to return the likeliest tokens. */
static void test_request(void)
{
    struct fixture f;
    struct sedd_request request;
    struct sedd_sampler *sampler = NULL;
    struct sedd_sample_options options = {.length = 6, .steps = 2, .ending = SEDD_ENDING_LIKELIEST};
    if (!open_family(&f, "mdlm") ||
        !CHECK(sedd_sampler_new(f.session, &options, &sampler, NULL) == SEDD_OK)) {
        return;
    }
    CHECK(sedd_sampler_request(sampler, &request, NULL) == SEDD_OK && !request.greedy);
    int32_t ids[6];
    for (int32_t i = 0; i < 6; i++) {
        ids[i] = i == 0 ? f.info.mask_id : 1;
    }
    CHECK(sedd_sampler_restore(sampler, 2, ids, NULL) == SEDD_OK);
    CHECK(sedd_sampler_request(sampler, &request, NULL) == SEDD_OK && request.greedy);
    CHECK(request.rows == 1 && request.index[0] == 0);
    sedd_sampler_free(sampler);
    close_fixture(&f);
}

static void refuses(const char *name, const struct sedd_sample_options *options, const char *words)
{
    struct fixture f;
    struct sedd_sampler *sampler = NULL;
    struct sedd_error error = {0};
    if (open_family(&f, name)) {
        CHECK(sedd_sampler_new(f.session, options, &sampler, &error) == SEDD_ERROR_ARGUMENT);
        CHECK_TEXT(error.message, words);
        close_fixture(&f);
    }
}

/* The filters choose among a RADD's tokens: the likeliest one alone is the greedy draw. */
static void test_filters(void)
{
    struct fixture f;
    struct ran greedy, likeliest, nucleus, free_draw;
    struct sedd_sample_options options = {.length = 10, .steps = 6, .seed = 4};
    if (!open_family(&f, "radd") || !run(&f, &options, &free_draw)) {
        return;
    }
    options.top_k = 1;
    CHECK(run(&f, &options, &likeliest));
    options.top_k = 0;
    options.top_p = 1e-6;
    CHECK(run(&f, &options, &nucleus));
    options.top_p = 0.0;
    options.greedy = true;
    CHECK(run(&f, &options, &greedy) && same_ids(&greedy, &likeliest) &&
          same_ids(&greedy, &nucleus));
    CHECK(!same_ids(&greedy, &free_draw));
    close_fixture(&f);
}

static void test_refusals(void)
{
    struct sedd_sample_options options = {.length = 8, .predictor = SEDD_PREDICTOR_DDPM};
    refuses("absorb", &options, "need a model that gives p(x0)");
    options.predictor = SEDD_PREDICTOR_DDPM_CACHE;
    refuses("uniform", &options, "need a model that gives p(x0)");
    options = (struct sedd_sample_options){.length = 8, .ending = SEDD_ENDING_OPEN};
    refuses("duo", &options, "the ending open needs masks");
    options.no_denoise = true;
    refuses("mdlm", &options, "an ending needs positions score or normalised, and denoise");
    options = (struct sedd_sample_options){
        .length = 8, .ending = SEDD_ENDING_DRAW, .positions = SEDD_POSITIONS_PLANNED};
    refuses("mdlm", &options, "an ending needs positions score or normalised, and denoise");
    options = (struct sedd_sample_options){.length = 8, .top_k = 5};
    refuses("duo", &options, "need exact draws and the absorb graph");
}

/* Computes the mean, over all subsets of masked positions that k-mask may choose, of its weighted
 * cross-entropies: the bound itself, in nats a token. `length` is at most 4. */
static double exact_bound(struct fixture *f, const int32_t *x0, int32_t length)
{
    double by_count[5] = {0}, subsets[5] = {0}, bound = 0.0;
    float scores[4 * 128], sigma = 1.0f;
    for (int32_t set = 1; set < 1 << length; set++) {
        int32_t ids[4], masked = 0;
        double nats = 0.0;
        for (int32_t i = 0; i < length; i++) {
            ids[i] = set >> i & 1 ? f->info.mask_id : x0[i];
            masked += set >> i & 1;
        }
        CHECK(sedd_score(f->session, 1, length, ids, &sigma, scores, NULL) == SEDD_OK);
        for (int32_t i = 0; i < length; i++) {
            float score = scores[i * f->info.states + x0[i]];
            nats -= set >> i & 1 ? (double)score + log(expm1(1.0)) : 0.0;
        }
        by_count[masked] += nats;
        subsets[masked] += 1.0;
    }
    for (int32_t k = 1; k <= length; k++) {
        bound += by_count[k] / subsets[k] / k;
    }
    return bound / length;
}

/* MDLM's estimator (reference) and RADD's two estimate one number, which is known for few tokens.
 */
static void test_estimators(void)
{
    static const char *const names[] = {"mdlm", "sdtt", "radd"};
    const int32_t x0[] = {5, 17, 3, 40};
    for (size_t k = 0; k < 3; k++) {
        struct fixture f;
        if (!open_family(&f, names[k])) {
            continue;
        }
        double exact = exact_bound(&f, x0, 4);
        for (int estimator = SEDD_ESTIMATOR_KMASK; estimator <= SEDD_ESTIMATOR_LAMBDA;
             estimator++) {
            struct sedd_bound_options options = {
                .estimator = (enum sedd_estimator)estimator, .samples = 4000, .seed = 3};
            struct sedd_estimate got;
            CHECK(sedd_bound(f.session, x0, 4, &options, &got, NULL, NULL) == SEDD_OK);
            /* The reference leaves times below 1e-3 out. */
            double tolerance = 4.0 * got.standard_error + 2e-3 * exact;
            if (!CHECK(fabs(got.nats_per_token - exact) < tolerance)) {
                fprintf(stderr, "    %s, estimator %d: %g +- %g, exactly %g\n", names[k], estimator,
                        got.nats_per_token, got.standard_error, exact);
            }
        }
        close_fixture(&f);
    }
    struct fixture f;
    if (open_family(&f, "duo")) {
        struct sedd_bound_options options = {.estimator = SEDD_ESTIMATOR_LAMBDA};
        struct sedd_estimate got;
        struct sedd_error error = {0};
        CHECK(sedd_bound(f.session, x0, 4, &options, &got, NULL, &error) == SEDD_ERROR_UNSUPPORTED);
        CHECK_TEXT(error.message, "need the absorb graph");
        CHECK(sedd_bound_estimator(&f.info) == SEDD_ESTIMATOR_REFERENCE);
        close_fixture(&f);
    }
}

#define TEXTS 20000
#define BINS 128

/* First-hitting is exact: of two masks each is first with probability 1/2. Compares the first
 * token's frequencies with their probabilities (chi-squared; 1 in 10,000 exceeds the limit). */
static void test_hitting(void)
{
    struct fixture f;
    if (!open_family(&f, "mdlm")) {
        return;
    }
    float scores[2 * BINS], sigma = 1.0f;
    int32_t n = f.info.states, mask = f.info.mask_id, ids[2] = {mask, mask};
    double first[BINS] = {0}, expected[BINS] = {0}, found[BINS] = {0}, chi = 0.0, bins = 0.0;
    CHECK(n <= BINS && sedd_score(f.session, 1, 2, ids, &sigma, scores, NULL) == SEDD_OK);
    for (int32_t y = 0; y < f.info.tokens; y++) {
        expected[y] = 0.5 * exp((double)scores[y]) * expm1(1.0);
        first[y] = exp((double)scores[n + y]) * expm1(1.0); /* of the second position */
    }
    for (int32_t u = 0; u < f.info.tokens; u++) {
        ids[1] = u;
        CHECK(sedd_score(f.session, 1, 2, ids, &sigma, scores, NULL) == SEDD_OK);
        for (int32_t y = 0; y < f.info.tokens; y++) {
            expected[y] += 0.5 * first[u] * exp((double)scores[y]) * expm1(1.0);
        }
    }
    for (uint64_t seed = 0; seed < TEXTS; seed++) {
        struct sedd_sampler *sampler = NULL;
        struct sedd_step step;
        struct sedd_sample_options options = {
            .length = 2, .seed = seed, .positions = SEDD_POSITIONS_HITTING};
        bool ok = sedd_sampler_new(f.session, &options, &sampler, NULL) == SEDD_OK;
        while (ok && !sedd_sampler_done(sampler)) {
            ok = sedd_sampler_advance(sampler, &step, NULL) == SEDD_OK;
        }
        if (!CHECK(ok)) {
            return;
        }
        found[sedd_sampler_ids(sampler)[0]] += 1.0;
        sedd_sampler_free(sampler);
    }
    for (int32_t y = 0; y < f.info.tokens; y++) {
        double count = TEXTS * expected[y];
        if (count >= 5.0) {
            chi += (found[y] - count) * (found[y] - count) / count;
            bins += 1.0;
        }
    }
    /* Wilson and Hilferty's normal approximation of chi-squared, at 3.72 deviations. */
    double limit = bins * pow(1.0 - 2.0 / (9.0 * bins) + 3.72 * sqrt(2.0 / (9.0 * bins)), 3.0);
    CHECK(bins > 10.0 && chi < limit);
    close_fixture(&f);
}

static void test_defaults(void)
{
    static const struct {
        const char *name;
        enum sedd_predictor predictor;
        int32_t steps;
    } ways[] = {{"absorb", SEDD_PREDICTOR_ANALYTIC, 0},
                {"mdlm", SEDD_PREDICTOR_DDPM_CACHE, 0},
                {"sdtt", SEDD_PREDICTOR_DDPM, 32},
                {"radd", SEDD_PREDICTOR_ANALYTIC, 0},
                {"duo", SEDD_PREDICTOR_ANALYTIC, 0}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char folder[512];
        struct sedd_sample_options options = {0};
        snprintf(folder, sizeof folder, "%s/golden/%s", TEST_DIR, ways[i].name);
        CHECK(sedd_sample_defaults_open(folder, &options, NULL) == SEDD_OK);
        CHECK(options.predictor == ways[i].predictor && options.steps == ways[i].steps);
    }
}

int main(void)
{
    test_time_free();
    test_skipping();
    test_reuse();
    test_restore();
    test_endings();
    test_request();
    test_filters();
    test_refusals();
    test_estimators();
    test_hitting();
    test_defaults();
    return test_report("family");
}
