/* draw.c - implements draw.h. */
#include "diffusion/draw.h"

#include <math.h>
#include <string.h>

int32_t sedd_draw_likeliest(const float *values, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = values[i] > values[best] ? i : best;
    }
    return best;
}

int32_t sedd_draw_race(const float *weights, const float *uniforms, int32_t n)
{
    int32_t best = 0;
    float best_ratio = -INFINITY;
    for (int32_t y = 0; y < n; y++) {
        float u = uniforms[y] + 1e-10f;
        float g = 1e-10f - (float)log((double)u);
        float ratio = weights[y] / g;
        if (ratio > best_ratio) {
            best = y;
            best_ratio = ratio;
        }
    }
    return best;
}

int32_t sedd_draw_exact(const float *weights, int32_t n, double u)
{
    double total = 0.0;
    int32_t largest = 0;
    for (int32_t y = 0; y < n; y++) {
        total += weights[y] > 0.0f ? (double)weights[y] : 0.0;
        largest = weights[y] > weights[largest] ? y : largest;
    }
    double target = u * total, sum = 0.0;
    int32_t last = largest;
    for (int32_t y = 0; y < n && total > 0.0; y++) {
        if (weights[y] > 0.0f) {
            sum += (double)weights[y];
            last = y;
            if (sum > target) {
                break;
            }
        }
    }
    return last;
}

static float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Returns the number (share == false) or the sum of the weights that are at least `threshold`. */
static double mass_above(const float *weights, int32_t n, float threshold, bool share)
{
    double mass = 0.0;
    for (int32_t y = 0; y < n; y++) {
        if (weights[y] >= threshold) {
            mass += share ? (double)weights[y] : 1.0;
        }
    }
    return mass;
}

/* Returns the largest float with mass_above >= wanted. Non-negative floats are ordered like their
 * bits, so bisection over the bits ends after 31 passes with the exact value. */
static float threshold_for(const float *weights, int32_t n, double wanted, bool share)
{
    uint32_t low = 0, high = 0x7F800000u; /* mass at low suffices, at high (infinity) does not */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (mass_above(weights, n, float_from_bits(middle), share) >= wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return float_from_bits(low);
}

static void keep_above(float *weights, int32_t n, float threshold)
{
    for (int32_t y = 0; y < n; y++) {
        if (weights[y] < threshold) {
            weights[y] = 0.0f;
        }
    }
}

void sedd_draw_filter(float *weights, int32_t n, int32_t top_k, double top_p)
{
    if (top_k > 0 && top_k < n) {
        keep_above(weights, n, threshold_for(weights, n, (double)top_k, false));
    }
    if (top_p < 1.0) {
        double total = mass_above(weights, n, 0.0f, true);
        keep_above(weights, n, threshold_for(weights, n, top_p * total, true));
    }
}

/* Returns ln(sum) - (mean of the exponents). Uses four sums, because one would wait for each
 * addition. */
float sedd_draw_entropy(const float *weights, const float *logits, int32_t n, float inverse,
                        float largest, double sum)
{
    double part[4] = {0.0, 0.0, 0.0, 0.0};
    for (int32_t y = 0; y < n; y++) { /* a weight of 0 may have an exponent of -infinity */
        part[y & 3] += weights[y] > 0.0f ? (double)weights[y] * (double)(logits[y] - largest) : 0.0;
    }
    double mean = (part[0] + part[1] + part[2] + part[3]) * (double)inverse / sum;
    return (float)fmax(log(sum) - mean, 0.0);
}

float sedd_draw_second(const float *weights, int32_t n)
{
    float first = weights[0], second = 0.0f;
    for (int32_t y = 1; y < n; y++) {
        second = fmaxf(second, fminf(first, weights[y]));
        first = fmaxf(first, weights[y]);
    }
    return second;
}
