/*
 * eval.h - one request to `sedd eval`: reading its fields, writing its answer.
 */
#ifndef SEDD_CLI_EVAL_H
#define SEDD_CLI_EVAL_H

#include "options.h"

#include "files/json.h"

/* What a request can ask for: the model with everything opened once. */
struct evaluator {
    struct sedd_tokenizer *tokenizer; /* NULL: the folder has none */
    struct sedd_model *model;
    struct sedd_engine *engine;
    struct sedd_session *session;
    struct sedd_model_info info;
};

/* An operation reads its fields from the request and, on SEDD_OK only, has printed `"name": value`
 * pairs, commas between. */
struct operation {
    const char *name;
    enum sedd_status (*run)(struct evaluator *evaluator, const cJSON *request,
                            struct sedd_error *error);
};

/* Fields of a request. Integers lie between low and INT32_MAX; fallback -1: the field must be
 * there. */
enum sedd_status eval_integer(const cJSON *request, const char *name, int32_t low, int32_t fallback,
                              int32_t *value, struct sedd_error *error);
enum sedd_status eval_seed(const cJSON *request, uint64_t *seed, struct sedd_error *error);
/* Whole numbers of an array into ids [its size]; the models' calls check their range. */
enum sedd_status eval_fill_ids(const cJSON *array, const char *name, int32_t *ids,
                               struct sedd_error *error);
/* Returns owned (sedd_memory_free). */
enum sedd_status eval_ids(const cJSON *request, const char *name, int32_t **ids, size_t *count,
                          struct sedd_error *error);

void eval_print_ids(const int32_t *ids, size_t count);
/* Prints a standard error, null where one sample or text says nothing about it. */
void eval_print_error(const char *name, double error);
void eval_print_numbers(const char *name, const double *values, size_t count);

/* Operations of eval_writing.c and eval_sets.c. */
enum sedd_status eval_sample(struct evaluator *e, const cJSON *request, struct sedd_error *error);
enum sedd_status eval_generate(struct evaluator *e, const cJSON *request, struct sedd_error *error);
enum sedd_status eval_diversity(struct evaluator *e, const cJSON *request,
                                struct sedd_error *error);
enum sedd_status eval_divergence(struct evaluator *e, const cJSON *request,
                                 struct sedd_error *error);

extern const struct operation EVAL_OPERATIONS[];
extern const size_t EVAL_OPERATION_COUNT;

#endif
