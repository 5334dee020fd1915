/*
 * pretokenize.h - splits a text into pieces. Byte-pair merges never cross their boundaries.
 */
#ifndef SEDD_PRETOKENIZE_H
#define SEDD_PRETOKENIZE_H

#include "common.h"

/* Returns the end of the piece that starts at `begin` < size. */
size_t sedd_pretoken_end(const char *text, size_t size, size_t begin);

#endif
