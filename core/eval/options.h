/*
 * options.h - the tables of options for likelihoods: bounds and choices.
 */
#ifndef SEDD_EVAL_OPTIONS_H
#define SEDD_EVAL_OPTIONS_H

#include "files/option_table.h"

/* The rows of struct sedd_bound_options and struct sedd_choice_options, all for a SEDD. */
extern const struct sedd_fields SEDD_BOUND_FIELDS, SEDD_CHOICE_FIELDS;

#endif
