/* linear.c - implements linear.h; kernels.h describes the packing. */
#include "model/linear.h"

#include "kernels/kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum sedd_status sedd_linear_init(struct sedd_linear *linear, int32_t out, int32_t in,
                                  enum sedd_dtype dtype, struct sedd_error *error)
{
    int32_t panels = sedd_round_up(out, SEDD_PANEL) / SEDD_PANEL;
    uint64_t channels = (uint64_t)panels * SEDD_PANEL;
    bool q8 = dtype == SEDD_DTYPE_Q8, complete;
    linear->in = in;
    linear->out = out;
    linear->in_padded = sedd_round_up(in, SEDD_INPUTS);
    linear->panels = panels;
    if (q8) {
        linear->wq = sedd_memory_new(channels * (uint64_t)linear->in_padded, 1);
        linear->w_scale = sedd_memory_new(channels, sizeof(float));
        linear->w_sum = sedd_memory_new(channels, sizeof(int32_t));
        linear->w_wide = sedd_memory_new(
            (uint64_t)panels, (uint64_t)sedd_wide_words(linear->in_padded) * sizeof(uint32_t));
        complete = linear->wq != NULL && linear->w_scale != NULL && linear->w_sum != NULL &&
                   linear->w_wide != NULL;
    } else {
        linear->w = sedd_memory_new(channels * (uint64_t)in, sizeof(float));
        complete = linear->w != NULL;
    }
    return complete ? SEDD_OK
                    : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a matrix of %d x %d",
                                (int)out, (int)in);
}

void sedd_linear_clear(struct sedd_linear *linear)
{
    sedd_memory_free(linear->w);
    sedd_memory_free(linear->wq);
    sedd_memory_free(linear->w_scale);
    sedd_memory_free(linear->w_sum);
    sedd_memory_free(linear->w_wide);
    sedd_memory_free(linear->bias);
    *linear = (struct sedd_linear){0};
}

static size_t place_f32(const struct sedd_linear *linear, int32_t row, int32_t k)
{
    return ((size_t)(row / SEDD_PANEL) * (size_t)linear->in + (size_t)k) * SEDD_PANEL +
           (size_t)(row % SEDD_PANEL);
}

static size_t place_q8(const struct sedd_linear *linear, int32_t row, int32_t k)
{
    size_t groups = (size_t)linear->in_padded / SEDD_GROUP;
    size_t group = (size_t)(row / SEDD_PANEL) * groups + (size_t)(k / SEDD_GROUP);
    return (group * SEDD_PANEL + (size_t)(row % SEDD_PANEL)) * SEDD_GROUP +
           (size_t)(k % SEDD_GROUP);
}

/* Returns the scale of a row, max|x| / 127, and stores its reciprocal. Both are 0 if all values are
 * 0, or so small that the reciprocal would overflow. */
static float row_scale(const float *values, int32_t n, float *inverse)
{
    float largest = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(values[i]));
    }
    float scale = largest / 127.0f;
    if (scale < FLT_MIN) {
        scale = 0.0f;
    }
    *inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
    return scale;
}

static int8_t quantize(float value, float inverse)
{
    float rounded = rintf(value * inverse);
    return (int8_t)fmaxf(-127.0f, fminf(127.0f, rounded));
}

/* Stores the sum and the wide steps of a q8 channel that has just been packed. */
static void finish_row(struct sedd_linear *linear, int32_t row, int32_t sum)
{
    int32_t panel = row / SEDD_PANEL;
    linear->w_sum[row] = sum;
    sedd_wide_add(linear->w_wide + (size_t)panel * (size_t)sedd_wide_words(linear->in_padded),
                  linear->wq + (size_t)panel * SEDD_PANEL * (size_t)linear->in_padded,
                  row % SEDD_PANEL, linear->in_padded);
}

void sedd_linear_set_row(struct sedd_linear *linear, int32_t row, const float *values)
{
    if (linear->w != NULL) {
        for (int32_t k = 0; k < linear->in; k++) {
            linear->w[place_f32(linear, row, k)] = values[k];
        }
        return;
    }
    float inverse;
    int32_t sum = 0;
    linear->w_scale[row] = row_scale(values, linear->in, &inverse);
    for (int32_t k = 0; k < linear->in; k++) {
        int8_t q = quantize(values[k], inverse);
        linear->wq[place_q8(linear, row, k)] = q;
        sum += q;
    }
    finish_row(linear, row, sum);
}

void sedd_linear_set_row_q8(struct sedd_linear *linear, int32_t row, const int8_t *values)
{
    int32_t sum = 0;
    for (int32_t k = 0; k < linear->in; k++) {
        linear->wq[place_q8(linear, row, k)] = values[k];
        sum += values[k];
    }
    finish_row(linear, row, sum);
}

void sedd_linear_get_row(const struct sedd_linear *linear, int32_t row, float *values)
{
    for (int32_t k = 0; k < linear->in; k++) {
        values[k] = linear->w != NULL
                        ? linear->w[place_f32(linear, row, k)]
                        : (float)linear->wq[place_q8(linear, row, k)] * linear->w_scale[row];
    }
}

void sedd_linear_get_row_q8(const struct sedd_linear *linear, int32_t row, int8_t *values)
{
    for (int32_t k = 0; k < linear->in; k++) {
        values[k] = linear->wq[place_q8(linear, row, k)];
    }
}

void sedd_linear_get_column(const struct sedd_linear *linear, int32_t k, float *values)
{
    for (int32_t row = 0; row < linear->out; row++) {
        values[row] = linear->w != NULL
                          ? linear->w[place_f32(linear, row, k)]
                          : (float)linear->wq[place_q8(linear, row, k)] * linear->w_scale[row];
    }
}

void sedd_linear_get_column_q8(const struct sedd_linear *linear, int32_t k, int8_t *values)
{
    for (int32_t row = 0; row < linear->out; row++) {
        values[row] = linear->wq[place_q8(linear, row, k)];
    }
}

enum sedd_status sedd_table_init(struct sedd_table *table, int32_t rows, int32_t columns,
                                 enum sedd_dtype dtype, struct sedd_error *error)
{
    uint64_t count = (uint64_t)rows * (uint64_t)columns;
    bool q8 = dtype == SEDD_DTYPE_Q8, complete;
    table->rows = rows;
    table->columns = columns;
    if (q8) {
        table->q = sedd_memory_new(count, 1);
        table->scale = sedd_memory_new((uint64_t)rows, sizeof(float));
        complete = table->q != NULL && table->scale != NULL;
    } else {
        table->values = sedd_memory_new(count, sizeof(float));
        complete = table->values != NULL;
    }
    return complete ? SEDD_OK
                    : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a table of %d x %d",
                                (int)rows, (int)columns);
}

void sedd_table_clear(struct sedd_table *table)
{
    sedd_memory_free(table->values);
    sedd_memory_free(table->q);
    sedd_memory_free(table->scale);
    *table = (struct sedd_table){0};
}

void sedd_table_set_row(struct sedd_table *table, int32_t row, const float *values)
{
    size_t first = (size_t)row * (size_t)table->columns;
    if (table->values != NULL) {
        memcpy(table->values + first, values, (size_t)table->columns * sizeof(float));
        return;
    }
    float inverse;
    table->scale[row] = row_scale(values, table->columns, &inverse);
    for (int32_t k = 0; k < table->columns; k++) {
        table->q[first + (size_t)k] = quantize(values[k], inverse);
    }
}

void sedd_table_set_row_q8(struct sedd_table *table, int32_t row, const int8_t *values)
{
    memcpy(table->q + (size_t)row * (size_t)table->columns, values, (size_t)table->columns);
}

void sedd_table_get_row(const struct sedd_table *table, int32_t row, float *values)
{
    size_t first = (size_t)row * (size_t)table->columns;
    for (int32_t k = 0; k < table->columns; k++) {
        values[k] = table->values != NULL ? table->values[first + (size_t)k]
                                          : (float)table->q[first + (size_t)k] * table->scale[row];
    }
}
