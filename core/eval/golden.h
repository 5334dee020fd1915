/*
 * golden.h - compares this engine with reference outputs: a folder of golden.json (inputs, small
 * results) and golden.safetensors (large results), as described in tests/golden/README.md.
 */
#ifndef SEDD_GOLDEN_H
#define SEDD_GOLDEN_H

#include "common.h"

/* One comparison: its largest error in the unit of the tolerance; it passed if error <= tolerance. */
typedef void (*sedd_golden_report)(void *user, const char *name, double error, double tolerance);

/* Runs every check the files allow for this model (f32). *failed counts those over tolerance.
 * SEDD_ERROR_FORMAT if the files are damaged or hold nothing to compare. */
enum sedd_status sedd_golden_run(struct sedd_engine *engine, const struct sedd_model *model,
                                 const char *json, size_t json_size, const uint8_t *tensors,
                                 size_t tensors_size, sedd_golden_report report, void *user,
                                 int32_t *failed, struct sedd_error *error);

#endif
