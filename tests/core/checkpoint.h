/*
 * checkpoint.h - builds small checkpoints in memory, which tests load unchanged or damage first.
 *
 * Float values are k / 64 with |k| <= 127, so F32, F16 and BF16 hold the same numbers exactly.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "sedd.h"

struct entry {
    char name[80];
    char dtype[8]; /* "F32", "F16", "BF16", "I8"; anything else is written with no data */
    int rank;
    long long shape[4];
    long long shift; /* added to both data offsets, to damage the layout */
    size_t count;    /* elements */
    float *values;   /* [count]; I8 holds whole numbers */
};

struct checkpoint {
    struct entry entries[64];
    int count;
};

/* V = 5 tokens (6 states), H = 6, three heads of 2, K = 3, one block, absorb, loglinear. */
extern const char SEDD_CONFIG[];
/* V = 5 tokens, 6 channels, three heads of 2, 4 positions, one layer. */
extern const char GPT2_CONFIG[];

/* The same sizes as MDLM and RADD configurations. */
extern const char MDLM_CONFIG[], RADD_CONFIG[];

void checkpoint_sedd(struct checkpoint *checkpoint);
/* The tensors of a SEDD, each name after a prefix. */
void checkpoint_prefixed(struct checkpoint *checkpoint, const char *prefix);
void checkpoint_radd(struct checkpoint *checkpoint);
void checkpoint_gpt2(struct checkpoint *checkpoint, const char *prefix);
/* Appends a tensor; shape[1] == 0: rank 1. */
struct entry *checkpoint_add(struct checkpoint *checkpoint, const char *name, const char *dtype,
                             long long first, long long second);
struct entry *checkpoint_find(struct checkpoint *checkpoint, const char *name);
void checkpoint_remove(struct checkpoint *checkpoint, const char *name);
/* Changes the type of every entry of type `from` to `to`. */
void checkpoint_retype(struct checkpoint *checkpoint, const char *from, const char *to);
/* Turns the entry into whole numbers and adds NAME_scale of this shape, in which the scale of
 * channel r is (r + 1) / 32. */
void checkpoint_quantise(struct checkpoint *checkpoint, const char *name, long long first,
                         long long second);
/* Quantises every matrix that a Q8 model holds as int8. */
void checkpoint_quantise_sedd(struct checkpoint *checkpoint);
void checkpoint_quantise_gpt2(struct checkpoint *checkpoint, const char *prefix);
/* Returns the bytes of the whole file, which the caller owns (free). */
uint8_t *checkpoint_write(const struct checkpoint *checkpoint, size_t *size);
void checkpoint_clear(struct checkpoint *checkpoint);

/* Loads a stream in pieces of `piece` bytes, or all at once if piece is 0. */
enum sedd_status checkpoint_load(const char *config, const uint8_t *bytes, size_t size,
                                 size_t piece, enum sedd_dtype dtype, struct sedd_model **model,
                                 struct sedd_error *error);
/* Writes the checkpoint and loads it in one piece. */
enum sedd_status checkpoint_load_all(const struct checkpoint *checkpoint, const char *config,
                                     enum sedd_dtype dtype, struct sedd_model **model,
                                     struct sedd_error *error);

#endif
