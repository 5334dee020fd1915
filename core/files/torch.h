/*
 * torch.h - the index of a torch file: which tensor of the state dict lies in which zip entry.
 */
#ifndef SEDD_TORCH_H
#define SEDD_TORCH_H

#include "files/safetensors.h"
#include "files/zip.h"

/* The entry that holds the pickle, "NAME/data.pkl". */
enum sedd_status sedd_torch_find_pickle(const struct sedd_zip *zip,
                                        const struct sedd_zip_entry **pickle,
                                        struct sedd_error *error);
/* Reads the pickle: every tensor of the state dict, or of a training checkpoint's averaged weights
 * (else its raw ones), in file order; `part` is the number of the zip entry. */
enum sedd_status sedd_torch_index(const uint8_t *bytes, size_t size, const struct sedd_zip *zip,
                                  const struct sedd_zip_entry *pickle, struct sedd_header *header,
                                  struct sedd_error *error);

#endif
