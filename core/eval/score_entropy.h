/*
 * score_entropy.h - the training loss of SEDD, which the bound's reference estimator also uses.
 */
#ifndef SEDD_SCORE_ENTROPY_H
#define SEDD_SCORE_ENTROPY_H

#include "model/session.h"

/* Lists in session->index, ascending, the positions of xt [L] that count: the masked ones, or all
 * in the uniform graph. Returns their number. */
int32_t sedd_window_open(struct sedd_session *session, const int32_t *xt, int32_t length);

/* Computes sedd_score_entropy on checked arguments. *loss is in nats and includes the factor
 * sigma'(t); value [L] receives each position's part without that factor. */
enum sedd_status sedd_score_entropy_at(struct sedd_session *session, int32_t length,
                                       const int32_t *x0, const int32_t *xt, double t, double *loss,
                                       double *value, struct sedd_error *error);

#endif
