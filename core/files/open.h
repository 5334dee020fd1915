/*
 * open.h - reading small files whole.
 */
#ifndef SEDD_OPEN_H
#define SEDD_OPEN_H

#include "common.h"

/* Reads folder/name into memory (owned, with a zero byte after *size bytes); `limit` bytes at most.
 * SEDD_ERROR_IO when it cannot be opened. */
enum sedd_status sedd_file_read(const char *folder, const char *name, uint64_t limit, char **text,
                                size_t *size, struct sedd_error *error);

#endif
