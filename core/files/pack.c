/* pack.c - implements pack.h. */
#include "files/pack.h"

#include "model/model.h"

#include <float.h>
#include <math.h>

uint64_t sedd_pack_unit_size(const struct sedd_slot *slot)
{
    bool by_row = slot->kind == SEDD_SLOT_LINEAR || slot->kind == SEDD_SLOT_TABLE;
    return by_row ? (uint64_t)slot->columns * sedd_element_size(slot->tensor->element)
                  : slot->tensor->end - slot->tensor->begin;
}

static bool keeps_q8(const struct sedd_packer *packer, const struct sedd_slot *slot)
{
    return slot->tensor->element == SEDD_ELEMENT_I8 && packer->dtype == SEDD_DTYPE_Q8;
}

static enum sedd_status check_finite(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                     const float *values, size_t count, struct sedd_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             "%s: tensor \"%.80s\" holds a non-finite value", packer->file,
                             slot->tensor->name);
        }
    }
    return SEDD_OK;
}

/* Stores a row in the slot. `values` are int8 if q8, otherwise floats. */
static void store_row(const struct sedd_slot *slot, bool q8, int32_t row, const void *values)
{
    if (slot->kind == SEDD_SLOT_TABLE) {
        q8 ? sedd_table_set_row_q8(slot->table, row, values)
           : sedd_table_set_row(slot->table, row, values);
    } else {
        q8 ? sedd_linear_set_row_q8(slot->linear, row, values)
           : sedd_linear_set_row(slot->linear, row, values);
    }
}

static enum sedd_status pack_row(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                 int32_t row, const uint8_t *bytes, struct sedd_error *error)
{
    size_t columns = (size_t)slot->columns;
    if (keeps_q8(packer, slot)) {
        store_row(slot, true, row, bytes);
        return SEDD_OK;
    }
    sedd_element_read(slot->tensor->element, bytes, columns, packer->rows);
    enum sedd_status status = check_finite(packer, slot, packer->rows, columns, error);
    if (status == SEDD_OK) {
        store_row(slot, false, row, packer->rows);
    }
    return status;
}

/* Packs a whole [in, out] matrix. It packs SEDD_PACK_ROWS output channels at a time, so that each
 * cache line is read once for all of them. */
static enum sedd_status pack_conv1d(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                    const uint8_t *bytes, struct sedd_error *error)
{
    size_t in = (size_t)slot->columns, out = (size_t)slot->rows;
    size_t width = sedd_element_size(slot->tensor->element);
    bool q8 = keeps_q8(packer, slot);
    int8_t *narrow = (int8_t *)packer->rows;
    float *wide = packer->rows;
    for (size_t first = 0; first < out; first += SEDD_PACK_ROWS) {
        size_t count = out - first < SEDD_PACK_ROWS ? out - first : SEDD_PACK_ROWS;
        for (size_t k = 0; k < in; k++) {
            const uint8_t *from = bytes + (k * out + first) * width;
            float values[SEDD_PACK_ROWS];
            if (!q8) {
                sedd_element_read(slot->tensor->element, from, count, values);
            }
            for (size_t c = 0; c < count; c++) {
                if (q8) {
                    narrow[c * in + k] = (int8_t)from[c];
                } else {
                    wide[c * in + k] = values[c];
                }
            }
        }
        enum sedd_status status =
            q8 ? SEDD_OK : check_finite(packer, slot, wide, count * in, error);
        if (status != SEDD_OK) {
            return status;
        }
        for (size_t c = 0; c < count; c++) {
            store_row(slot, q8, (int32_t)(first + c),
                      q8 ? (const void *)(narrow + c * in) : (const void *)(wide + c * in));
        }
    }
    return SEDD_OK;
}

static float **scales_of(const struct sedd_slot *slot)
{
    return slot->table != NULL ? &slot->table->scale : &slot->linear->w_scale;
}

/* Checks that scales are positive, or 0 for a row of zeros, and small enough that every scaled int8
 * value is finite. */
static enum sedd_status check_scales(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                     const float *scales, struct sedd_error *error)
{
    for (int32_t row = 0; row < slot->rows; row++) {
        if (!(scales[row] >= 0.0f && scales[row] <= FLT_MAX / 128.0f)) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             "%s: scale %d of \"%.80s\" is %g; expected 0 or more, below 1e36",
                             packer->file, (int)row, slot->tensor->name, (double)scales[row]);
        }
    }
    return SEDD_OK;
}

static enum sedd_status pack_vector(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                    const uint8_t *bytes, struct sedd_error *error)
{
    bool scale = slot->kind == SEDD_SLOT_SCALE;
    float **target = scale ? scales_of(slot) : slot->vector;
    if (*target == NULL) { /* scales of a model that is loaded as f32 */
        *target = sedd_memory_new((uint64_t)slot->rows, sizeof(float));
        if (*target == NULL) {
            return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for \"%s\"", slot->name);
        }
    }
    sedd_element_read(slot->tensor->element, bytes, (size_t)slot->rows, *target);
    enum sedd_status status = check_finite(packer, slot, *target, (size_t)slot->rows, error);
    return status == SEDD_OK && scale ? check_scales(packer, slot, *target, error) : status;
}

enum sedd_status sedd_pack_unit(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                int32_t unit, const uint8_t *bytes, struct sedd_error *error)
{
    switch (slot->kind) {
    case SEDD_SLOT_CONV1D: return pack_conv1d(packer, slot, bytes, error);
    case SEDD_SLOT_VECTOR:
    case SEDD_SLOT_SCALE: return pack_vector(packer, slot, bytes, error);
    case SEDD_SLOT_LINEAR:
    case SEDD_SLOT_TABLE: break;
    }
    return pack_row(packer, slot, unit, bytes, error);
}

void sedd_pack_scale(const struct sedd_packer *packer, const struct sedd_slot *slot)
{
    float **scale = scales_of(slot);
    for (int32_t row = 0; row < slot->rows; row++) {
        if (slot->table != NULL) {
            sedd_table_get_row(slot->table, row, packer->rows);
        } else {
            sedd_linear_get_row(slot->linear, row, packer->rows);
        }
        for (int32_t k = 0; k < slot->columns; k++) {
            packer->rows[k] *= (*scale)[row];
        }
        store_row(slot, false, row, packer->rows);
    }
    sedd_memory_free(*scale);
    *scale = NULL;
}
