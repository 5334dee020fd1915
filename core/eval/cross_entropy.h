/*
 * cross_entropy.h - the cross-entropy of a token, -ln p, from a row of logits, and the noise level
 * at which masked tokens are predicted.
 */
#ifndef SEDD_CROSS_ENTROPY_H
#define SEDD_CROSS_ENTROPY_H

#include "model/session.h"

/* Returns -ln p(target) in nats, by a softmax over the V real tokens, without the mask's column.
 * Overwrites the row. */
double sedd_cross_entropy(const struct sedd_session *session, float *logits, int32_t target);

/* The target tokens of a call's rows, and their cross-entropies. */
struct sedd_targets {
    const struct sedd_session *session;
    const int32_t *target; /* [rows of the call] */
    double *value;         /* [rows of the call] */
};

/* Stores the cross-entropy of a row's target. It is a sedd_row_visitor whose `user` is a struct
 * sedd_targets. */
void sedd_targets_visit(void *user, int32_t row, int32_t place, float *logits, float *work);

/* Returns the noise level at which this share of the tokens is masked. Clamps the share to 1 -
 * 1e-3, the highest that a loglinear schedule reaches. */
double sedd_masked_sigma(double share);

#endif
