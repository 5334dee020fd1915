/*
 * cross_entropy.h - minus the logarithm of a token's probability, from a row of logits; and the
 * noise level at which masked tokens are asked for it.
 */
#ifndef SEDD_CROSS_ENTROPY_H
#define SEDD_CROSS_ENTROPY_H

#include "model/session.h"

/* Softmax over the V real tokens (never the mask's column), in nats. Overwrites the row. */
double sedd_cross_entropy(const struct sedd_session *session, float *logits, int32_t target);

/* The tokens that a call's rows are asked for, and what each costs. */
struct sedd_targets {
    const struct sedd_session *session;
    const int32_t *target; /* [rows of the call] */
    double *value;         /* [rows of the call] */
};

/* A sedd_row_visitor whose user is the targets. */
void sedd_targets_visit(void *user, int32_t row, float *logits, float *work);

/* The noise level at which a share masked / count of the tokens is masked; as most, that of a share
 * of 1 - 1e-3, which is the highest a loglinear schedule reaches. */
double sedd_masked_sigma(int32_t masked, int32_t count);

#endif
