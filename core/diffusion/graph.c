/*
 * graph.c - see graph.h. Notation of the SEDD paper, section 3.2 and algorithm 2:
 *
 *   stag_y = (e^{-sQ} score)_y,  w_y = stag_y * (e^{sQ})(x <- y)
 *
 *   uniform  stag_y = e^s score_y + (e^{-s} - 1) / (N e^{-s}) S,  S the sum over all N states
 *   absorb   stag_y = e^s score_y, and + (1 - e^s) S for the mask
 */
#include "diffusion/graph.h"

#include <math.h>

struct sedd_transition sedd_transition_at(const struct sedd_model_info *info, enum sedd_move move,
                                          double t, double delta)
{
    struct sedd_transition transition = {info->graph, move, info->states, 0.0, 0.0};
    double sigma, dsigma, sigma_after = 0.0, unused;
    sedd_noise_at(info, t, &sigma, &dsigma);
    if (move == SEDD_MOVE_ANALYTIC) {
        float after = (float)t - (float)delta;
        sedd_noise_at(info, after > 0.0f ? (double)after : 0.0, &sigma_after, &unused);
    }
    transition.noise = sigma - sigma_after;
    transition.rate = delta * dsigma;
    return transition;
}

int32_t sedd_transition_columns(const struct sedd_transition *transition)
{
    bool no_mask = transition->graph == SEDD_GRAPH_ABSORB && transition->move == SEDD_MOVE_DENOISER;
    return no_mask ? transition->states - 1 : transition->states;
}

double sedd_transition_factor(const struct sedd_transition *transition)
{
    return transition->move == SEDD_MOVE_EULER ? transition->rate : expm1(transition->noise);
}

/* Log-scores -> scores in place; returns their sum. */
static double exponentiate(float *row, int32_t n)
{
    double sum = 0.0;
    for (int32_t y = 0; y < n; y++) {
        row[y] = (float)exp((double)row[y]);
        sum += (double)row[y];
    }
    return sum;
}

/* The factor as the reference code rounds it: e^s (1 - e^-s) in float32, which for a small s is off
 * by up to 6e-8 / s. It is common to all tokens. */
static double reference_factor(const struct sedd_transition *transition)
{
    if (transition->move == SEDD_MOVE_EULER) {
        return transition->rate;
    }
    float s = (float)transition->noise;
    float move = 1.0f - (float)exp(-(double)s);
    return (double)((float)exp((double)s) * move);
}

static void absorb_weights(const struct sedd_transition *transition, int32_t x, float *row)
{
    int32_t mask = transition->states - 1;
    if (x != mask) {
        for (int32_t y = 0; y <= mask; y++) {
            row[y] = y == x ? 1.0f : 0.0f;
        }
        return;
    }
    double others = exponentiate(row, mask);
    double factor = reference_factor(transition);
    for (int32_t y = 0; y < mask; y++) {
        row[y] = (float)(factor * (double)row[y]);
    }
    row[mask] = (float)(1.0 - sedd_transition_factor(transition) * others);
}

static void uniform_euler(const struct sedd_transition *transition, int32_t x, float *row)
{
    int32_t n = transition->states;
    double sum = exponentiate(row, n) - (double)row[x];
    double rate = transition->rate / n;
    for (int32_t y = 0; y < n; y++) {
        row[y] = (float)(rate * (double)row[y]);
    }
    row[x] = (float)(1.0 - rate * sum);
}

static void uniform_analytic(const struct sedd_transition *transition, int32_t x, float *row)
{
    int32_t n = transition->states;
    double sum = exponentiate(row, n);
    double grow = exp(transition->noise);
    double shift = -expm1(transition->noise) / n * sum; /* (e^-s - 1) / (N e^-s) S */
    double move = -expm1(-transition->noise) / n;
    double stay = 1.0 - (n - 1) * move;
    for (int32_t y = 0; y < n; y++) {
        row[y] = (float)((grow * (double)row[y] + shift) * (y == x ? stay : move));
    }
}

void sedd_transition_weights(const struct sedd_transition *transition, int32_t x, float *row)
{
    if (transition->graph == SEDD_GRAPH_ABSORB) {
        absorb_weights(transition, x, row);
    } else if (transition->move == SEDD_MOVE_EULER) {
        uniform_euler(transition, x, row);
    } else {
        uniform_analytic(transition, x, row);
    }
}
