/*
 * convert.h - one file of weights into another, a tensor at a time.
 */
#ifndef SEDD_CONVERT_H
#define SEDD_CONVERT_H

#include "common.h"

/* Reads `weights` (safetensors or torch) of the model that `config` describes and writes `folder`/
 * model.safetensors, under another name until it is complete. dtype: Q8, F16 or F32. Memory peaks
 * at the largest tensor as written, and 64 MB. */
enum sedd_status sedd_convert(const char *config, size_t config_size, const char *weights,
                              const char *folder, enum sedd_dtype dtype, struct sedd_error *error);
/* Writes bytes as folder/name, under another name until they are complete. */
enum sedd_status sedd_file_write(const char *folder, const char *name, const void *bytes,
                                 size_t size, struct sedd_error *error);

#endif
