/*
 * weights.h - which tensor goes where: the names of both networks' checkpoints, their shapes and
 * their destinations in a model.
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
    bool quantised;                   /* held as Q8 in a Q8 model, and may be I8 in the file */
    struct sedd_linear *linear;       /* LINEAR, CONV1D, and their SCALE */
    struct sedd_table *table;         /* TABLE and its SCALE */
    float **vector;                   /* VECTOR */
    const struct sedd_tensor *tensor; /* where the file has it, or NULL */
    bool allocated, filled;
};

struct sedd_slots {
    struct sedd_slot *slots;
    size_t count;
    const char *file; /* what to call it in messages */
};

/* Lists every tensor of model (its info must be filled in) and allocates its blocks where it has
 * none. */
enum sedd_status sedd_slots_list(struct sedd_model *model, struct sedd_slots *slots,
                                 struct sedd_error *error);
/* Finds each tensor of the header among the slots, checks shapes and types, and fills in
 * info.dtype, info.parameter_count. Nothing is allocated before this has passed. */
enum sedd_status sedd_slots_match(struct sedd_slots *slots, const struct sedd_header *header,
                                  enum sedd_dtype wanted, struct sedd_model_info *info,
                                  struct sedd_error *error);
/* The slot a tensor of the file fills, or NULL for a buffer that is not needed. */
struct sedd_slot *sedd_slots_find(const struct sedd_slots *slots, const struct sedd_tensor *tensor);
/* Bytes of weights in memory when all are held as `dtype`. */
uint64_t sedd_slots_size(const struct sedd_slots *slots, enum sedd_dtype dtype);
/* Allocates the destination of one slot (a scale's: its matrix) unless it has one. */
enum sedd_status sedd_slot_allocate(struct sedd_slot *slot, enum sedd_dtype dtype,
                                    struct sedd_error *error);
/* Frees what the slot holds and no other. */
void sedd_slot_release(struct sedd_slot *slot);

#endif
