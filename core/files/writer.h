/*
 * writer.h - writes a model as a safetensors file: the header, and every tensor in pieces.
 */
#ifndef SEDD_WRITER_H
#define SEDD_WRITER_H

#include "files/weights.h"

struct sedd_written {
    char name[80];
    const struct sedd_slot *slot;
    enum sedd_element element; /* F32, F16 or I8 */
    bool scale;                /* true for the scales of the slot's matrix */
    uint64_t begin, size;      /* offset after the header, and bytes; known before any value is */
    int32_t units;             /* rows in the file */
};

struct sedd_layout {
    struct sedd_written *tensors; /* [count], F32, then F16, then I8, so that all are aligned */
    size_t count;
    char *header; /* length field and JSON */
    size_t header_size;
    uint64_t size; /* bytes of the whole file */
};

/* Lays out the file of a model whose weights are in memory as info->dtype. With `dtype` F16, the
 * matrices of an F32 model are stored as F16; otherwise weights keep their type. Borrows the
 * slots. */
enum sedd_status sedd_layout_new(const struct sedd_slots *slots, const struct sedd_model_info *info,
                                 enum sedd_dtype dtype, struct sedd_layout *layout,
                                 struct sedd_error *error);
void sedd_layout_clear(struct sedd_layout *layout);
/* Returns the size of a unit, which is a row of the file, in bytes. */
size_t sedd_written_unit_size(const struct sedd_written *tensor);
size_t sedd_layout_longest_unit(const struct sedd_layout *layout);
/* Writes unit `unit` of a filled slot to `bytes`. `row` is scratch for a row of floats. Returns
 * false if a value is out of the range of F16. */
bool sedd_written_unit(const struct sedd_written *tensor, int32_t unit, float *row, uint8_t *bytes);

#endif
