/*
 * torch.h - the index of a torch file: maps each tensor of the state dict to its zip entry.
 */
#ifndef SEDD_TORCH_H
#define SEDD_TORCH_H

#include "files/safetensors.h"
#include "files/zip.h"

/* Finds the entry that holds the pickle, "NAME/data.pkl". */
enum sedd_status sedd_torch_find_pickle(const struct sedd_zip *zip,
                                        const struct sedd_zip_entry **pickle,
                                        struct sedd_error *error);
/* Reads the pickle and lists the tensors in file order; `part` is the index of the zip entry. From
 * a training checkpoint, it takes the averaged weights if there are any, otherwise the raw ones. */
enum sedd_status sedd_torch_index(const uint8_t *bytes, size_t size, const struct sedd_zip *zip,
                                  const struct sedd_zip_entry *pickle, struct sedd_header *header,
                                  struct sedd_error *error);

#endif
