/*
 * fields.h - every field of the two configurations, and what becomes of it.
 *
 * A field that changes numbers is applied (config.c reads it) or refused by its name unless it has
 * the value that the engine computes with. The other fields change nothing here. fields.c has the
 * table of all. A field that is not in it is accepted: the reference classes do not read it.
 */
#ifndef SEDD_FIELDS_H
#define SEDD_FIELDS_H

#include "files/json.h"

/* Fails with the name of the first field whose value the engine does not compute with. */
enum sedd_status sedd_fields_check_gpt2(const char *file, const cJSON *root,
                                        struct sedd_error *error);
enum sedd_status sedd_fields_check_sedd(const char *file, const cJSON *root,
                                        struct sedd_error *error);

#endif
