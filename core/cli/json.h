/*
 * json.h - what the tool writes as JSON.
 */
#ifndef SEDD_CLI_JSON_H
#define SEDD_CLI_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes that are no UTF-8 (a character cut in two) become U+FFFD, as JSON cannot hold them. */
void json_string(FILE *out, const char *text, size_t size);
void json_ids(FILE *out, const int32_t *ids, size_t count);

#endif
