/*
 * score.h - the network of SEDD and its family: the forward pass up to the head, the head, and the
 * bridge from its logits to log-scores.
 */
#ifndef SEDD_SCORE_H
#define SEDD_SCORE_H

#include "model/layers.h"

/* Input of a forward pass, and the outputs to compute. A place is an index into ids [B, L]. Lists
 * of places ascend. */
struct sedd_reading {
    int32_t batch, length; /* B * L <= the session's rows */
    const int32_t *ids;    /* [B, L], 0..N-1 */
    double sigma;          /* noise level of the whole batch */
    int32_t read_count;    /* places read, at least one; the others have neither row nor key */
    const int32_t *read;   /* [read_count] or NULL: every place */
    int32_t rows;          /* places whose output is computed; all of them are read */
    const int32_t *index;  /* [rows] or NULL: every place that is read */
};

/* Runs all blocks and leaves the residual stream of the output places in the session, contiguous
 * and ready for sedd_score_head. A place keeps its position in the sequence (the rotary angle),
 * even if places before it are not read. The last block is computed only for the output places. */
enum sedd_status sedd_score_forward(struct sedd_session *session,
                                    const struct sedd_reading *reading, struct sedd_error *error);

/* Runs the head on the output places of the reading that sedd_score_forward has just run. The
 * visitor receives raw logits, which sedd_score_bridge turns into log-scores. */
enum sedd_status sedd_score_head(struct sedd_session *session, const struct sedd_reading *reading,
                                 sedd_row_visitor visit, void *user, struct sedd_error *error);

/* Checks that the model is a SEDD and that `batch` sequences of `length` tokens fit the session.
 * `what` names the operation in the error. */
enum sedd_status sedd_score_check(const struct sedd_session *session, const char *what,
                                  int32_t batch, int32_t length, struct sedd_error *error);
enum sedd_status sedd_sigma_check(double sigma, struct sedd_error *error);
/* Fails with the error for non-finite logits at this sigma. */
enum sedd_status sedd_score_fail(double sigma, struct sedd_error *error);

/* Returns ln(e^sigma - 1) + ln(N - 1) if the model scales by sigma, otherwise 0: the log-score of a
 * model that is not normalised is its logit less this. */
double sedd_score_shift(const struct sedd_model_info *info, double sigma);

/* The bridge from a row of logits [N], at a position whose token is x, to log-scores at `sigma` of
 * the noise schedule: the log-score of y is row[y] less the result, and 0 for y = x. `work` [N] is
 * overwritten. With p = p(x0):
 *
 *   SEDD          sedd_score_shift
 *   absorb, p     the score of y < V is p_y / (e^sigma - 1) at a mask; at another token, which
 *                 keeps its own, it is 0, and e^sigma - 1 for the mask
 *   uniform, p    the score of y is (N a p_y + 1 - a) / (N a p_x + 1 - a), a = e^-sigma
 *
 * The row is rewritten where its log-scores are not a shift of the logits. */
double sedd_score_bridge(const struct sedd_session *session, double sigma, int32_t x, float *row,
                         float *work);
/* Returns ln of the sum of e^row over the columns that have a probability: the V tokens, not the
 * mask. Turns the row into e^(row - largest). */
double sedd_score_log_sum(const struct sedd_session *session, float *row);

/* Checks that ids [count] are in 0..limit-1. The error names the first invalid one. */
enum sedd_status sedd_ids_check(const int32_t *ids, size_t count, int32_t limit,
                                struct sedd_error *error);

/* Reads row `id` of the embedding, or of the head if the two are tied. */
void sedd_embed(const struct sedd_model *model, int32_t id, float *row);

#endif
