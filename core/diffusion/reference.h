/*
 * reference.h - a masked position's weights with the roundings of the reference code.
 *
 * The reference code computes in float32, and its probability of staying masked is a difference of
 * large numbers: e^s + (1 - e^s) S. If e^s is large (geometric noise: up to e^20), only rounding
 * errors remain, so draws equal the reference's only if every operation rounds as it does.
 */
#ifndef SEDD_REFERENCE_H
#define SEDD_REFERENCE_H

#include "common.h"

/* Returns sigma(t) as the reference code's float32 operations give it. */
float sedd_reference_sigma(const struct sedd_model_info *info, float t);

/* Turns the scores [states] of a masked position (own entry, the last: 1) into the weights of an
 * analytic step or the denoiser over noise s, in place. */
void sedd_reference_weights(float *row, int32_t states, float s);

#endif
