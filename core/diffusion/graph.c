/*
 * graph.c - implements graph.h, in the notation of the SEDD paper, section 3.2 and algorithm 2:
 *
 *   stag_y = (e^{-sQ} score)_y,  w_y = stag_y * (e^{sQ})(x <- y)
 *
 *   uniform  stag_y = e^s score_y + (e^{-s} - 1) / (N e^{-s}) S,  S the sum over all N states
 *   absorb   stag_y = e^s score_y, and + (1 - e^s) S for the mask
 */
#include "diffusion/graph.h"

#include "diffusion/reference.h"

#include <math.h>

struct sedd_transition sedd_transition_at(const struct sedd_model_info *info, enum sedd_move move,
                                          double t, double delta)
{
    struct sedd_transition transition = {
        .graph = info->graph, .move = move, .states = info->states};
    double sigma, dsigma, sigma_after = 0.0, unused;
    sedd_noise_at(info, t, &sigma, &dsigma);
    transition.rounded_noise = sedd_reference_sigma(info, (float)t);
    if (move == SEDD_MOVE_ANALYTIC) {
        float after = fmaxf((float)t - (float)delta, 0.0f);
        sedd_noise_at(info, (double)after, &sigma_after, &unused);
        transition.rounded_noise -= sedd_reference_sigma(info, after);
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

/* Turns log-scores into scores in place. Returns their sum. */
static double exponentiate(float *row, int32_t n)
{
    double sum = 0.0;
    for (int32_t y = 0; y < n; y++) {
        row[y] = (float)exp((double)row[y]);
        sum += (double)row[y];
    }
    return sum;
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
    if (transition->official && transition->move != SEDD_MOVE_EULER) {
        row[mask] = 1.0f;
        sedd_reference_weights(row, transition->states, transition->rounded_noise);
        return;
    }
    double factor = sedd_transition_factor(transition);
    for (int32_t y = 0; y < mask; y++) {
        row[y] = (float)(factor * (double)row[y]);
    }
    row[mask] = (float)(1.0 - factor * others);
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
