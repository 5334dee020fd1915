/*
 * session.h - all scratch memory of a computation. session.c allocates it once.
 *
 * Letters: R rows (tokens at once), H hidden size, I width of the MLP, N states, D head size,
 * P positions (R for SEDD, the size of the cache for GPT-2).
 */
#ifndef SEDD_SESSION_H
#define SEDD_SESSION_H

#include "engine.h"
#include "model/model.h"

#include <stdatomic.h>

/* GPT-2 reads a prompt in slices of at most this many tokens. */
#define SEDD_GPT2_SLICE 128

/* Number of noise levels whose modulations are cached. It covers a short run, so that the next run
 * finds them. A time-free network has a single set of modulations. */
#define SEDD_CONDITIONS 16

struct sedd_session {
    struct sedd_engine *engine;
    const struct sedd_model *model;
    int32_t rows;
    uint64_t size; /* bytes of scratch */
    _Atomic int32_t cancel;

    float *hidden;   /* [R, H] the residual stream */
    float *qkv;      /* [R, 3H] */
    float *attended; /* [R, H] */
    float *inner;    /* [R, I] */

    /* Input of the current product: float rows, or int8 rows with their scales. */
    float *input;                       /* f32 models: [R, H] */
    uint8_t *input_q;                   /* q8 models: [R, max(H, I) padded] */
    struct sedd_row_scale *input_scale; /* q8 models: [R] */
    float *row;                         /* [threads, max(H, I)] one normalised row per thread */

    char *attention; /* [threads, attention_stride bytes] */
    size_t attention_stride;

    float *cosine, *sine; /* SEDD: rotary table [R, D/2] */
    float *modulation;    /* SEDD: [n_blocks, 6H] then [2H], a row of `modulations` */
    float *modulations;   /* SEDD: [condition_count, modulation_size], see condition.h */
    size_t modulation_size;
    int32_t condition_count;                 /* rows: SEDD_CONDITIONS, or 1 if time-free */
    double condition_sigma[SEDD_CONDITIONS]; /* noise level of each row; -1: unused */
    int32_t condition_next;                  /* row that is overwritten next */
    float *condition; /* SEDD: [condition_count, 256 + 2K] features, then sigma_map's two layers */

    float *keys, *values; /* GPT-2: cache [n_blocks, P, H] each */
    int32_t position;     /* GPT-2: tokens in the cache */

    float *logits; /* [head_rows, N] logits of a slice of rows */
    int32_t head_rows;
    float *draw; /* [threads, N] one row of scratch per thread, for a draw or a loss */

    bool leaves;           /* evaluations are left to the caller (elsewhere.c) */
    int32_t *places_asked; /* [3, rows] ids, places read and places needed of `asked`, or NULL */
    struct sedd_evaluation asked; /* the last evaluation that was left to the caller */
    float *answer;                /* [rows, N] its logits, or NULL */

    int32_t *nameless; /* [nameless_count] ids below V without a token, ascending; or NULL */
    int32_t nameless_count;
};

/* Stores the ids without a token, ascending. Takes the array, and frees the one before. */
void sedd_session_forbid(struct sedd_session *session, int32_t *nameless, int32_t count);
/* Sets the values [N] of the ids without a token to -infinity, so that none of them is drawn. */
void sedd_session_mute(const struct sedd_session *session, float *values);
/* Maps u in [0, 1) uniformly to one of the ids that have a token. */
int32_t sedd_session_pick(const struct sedd_session *session, double u);

/* Asks the caller for an evaluation, of which it keeps copies: fails with SEDD_ELSEWHERE, or
 * returns SEDD_OK if the session has the answer. The modulation is the session's. */
enum sedd_status sedd_session_ask(struct sedd_session *session,
                                  const struct sedd_evaluation *evaluation,
                                  struct sedd_error *error);

/* Returns SEDD_CANCELLED if the session or its engine has been cancelled. */
enum sedd_status sedd_session_check(struct sedd_session *session, struct sedd_error *error);

#endif
