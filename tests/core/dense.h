/*
 * dense.h - computes the SEDD network from its formula, in double precision and one row at a time.
 * Tests compare the engine's passes over chosen rows with it. It shares only the weights with them.
 */
#ifndef DENSE_H
#define DENSE_H

#include "sedd.h"

/* Computes the raw output of the head, logits [count, N], for ids [count] at positions [count] that
 * attend to each other. If the model scales by sigma, the log-score is
 * logit - ln(e^sigma - 1) - ln(N - 1).
 */
void dense_logits(const struct sedd_model *model, int32_t count, const int32_t *ids,
                  const int32_t *positions, double sigma, double *logits);

#endif
