/*
 * config.h - reads config.json of a SEDD or a GPT-2 into sedd_model_info. Every value is checked.
 */
#ifndef SEDD_CONFIG_H
#define SEDD_CONFIG_H

#include "model/model.h"

/* Fills *design and the fields of *info that the configuration sets. If the engine does not support
 * a field's value, the error names the field (fields.h). */
enum sedd_status sedd_config_read(const char *text, size_t size, struct sedd_model_info *info,
                                  struct sedd_design *design, struct sedd_error *error);

#endif
