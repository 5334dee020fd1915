/*
 * math.h - the scalar functions on which all tables agree bit for bit: the exponential, and the
 * quantisation steps and weights of integer attention (kernels.h).
 *
 * exp(x) = 2^n e^r with n = nearest(x log2 e) and r = x - n ln 2, where ln 2 is split in two parts.
 * e^r is a Taylor polynomial of degree six for |r| <= 0.347, evaluated as
 * 1 + r + r^2 ((C2 + C3 r) + r^2 ((C4 + C5 r) + C6 r^2)).
 * This dependency chain is half as long as Horner's. The relative error is below 3e-7. The result
 * is 0 below -87.3; arguments above 88 are clamped.
 */
#ifndef SEDD_KERNELS_MATH_H
#define SEDD_KERNELS_MATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define SEDD_EXP_LOW -87.3f
#define SEDD_EXP_HIGH 88.0f
#define SEDD_EXP_LOG2E 1.44269504f
#define SEDD_EXP_ROUND                                                                             \
    12582912.0f /* 1.5 * 2^23: adding it rounds to the nearest integer, ties to even */
#define SEDD_EXP_LN2_HIGH 0.693359375f
#define SEDD_EXP_LN2_LOW -2.12194440e-4f
#define SEDD_EXP_C6 1.388888889e-3f
#define SEDD_EXP_C5 8.333333333e-3f
#define SEDD_EXP_C4 4.166666667e-2f
#define SEDD_EXP_C3 1.666666667e-1f
#define SEDD_EXP_C2 0.5f

/* gelu_tanh(v) = v / (1 + exp(v (GELU_1 + GELU_3 v^2))) with GELU_1 = -2 sqrt(2/pi) and
 * GELU_3 = 0.044715 GELU_1. */
#define SEDD_GELU_1 -1.59576912f
#define SEDD_GELU_3 -0.0713548163f

/* Attention weights are 32767 * 2^t for t <= 0, rounded to an integer. 2^t = 2^n 2^r with
 * n = nearest(t). For 2^r, the constants give the degree-four polynomial that is 1 at 0 and has the
 * smallest relative error on |r| <= 1/2, which is 2.9e-6. The total error, rounding included, is
 * below 0.6. The weight is 0 for t <= -16. */
#define SEDD_WEIGHT_MAX 32767
#define SEDD_WEIGHT_LOW -24.0f
#define SEDD_WEIGHT_C4 (32767.0f * 9.5828530e-3f)
#define SEDD_WEIGHT_C3 (32767.0f * 5.5906425e-2f)
#define SEDD_WEIGHT_C2 (32767.0f * 2.4024099e-1f)
#define SEDD_WEIGHT_C1 (32767.0f * 6.9312419e-1f)
#define SEDD_WEIGHT_C0 32767.0f

/* Holds the same constants in memory, where the vector code loads and splats them. Wasm engines
 * rebuild a vector constant at every use, which took as long as the arithmetic (NOTES.md). */
struct sedd_math {
    float exp_low, exp_high, log2e, round, ln2_high, ln2_low, c6, c5, c4, c3, c2, one;
    float gelu_1, gelu_3;
    float weight_low, w4, w3, w2, w1, w0;
    float tame;      /* FLT_MAX / 4; larger activations are clamped before quantisation */
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

/* Returns v * 2^n. Both v and the result must be normal floats. */
static inline float sedd_scale_power(float v, int32_t n)
{
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits += n * (1 << 23);
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline int32_t sedd_weight(float t)
{
    t = t > SEDD_WEIGHT_LOW ? t : SEDD_WEIGHT_LOW;
    float n = (t + SEDD_EXP_ROUND) - SEDD_EXP_ROUND;
    float r = t - n;
    float r2 = r * r;
    float p = SEDD_WEIGHT_C4 * r2 + (SEDD_WEIGHT_C3 * r + SEDD_WEIGHT_C2);
    p = p * r2 + (SEDD_WEIGHT_C1 * r + SEDD_WEIGHT_C0);
    return (int32_t)((sedd_scale_power(p, (int32_t)n) + SEDD_EXP_ROUND) - SEDD_EXP_ROUND);
}

/* Returns the quantisation step for values up to `largest` in `levels` steps, and stores its
 * reciprocal, clamped to FLT_MAX. Both are 0 if largest is 0. */
static inline float sedd_step(float largest, int32_t levels, float *inverse)
{
    float step = largest / (float)levels;
    *inverse = step > 0.0f ? 1.0f / step : 0.0f;
    *inverse = *inverse > FLT_MAX ? FLT_MAX : *inverse;
    return step;
}

/* Returns the number of levels of queries and keys. It keeps a dot product of n elements within
 * 2^30, so that the difference of two dot products fits in 32 bits. */
static inline int32_t sedd_attention_levels(int32_t n)
{
    return n == 1 ? INT16_MAX : (int32_t)sqrt(0x1p30 / n);
}

/* Returns the factor that turns an integer dot product into an exponent of two. */
static inline float sedd_attention_factor(float query_step, float key_step, float scale)
{
    float factor = (query_step * key_step) * (scale * SEDD_EXP_LOG2E);
    return factor > FLT_MAX ? FLT_MAX : factor;
}

static inline float sedd_gelu(float v)
{
    return v / (1.0f + sedd_exp(v * (SEDD_GELU_1 + SEDD_GELU_3 * (v * v))));
}

#endif
