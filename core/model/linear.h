/*
 * linear.h - packed matrices and lookup tables: allocates them, fills them row by row and reads
 * rows back.
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
