/*
 * score.h - the SEDD network up to its head, and what its head still needs.
 */
#ifndef SEDD_SCORE_H
#define SEDD_SCORE_H

#include "model/layers.h"

/* What the network reads, and what is wanted of it. A place is a position of a sequence, counted
 * through ids [B, L]; lists of places ascend. */
struct sedd_reading {
    int32_t batch, length; /* B * L <= the session's rows */
    const int32_t *ids;    /* [B, L], 0..N-1 */
    double sigma;          /* of the whole batch */
    int32_t read_count;    /* places read, at least one; the others are not there: no row, no key */
    const int32_t *read;   /* [read_count] or NULL: every place */
    int32_t rows;          /* places whose output is wanted; all of them are read */
    const int32_t *index;  /* [rows] or NULL: every place that is read */
};

/* Leaves the residual stream of the wanted places in the session, side by side and ready for
 * sedd_score_head. A place keeps its position in the sequence (the rotary angle), whatever is left
 * out before it. What only other rows would need of the last block is not computed. */
enum sedd_status sedd_score_forward(struct sedd_session *session,
                                    const struct sedd_reading *reading, struct sedd_error *error);

/* Runs the head on the `rows` rows of the sedd_score_forward before it. Visitors get the row's
 * number among them and raw logits: the log-score is logit - sedd_score_shift, and 0 at the row's
 * own token. */
enum sedd_status sedd_score_head(struct sedd_session *session, int32_t rows, sedd_row_visitor visit,
                                 void *user, struct sedd_error *error);

/* A SEDD, and `batch` sequences of `length` tokens that fit the session; `what` needs them. */
enum sedd_status sedd_score_check(const struct sedd_session *session, const char *what,
                                  int32_t batch, int32_t length, struct sedd_error *error);
enum sedd_status sedd_sigma_check(double sigma, struct sedd_error *error);
/* What there is to say when logits at this sigma are no numbers. */
enum sedd_status sedd_score_fail(double sigma, struct sedd_error *error);

/* ln(e^sigma - 1) + ln(N - 1) where the model scales by sigma, else 0. */
double sedd_score_shift(const struct sedd_model_info *info, double sigma);

/* Checks that ids [count] lie in 0..limit-1; names the first that does not. */
enum sedd_status sedd_ids_check(const int32_t *ids, size_t count, int32_t limit,
                                struct sedd_error *error);

/* Row `id` of the embedding, or of the head where the two are tied. */
void sedd_embed(const struct sedd_model *model, int32_t id, float *row);

#endif
