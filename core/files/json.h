/*
 * json.h - reading untrusted JSON through cJSON: size and depth limits, typed values, one sentence
 * for what is wrong. `file` names the document in messages.
 */
#ifndef SEDD_JSON_H
#define SEDD_JSON_H

#include "common.h"

#include <cJSON.h>

/* Parses a whole document (nothing may follow it but white space; nesting is limited to 1,000 by
 * cJSON). Returns *root owned: free with cJSON_Delete. */
enum sedd_status sedd_json_parse(const char *file, const char *text, size_t size, cJSON **root,
                                 struct sedd_error *error);

/* The item at a path of keys joined by dots ("model.hidden_size"), or NULL. */
const cJSON *sedd_json_find(const cJSON *root, const char *path);

/* Numbers may be written as JSON strings ("1e-4"), as YAML loaders leave them. Missing keys take
 * `fallback` unless it is not a number (NAN: required). The value must lie in low..high. */
enum sedd_status sedd_json_number(const char *file, const cJSON *root, const char *path, double low,
                                  double high, double fallback, double *value,
                                  struct sedd_error *error);
/* The same for whole numbers; fallback < 0: required. */
enum sedd_status sedd_json_integer(const char *file, const cJSON *root, const char *path,
                                   int32_t low, int32_t high, int32_t fallback, int32_t *value,
                                   struct sedd_error *error);
/* true or false. */
enum sedd_status sedd_json_bool(const char *file, const cJSON *root, const char *path,
                                bool fallback, bool *value, struct sedd_error *error);
/* One of `count` words; *index receives which. */
enum sedd_status sedd_json_word(const char *file, const cJSON *root, const char *path,
                                const char *const *words, int count, int *index,
                                struct sedd_error *error);

#endif
