/*
 * config.h - config.json of a SEDD or a GPT-2 -> sedd_model_info. Every value is checked.
 */
#ifndef SEDD_CONFIG_H
#define SEDD_CONFIG_H

#include "model/model.h"

/* Fills the fields of *info that the configuration decides, and *design. Fails with the name of a
 * field that the engine does not compute with (fields.h). */
enum sedd_status sedd_config_read(const char *text, size_t size, struct sedd_model_info *info,
                                  struct sedd_design *design, struct sedd_error *error);

#endif
