/*
 * golden_check.h - what one check of a golden folder reads and says, and the checks themselves.
 *
 * A check gets the value of its key in golden.json, reads what it needs, computes the same with
 * this engine and reports the largest error. All it reads lives until it returns; a value that is
 * missing or of another kind reads as a count of 0 (a number as NaN), which a check meets by one
 * look at its shapes, `fits`, before it computes anything.
 */
#ifndef SEDD_GOLDEN_CHECK_H
#define SEDD_GOLDEN_CHECK_H

#include "golden/golden.h"
#include "files/json.h"
#include "files/safetensors.h"

/* Relative to a schedule's value; of a grid's times, 1 ulp of float32 at 1. */
#define SEDD_GOLDEN_NOISE 1e-6
#define SEDD_GOLDEN_GRID 1.2e-7
/* Of an array's largest magnitude: logits, log-scores and the features they are made of. */
#define SEDD_GOLDEN_LOGITS 2e-5
/* Of a row's largest weight. */
#define SEDD_GOLDEN_WEIGHTS 1e-4
/* Relative to a loss or a likelihood. */
#define SEDD_GOLDEN_LOSS 1e-4
/* Draws and trajectories: the error is the number of ids that differ. */
#define SEDD_GOLDEN_EXACT 0.0

#define SEDD_GOLDEN_ARRAYS 16 /* the most one check holds */

struct sedd_golden {
    struct sedd_engine *engine;
    const struct sedd_model *model;
    const struct sedd_model_info *info;

    cJSON *root;               /* golden.json */
    struct sedd_header header; /* of golden.safetensors */
    const uint8_t *data;       /* behind it; borrowed */

    sedd_golden_report report;
    void *user;
    int32_t compared, failed;
    struct sedd_error *error;

    char name[96];                    /* of the check at hand, for its report */
    void *arrays[SEDD_GOLDEN_ARRAYS]; /* owned until it is over */
    size_t array_count;
    bool starved; /* an array could not be had */
};

/* ---- Reading (golden_files.c) ------------------------------------------------------------ */

/* Both files; the tensors are borrowed until closed. */
enum sedd_status sedd_golden_open(struct sedd_golden *golden, const char *json, size_t json_size,
                                  const uint8_t *tensors, size_t tensors_size);
void sedd_golden_close(struct sedd_golden *golden);

/* Zeroed memory until the check is over, or NULL (which sedd_golden_damaged tells). */
void *sedd_golden_memory(struct sedd_golden *golden, uint64_t count, uint64_t size);
/* Ends the life of all of it. */
void sedd_golden_forget(struct sedd_golden *golden);

/* All numbers under a key, nested arrays laid end to end; never NULL where *count > 0. */
double *sedd_golden_numbers(struct sedd_golden *golden, const cJSON *object, const char *key,
                            size_t *count);
/* The same as ids; what is no int32 becomes -1, which no call takes for an id. */
int32_t *sedd_golden_ids(struct sedd_golden *golden, const cJSON *object, const char *key,
                         size_t *count);
/* B and L of ids [B, L]; false if they are none. */
bool sedd_golden_shape(const cJSON *object, const char *key, int32_t *batch, int32_t *length);
double sedd_golden_number(const cJSON *object, const char *key);    /* or NAN */
const char *sedd_golden_text(const cJSON *object, const char *key); /* or NULL */

/* An F32 tensor by name (NULL: none of that name), and its elements. */
const struct sedd_tensor *sedd_golden_find(const struct sedd_golden *golden, const char *name,
                                           size_t *count);
float *sedd_golden_tensor(struct sedd_golden *golden, const char *name, size_t *count);

/* ---- Saying (golden.c) ------------------------------------------------------------------- */

/* Reports the check's `part` ("" or ".weights"); it fails above the tolerance or with NaN. */
void sedd_golden_check(struct sedd_golden *golden, const char *part, double error,
                       double tolerance);
/* The files are not what the check at hand needs, or there is no memory for it. */
enum sedd_status sedd_golden_damaged(struct sedd_golden *golden);

/* The larger error; unlike fmax it keeps a NaN, which then fails its check. */
double sedd_golden_worse(double a, double b);
/* Largest difference in relation to the largest magnitude of `expected`. */
double sedd_golden_error(const float *got, const float *expected, size_t count);

/* ---- The checks: `item` is the value of the key, or an element of it --------------------- */

/* What the networks compute (golden_network.c): timestep_embedding; forward and score_entropy, each
 * element; GPT-2's forward, each element. */
enum sedd_status sedd_golden_embedding(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_score(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_entropy(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_logits(struct sedd_golden *golden, const cJSON *item);
/* Log-scores [B, L, N] of ids [B, L] at sigma [B]. */
enum sedd_status sedd_golden_log_scores(struct sedd_golden *golden, int32_t batch, int32_t length,
                                        const int32_t *ids, const double *sigma, float **scores);

/* How a text is written (golden_sampling.c): noise, grid, sample_categorical; steps, trajectories
 * and GPT-2's greedy, each element. */
enum sedd_status sedd_golden_noise(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_grid(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_step(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_categorical(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_trajectory(struct sedd_golden *golden, const cJSON *item);
enum sedd_status sedd_golden_greedy(struct sedd_golden *golden, const cJSON *item);

#endif
