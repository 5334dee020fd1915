/*
 * writer.h - the safetensors file that holds a model: its header, and every tensor in pieces.
 */
#ifndef SEDD_WRITER_H
#define SEDD_WRITER_H

#include "model/weights.h"

struct sedd_written {
    char name[80];
    const struct sedd_slot *slot;
    enum sedd_element element; /* F32, F16 or I8 */
    bool scale;                /* the scales of the slot's matrix */
    uint64_t begin, size;      /* bytes behind the header; both fixed before any tensor is known */
    int32_t units;             /* rows as the file has them */
};

struct sedd_layout {
    struct sedd_written *tensors; /* [count], F32 first, then F16, then I8: each is aligned */
    size_t count;
    char *header; /* length field and JSON */
    size_t header_size;
    uint64_t size; /* of the whole file */
};

/* For a model held as info->dtype; `dtype` F16 stores the matrices of an F32 model as F16, anything
 * else means as held. Borrows the slots. */
enum sedd_status sedd_layout_new(const struct sedd_slots *slots, const struct sedd_model_info *info,
                                 enum sedd_dtype dtype, struct sedd_layout *layout,
                                 struct sedd_error *error);
void sedd_layout_clear(struct sedd_layout *layout);
/* Bytes of one unit; a row of the file. */
size_t sedd_written_unit_size(const struct sedd_written *tensor);
size_t sedd_layout_longest_unit(const struct sedd_layout *layout);
/* Writes unit `unit` of a filled slot to `bytes`; `row` is scratch for a row of floats. False when
 * a value does not fit F16. */
bool sedd_written_unit(const struct sedd_written *tensor, int32_t unit, float *row, uint8_t *bytes);

#endif
