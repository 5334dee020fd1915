/*
 * torch_file.h - builds torch files in memory, pickles by their opcodes and the zip around them,
 * which tests load unchanged or damage first.
 */
#ifndef TORCH_FILE_H
#define TORCH_FILE_H

#include "checkpoint.h"

/* Bytes that grow; `data` is owned (free). */
struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_text(struct bytes *bytes, const char *text); /* without its zero byte */

/* The opcodes torch writes. */
void pickle_number(struct bytes *pickle, int32_t value);    /* BININT */
void pickle_string(struct bytes *pickle, const char *text); /* BINUNICODE */
/* Appends _rebuild_tensor_v2 of F32 `entry`, whose data is in storage number `storage`. */
void pickle_tensor(struct bytes *pickle, const struct entry *entry, int storage);
/* Appends an OrderedDict of every entry; storages are numbered from `first` on. */
void pickle_state(struct bytes *pickle, const struct checkpoint *checkpoint, int first);

struct stored {
    char name[64]; /* within the archive: "data.pkl", "data/0" */
    const void *data;
    size_t size;
};

/* Returns a zip as torch writes it, with "archive/" before every name, with or without checksums.
 * The caller owns it (free). */
uint8_t *torch_zip(const struct stored *entries, int count, bool checksums, size_t *size);
/* Returns the state dict of F32 entries as a whole file: PROTO, the dict, STOP. The caller owns it
 * (free). */
uint8_t *torch_write(const struct checkpoint *checkpoint, size_t *size);

/* Gives the loader the bytes it asks for, at most `piece` at a time (0: all), each piece in memory
 * of its exact size, and finishes. */
enum sedd_status torch_load(const char *config, const uint8_t *bytes, size_t size, size_t piece,
                            enum sedd_dtype dtype, struct sedd_model **model,
                            struct sedd_error *error);

#endif
