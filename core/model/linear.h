/*
 * linear.h - packed matrices and lookup tables: allocates them, fills them row by row and reads
 * rows back.
 */
#ifndef SEDD_LINEAR_H
#define SEDD_LINEAR_H

#include "common.h"

/* A matrix [out, in] with an optional bias, packed for the kernels (SEDD_PANEL in kernels.h). */
struct sedd_linear {
    int32_t in, out;
    int32_t in_padded; /* q8: in rounded up to SEDD_INPUTS */
    int32_t panels;    /* out rounded up to SEDD_PANEL, / SEDD_PANEL */
    float *w;          /* f32, or NULL */
    int8_t *wq;        /* q8, or NULL */
    float *w_scale;    /* q8: [panels * PANEL] */
    int32_t *w_sum;    /* q8: [panels * PANEL] */
    uint32_t *w_wide;  /* q8: [panels, sedd_wide_words(in_padded)] */
    float *bias;       /* [panels * PANEL] or NULL */
};

/* A lookup table [rows, columns], indexed by id: f32, or int8 with one scale per row. */
struct sedd_table {
    int32_t rows, columns;
    float *values; /* f32, or NULL */
    int8_t *q;     /* q8, or NULL */
    float *scale;  /* q8: [rows] */
};

/* Allocates storage for [out, in] (dtype F32 or Q8), zeroed and without a bias. */
enum sedd_status sedd_linear_init(struct sedd_linear *linear, int32_t out, int32_t in,
                                  enum sedd_dtype dtype, struct sedd_error *error);
void sedd_linear_clear(struct sedd_linear *linear);
/* Packs channel `row` from [in] floats; q8 quantises with scale = max|x| / 127. */
void sedd_linear_set_row(struct sedd_linear *linear, int32_t row, const float *values);
/* Packs channel `row` of a q8 matrix from [in] int8 values; the caller sets the scale. Values may
 * be -128: two products with 7-bit activations still fit in 16 bits (2 * 127 * 128 = 32512). */
void sedd_linear_set_row_q8(struct sedd_linear *linear, int32_t row, const int8_t *values);
/* Reads channel `row` back as [in] floats (dequantised). */
void sedd_linear_get_row(const struct sedd_linear *linear, int32_t row, float *values);
/* sedd_linear_get_row_q8 reads the int8 values [in] of channel `row`. sedd_linear_get_column reads
 * input k of all channels, [out], dequantised if the matrix is q8. */
void sedd_linear_get_row_q8(const struct sedd_linear *linear, int32_t row, int8_t *values);
void sedd_linear_get_column(const struct sedd_linear *linear, int32_t k, float *values);
void sedd_linear_get_column_q8(const struct sedd_linear *linear, int32_t k, int8_t *values);

enum sedd_status sedd_table_init(struct sedd_table *table, int32_t rows, int32_t columns,
                                 enum sedd_dtype dtype, struct sedd_error *error);
void sedd_table_clear(struct sedd_table *table);
void sedd_table_set_row(struct sedd_table *table, int32_t row, const float *values);
void sedd_table_set_row_q8(struct sedd_table *table, int32_t row, const int8_t *values);
void sedd_table_get_row(const struct sedd_table *table, int32_t row, float *values);

#endif
