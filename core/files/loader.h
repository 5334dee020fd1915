/*
 * loader.h - what a loader (sedd.h) also offers to callers that know the size of their file.
 */
#ifndef SEDD_LOADER_H
#define SEDD_LOADER_H

#include "common.h"

/* Says how many bytes the stream will have in all (0: unknown): a header that describes more or
 * fewer is then refused before any memory is taken for its tensors. Call it before the first push. */
void sedd_loader_expect(struct sedd_loader *loader, uint64_t size);

#endif
