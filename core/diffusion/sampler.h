/*
 * sampler.h - the state of a run, shared by sampler.c (creates, steps, frees), check.c (refuses
 * options), choose.c (chooses the masks of a step), evaluate.c (runs the network) and visit.c
 * (draws a row's token).
 */
#ifndef SEDD_SAMPLER_H
#define SEDD_SAMPLER_H

#include "diffusion/graph.h"
#include "diffusion/order.h"
#include "model/score.h"

/* The result of drawing one row. The network may run here (visit.c) or elsewhere
 * (sedd_sampler_take). */
struct sedd_outcome {
    int32_t id;                /* the state drawn, or -1 if the place stays as it is */
    float confidence, entropy; /* see struct sedd_step */
    double rank;               /* see order.h */
    double sum;                /* non-finite if the network's output is; otherwise not used */
};

struct sedd_sampler {
    struct sedd_session *session;
    struct sedd_sample_options options; /* with defaults filled in and arrays owned */
    int32_t rows;                       /* B * L */
    enum sedd_ending ending;            /* of the options, or the model's own */
    int32_t total;                      /* steps of the whole run */
    int32_t steps_done;
    int32_t masked; /* masks among ids */
    int32_t *held_positions, *held_ids;
    int32_t *ids, *next; /* [B, L] before and after the current step */
    int32_t *changed, *changed_ids;
    float *changed_confidence, *changed_entropy;
    /* Set by sedd_sampler_feed, otherwise NULL. */
    void (*feed)(void *user, float *values, size_t count);
    void *feed_user;
    float *uniforms; /* [B, L, N] */
    double end;      /* where the grid ends */

    /* Evaluations of the network so far, and the sequences they read. */
    int32_t evaluations, sequences;
    bool *evaluated; /* [B] the current step read the sequence */
    bool *stale;     /* [B] the sequence has changed since it was read */
    /* NULL unless outputs are reused while nothing changes (evaluate.c). */
    float *kept;            /* [B, L, H] the residual stream after the last block */
    int32_t *read, *output; /* [B, L] places of stale sequences: all, and those to draw */

    /* The current step. */
    double t, sigma;
    struct sedd_transition transition;
    float shift;                  /* log-score = logit - shift, unless the model is normalised */
    bool last;                    /* the evaluation of the ending */
    bool rest;                    /* every mask is filled in */
    bool requested;               /* the step has been planned, and is not finished yet */
    int32_t drawn_count;          /* rows to draw */
    struct sedd_outcome *outcome; /* [B, L] the result of each of these rows */
    float *requested_uniforms;    /* [B, L] the number that draws each row's token */
    float *confidence, *entropy;  /* [B, L] of drawn rows */
    double *rank;                 /* [B, L] of masks; see order.h */
    struct sedd_ranked *ranked;   /* [L] */
    int32_t *drawn;               /* [B, L] places of the rows to draw, ascending */
    int32_t *known; /* [B, L] context known: places that are read, ascending, or NULL */
};

/* Fills in defaults, and refuses options that do not fit the model or the session. */
enum sedd_status sedd_sample_check(const struct sedd_session *session,
                                   struct sedd_sample_options *options, struct sedd_error *error);

/* Takes the uniforms of official draws from `feed` instead of the seed, and ends the grid at `end`,
 * as tests against the reference codes need. `feed` fills in `count` floats for each draw: a row
 * for every position of the batch, in order (RADD: for every mask). Call it before the first
 * step. */
enum sedd_status sedd_sampler_feed(struct sedd_sampler *sampler,
                                   void (*feed)(void *user, float *values, size_t count),
                                   void *user, double end, struct sedd_error *error);

/* Allocates the memory of evaluate.c, with room for kept outputs if the run reuses them. Returns
 * false on failure. */
bool sedd_sampler_new_outputs(struct sedd_sampler *sampler);
/* Runs the network for the places in `drawn` and visits their rows. */
enum sedd_status sedd_sampler_evaluate(struct sedd_sampler *sampler, sedd_row_visitor visit,
                                       struct sedd_error *error);
/* Returns the input of the network in the current step, and the outputs to compute. */
struct sedd_reading sedd_sampler_reading(struct sedd_sampler *sampler);
/* Marks the sequences whose ids differ from `before` as stale, or all if it is NULL. */
void sedd_sampler_mark_stale(struct sedd_sampler *sampler, const int32_t *before);

/* Fills `drawn` with the places of the rows to draw. Returns their number. */
int32_t sedd_sampler_choose(struct sedd_sampler *sampler);
/* Fills `known` with the first `rows` places of `drawn` and every place that holds a token. Returns
 * their number. */
int32_t sedd_sampler_known(struct sedd_sampler *sampler, int32_t rows);
/* Masks the places again that were drawn only to be ranked. */
void sedd_sampler_remask(struct sedd_sampler *sampler);

/* Returns a random number of a place in the current step. Number 0 decides whether the mask is
 * filled in, number 1 with which token. */
double sedd_sampler_random(const struct sedd_sampler *sampler, int32_t place, uint32_t draw);
/* Returns true if its random number fills in the mask at `place`, given the sum of its scores. */
bool sedd_sampler_opens(const struct sedd_sampler *sampler, int32_t place, double score_sum);
/* Returns true if random numbers decide which masks are filled in, with the scores as odds. */
bool sedd_sampler_opens_by_score(const struct sedd_sampler *sampler);

/* Draw a row and store its outcome. Both are a sedd_row_visitor whose `user` is the sampler. */
void sedd_visit_exact(void *user, int32_t row, int32_t place, float *logits, float *work);
void sedd_visit_weights(void *user, int32_t row, int32_t place, float *logits, float *work);

#endif
