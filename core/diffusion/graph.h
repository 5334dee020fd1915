/*
 * graph.h - one reverse step of the token-wise Markov chain: from log-scores to weights.
 */
#ifndef SEDD_GRAPH_H
#define SEDD_GRAPH_H

#include "common.h"

enum sedd_move {
    SEDD_MOVE_ANALYTIC = 0, /* Tweedie tau-leaping over noise s */
    SEDD_MOVE_EULER,        /* w = [y = x] + delta sigma' rate */
    SEDD_MOVE_DENOISER      /* analytic over all remaining noise; never ends on a mask */
};

struct sedd_transition {
    enum sedd_graph graph;
    enum sedd_move move;
    int32_t states; /* N */
    bool official;  /* weights of masked positions round as the reference code does (reference.h) */
    float rounded_noise; /* `noise` as the reference code rounds it */
    double noise;        /* analytic, denoiser: s = sigma(t) - sigma(t - delta), or sigma(t) */
    double rate;         /* euler: delta * sigma'(t) */
};

/* Returns the step of width `delta` from time t. The denoiser ignores `delta`. t - delta is
 * computed in float32, as in the reference code. */
struct sedd_transition sedd_transition_at(const struct sedd_model_info *info, enum sedd_move move,
                                          double t, double delta);

/* Returns the number of states to draw from: N, or V for the absorb graph's denoiser. */
int32_t sedd_transition_columns(const struct sedd_transition *transition);

/* Turns the log-scores [N] of a position whose token is x (own entry 0) into the weights [N] of its
 * next token, in place. Weights sum to 1, except for rounding and an imperfect score, and some may
 * be negative. The denoiser's mask column must not be drawn. */
void sedd_transition_weights(const struct sedd_transition *transition, int32_t x, float *row);

/* Returns the factor of a masked position's weights, w_y = factor * score_y for y < V (absorb). */
double sedd_transition_factor(const struct sedd_transition *transition);

#endif
