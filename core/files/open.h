/*
 * open.h - reading small files whole, and weights in pieces.
 */
#ifndef SEDD_OPEN_H
#define SEDD_OPEN_H

#include "common.h"

#include <stdio.h>

/* Reads folder/name into memory (owned, with a zero byte after *size bytes); `limit` bytes at most.
 * SEDD_ERROR_IO when it cannot be opened. */
enum sedd_status sedd_file_read(const char *folder, const char *name, uint64_t limit, char **text,
                                size_t *size, struct sedd_error *error);

/* Gives the loader every byte it wants of the file. */
enum sedd_status sedd_file_push(struct sedd_loader *loader, FILE *file, struct sedd_error *error);

#endif
