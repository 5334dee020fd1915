/*
 * eval.h - one request to `sedd eval`: reads its fields and writes its answer.
 */
#ifndef SEDD_CLI_EVAL_H
#define SEDD_CLI_EVAL_H

#include "options.h"

#include "files/option_table.h"

/* An operation reads its fields from the request. On success it has printed `"name": value` pairs
 * with commas between; otherwise nothing. */
struct operation {
    const char *name;
    enum sedd_status (*run)(struct opened *opened, const cJSON *request, struct sedd_error *error);
};

/* What an operation computes with is opened once; a folder may have no tokenizer. Fields of a
 * request. Integers lie between low and INT32_MAX; fallback -1: the field must be there. */
enum sedd_status eval_integer(const cJSON *request, const char *name, int32_t low, int32_t fallback,
                              int32_t *value, struct sedd_error *error);
/* Reads the fields of a table; `others` are the operation's own names, between spaces. */
struct sedd_field_source eval_source(enum sedd_kind kind, const char *others);
/* Reads the whole numbers of an array into ids [its size]. The models' calls check their range. */
enum sedd_status eval_fill_ids(const cJSON *array, const char *name, int32_t *ids,
                               struct sedd_error *error);
/* Returns owned (sedd_memory_free). */
enum sedd_status eval_ids(const cJSON *request, const char *name, int32_t **ids, size_t *count,
                          struct sedd_error *error);

void eval_print_ids(const int32_t *ids, size_t count);
/* Prints a standard error, or null if there is only one sample or text. */
void eval_print_error(const char *name, double error);
void eval_print_numbers(const char *name, const double *values, size_t count);

/* Operations of eval_writing.c and eval_sets.c. */
enum sedd_status eval_sample(struct opened *e, const cJSON *request, struct sedd_error *error);
enum sedd_status eval_generate(struct opened *e, const cJSON *request, struct sedd_error *error);
enum sedd_status eval_diversity(struct opened *e, const cJSON *request, struct sedd_error *error);
enum sedd_status eval_divergence(struct opened *e, const cJSON *request, struct sedd_error *error);

extern const struct operation EVAL_OPERATIONS[];
extern const size_t EVAL_OPERATION_COUNT;

#endif
