/*
 * pack.h - bytes of a tensor, as the file has them -> its slot of a model.
 */
#ifndef SEDD_PACK_H
#define SEDD_PACK_H

#include "model/weights.h"

struct sedd_packer {
    enum sedd_dtype dtype; /* of the model */
    const char *file;      /* what to call it in messages */
    float *rows;           /* scratch, SEDD_PACK_ROWS of the longest row */
};

#define SEDD_PACK_ROWS 16

/* Bytes that are packed at once: a row; GPT-2's [in, out] matrices and vectors whole, because a row
 * of the model is a column there. */
uint64_t sedd_pack_unit_size(const struct sedd_slot *slot);
/* Packs unit number `unit`; refuses what is no finite number. */
enum sedd_status sedd_pack_unit(const struct sedd_packer *packer, const struct sedd_slot *slot,
                                int32_t unit, const uint8_t *bytes, struct sedd_error *error);
/* Multiplies the int8 values that slot (not its scale's) holds as floats by their scales. */
void sedd_pack_scale(const struct sedd_packer *packer, const struct sedd_slot *slot);

#endif
