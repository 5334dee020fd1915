/*
 * fields.h - the treatment of every field of both configurations.
 *
 * A field that changes numbers is either applied by config.c, or refused by name unless it has the
 * value that the engine implements. The other fields have no effect. fields.c has the table. A
 * field that is not in the table is accepted, because the reference classes do not read it.
 */
#ifndef SEDD_FIELDS_H
#define SEDD_FIELDS_H

#include "files/json.h"

/* Fails with the name of the first field whose value the engine does not support. */
enum sedd_status sedd_fields_check_gpt2(const char *file, const cJSON *root,
                                        struct sedd_error *error);
enum sedd_status sedd_fields_check_sedd(const char *file, const cJSON *root,
                                        struct sedd_error *error);

#endif
