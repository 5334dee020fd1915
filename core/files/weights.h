/*
 * weights.h - lists the tensors of both networks' checkpoints: their names, their shapes and their
 * destinations in a model.
 */
#ifndef SEDD_WEIGHTS_H
#define SEDD_WEIGHTS_H

#include "files/safetensors.h"
#include "model/model.h"

enum sedd_slot_kind {
    SEDD_SLOT_VECTOR = 0, /* [rows] floats */
    SEDD_SLOT_LINEAR,     /* [rows, columns] = [out, in] */
    SEDD_SLOT_CONV1D,     /* [columns, rows] = [in, out]: GPT-2's layout of a matrix */
    SEDD_SLOT_TABLE,      /* [rows, columns] looked up by row */
    SEDD_SLOT_SCALE       /* [rows], [rows, 1] or [1, rows]: scales of an int8 matrix or table */
};

struct sedd_slot {
    char name[64];
    enum sedd_slot_kind kind;
    int32_t rows, columns;
    bool quantised;                   /* Q8 in a Q8 model; may be I8 in the file */
    struct sedd_linear *linear;       /* LINEAR, CONV1D, and their SCALE */
    struct sedd_table *table;         /* TABLE and its SCALE */
    float **vector;                   /* VECTOR */
    const struct sedd_tensor *tensor; /* the file's tensor, or NULL if it has none */
    bool allocated, filled;
};

struct sedd_slots {
    struct sedd_slot *slots;
    size_t count;
    const char *file; /* name of the file in messages */
};

/* Lists every tensor of a model whose info is filled in. Allocates the model's blocks if it has
 * none. */
enum sedd_status sedd_slots_list(struct sedd_model *model, struct sedd_slots *slots,
                                 struct sedd_error *error);
/* Matches each tensor of the header with a slot, checks shapes and types, and fills in info.dtype
 * and info.parameter_count. Loaders allocate weights only after this succeeds. */
enum sedd_status sedd_slots_match(struct sedd_slots *slots, const struct sedd_header *header,
                                  enum sedd_dtype wanted, struct sedd_model_info *info,
                                  struct sedd_error *error);
/* Returns the slot that a tensor of the file fills, or NULL for a buffer that is not needed. */
struct sedd_slot *sedd_slots_find(const struct sedd_slots *slots, const struct sedd_tensor *tensor);
/* Returns the size of all weights in memory, in bytes, when they are stored as `dtype`. */
uint64_t sedd_slots_size(const struct sedd_slots *slots, enum sedd_dtype dtype);
/* Allocates the destination of one slot unless it has one. The destination of a scale is its
 * matrix. */
enum sedd_status sedd_slot_allocate(struct sedd_slot *slot, enum sedd_dtype dtype,
                                    struct sedd_error *error);
/* Frees the destination of this slot only. */
void sedd_slot_release(struct sedd_slot *slot);

#endif
