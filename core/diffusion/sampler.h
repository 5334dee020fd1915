/*
 * sampler.h - the sampler's insides, shared by sampler.c (life and steps), check.c (what cannot
 * be done), choose.c (which masks open), evaluate.c (the network in a step) and visit.c (from a row
 * of logits to a token).
 */
#ifndef SEDD_SAMPLER_H
#define SEDD_SAMPLER_H

#include "diffusion/graph.h"
#include "diffusion/order.h"
#include "model/score.h"

/* What an evaluation of the network gives for one row. The network may run here (visit.c) or
 * elsewhere (sedd_sampler_take). */
struct sedd_outcome {
    int32_t id;                /* the state drawn, or -1 if the place stays as it is */
    float confidence, entropy; /* see struct sedd_step */
    double rank;               /* see order.h */
    double sum; /* not finite if the network's output is not a number; otherwise not used */
};

struct sedd_sampler {
    struct sedd_session *session;
    struct sedd_sample_options options; /* with defaults filled in and arrays owned */
    int32_t rows;                       /* B * L */
    enum sedd_ending ending;            /* the options', or the model's own */
    int32_t total;                      /* steps of the whole run */
    int32_t steps_done;
    int32_t masked; /* masks among ids */
    int32_t *held_positions, *held_ids;
    int32_t *ids, *next; /* [B, L] before and after the step at hand */
    int32_t *changed, *changed_ids;
    float *changed_confidence, *changed_entropy;
    /* Set by sedd_sampler_feed, else NULL. */
    void (*feed)(void *user, float *values, size_t count);
    void *feed_user;
    float *uniforms; /* [B, L, N] */
    double end;      /* where the grid ends */

    /* Evaluations of the network so far, and the sequences they read. */
    int32_t evaluations, sequences;
    bool *evaluated; /* [B] read in the step at hand */
    bool *stale;     /* [B] changed since it was read */
    /* Only where outputs are kept while nothing changes (evaluate.c), else NULL. */
    float *kept;            /* [B, L, H] the residual stream after the last block */
    int32_t *read, *output; /* [B, L] places of stale sequences: all, and those to draw from */

    /* The step at hand. */
    double t, sigma;
    struct sedd_transition transition;
    float shift;                  /* log-score = logit - shift, unless the model is normalised */
    bool last;                    /* the ending's own evaluation */
    bool rest;                    /* every mask opens */
    bool requested;               /* the step at hand has been planned and not yet finished */
    int32_t drawn_count;          /* rows to draw from */
    struct sedd_outcome *outcome; /* [B, L] what came of each of those rows */
    float *requested_uniforms;    /* [B, L] each row's, for its token */
    float *confidence, *entropy;  /* [B, L] of drawn rows */
    double *rank;                 /* [B, L] of masks; see order.h */
    struct sedd_ranked *ranked;   /* [L] */
    int32_t *drawn;               /* [B, L] places of the rows to draw from, ascending */
    int32_t *known;               /* [B, L] context known: the places read, ascending; else NULL */
};

/* Fills in defaults and refuses what cannot be done with this model and session. */
enum sedd_status sedd_sample_check(const struct sedd_session *session,
                                   struct sedd_sample_options *options, struct sedd_error *error);

/* Takes the uniforms of official draws from a function instead of the seed, and ends the grid at
 * `end`, as tests against the reference codes need: `count` floats a draw, a row for each position
 * of the batch in order (RADD: for each mask). Call it before the first step. */
enum sedd_status sedd_sampler_feed(struct sedd_sampler *sampler,
                                   void (*feed)(void *user, float *values, size_t count),
                                   void *user, double end, struct sedd_error *error);

/* Allocates what evaluate.c needs. Returns false if there is no memory. */
bool sedd_sampler_keep(struct sedd_sampler *sampler);
/* Runs the network for the places in `drawn` and visits their rows. */
enum sedd_status sedd_sampler_evaluate(struct sedd_sampler *sampler, sedd_row_visitor visit,
                                       struct sedd_error *error);
/* Returns what the network reads in the step at hand, and which outputs are wanted. */
struct sedd_reading sedd_sampler_reading(struct sedd_sampler *sampler);
/* Marks the sequences whose ids differ from `before` as stale. */
void sedd_sampler_outdate(struct sedd_sampler *sampler, const int32_t *before);

/* Fills `drawn` with the places of the rows to draw from. Returns their number. */
int32_t sedd_sampler_choose(struct sedd_sampler *sampler);
/* Fills `known` with the first `rows` places of `drawn` and every place that holds a token. Returns
 * their number. */
int32_t sedd_sampler_known(struct sedd_sampler *sampler, int32_t rows);
/* After the draws: puts the masks back that were drawn only to be ranked. */
void sedd_sampler_remask(struct sedd_sampler *sampler);

/* Random number `draw` of a place in the step at hand: 0 is the coin, 1 the token. */
double sedd_sampler_random(const struct sedd_sampler *sampler, int32_t place, uint32_t draw);
/* Does the coin of a mask at `place` open it, given the sum of its scores? */
bool sedd_sampler_opens(const struct sedd_sampler *sampler, int32_t place, double score_sum);

/* True: every mask of the step at hand that is drawn depends on a coin with its scores as odds. */
bool sedd_sampler_tosses(const struct sedd_sampler *sampler);

/* Row visitors (sedd_row_visitor) whose user is the sampler; they write `outcome`. */
void sedd_visit_exact(void *user, int32_t row, int32_t place, float *logits, float *work);
void sedd_visit_weights(void *user, int32_t row, int32_t place, float *logits, float *work);

#endif
