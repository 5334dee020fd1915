/*
 * options.h - the table of sampling options: all that may be said about how to write, by anybody
 * (a program, JSON, the tool's flags, a model's generation_config.json).
 */
#ifndef SEDD_OPTIONS_H
#define SEDD_OPTIONS_H

#include "files/option_table.h"

/* The rows of struct sedd_sample_options and struct sedd_inspect_options. */
extern const struct sedd_fields SEDD_SAMPLE_FIELDS, SEDD_INSPECT_FIELDS;

/* The rows that a kind of model has. */
unsigned sedd_field_uses(enum sedd_kind kind);

/* Reads what a source says over what *options holds already (a model's defaults). Positions other
 * than those leave aside the order, grid, context and gamma that belong to them. */
enum sedd_status sedd_sample_read_from(const struct sedd_field_source *source, const cJSON *root,
                                       struct sedd_sample_options *options,
                                       struct sedd_error *error);

/* Fills in defaults and refuses what is out of range, for a kind of model. The length stays 0 where
 * it was not given. */
enum sedd_status sedd_sample_fill(enum sedd_kind kind, struct sedd_sample_options *options,
                                  struct sedd_error *error);

/* Returns a sentence on options that have no meaning together, or NULL. */
const char *sedd_sample_conflict(const struct sedd_sample_options *options);
/* True: a coin for each mask decides whether it opens (SCORE and NORMALISED), so that some may be
 * left at the end, for the denoiser. */
bool sedd_sample_by_coin(const struct sedd_sample_options *options);
/* True: the masks that open in a step are known before the network runs. */
bool sedd_sample_foresees(const struct sedd_sample_options *options);

#endif
