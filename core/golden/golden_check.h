/*
 * golden_check.h - the checks of a golden folder, and the functions with which they read and
 * report.
 *
 * A check receives the value of its key in golden.json, reads its inputs, computes the same values
 * with this engine and reports the largest error. Everything that it reads is valid until it
 * returns. A missing value, or one of another type, reads as a count of 0, and a number as NaN.
 * Before a check computes anything, it therefore compares all shapes once, in `fits`.
 */
#ifndef SEDD_GOLDEN_CHECK_H
#define SEDD_GOLDEN_CHECK_H

#include "golden/golden.h"
#include "diffusion/graph.h"
#include "files/json.h"
#include "files/safetensors.h"

/* Tolerance relative to a schedule's value, and that of a grid's times, 1 ulp of float32 at 1. */
#define SEDD_GOLDEN_NOISE 1e-6
#define SEDD_GOLDEN_GRID 1.2e-7
/* Tolerance of logits, log-scores and their features, relative to the array's largest magnitude. */
#define SEDD_GOLDEN_LOGITS 2e-5
/* Tolerance relative to a row's largest weight. */
#define SEDD_GOLDEN_WEIGHTS 1e-4
/* Tolerance relative to a loss or a likelihood. */
#define SEDD_GOLDEN_LOSS 1e-4
/* Tolerance of draws and trajectories, whose error is the number of ids that differ. */
#define SEDD_GOLDEN_EXACT 0.0

#define SEDD_GOLDEN_ARRAYS 64 /* largest number of arrays in one check */

struct sedd_golden {
    struct sedd_engine *engine;
    const struct sedd_model *model;
    const struct sedd_model_info *info;

    cJSON *root;               /* golden.json */
    struct sedd_header header; /* of golden.safetensors */
    const uint8_t *data;       /* the bytes after the header; borrowed */

    sedd_golden_report report;
    void *user;
    int32_t compared, failed;
    struct sedd_error *error;

    char name[96];                    /* name of the current check, for its report */
    void *arrays[SEDD_GOLDEN_ARRAYS]; /* owned until the check ends */
    size_t array_count;
    bool starved; /* an array could not be allocated */
};

/* ---- Reading (golden_files.c) ------------------------------------------------------------ */

/* Opens both files. Borrows the tensors until the folder is closed. */
enum sedd_status sedd_golden_open(struct sedd_golden *golden, const char *json, size_t json_size,
                                  const uint8_t *tensors, size_t tensors_size);
void sedd_golden_close(struct sedd_golden *golden);

/* Allocates zeroed memory that is valid until the check ends. Returns NULL on failure, which
 * sedd_golden_damaged reports. */
void *sedd_golden_memory(struct sedd_golden *golden, uint64_t count, uint64_t size);
/* Frees all memory of the check. */
void sedd_golden_forget(struct sedd_golden *golden);

/* Returns all numbers under a key, with nested arrays flattened. The result is not NULL if
 * *count > 0. */
double *sedd_golden_numbers(struct sedd_golden *golden, const cJSON *object, const char *key,
                            size_t *count);
/* Returns all numbers under a key as ids. A number that is not an int32 becomes -1, an invalid id.
 */
int32_t *sedd_golden_ids(struct sedd_golden *golden, const cJSON *object, const char *key,
                         size_t *count);
/* Reads B and L of ids [B, L]. Returns false if the value has another shape. */
bool sedd_golden_shape(const cJSON *object, const char *key, int32_t *batch, int32_t *length);
double sedd_golden_number(const cJSON *object, const char *key);    /* or NAN */
const char *sedd_golden_text(const cJSON *object, const char *key); /* or NULL */

/* Returns the F32 tensor of that name, or NULL, and stores its number of elements. */
const struct sedd_tensor *sedd_golden_find(const struct sedd_golden *golden, const char *name,
                                           size_t *count);
float *sedd_golden_tensor(struct sedd_golden *golden, const char *name, size_t *count);

/* ---- Reporting (golden_report.c) --------------------------------------------------------- */

/* Reports a `part` of the check ("" or ".weights"). It fails if the error is NaN or above the
 * tolerance. */
void sedd_golden_check(struct sedd_golden *golden, const char *part, double error,
                       double tolerance);
/* Fails with the error that the files lack the check's inputs, or that there is no memory. */
enum sedd_status sedd_golden_damaged(struct sedd_golden *golden);

/* Returns the larger error. Unlike fmax, it keeps a NaN, which then fails the check. */
double sedd_golden_worse(double a, double b);
/* Returns the largest difference, relative to the largest magnitude of `expected`. */
double sedd_golden_error(const float *got, const float *expected, size_t count);

/* ---- Runs (golden_sampler.c) ------------------------------------------------------------- */

/* Returns the move of a reference code's kind of step; ANALYTIC for every other word. */
enum sedd_move sedd_golden_move(const char *kind);

/* The uniforms of a run, one tensor for each draw: NAME.u0, NAME.u1, ... */
struct sedd_golden_uniforms {
    struct sedd_golden *golden;
    const char *name;
    int32_t draws; /* tensors read so far */
    bool damaged;  /* a tensor is missing or has the wrong size */
};

/* Starts a run with these uniforms on a grid that ends at `end`. *session and *sampler must be
 * NULL; the caller frees both, also on failure. Borrows the uniforms. */
enum sedd_status sedd_golden_sampler(struct sedd_golden_uniforms *uniforms,
                                     const struct sedd_sample_options *options, double end,
                                     struct sedd_session **session, struct sedd_sampler **sampler);

/* ---- The checks: `item` is the value of the key, or an element of it --------------------- */

/* Check the networks' outputs (golden_network.c): timestep_embedding, and each element of forward,
 * of score_entropy and of GPT-2's forward. */
enum sedd_status sedd_golden_embedding(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_score(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_entropy(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_logits(struct sedd_golden *golden, const cJSON *item);
/* Computes log-scores [B, L, N] of ids [B, L] at sigma [B]. */
enum sedd_status sedd_golden_log_scores(struct sedd_golden *golden, int32_t batch, int32_t length,
                                        const int32_t *ids, const double *sigma, float **scores);

/* Computes the loss of every sequence at t [B]; got [B, L] receives each position's part. */
enum sedd_status sedd_golden_losses(struct sedd_golden *golden, int32_t batch, int32_t length,
                                    const int32_t *x0, const int32_t *xt, const double *t,
                                    double *loss, double *got);

/* Check the models that give ln p(x0) (golden_family.c): each element of forward, of steps, of
 * nelbo, of RADD's loss and of its update_rate. */
enum sedd_status sedd_golden_logprob(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_distribution(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_nelbo(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_radd_loss(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_rate(struct sedd_golden *golden, const cJSON *item);

/* Computes raw logits [B, L, N] of ids [B, L] at sigma [B]. */
enum sedd_status sedd_golden_raw_logits(struct sedd_golden *golden, int32_t batch, int32_t length,
                                        const int32_t *ids, const double *sigma, float *logits);
/* Checks each element of trajectories of these models (golden_runs.c). */
enum sedd_status sedd_golden_family_run(struct sedd_golden *golden, const cJSON *item);

/* Check sampling (golden_sampling.c): noise, grid, sample_categorical, and each element of steps,
 * of trajectories and of GPT-2's greedy. */
enum sedd_status sedd_golden_noise(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_grid(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_step(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_categorical(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_trajectory(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_greedy(struct sedd_golden *golden, const cJSON *item);

#endif
