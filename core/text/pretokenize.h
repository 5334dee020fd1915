/*
 * pretokenize.h - cuts text into the pieces that byte-pair merges never cross.
 */
#ifndef SEDD_PRETOKENIZE_H
#define SEDD_PRETOKENIZE_H

#include "common.h"

/* End of the piece that starts at `begin` < size. */
size_t sedd_pretoken_end(const char *text, size_t size, size_t begin);

#endif
