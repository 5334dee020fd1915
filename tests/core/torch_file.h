/*
 * torch_file.h - torch files built in memory: pickles by their opcodes, and the zip around them, to
 * be loaded as they are or spoiled first.
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
/* _rebuild_tensor_v2 of F32 `entry`, whose data lies in storage number `storage`. */
void pickle_tensor(struct bytes *pickle, const struct entry *entry, int storage);
/* An OrderedDict of every entry; storages are numbered from `first` on. */
void pickle_state(struct bytes *pickle, const struct checkpoint *checkpoint, int first);

struct stored {
    char name[64]; /* within the archive: "data.pkl", "data/0" */
    const void *data;
    size_t size;
};

/* A zip as torch writes it, "archive/" before every name; with or without checksums. Owned (free).
 */
uint8_t *torch_zip(const struct stored *entries, int count, bool checksums, size_t *size);
/* The state dict of F32 entries as a whole file: PROTO, the dict, STOP. Owned (free). */
uint8_t *torch_write(const struct checkpoint *checkpoint, size_t *size);

/* Gives the loader what it wants, at most `piece` bytes at a time (0: all), each in memory of its
 * own size, and finishes. */
enum sedd_status torch_load(const char *config, const uint8_t *bytes, size_t size, size_t piece,
                            enum sedd_dtype dtype, struct sedd_model **model,
                            struct sedd_error *error);

#endif
