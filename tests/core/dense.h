/*
 * dense.h - the SEDD network as its formula has it, in double precision and one row at a time: what
 * the engine's passes over chosen rows are compared with. It shares nothing with them but the
 * weights.
 */
#ifndef DENSE_H
#define DENSE_H

#include "sedd.h"

/* Raw output of the head, logits [count, N], for ids [count] that lie at positions [count] and see
 * each other; the log-score is logit - ln(e^sigma - 1) - ln(N - 1) where the model scales by sigma.
 */
void dense_logits(const struct sedd_model *model, int32_t count, const int32_t *ids,
                  const int32_t *positions, double sigma, double *logits);

#endif
