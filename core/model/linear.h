/*
 * linear.h - packed matrices and row tables: allocation, filling row by row, reading rows back.
 */
#ifndef SEDD_LINEAR_H
#define SEDD_LINEAR_H

#include "model/model.h"

/* Allocates storage for [out, in] (dtype F32 or Q8), zeroed and without a bias. */
enum sedd_status sedd_linear_init(struct sedd_linear *linear, int32_t out, int32_t in,
                                  enum sedd_dtype dtype, struct sedd_error *error);
void sedd_linear_clear(struct sedd_linear *linear);
/* Packs channel `row` from [in] floats; q8 quantises with scale = max|x| / 127. */
void sedd_linear_set_row(struct sedd_linear *linear, int32_t row, const float *values);
/* Packs channel `row` of a q8 matrix from [in] int8 values; the scale is set apart. Files may hold
 * -128: pairs of products with 7-bit activations still fit 16 bits (2 * 127 * 128 = 32512). */
void sedd_linear_set_row_q8(struct sedd_linear *linear, int32_t row, const int8_t *values);
/* Reads channel `row` back as [in] floats (dequantised). */
void sedd_linear_get_row(const struct sedd_linear *linear, int32_t row, float *values);
/* Its int8 values, [in]; and input k of all channels, [out], dequantised or not. */
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
