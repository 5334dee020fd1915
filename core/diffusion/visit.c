/*
 * visit.c - draws a row's token from its logits. An exact draw at a mask has two parts, each with
 * its own random number: whether the mask is filled in, and with which token. Official draws and
 * the uniform graph draw once, over all states, as the reference code does.
 */
#include "diffusion/draw.h"
#include "diffusion/sampler.h"
#include "random.h"

#include <math.h>
#include <string.h>

double sedd_sampler_random(const struct sedd_sampler *sampler, int32_t place, uint32_t draw)
{
    return sedd_random_uniform(sampler->options.seed, SEDD_STREAM_DRAW,
                               (uint32_t)sampler->steps_done, (uint32_t)place, draw);
}

bool sedd_sampler_opens(const struct sedd_sampler *sampler, int32_t place, double score_sum)
{
    double open = sedd_transition_factor(&sampler->transition) * score_sum;
    return sampler->rest || sedd_sampler_random(sampler, place, 0) < open;
}

bool sedd_sampler_opens_by_score(const struct sedd_sampler *sampler)
{
    return sampler->options.positions == SEDD_POSITIONS_SCORE &&
           !sampler->session->model->info.normalised;
}

/* Returns the rank of a row with the distribution weights / sum, whose largest weight is 1. */
static double rank_of(const struct sedd_sampler *sampler, int32_t place, const float *weights,
                      int32_t tokens, double sum, float entropy)
{
    switch (sampler->options.order) {
    case SEDD_ORDER_CONFIDENCE: return -1.0 / sum;
    case SEDD_ORDER_MARGIN: return -(1.0 - (double)sedd_draw_second(weights, tokens)) / sum;
    case SEDD_ORDER_ENTROPY: return (double)entropy;
    default: return sampler->rank[place]; /* known beforehand */
    }
}

void sedd_visit_exact(void *user, int32_t row, int32_t place, float *logits, float *weights)
{
    struct sedd_sampler *sampler = user;
    const struct sedd_session *session = sampler->session;
    const struct sedd_kernels *kernels = session->engine->kernels;
    const struct sedd_sample_options *options = &sampler->options;
    struct sedd_outcome *drawn = &sampler->outcome[row];
    int32_t tokens = session->model->info.tokens;
    size_t size = (size_t)tokens * sizeof(float);
    sedd_session_mute(session, logits);
    float inverse = (float)(1.0 / options->temperature), largest = kernels->max(logits, tokens);
    bool coin = sedd_sampler_opens_by_score(sampler);
    memcpy(weights, logits, size);
    double sum = (double)kernels->exp_sum(weights, tokens, coin ? 1.0f : inverse, largest);
    double score_sum = sum * exp((double)largest - (double)sampler->shift);
    *drawn = (struct sedd_outcome){.id = -1, .sum = coin ? score_sum : sum};
    if (!isfinite(drawn->sum) || (coin && !sedd_sampler_opens(sampler, place, score_sum))) {
        return;
    }
    if (coin && options->temperature != 1.0) {
        memcpy(weights, logits, size);
        sum = (double)kernels->exp_sum(weights, tokens, inverse, largest);
    }
    drawn->entropy = sedd_draw_entropy(weights, logits, tokens, inverse, largest, sum);
    drawn->rank = rank_of(sampler, place, weights, tokens, sum, drawn->entropy);
    if (options->greedy || (sampler->last && sampler->ending == SEDD_ENDING_LIKELIEST)) {
        drawn->id = sedd_draw_likeliest(logits, tokens);
    } else {
        sedd_draw_filter(weights, tokens, options->top_k, options->top_p);
        drawn->id = sedd_draw_exact(weights, tokens, sedd_sampler_random(sampler, place, 1));
    }
    drawn->confidence = (float)((double)weights[drawn->id] / sum);
}

void sedd_visit_weights(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    struct sedd_sampler *sampler = user;
    const struct sedd_session *session = sampler->session;
    int32_t states = session->model->info.states;
    int32_t columns = sedd_transition_columns(&sampler->transition);
    int32_t x = sampler->ids[place];
    struct sedd_outcome *drawn = &sampler->outcome[row];
    *drawn = (struct sedd_outcome){.id = -1, .rank = sampler->rank[place]};
    if (sampler->last && sampler->ending == SEDD_ENDING_LIKELIEST) {
        sedd_session_mute(session, logits);
        drawn->id = sedd_draw_likeliest(logits, session->model->info.tokens);
        drawn->sum = (double)logits[drawn->id];
        return;
    }
    float shift = (float)sedd_score_bridge(session, sampler->sigma, x, logits, work);
    for (int32_t y = 0; y < states; y++) {
        logits[y] -= shift;
        if (!isfinite(logits[y])) {
            drawn->sum = NAN;
        }
    }
    sedd_session_mute(session, logits);
    logits[x] = 0.0f;
    sedd_transition_weights(&sampler->transition, x, logits);
    sedd_session_mute(session, logits);
    if (sampler->options.draw == SEDD_DRAW_EXACT) {
        drawn->id = sedd_draw_exact(logits, columns, sedd_sampler_random(sampler, place, 1));
        return;
    }
    const float *uniforms = work;
    if (sampler->uniforms != NULL) {
        bool radd = session->model->info.family == SEDD_FAMILY_RADD;
        size_t width = (size_t)(session->model->info.normalised ? states : columns);
        uniforms = sampler->uniforms + (size_t)(radd ? row : place) * width;
    } else {
        sedd_random_floats(sampler->options.seed, SEDD_STREAM_RACE, (uint32_t)sampler->steps_done,
                           (uint32_t)place, work, (uint32_t)columns);
    }
    drawn->id = sedd_draw_race(logits, uniforms, columns);
}
