/*
 * json.h - reads untrusted JSON through cJSON, with limits on size and depth and with typed values,
 * and writes values into messages. Every error is one sentence; `file` names the document in it.
 */
#ifndef SEDD_JSON_H
#define SEDD_JSON_H

#include "common.h"

#include <cJSON.h>

/* Parses a whole document. Only white space may follow it, and cJSON limits nesting to 1,000
 * levels. Returns *root owned; free it with cJSON_Delete. */
enum sedd_status sedd_json_parse(const char *file, const char *text, size_t size, cJSON **root,
                                 struct sedd_error *error);

/* Returns the item at a path of keys joined by dots ("model.hidden_size"), or NULL. */
const cJSON *sedd_json_find(const cJSON *root, const char *path);

/* Reads a number in low..high. A missing key gives `fallback`; if fallback is NAN, the key is
 * required. A number may be written as a JSON string ("1e-4"), because YAML loaders produce such
 * strings. */
enum sedd_status sedd_json_number(const char *file, const cJSON *root, const char *path, double low,
                                  double high, double fallback, double *value,
                                  struct sedd_error *error);
/* Reads an integer in low..high. If fallback < 0, the key is required. */
enum sedd_status sedd_json_integer(const char *file, const cJSON *root, const char *path,
                                   int32_t low, int32_t high, int32_t fallback, int32_t *value,
                                   struct sedd_error *error);
/* Reads true or false. */
enum sedd_status sedd_json_bool(const char *file, const cJSON *root, const char *path,
                                bool fallback, bool *value, struct sedd_error *error);
/* Reads a string that must be one of `count` words, and stores the index of the word. */
enum sedd_status sedd_json_word(const char *file, const cJSON *root, const char *path,
                                const char *const *words, int count, int *index,
                                struct sedd_error *error);

/* Appends a number in the shorter of two notations that read back as the same number. */
void sedd_text_put_number(struct sedd_text *text, double value);
/* Appends an item as JSON without spaces. (cJSON's printer, with the scanner that it needs, would
 * add 8.6 kB to every wasm module.) */
void sedd_text_put_json(struct sedd_text *text, const cJSON *item);

#endif
