/*
 * open.h - reads small files as a whole, and weights in pieces.
 */
#ifndef SEDD_OPEN_H
#define SEDD_OPEN_H

#include "common.h"

#include <stdio.h>

/* Reads folder/name, of at most `limit` bytes, into memory. Returns *text owned, with a zero byte
 * after *size bytes. Fails with SEDD_ERROR_IO if the file cannot be opened. */
enum sedd_status sedd_file_read(const char *folder, const char *name, uint64_t limit, char **text,
                                size_t *size, struct sedd_error *error);

/* Passes to the loader every range of the file that it requests. */
enum sedd_status sedd_file_push(struct sedd_loader *loader, FILE *file, struct sedd_error *error);

#endif
