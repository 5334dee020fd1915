/*
 * reference.c - implements reference.h. Each expression is that of the reference code, rounded to
 * float32 after every operation; functions round the exact value.
 */
#include "diffusion/reference.h"

#include <math.h>

float sedd_reference_sigma(const struct sedd_model_info *info, float t)
{
    if (info->noise == SEDD_NOISE_LOGLINEAR) {
        return -(float)log1p((double)((float)-(1.0 - 1e-3) * t));
    }
    float low = (float)info->sigma_min, high = (float)info->sigma_max;
    return (float)pow((double)low, (double)(1.0f - t)) * (float)pow((double)high, (double)t);
}

/* ---- A sum ------------------------------------------------------------------------------- */

#define LANES 8 /* floats of a vector */
#define CHAINS 4
#define LEVELS 4
#define LEVEL_STEP 16 /* vectors a chain adds before its sum moves up; for rows below 2^26 */

/* Adds vectors 4i + chain of the row, i < count, to lanes [LANES]: by LEVEL_STEP, then their sums
 * by LEVEL_STEP, and so on. */
static void add_chain(const float *row, size_t count, size_t chain, float *lanes)
{
    float level[LEVELS][LANES] = {{0.0f}};
    for (size_t i = 0; i < count;) {
        for (size_t lane = 0; lane < LANES; lane++) {
            level[0][lane] += row[(i * CHAINS + chain) * LANES + lane];
        }
        i++;
        size_t full = LEVEL_STEP;
        for (int j = 1; j < LEVELS && i % full == 0; j++, full *= LEVEL_STEP) {
            for (size_t lane = 0; lane < LANES; lane++) {
                level[j][lane] += level[j - 1][lane];
                level[j - 1][lane] = 0.0f;
            }
        }
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        lanes[lane] = level[0][lane];
        for (int j = 1; j < LEVELS; j++) {
            lanes[lane] += level[j][lane];
        }
    }
}

/* Sums n values in the order in which PyTorch sums a contiguous row with 8 lanes (SumKernel.cpp):
 * four interleaved chains of vectors, then what fills no vector, then the lanes. Beside a 1, scores
 * below 2^-24 count or vanish by that order. */
static float sum(const float *row, int32_t n)
{
    size_t vectors = (size_t)n / LANES, rows = vectors / CHAINS;
    float chains[CHAINS][LANES], total = 0.0f;
    for (size_t chain = 0; chain < CHAINS; chain++) {
        add_chain(row, rows, chain, chains[chain]);
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        for (size_t vector = rows * CHAINS; vector < vectors; vector++) {
            chains[0][lane] += row[vector * LANES + lane];
        }
        for (size_t chain = 1; chain < CHAINS; chain++) {
            chains[0][lane] += chains[chain][lane];
        }
    }
    for (size_t y = vectors * LANES; y < (size_t)n; y++) {
        total += row[y];
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        total += chains[0][lane];
    }
    return total;
}

/* ---- The step ---------------------------------------------------------------------------- */

/* staggered_score (score *= e^s; the mask's += (1 - e^s) S) times transp_transition (1 - e^-s; the
 * mask's e^-s + (1 - e^-s)). */
void sedd_reference_weights(float *row, int32_t states, float s)
{
    int32_t mask = states - 1;
    float grow = (float)exp((double)s), shrink = (float)exp(-(double)s);
    float move = 1.0f - shrink;
    float extra = (1.0f - grow) * sum(row, states);
    for (int32_t y = 0; y < mask; y++) {
        row[y] = row[y] * grow * move;
    }
    row[mask] = (row[mask] * grow + extra) * (shrink + move);
}
