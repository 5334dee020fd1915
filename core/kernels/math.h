/*
 * math.h - the scalar exponential every table agrees on, bit for bit.
 *
 * exp(x) = 2^n e^r with n = nearest(x log2 e), r = x - n ln 2 in two parts, e^r by a polynomial of
 * degree six (Taylor coefficients; |r| <= 0.347), added up as
 * 1 + r + r^2 ((C2 + C3 r) + r^2 ((C4 + C5 r) + C6 r^2)): a chain half as long as Horner's.
 * Relative error below 3e-7. 0 below -87.3; arguments are clamped at 88.
 */
#ifndef SEDD_KERNELS_MATH_H
#define SEDD_KERNELS_MATH_H

#include <stdint.h>
#include <string.h>

#define SEDD_EXP_LOW -87.3f
#define SEDD_EXP_HIGH 88.0f
#define SEDD_EXP_LOG2E 1.44269504f
#define SEDD_EXP_ROUND 12582912.0f /* 1.5 * 2^23: adding it rounds to the nearest integer, ties to even */
#define SEDD_EXP_LN2_HIGH 0.693359375f
#define SEDD_EXP_LN2_LOW -2.12194440e-4f
#define SEDD_EXP_C6 1.388888889e-3f
#define SEDD_EXP_C5 8.333333333e-3f
#define SEDD_EXP_C4 4.166666667e-2f
#define SEDD_EXP_C3 1.666666667e-1f
#define SEDD_EXP_C2 0.5f

/* gelu_tanh(v) = v / (1 + exp(v (GELU_1 + GELU_3 v^2))), the factors being -2 sqrt(2/pi) and that
 * times 0.044715. */
#define SEDD_GELU_1 -1.59576912f
#define SEDD_GELU_3 -0.0713548163f

/* The same constants in memory, each for the vector code to splat: engines make a vector constant of
 * wasm anew at every use, which took as long as the arithmetic. */
struct sedd_math {
    float exp_low, exp_high, log2e, round, ln2_high, ln2_low, c6, c5, c4, c3, c2, one;
    float gelu_1, gelu_3;
    float tame;      /* FLT_MAX / 4, the largest activation that is quantised as it is */
    int16_t ones[2]; /* 1, 1 */
};

extern const struct sedd_math sedd_math;

static inline float sedd_exp(float x)
{
    float clamped = x > SEDD_EXP_HIGH ? SEDD_EXP_HIGH : x;
    clamped = clamped > SEDD_EXP_LOW ? clamped : SEDD_EXP_LOW;
    float n = (clamped * SEDD_EXP_LOG2E + SEDD_EXP_ROUND) - SEDD_EXP_ROUND;
    float r = (clamped - n * SEDD_EXP_LN2_HIGH) - n * SEDD_EXP_LN2_LOW;
    float r2 = r * r;
    float p = SEDD_EXP_C6 * r2 + (SEDD_EXP_C5 * r + SEDD_EXP_C4);
    p = p * r2 + (SEDD_EXP_C3 * r + SEDD_EXP_C2);
    p = p * r2 + (r + 1.0f);
    int32_t exponent = ((int32_t)n + 127) * (1 << 23);
    float power;
    memcpy(&power, &exponent, sizeof power);
    return x < SEDD_EXP_LOW ? 0.0f : p * power;
}

static inline float sedd_gelu(float v)
{
    return v / (1.0f + sedd_exp(v * (SEDD_GELU_1 + SEDD_GELU_3 * (v * v))));
}

#endif
