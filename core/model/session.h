/*
 * session.h - all scratch memory of a computation, sized once by session.c.
 *
 * Letters: R rows (tokens at once), H hidden size, I width of the MLP, N states, D head size,
 * P positions (R for SEDD, the size of the cache for GPT-2).
 */
#ifndef SEDD_SESSION_H
#define SEDD_SESSION_H

#include "engine.h"
#include "model/model.h"

#include <stdatomic.h>

/* GPT-2 reads a longer prompt in slices of this many tokens. */
#define SEDD_GPT2_SLICE 128

/* Noise levels whose modulations are kept: those of a short run, so that the next one finds
 * them. */
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

    /* The input of the product at hand: float rows, or int8 rows with their scales. */
    float *input;                       /* f32 models: [R, H] */
    uint8_t *input_q;                   /* q8 models: [R, max(H, I) padded] */
    struct sedd_row_scale *input_scale; /* q8 models: [R] */
    float *row;                         /* [threads, max(H, I)] one normalised row a thread */

    char *attention; /* [threads, attention_stride bytes] */
    size_t attention_stride;

    float *cosine, *sine; /* SEDD: rotary table [R, D/2] */
    float *modulation;    /* SEDD: [n_blocks, 6H] then [2H], one of: */
    float *modulations;   /* SEDD: [SEDD_CONDITIONS, modulation_size], see condition.h */
    size_t modulation_size;
    double condition_sigma[SEDD_CONDITIONS]; /* the noise level of each; 0: none */
    int32_t condition_next;                  /* which is overwritten next */
    float *condition; /* SEDD: [SEDD_CONDITIONS, 256 + 2K] features, then sigma_map's two layers */

    float *keys, *values; /* GPT-2: cache [n_blocks, P, H] each */
    int32_t position;     /* GPT-2: tokens in the cache */

    float *logits; /* [head_rows, N] a slice of rows at the head */
    int32_t head_rows;
    float *draw;    /* [threads, N] one row of work a thread: a draw, a loss */
    int32_t *index; /* [R] which rows go to the head */

    int32_t *nameless; /* [nameless_count] ids below V without a token, ascending; or NULL */
    int32_t nameless_count;
};

/* Sets the values [N] of the ids without a token to -infinity, so that none of them is drawn. */
void sedd_session_mute(const struct sedd_session *session, float *values);
/* The token at u, in [0, 1), of the way through all that may be written. */
int32_t sedd_session_pick(const struct sedd_session *session, double u);

/* SEDD_CANCELLED when the flag is up. */
enum sedd_status sedd_session_check(struct sedd_session *session, struct sedd_error *error);

#endif
