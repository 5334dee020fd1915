/*
 * convert.h - converts a file of weights to another type, one tensor at a time.
 */
#ifndef SEDD_CONVERT_H
#define SEDD_CONVERT_H

#include "common.h"

/* Reads `weights` (safetensors or torch) of the model that `config` describes and writes
 * folder/model.safetensors. The file has a temporary name until it is complete. dtype is Q8, F16 or
 * F32. Peak memory is the size of the largest tensor as written plus 64 MB. */
enum sedd_status sedd_convert(const char *config, size_t config_size, const char *weights,
                              const char *folder, enum sedd_dtype dtype, struct sedd_error *error);
/* Writes bytes to folder/name. The file has a temporary name until it is complete. */
enum sedd_status sedd_file_write(const char *folder, const char *name, const void *bytes,
                                 size_t size, struct sedd_error *error);

#endif
