/*
 * draw.h - drawing one of n states from a row of weights.
 */
#ifndef SEDD_DRAW_H
#define SEDD_DRAW_H

#include "common.h"

/* Returns the place of the largest value, the first of equal ones. */
int32_t sedd_draw_likeliest(const float *values, int32_t n);

/* The reference code's exponential race in float32: argmax of w_y / (1e-10 - ln(u_y + 1e-10)), the
 * first on ties; negative weights take part (SEDD reference, sample_categorical). */
int32_t sedd_draw_race(const float *weights, const float *uniforms, int32_t n);

/* Inverse distribution function for u in [0, 1): negative weights count as 0; when no weight is
 * positive, the first largest. Sums in double, in order. */
int32_t sedd_draw_exact(const float *weights, int32_t n, double u);

/* Sets to 0 all but the top_k largest weights (0: all), then all but the smallest set of largest
 * weights that holds a share top_p of the rest (1: all). Weights that tie with the last one kept
 * stay. Weights must be >= 0. */
void sedd_draw_filter(float *weights, int32_t n, int32_t top_k, double top_p);

/* Entropy, in nats, of weights exp(inverse (logit - largest)) / sum. */
float sedd_draw_entropy(const float *weights, const float *logits, int32_t n, float inverse,
                        float largest, double sum);

/* The second largest weight of n >= 1, 0 if there is none. Weights must be >= 0. */
float sedd_draw_second(const float *weights, int32_t n);

#endif
