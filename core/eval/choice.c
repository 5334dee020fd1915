/*
 * choice.c - computes the likelihoods of continuations, to choose between them (multiple choice).
 *
 * SEDD with normalised scores is an any-order model. The bound on -ln p(target | context) of n
 * target tokens is therefore the mean, over k = 1..n and over sets of k masked targets, of
 * (n/k) * sum of cross-entropies, where the context is never masked (Ou et al. 2024; bound.c does
 * the same for whole windows). The chain rule uses one order instead: it predicts target j from the
 * context and the targets before j, with the rest masked.
 *
 * Both are sums over evaluations of sequences with k of their n targets masked, at the noise of
 * k/n. Evaluations with equal length, n and k run through the network in one batch.
 */
#include "eval/cross_entropy.h"
#include "eval/options.h"
#include "model/gpt2.h"
#include "model/score.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

/* One sequence at one noise level. */
struct evaluation {
    int32_t option, sample; /* sample: of the bound, or a chain's scored target */
    int32_t length, targets, masked;
    int32_t times; /* weight; all samples that mask every target are one evaluation */
};

struct choosing {
    struct sedd_session *session;
    const struct sedd_option *options;
    const struct sedd_choice_options *choice;
    int32_t samples;
    struct evaluation *evaluations;
    int32_t evaluation_count;
    double *uniform; /* [most targets] random numbers that rank places for masking */
    int32_t *ids;    /* [rows] masked sequences of a batch */
    int32_t *places; /* [rows] places in ids whose cross-entropies count, ascending */
    int32_t *target; /* [rows] the token under the mask at each of these places */
    double *value;   /* [rows] the cross-entropy of each target */
};

/* ---- The list of evaluations ------------------------------------------------------------- */

static int compare_evaluations(const void *left, const void *right)
{
    const struct evaluation *a = left, *b = right;
    const int32_t x[] = {a->length, a->targets, a->masked, a->option, a->sample};
    const int32_t y[] = {b->length, b->targets, b->masked, b->option, b->sample};
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

static int32_t evaluations_of(const struct choosing *c, const struct sedd_option *option)
{
    return c->choice->scoring == SEDD_SCORING_CHAIN ? option->length - option->given : c->samples;
}

/* Returns the number of targets that a sample masks. For the bound, sample s masks a share in
 * [s / samples, (s + 1) / samples), the same for every option. For the chain, evaluation j masks
 * target j and all targets after it. */
static int32_t masked_of(const struct choosing *c, int32_t targets, int32_t sample)
{
    if (c->choice->scoring == SEDD_SCORING_CHAIN) {
        return targets - sample;
    }
    double u = sedd_random_uniform(c->choice->seed, SEDD_STREAM_TIME, 0, (uint32_t)sample, 0);
    return sedd_min(targets, 1 + (int32_t)((sample + u) / c->samples * targets));
}

static void list_evaluations(struct choosing *c, int32_t count)
{
    struct evaluation *next = c->evaluations;
    for (int32_t i = 0; i < count; i++) {
        const struct sedd_option *option = &c->options[i];
        struct evaluation one = {.option = i,
                                 .length = option->length,
                                 .targets = option->length - option->given,
                                 .times = 1};
        for (; one.sample < evaluations_of(c, option); one.sample++) {
            one.masked = masked_of(c, one.targets, one.sample);
            if (one.sample > 0 && one.masked == one.targets && next[-1].masked == one.targets) {
                next[-1].times++;
            } else {
                *next++ = one;
            }
        }
    }
    c->evaluation_count = (int32_t)(next - c->evaluations);
    qsort(c->evaluations, (size_t)c->evaluation_count, sizeof *c->evaluations, compare_evaluations);
}

/* ---- One batch --------------------------------------------------------------------------- */

/* Returns true for the `masked` places with the smallest random numbers. The first of equal numbers
 * counts as smaller. */
static bool is_masked(const struct choosing *c, const struct evaluation *e, int32_t place)
{
    if (c->choice->scoring == SEDD_SCORING_CHAIN) {
        return place >= e->sample;
    }
    int32_t before = 0;
    for (int32_t i = 0; i < e->targets; i++) {
        before +=
            c->uniform[i] < c->uniform[place] || (c->uniform[i] == c->uniform[place] && i < place);
    }
    return before < e->masked;
}

/* Writes the masked sequence at `row`, and lists the places whose cross-entropies count. */
static int32_t mask_sequence(struct choosing *c, const struct evaluation *e, int32_t row,
                             int32_t listed)
{
    const struct sedd_option *option = &c->options[e->option];
    bool chain = c->choice->scoring == SEDD_SCORING_CHAIN;
    memcpy(c->ids + row, option->ids, (size_t)option->length * sizeof *c->ids);
    for (int32_t i = 0; i < e->targets && !chain; i++) {
        c->uniform[i] = sedd_random_uniform(c->choice->seed, SEDD_STREAM_MASK, (uint32_t)e->sample,
                                            (uint32_t)i, 0);
    }
    for (int32_t i = 0; i < e->targets; i++) {
        if (is_masked(c, e, i)) {
            int32_t place = row + option->given + i;
            c->ids[place] = c->session->model->info.mask_id;
            if (!chain || i == e->sample) {
                c->target[listed] = option->ids[option->given + i];
                c->places[listed++] = place;
            }
        }
    }
    return listed;
}

static enum sedd_status run_batch(struct choosing *c, const struct evaluation *first, int32_t count,
                                  double *nats, struct sedd_error *error)
{
    int32_t listed = 0, next = 0;
    for (int32_t i = 0; i < count; i++) {
        listed = mask_sequence(c, &first[i], i * first->length, listed);
    }
    struct sedd_targets targets = {c->session, c->target, c->value};
    struct sedd_reading reading = {.batch = count,
                                   .length = first->length,
                                   .ids = c->ids,
                                   .sigma =
                                       sedd_masked_sigma((double)first->masked / first->targets),
                                   .rows = listed,
                                   .index = c->places};
    enum sedd_status status = sedd_score_forward(c->session, &reading, error);
    if (status == SEDD_OK) {
        status = sedd_score_head(c->session, &reading, sedd_targets_visit, &targets, error);
    }
    bool chain = c->choice->scoring == SEDD_SCORING_CHAIN;
    double weight = chain ? 1.0 : (double)first->targets / first->masked / c->samples;
    for (int32_t i = 0; i < count && status == SEDD_OK; i++) {
        double sum = 0.0;
        for (int32_t k = 0; k < (chain ? 1 : first->masked); k++) {
            sum += c->value[next++];
        }
        nats[first[i].option] += weight * first[i].times * sum;
    }
    return status;
}

/* Returns the number of evaluations, from `first` on, that can share a forward pass. */
static int32_t batch_size(const struct choosing *c, int32_t first)
{
    const struct evaluation *head = &c->evaluations[first];
    int32_t most = sedd_min(c->session->rows / head->length, c->evaluation_count - first),
            count = 1;
    while (count < most && head[count].length == head->length &&
           head[count].targets == head->targets && head[count].masked == head->masked) {
        count++;
    }
    return count;
}

/* ---- SEDD -------------------------------------------------------------------------------- */

static enum sedd_status choose_sedd(struct sedd_session *session, const struct sedd_option *options,
                                    int32_t count, const struct sedd_choice_options *choice,
                                    double *nats, struct sedd_error *error)
{
    struct choosing c = {
        .session = session, .options = options, .choice = choice, .samples = choice->samples};
    uint64_t evaluations = 0, rows = (uint64_t)session->rows;
    for (int32_t i = 0; i < count; i++) {
        evaluations += (uint64_t)evaluations_of(&c, &options[i]);
    }
    if (evaluations > 1 << 28) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "a choice needs %llu network evaluations; expected at most %d",
                         (unsigned long long)evaluations, 1 << 28);
    }
    c.evaluations = sedd_memory_new(evaluations, sizeof *c.evaluations);
    c.uniform = sedd_memory_new(rows, sizeof *c.uniform);
    c.ids = sedd_memory_new(rows, sizeof *c.ids);
    c.places = sedd_memory_new(rows, sizeof *c.places);
    c.target = sedd_memory_new(rows, sizeof *c.target);
    c.value = sedd_memory_new(rows, sizeof *c.value);
    enum sedd_status status = SEDD_OK;
    if (c.evaluations == NULL || c.uniform == NULL || c.ids == NULL || c.places == NULL ||
        c.target == NULL || c.value == NULL) {
        status =
            sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a choice of %d options", (int)count);
    } else {
        list_evaluations(&c, count);
    }
    for (int32_t first = 0, size; first < c.evaluation_count && status == SEDD_OK; first += size) {
        size = batch_size(&c, first);
        status = run_batch(&c, &c.evaluations[first], size, nats, error);
    }
    sedd_memory_free(c.evaluations);
    sedd_memory_free(c.uniform);
    sedd_memory_free(c.ids);
    sedd_memory_free(c.places);
    sedd_memory_free(c.target);
    sedd_memory_free(c.value);
    return status;
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

static bool same_context(const struct sedd_option *a, const struct sedd_option *b)
{
    return a->given == b->given && memcmp(a->ids, b->ids, (size_t)a->given * sizeof *a->ids) == 0;
}

/* Appends to the cache all tokens before the one that predicts the first target. */
static enum sedd_status read_context(struct sedd_session *session, const struct sedd_option *option,
                                     struct sedd_error *error)
{
    sedd_gpt2_reset(session);
    return option->given == 1
               ? SEDD_OK
               : sedd_gpt2_visit(session, option->ids, option->given - 1, 0, NULL, NULL, error);
}

static enum sedd_status read_targets(struct sedd_session *session, const struct sedd_option *option,
                                     double *value, double *nats, struct sedd_error *error)
{
    int32_t targets = option->length - option->given;
    struct sedd_targets exact = {session, option->ids + option->given, value};
    enum sedd_status status = sedd_gpt2_visit(session, option->ids + option->given - 1, targets, -1,
                                              sedd_targets_visit, &exact, error);
    for (int32_t i = 0; i < targets && status == SEDD_OK; i++) {
        *nats += value[i];
    }
    return status;
}

static enum sedd_status choose_gpt2(struct sedd_session *session, const struct sedd_option *options,
                                    int32_t count, double *nats, struct sedd_error *error)
{
    double *value = sedd_memory_new((uint64_t)session->rows, sizeof *value);
    enum sedd_status status = SEDD_OK;
    int32_t context = 0;
    if (value == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for an option's tokens");
    }
    for (int32_t i = 0; i < count && status == SEDD_OK; i++) {
        if (i == 0 || !same_context(&options[i - 1], &options[i])) {
            status = read_context(session, &options[i], error);
            context = sedd_gpt2_position(session);
        }
        sedd_gpt2_rewind(session, context);
        status =
            status == SEDD_OK ? read_targets(session, &options[i], value, &nats[i], error) : status;
    }
    sedd_gpt2_reset(session);
    sedd_memory_free(value);
    return status;
}

/* ---- The public call --------------------------------------------------------------------- */

static enum sedd_status check_option(const struct sedd_session *session,
                                     const struct sedd_option *option, int32_t number,
                                     struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    /* GPT-2 needs a token before the first target, and does not read the last token. */
    int32_t lowest = info->kind == SEDD_KIND_GPT2 ? 1 : 0;
    if (option->given < lowest || option->length <= option->given) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "option %d has %d tokens, %d of them given; expected %d or more given and "
                         "one or more to score",
                         (int)number, (int)option->length, (int)option->given, (int)lowest);
    }
    if (option->length - lowest > session->rows) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "option %d has %d tokens; the session has room for %d", (int)number,
                         (int)option->length, (int)session->rows + lowest);
    }
    return sedd_ids_check(option->ids, (size_t)option->length, info->tokens, error);
}

enum sedd_status sedd_choice(struct sedd_session *session, const struct sedd_option *options,
                             int32_t count, const struct sedd_choice_options *given, double *nats,
                             struct sedd_error *error)
{
    const struct sedd_model_info *info = &session->model->info;
    enum sedd_status status = SEDD_OK;
    if (count < 1) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "%d options; expected one or more",
                         (int)count);
    }
    struct sedd_choice_options choice = *given;
    status = sedd_fields_check(SEDD_CHOICE_FIELDS, SEDD_FIELD_OF_SEDD, &choice, error);
    if (info->kind == SEDD_KIND_SEDD && info->graph != SEDD_GRAPH_ABSORB) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         "a choice masks the options' tokens, which requires the absorb graph");
    }
    for (int32_t i = 0; i < count && status == SEDD_OK; i++) {
        status = check_option(session, &options[i], i, error);
    }
    if (status != SEDD_OK) {
        return status;
    }
    memset(nats, 0, (size_t)count * sizeof *nats);
    return info->kind == SEDD_KIND_GPT2
               ? choose_gpt2(session, options, count, nats, error)
               : choose_sedd(session, options, count, &choice, nats, error);
}
