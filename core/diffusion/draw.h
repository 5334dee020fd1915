/*
 * draw.h - draws one of n states from a row of weights.
 */
#ifndef SEDD_DRAW_H
#define SEDD_DRAW_H

#include "common.h"

/* Returns the index of the largest value, the first of equal ones. */
int32_t sedd_draw_likeliest(const float *values, int32_t n);

/* Draws by the reference code's exponential race in float32: argmax of w_y / (1e-10 - ln(u_y +
 * 1e-10)), the first of equal ones; negative weights take part (sample_categorical). */
int32_t sedd_draw_race(const float *weights, const float *uniforms, int32_t n);

/* Draws by the inverse distribution function for u in [0, 1). Negative weights count as 0. Without
 * a positive weight, returns the first largest. Sums in double, in order. */
int32_t sedd_draw_exact(const float *weights, int32_t n, double u);

/* Keeps the top_k largest weights (0: all), then the smallest set of largest weights that holds a
 * share top_p of them (1: all), and sets the others to 0. Weights equal to the last kept one stay,
 * too. Weights must be >= 0. */
void sedd_draw_filter(float *weights, int32_t n, int32_t top_k, double top_p);

/* Returns the entropy, in nats, of weights exp(inverse (logit - largest)) / sum. */
float sedd_draw_entropy(const float *weights, const float *logits, int32_t n, float inverse,
                        float largest, double sum);

/* Returns the second largest of n >= 1 weights, or 0 if there is none. Weights must be >= 0. */
float sedd_draw_second(const float *weights, int32_t n);

#endif
