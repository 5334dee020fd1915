/*
 * score_entropy.h - the loss SEDD is trained with, as the bound's reference estimator needs it too.
 */
#ifndef SEDD_SCORE_ENTROPY_H
#define SEDD_SCORE_ENTROPY_H

#include "model/session.h"

/* Lists in session->index, ascending, which positions of xt [L] count: the masked ones, or all in
 * the uniform graph. Returns how many. */
int32_t sedd_window_open(struct sedd_session *session, const int32_t *xt, int32_t length);

/* sedd_score_entropy on arguments that have been checked: *loss in nats with sigma'(t), value [L]
 * receives the part of each position without it. */
enum sedd_status sedd_score_entropy_at(struct sedd_session *session, int32_t length,
                                       const int32_t *x0, const int32_t *xt, double t, double *loss,
                                       double *value, struct sedd_error *error);

#endif
