/*
 * json.h - prints strings and lists of ids as JSON.
 */
#ifndef SEDD_CLI_JSON_H
#define SEDD_CLI_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Prints a string. Bytes that are not UTF-8 (of a character cut in two) become U+FFFD, because JSON
 * cannot hold them. */
void json_string(FILE *out, const char *text, size_t size);
void json_ids(FILE *out, const int32_t *ids, size_t count);

#endif
