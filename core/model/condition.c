/*
 * condition.c - implements condition.h:
 *
 *   c = silu(W2 silu(W0 [cos(sigma f), sin(sigma f)] + b0) + b2)
 *   m = adaLN(c), six vectors per block and two for the output layer
 *
 * RADD has neither sigma_map nor adaLN: its shifts and scales are the norms' biases and weights.
 */
#include "model/condition.h"

#include "model/layers.h"

#include <math.h>
#include <string.h>

static void silu(float *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        x[i] = (float)(x[i] / (1.0 + exp(-(double)x[i])));
    }
}

static void sigma_features(float *features, double sigma)
{
    int32_t half = SEDD_FREQUENCIES / 2;
    for (int32_t k = 0; k < half; k++) {
        float frequency = (float)exp(-log(10000.0) * k / half);
        float angle = (float)sigma * frequency;
        features[k] = (float)cos((double)angle);
        features[half + k] = (float)sin((double)angle);
    }
}

/* Replaces scale by weight * (1 + scale), so that a norm needs one factor and one shift. */
static void fold_scale(float *scale, const float *weight, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        scale[i] = weight[i] * (1.0f + scale[i]);
    }
}

static void multiply(struct sedd_session *session, int32_t rows, const struct sedd_linear *linear,
                     const float *x, size_t x_stride, float *y, size_t y_stride)
{
    sedd_layer_product(session, &(struct sedd_product){.rows = rows,
                                                       .x = x,
                                                       .x_stride = x_stride,
                                                       .linear = linear,
                                                       .y = y,
                                                       .y_stride = y_stride});
}

/* Computes rows of `modulation`, one per noise level, from rows of c. */
static void modulate(struct sedd_session *session, int32_t rows, const float *c, size_t c_stride,
                     float *modulation)
{
    const struct sedd_model *model = session->model;
    int32_t hidden = model->info.hidden_size, blocks = model->info.n_blocks;
    size_t h = (size_t)hidden, stride = session->modulation_size;
    for (int32_t i = 0; i < blocks; i++) {
        multiply(session, rows, &model->blocks[i].modulation, c, c_stride,
                 modulation + (size_t)i * 6 * h, stride);
    }
    multiply(session, rows, &model->final_modulation, c, c_stride,
             modulation + (size_t)blocks * 6 * h, stride);
    for (int32_t row = 0; row < rows; row++) {
        float *m = modulation + (size_t)row * stride;
        for (int32_t i = 0; i < blocks; i++, m += 6 * h) {
            fold_scale(m + SEDD_SCALE1 * h, model->blocks[i].norm1_weight, hidden);
            fold_scale(m + SEDD_SCALE2 * h, model->blocks[i].norm2_weight, hidden);
        }
        fold_scale(m + h, model->norm_final_weight, hidden);
    }
}

/* Fills the only row of modulations of a network without conditioning. */
static void copy_norms(struct sedd_session *session)
{
    const struct sedd_model *model = session->model;
    size_t h = (size_t)model->info.hidden_size, size = h * sizeof(float);
    float *m = session->modulations;
    for (int32_t i = 0; i < model->info.n_blocks; i++, m += 6 * h) {
        const struct sedd_block *block = &model->blocks[i];
        memcpy(m + SEDD_SHIFT1 * h, block->norm1_bias, size);
        memcpy(m + SEDD_SCALE1 * h, block->norm1_weight, size);
        memcpy(m + SEDD_SHIFT2 * h, block->norm2_bias, size);
        memcpy(m + SEDD_SCALE2 * h, block->norm2_weight, size);
        for (size_t j = 0; j < h; j++) {
            m[SEDD_GATE1 * h + j] = m[SEDD_GATE2 * h + j] = 1.0f;
        }
    }
    memcpy(m, model->norm_final_bias, size);
    memcpy(m + h, model->norm_final_weight, size);
}

/* Returns the noise level that the network reads when the schedule is at sigma. */
static double level_of(const struct sedd_session *session, double sigma)
{
    return session->model->info.time_free ? 0.0 : sigma;
}

/* Returns the cache index of a noise level, or -1 if it is not cached. */
static int32_t place_of(const struct sedd_session *session, double sigma)
{
    double level = level_of(session, sigma);
    for (int32_t i = 0; i < session->condition_count; i++) {
        if (session->condition_sigma[i] == level) {
            return i;
        }
    }
    return -1;
}

bool sedd_condition_kept(const struct sedd_session *session, double sigma)
{
    return place_of(session, sigma) >= 0;
}

void sedd_condition_embed(struct sedd_session *session, const double *sigmas, int32_t count)
{
    const struct sedd_model *model = session->model;
    size_t cond = (size_t)model->info.cond_dim, stride = SEDD_FREQUENCIES + 2 * cond;
    float *features = session->condition, *first = features + SEDD_FREQUENCIES, *c = first + cond;
    for (int32_t i = 0; i < count; i++) {
        sigma_features(features + (size_t)i * stride, sigmas[i]);
    }
    multiply(session, count, &model->sigma_in, features, stride, first, stride);
    for (int32_t i = 0; i < count; i++) {
        silu(first + (size_t)i * stride, (int32_t)cond);
    }
    multiply(session, count, &model->sigma_out, first, stride, c, stride);
    for (int32_t i = 0; i < count; i++) {
        silu(c + (size_t)i * stride, (int32_t)cond);
    }
}

void sedd_condition_prepare(struct sedd_session *session, const double *sigmas, int32_t count)
{
    const struct sedd_model_info *info = &session->model->info;
    double levels[SEDD_CONDITIONS];
    count = sedd_min(count, session->condition_count);
    bool round_end = session->condition_next + count > session->condition_count;
    int32_t place = round_end ? 0 : session->condition_next;
    for (int32_t i = 0; i < count; i++) {
        session->condition_sigma[place + i] = levels[i] = level_of(session, sigmas[i]);
    }
    session->condition_next = place + count;
    if (info->cond_dim == 0) {
        copy_norms(session);
        return;
    }
    size_t cond = (size_t)info->cond_dim, stride = SEDD_FREQUENCIES + 2 * cond;
    sedd_condition_embed(session, levels, count);
    modulate(session, count, session->condition + SEDD_FREQUENCIES + cond, stride,
             session->modulations + (size_t)place * session->modulation_size);
}

void sedd_condition(struct sedd_session *session, double sigma)
{
    if (!sedd_condition_kept(session, sigma)) {
        sedd_condition_prepare(session, &sigma, 1);
    }
    session->modulation =
        session->modulations + (size_t)place_of(session, sigma) * session->modulation_size;
}
