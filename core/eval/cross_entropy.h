/*
 * cross_entropy.h - minus the logarithm of a token's probability, from a row of logits.
 */
#ifndef SEDD_CROSS_ENTROPY_H
#define SEDD_CROSS_ENTROPY_H

#include "model/session.h"

#include <math.h>

/* Softmax over the V real tokens (never the mask's column). Overwrites the row. */
static inline double sedd_cross_entropy(const struct sedd_session *session, float *logits,
                                        int32_t target)
{
    const struct sedd_kernels *kernels = session->engine->kernels;
    int32_t tokens = session->model->info.tokens;
    double wanted = (double)logits[target];
    float largest = kernels->max(logits, tokens);
    return log((double)kernels->exp_sum(logits, tokens, 1.0f, largest)) + (double)largest - wanted;
}

#endif
