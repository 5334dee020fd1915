/*
 * config.h - config.json of a SEDD or a GPT-2 -> sedd_model_info. Every value is checked.
 */
#ifndef SEDD_CONFIG_H
#define SEDD_CONFIG_H

#include "common.h"

/* Fills the fields that the configuration decides, and *inner_size, the width of the MLP. */
enum sedd_status sedd_config_read(const char *text, size_t size, struct sedd_model_info *info,
                                  int32_t *inner_size, struct sedd_error *error);

#endif
