/*
 * dense.c - see dense.h. Letters: H hidden size, D head size, K width of the conditioning.
 */
#include "dense.h"

#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *make(size_t count)
{
    double *values = calloc(count, sizeof *values);
    if (values == NULL) {
        abort();
    }
    return values;
}

/* Computes y [out] = W x + b. */
static void multiply(const struct sedd_linear *linear, const double *x, double *y)
{
    float *row = calloc((size_t)linear->in, sizeof *row);
    if (row == NULL) {
        abort();
    }
    for (int32_t i = 0; i < linear->out; i++) {
        sedd_linear_get_row(linear, i, row);
        y[i] = linear->bias == NULL ? 0.0 : (double)linear->bias[i];
        for (int32_t k = 0; k < linear->in; k++) {
            y[i] += (double)row[k] * x[k];
        }
    }
    free(row);
}

static void silu(double *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        x[i] /= 1.0 + exp(-x[i]);
    }
}

/* Computes c [K] = silu(W2 silu(W0 [cos(sigma f), sin(sigma f)] + b0) + b2). */
static double *condition(const struct sedd_model *model, double sigma)
{
    double features[256], *first = make((size_t)model->info.cond_dim);
    double *c = make((size_t)model->info.cond_dim);
    for (int k = 0; k < 128; k++) {
        double angle = sigma * exp(-log(10000.0) * k / 128);
        features[k] = cos(angle);
        features[128 + k] = sin(angle);
    }
    multiply(&model->sigma_in, features, first);
    silu(first, model->info.cond_dim);
    multiply(&model->sigma_out, first, c);
    silu(c, model->info.cond_dim);
    free(first);
    return c;
}

/* Computes y [H] = norm(x) weight (1 + scale) + shift. */
static void norm(const struct sedd_model *model, const double *x, const float *weight,
                 const double *shift, const double *scale, double *y)
{
    int32_t h = model->info.hidden_size;
    double mean = 0.0, variance = 0.0;
    for (int32_t i = 0; i < h; i++) {
        mean += x[i] / h;
    }
    for (int32_t i = 0; i < h; i++) {
        variance += (x[i] - mean) * (x[i] - mean) / h;
    }
    for (int32_t i = 0; i < h; i++) {
        double normal = (x[i] - mean) / sqrt(variance + (double)model->info.norm_eps);
        y[i] = normal * (double)weight[i] * (1.0 + scale[i]) + shift[i];
    }
}

/* Rotates the pairs (j, j + D/2) of every head by the position's angles. */
static void turn(double *x, int32_t h, int32_t d, int32_t position)
{
    for (int32_t i = 0; i < h; i++) {
        int32_t j = i % d;
        if (j < d / 2) {
            double angle = position * pow(10000.0, -2.0 * j / d), low = x[i], high = x[i + d / 2];
            x[i] = low * cos(angle) - high * sin(angle);
            x[i + d / 2] = high * cos(angle) + low * sin(angle);
        }
    }
}

/* Computes the attention out [H] of row `at`: every head's softmax over all rows of qkv
 * [count, 3H]. */
static void attend(const struct sedd_model *model, int32_t count, const double *qkv, int32_t at,
                   double *out)
{
    int32_t h = model->info.hidden_size, d = h / model->info.n_heads;
    double *p = make((size_t)count);
    memset(out, 0, (size_t)h * sizeof *out);
    for (int32_t head = 0; head < h; head += d) {
        double sum = 0.0, highest = -INFINITY;
        for (int32_t row = 0; row < count; row++) {
            p[row] = 0.0;
            for (int32_t i = head; i < head + d; i++) {
                p[row] += qkv[at * 3 * h + i] * qkv[row * 3 * h + h + i] / sqrt(d);
            }
            highest = fmax(highest, p[row]);
        }
        for (int32_t row = 0; row < count; row++) {
            p[row] = exp(p[row] - highest);
            sum += p[row];
        }
        for (int32_t row = 0; row < count; row++) {
            for (int32_t i = head; i < head + d; i++) {
                out[i] += p[row] / sum * qkv[row * 3 * h + 2 * h + i];
            }
        }
    }
    free(p);
}

static double gelu(double x)
{
    return 0.5 * x * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

static void run_block(const struct sedd_model *model, const struct sedd_block *block,
                      const double *c, int32_t count, const int32_t *positions, double *x)
{
    int32_t h = model->info.hidden_size, inner_size = model->design.inner_size,
            d = h / model->info.n_heads;
    size_t width = (size_t)h;
    double *m = make(6 * width), *qkv = make((size_t)count * 3 * width);
    double *y = make(width), *z = make(width), *inner = make((size_t)inner_size);
    multiply(&block->modulation, c, m); /* shift, scale, gate of attention, then of the MLP */
    for (int32_t row = 0; row < count; row++) {
        norm(model, x + row * h, block->norm1_weight, m, m + h, y);
        multiply(&block->qkv, y, qkv + row * 3 * h);
        turn(qkv + row * 3 * h, 2 * h, d, positions[row]);
    }
    for (int32_t row = 0; row < count; row++) {
        attend(model, count, qkv, row, y);
        multiply(&block->attn_out, y, z);
        for (int32_t i = 0; i < h; i++) {
            x[row * h + i] += m[2 * h + i] * z[i];
        }
        norm(model, x + row * h, block->norm2_weight, m + 3 * h, m + 4 * h, y);
        multiply(&block->mlp_in, y, inner);
        for (int32_t i = 0; i < inner_size; i++) {
            inner[i] = gelu(inner[i]);
        }
        multiply(&block->mlp_out, inner, z);
        for (int32_t i = 0; i < h; i++) {
            x[row * h + i] += m[5 * h + i] * z[i];
        }
    }
    free(m);
    free(qkv);
    free(y);
    free(z);
    free(inner);
}

void dense_logits(const struct sedd_model *model, int32_t count, const int32_t *ids,
                  const int32_t *positions, double sigma, double *logits)
{
    int32_t h = model->info.hidden_size;
    size_t width = (size_t)h;
    double *c = condition(model, sigma), *x = make((size_t)count * width), *m = make(2 * width);
    double *y = make(width);
    float *embedding = calloc(width, sizeof *embedding);
    for (int32_t row = 0; row < count && embedding != NULL; row++) {
        sedd_table_get_row(&model->embedding, ids[row], embedding);
        for (int32_t i = 0; i < h; i++) {
            x[row * h + i] = (double)embedding[i];
        }
    }
    for (int32_t i = 0; i < model->info.n_blocks; i++) {
        run_block(model, &model->blocks[i], c, count, positions, x);
    }
    multiply(&model->final_modulation, c, m);
    for (int32_t row = 0; row < count; row++) {
        norm(model, x + row * h, model->norm_final_weight, m, m + h, y);
        multiply(&model->head, y, logits + (size_t)row * (size_t)model->info.states);
    }
    free(c);
    free(x);
    free(m);
    free(y);
    free(embedding);
}
