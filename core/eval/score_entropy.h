/*
 * score_entropy.h - the training loss of SEDD, which the bound's reference estimator also uses.
 */
#ifndef SEDD_SCORE_ENTROPY_H
#define SEDD_SCORE_ENTROPY_H

#include "model/session.h"

/* Lists in places [L], ascending, the positions of xt [L] that count: the masked ones, or all in
 * the uniform graph. Returns their number. */
int32_t sedd_window_open(const struct sedd_model_info *info, const int32_t *xt, int32_t length,
                         int32_t *places);

/* Computes sedd_score_entropy on checked arguments. *loss is in nats and includes the factor
 * sigma'(t); value [L] receives each position's part without that factor. places [L] is scratch. */
enum sedd_status sedd_score_entropy_at(struct sedd_session *session, int32_t length,
                                       const int32_t *x0, const int32_t *xt, double t, double *loss,
                                       double *value, int32_t *places, struct sedd_error *error);

#endif
