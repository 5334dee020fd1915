/*
 * reply.h - results for JavaScript as JSON objects, whose fields have the same names on both sides.
 * A result's text is valid until the next one begins. Also the error of the last call that failed.
 */
#ifndef SEDD_WASM_REPLY_H
#define SEDD_WASM_REPLY_H

#include "common.h"

/* The error of the last call that failed. */
extern struct sedd_error last_error;

/* Begins a result, and its object. */
void reply_begin(void);
/* Adds text, at most 511 bytes at a time. */
void reply_add(const char *format, ...) SEDD_PRINTF(1, 2);
/* Adds a number that reads back as the same. JSON's 1e999 is JavaScript's Infinity, and NaN is
 * null.
 */
void reply_number(double value);
/* Adds a field that is a number, after a comma unless it is the object's first. */
void reply_field(const char *name, double value);
/* Adds a field that is a list, after a comma. Values of NULL are JSON's null. */
void reply_ints(const char *name, const int32_t *values, int32_t count);
void reply_floats(const char *name, const float *values, int32_t count);
/* Ends the object and returns it, or NULL with `last_error` set if there was no memory for it. */
const char *reply_end(void);

#endif
