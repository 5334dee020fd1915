/*
 * options.h - the table of sampling options. Programs, JSON, the tool's flags and a model's
 * generation_config.json all use it.
 */
#ifndef SEDD_OPTIONS_H
#define SEDD_OPTIONS_H

#include "files/option_table.h"

/* The rows of struct sedd_sample_options and struct sedd_inspect_options. */
extern const struct sedd_fields SEDD_SAMPLE_FIELDS, SEDD_INSPECT_FIELDS;

/* Returns the rows for a kind of model. */
unsigned sedd_field_uses(enum sedd_kind kind);

/* Reads the options of a source over those in *options (a model's defaults). If the source changes
 * `positions`, the defaults for order, grid, context and gamma are dropped, because they belong to
 * the model's own positions. */
enum sedd_status sedd_sample_read_from(const struct sedd_field_source *source, const cJSON *root,
                                       struct sedd_sample_options *options,
                                       struct sedd_error *error);

/* Fills in defaults and refuses values out of range, for a kind of model. The length stays 0 if it
 * is not given. */
enum sedd_status sedd_sample_fill(enum sedd_kind kind, struct sedd_sample_options *options,
                                  struct sedd_error *error);

/* Returns a sentence on options that exclude each other, or NULL. */
const char *sedd_sample_conflict(const struct sedd_sample_options *options);
/* Returns true if a random number for each mask decides whether it is filled in (SCORE and
 * NORMALISED). Some masks may then be left for the denoiser. */
bool sedd_sample_by_coin(const struct sedd_sample_options *options);
/* Returns true if the masks to fill in are known before the network runs. */
bool sedd_sample_known_ahead(const struct sedd_sample_options *options);

#endif
