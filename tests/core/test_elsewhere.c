/*
 * test_elsewhere.c - tests evaluations of the network that a session leaves to its caller. The
 * caller is a second session of the same model, so every call has to give the same bits as one that
 * evaluates itself.
 */
#include "fixture.h"
#include "model/gpt2.h"
#include "model/score.h"

#include <stdlib.h>

#define LENGTH 16 /* rows of each session */

/* Two further sessions of the model: one leaves its evaluations to the other. */
struct pair {
    struct fixture own;
    struct sedd_session *left, *other;
    float *logits; /* [LENGTH, N] */
    int32_t asked; /* evaluations that `left` asked for */
};

static bool open_pair(struct pair *p, const char *name)
{
    struct sedd_error error = {0};
    struct sedd_engine_options options = {0};
    *p = (struct pair){0};
    if (!open_golden(&p->own, name, LENGTH, SEDD_DTYPE_AUTO, &options)) {
        return false;
    }
    p->logits = malloc(LENGTH * (size_t)p->own.info.states * sizeof(float));
    return CHECK(
        p->logits != NULL &&
        sedd_session_new(p->own.engine, p->own.model, LENGTH, &p->left, &error) == SEDD_OK &&
        sedd_session_new(p->own.engine, p->own.model, LENGTH, &p->other, &error) == SEDD_OK &&
        sedd_session_leave(p->left, true, &error) == SEDD_OK);
}

static void close_pair(struct pair *p)
{
    sedd_session_free(p->left);
    sedd_session_free(p->other);
    close_fixture(&p->own);
    free(p->logits);
}

static void copy_row(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    struct pair *p = user;
    (void)place;
    (void)work;
    memcpy(p->logits + (size_t)row * (size_t)p->own.info.states, logits,
           (size_t)p->own.info.states * sizeof(float));
}

/* Evaluates what `left` requested, and answers. This caller knows the noise level, so it needs
 * no modulation; it checks that the modulation is that level's. */
static void answer(struct pair *p, double sigma)
{
    const struct sedd_evaluation *asked = sedd_session_evaluation(p->left);
    struct sedd_reading reading = {.batch = 1,
                                   .length = asked->length,
                                   .ids = asked->ids,
                                   .sigma = sigma,
                                   .read_count = asked->read_count,
                                   .read = asked->read,
                                   .rows = asked->rows,
                                   .index = asked->index};
    p->asked++;
    CHECK(sedd_score_forward(p->other, &reading, NULL) == SEDD_OK);
    CHECK((size_t)asked->modulation_size == p->other->modulation_size &&
          memcmp(asked->modulation, p->other->modulation,
                 p->other->modulation_size * sizeof(float)) == 0);
    if (asked->rows > 0) {
        CHECK(sedd_score_head(p->other, &reading, copy_row, p, NULL) == SEDD_OK);
    }
    sedd_session_answer(p->left, p->logits);
}

static void test_inspect(const char *name)
{
    struct pair p;
    if (open_pair(&p, name)) {
        int32_t mask = p.own.info.graph == SEDD_GRAPH_ABSORB ? p.own.info.mask_id : 7;
        int32_t ids[8] = {mask, 3, mask, 5, 6, mask, 8, mask}, positions[3] = {5, 0, 2};
        struct sedd_inspect_options options = {
            .sigma = 0.7, .steps = 4, .positions = positions, .position_count = 3, .top_k = 2};
        struct sedd_inspected own[3], left[3];
        struct sedd_candidate best[6], found[6];
        struct sedd_error error = {0};
        double sigma = 0.0;
        CHECK(sedd_inspect(p.own.session, 8, ids, &options, &sigma, own, best, &error) == SEDD_OK);
        CHECK(sedd_inspect(p.left, 8, ids, &options, &sigma, left, found, &error) ==
              SEDD_ELSEWHERE);
        CHECK(strcmp(sedd_status_name(error.status), "elsewhere") == 0);
        CHECK(sedd_session_evaluation(p.left)->index[0] == 0); /* ascending */
        answer(&p, 0.7);
        CHECK(sedd_inspect(p.left, 8, ids, &options, &sigma, left, found, &error) == SEDD_OK);
        CHECK(memcmp(own, left, sizeof own) == 0);
        for (int i = 0; i < 6; i++) {
            CHECK(best[i].id == found[i].id && best[i].logscore == found[i].logscore);
        }
        /* An answer is valid for one call only. */
        CHECK(sedd_inspect(p.left, 8, ids, &options, &sigma, left, found, &error) ==
              SEDD_ELSEWHERE);
        CHECK(sedd_session_leave(p.left, false, &error) == SEDD_OK);
        CHECK(sedd_inspect(p.left, 8, ids, &options, &sigma, left, found, &error) == SEDD_OK);
        CHECK(memcmp(own, left, sizeof own) == 0);
    }
    close_pair(&p);
}

/* Tests runs of all kinds: every step must make the same changes. */
static void test_run(const char *name, const struct sedd_sample_options *options)
{
    struct pair p;
    if (open_pair(&p, name)) {
        struct sedd_sampler *own = NULL, *left = NULL;
        struct sedd_step step = {0}, twin = {0};
        struct sedd_error error = {0};
        CHECK(sedd_sampler_new(p.own.session, options, &own, &error) == SEDD_OK);
        CHECK(sedd_sampler_new(p.left, options, &left, &error) == SEDD_OK);
        bool ok = own != NULL && left != NULL;
        while (ok && !sedd_sampler_done(own)) {
            ok = CHECK(sedd_sampler_advance(own, &step, &error) == SEDD_OK);
            enum sedd_status status = sedd_sampler_advance(left, &twin, &error);
            if (status == SEDD_ELSEWHERE) {
                answer(&p, step.sigma);
                status = sedd_sampler_advance(left, &twin, &error);
            }
            ok = ok && CHECK(status == SEDD_OK) && CHECK(twin.changed_count == step.changed_count);
            ok = ok && CHECK(memcmp(sedd_sampler_ids(own), sedd_sampler_ids(left),
                                    (size_t)options->length * sizeof(int32_t)) == 0);
        }
        CHECK(p.asked > 0 && ok);
        sedd_sampler_free(own);
        sedd_sampler_free(left);
    }
    close_pair(&p);
}

static void test_runs(void)
{
    const struct sedd_sample_options exact = {.length = 12, .steps = 5, .seed = 3};
    const struct sedd_sample_options official = {
        .length = 12, .steps = 5, .seed = 3, .draw = SEDD_DRAW_OFFICIAL};
    const struct sedd_sample_options known = {.length = 12,
                                              .steps = 5,
                                              .seed = 3,
                                              .positions = SEDD_POSITIONS_PLANNED,
                                              .context = SEDD_CONTEXT_KNOWN};
    static const char *const all[] = {"absorb", "uniform", "mdlm", "mdlm-time",
                                      "sdtt",   "radd",    "duo"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        test_run(all[i], &exact);
        test_run(all[i], &official);
    }
    test_run("absorb", &known);
    test_run("radd", &known);
}

static void test_bound(const char *name, enum sedd_estimator estimator)
{
    struct pair p;
    if (open_pair(&p, name)) {
        const int32_t ids[6] = {3, 4, 5, 6, 7, 8};
        struct sedd_bound_options options = {.samples = 4, .seed = 2, .estimator = estimator};
        struct sedd_bounder *own = NULL, *left = NULL;
        struct sedd_estimate first, second;
        struct sedd_error error = {0};
        CHECK(sedd_bounder_new(p.own.session, ids, 6, &options, &own, &error) == SEDD_OK);
        CHECK(sedd_bounder_new(p.left, ids, 6, &options, &left, &error) == SEDD_OK);
        while (own != NULL && left != NULL && !sedd_bounder_done(own)) {
            CHECK(sedd_bounder_advance(own, &error) == SEDD_OK);
            CHECK(sedd_bounder_advance(left, &error) == SEDD_ELSEWHERE);
            answer(&p,
                   p.own.session
                       ->condition_sigma[(p.own.session->modulation - p.own.session->modulations) /
                                         (ptrdiff_t)p.own.session->modulation_size]);
            CHECK(sedd_bounder_advance(left, &error) == SEDD_OK);
        }
        CHECK(p.asked == 4 && sedd_bounder_done(left));
        sedd_bounder_estimate(own, &first, NULL);
        sedd_bounder_estimate(left, &second, NULL);
        CHECK(first.nats_per_token == second.nats_per_token);
        sedd_bounder_free(own);
        sedd_bounder_free(left);
    }
    close_pair(&p);
}

static void test_gpt2(void)
{
    struct pair p;
    if (open_pair(&p, "gpt2")) {
        const int32_t ids[6] = {3, 4, 5, 6, 7, 8};
        const struct sedd_nll_options options = {.bos = 1};
        struct sedd_estimate own, left;
        struct sedd_error error = {0};
        CHECK(sedd_gpt2_nll(p.own.session, ids, 6, &options, &own, NULL, &error) == SEDD_OK);
        CHECK(sedd_gpt2_nll(p.left, ids, 6, &options, &left, NULL, &error) == SEDD_ELSEWHERE);
        const struct sedd_evaluation *asked = sedd_session_evaluation(p.left);
        CHECK(asked->rows == 6 && asked->ids[0] == 1 && asked->ids[1] == 3 && !asked->modulation);
        CHECK(sedd_gpt2_append(p.other, asked->ids, 6, true, p.logits, &error) == SEDD_OK);
        sedd_session_answer(p.left, p.logits);
        CHECK(sedd_gpt2_nll(p.left, ids, 6, &options, &left, NULL, &error) == SEDD_OK);
        CHECK(own.nats_per_token == left.nats_per_token);
        /* The last token alone is the last place. */
        CHECK(sedd_gpt2_append(p.left, ids, 6, false, p.logits, &error) == SEDD_ELSEWHERE);
        CHECK(asked->length == 6 && asked->rows == 1 && asked->index[0] == 5);
        /* A cache that this engine has filled cannot be continued elsewhere. */
        CHECK(sedd_session_leave(p.left, false, &error) == SEDD_OK);
        CHECK(sedd_gpt2_append(p.left, ids, 2, false, NULL, &error) == SEDD_OK);
        CHECK(sedd_session_leave(p.left, true, &error) == SEDD_OK);
        CHECK(sedd_gpt2_append(p.left, ids, 2, false, NULL, &error) == SEDD_ERROR_UNSUPPORTED);
    }
    close_pair(&p);
}

int main(void)
{
    static const char *const names[] = {"absorb", "uniform", "mdlm", "radd", "duo"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_inspect(names[i]);
        test_bound(names[i], SEDD_ESTIMATOR_REFERENCE);
    }
    test_bound("absorb", SEDD_ESTIMATOR_KMASK);
    test_bound("mdlm", SEDD_ESTIMATOR_KMASK);
    test_runs();
    test_gpt2();
    return test_report("elsewhere");
}
