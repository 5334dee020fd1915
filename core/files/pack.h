/*
 * pack.h - packs a tensor's bytes, as stored in the file, into its slot of a model.
 */
#ifndef SEDD_PACK_H
#define SEDD_PACK_H

#include "files/weights.h"

struct sedd_packer {
    enum sedd_dtype dtype; /* type of the model's weights */
    const char *file;      /* name of the file in messages */
    float *rows;           /* scratch, SEDD_PACK_ROWS of the longest row */
};

#define SEDD_PACK_ROWS 16

/* Returns the size of a unit, the bytes that are packed at once. A unit is a row. GPT-2's [in, out]
 * matrices are one unit, because a row of the model is a column of the file; so are vectors. */
uint64_t sedd_pack_unit_size(const struct sedd_slot *slot);
/* Packs unit number `unit`. Fails on a non-finite value. */
enum sedd_status sedd_pack_unit(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                int32_t unit, const uint8_t *bytes, struct sedd_error *error);
/* Multiplies a slot's values, int8 values that are held as floats, by their scales. `slot` is the
 * matrix's slot. */
void sedd_pack_scale(const struct sedd_packer *packer, const struct sedd_slot *slot);

#endif
