/*
 * fields.h - the treatment of every field of the models' configurations.
 *
 * A field that changes numbers is either applied by config.c, or refused by name unless it has the
 * value that the engine implements. The other fields have no effect. fields.c has the table. A
 * field that is not in the table is accepted, because the reference classes do not read it.
 */
#ifndef SEDD_FIELDS_H
#define SEDD_FIELDS_H

#include "files/json.h"

#define SEDD_FIELDS_GPT2 (SEDD_FAMILY_DUO + 1) /* the model after the families */

/* Fails with the name of the first field whose value the engine does not support. `model` is an
 * enum sedd_family or SEDD_FIELDS_GPT2. */
enum sedd_status sedd_config_check(const char *file, const cJSON *root, int model,
                                   struct sedd_error *error);

#endif
