/*
 * options.h - the tables of what may be said about a likelihood: bounds and choices.
 */
#ifndef SEDD_EVAL_OPTIONS_H
#define SEDD_EVAL_OPTIONS_H

#include "files/option_table.h"

/* The rows of struct sedd_bound_options and struct sedd_choice_options; all are of a SEDD. */
extern const struct sedd_fields SEDD_BOUND_FIELDS, SEDD_CHOICE_FIELDS;

#endif
