/*
 * layers.h - the layers that both networks share, run on the session's threads.
 */
#ifndef SEDD_LAYERS_H
#define SEDD_LAYERS_H

#include "model/session.h"

/* Arguments of a product y [rows, y_stride] = epilogue(norm(x) W^T + bias). Row r reads x at row
 * index[r], or at row r without an index. If `norm` is NULL, the norm is skipped; `index` must then
 * be NULL for f32 weights. */
struct sedd_product {
    int32_t rows;
    const float *x;
    size_t x_stride;
    const int32_t *index;   /* [rows] or NULL: 0, 1, 2, ... */
    const float *norm;      /* [in] factor after normalising, or NULL: no norm */
    const float *norm_bias; /* [in] or NULL */
    const struct sedd_linear *linear;
    float *y;
    size_t y_stride;
    enum sedd_epilogue epilogue;
    const float *gate; /* [out] or NULL */
};

void sedd_layer_product(struct sedd_session *session, const struct sedd_product *product);

/* Applies the rotary embedding to q and k of `rows` rows of the session's qkv. Row r has position
 * places[r] % length, or r % length if places is NULL. */
void sedd_layer_rotate(struct sedd_session *session, int32_t rows, const int32_t *places,
                       int32_t length);

/* Applies the activation to rows [rows, inner size] of session->inner. Does nothing if the previous
 * product already applied it (SEDD_EPILOGUE_GELU). */
void sedd_layer_activate(struct sedd_session *session, int32_t rows);

/* Arguments of multi-head attention over `sequences` sequences of `queries` query rows each. The
 * heads of a row of q, k or v are contiguous. Sequence s starts at row s * queries of q and at row
 * s * keys of k and v. The result goes to session->attended [rows, H]. */
struct sedd_heads {
    int32_t sequences, queries, keys;
    const float *q, *k, *v;
    size_t q_stride, kv_stride;
    float scale;           /* factor of the scores */
    int32_t causal_offset; /* -1: every query sees every key; see kernels.h */
};

void sedd_layer_attention(struct sedd_session *session, const struct sedd_heads *heads);

/* Receives the logits [N] of one row, which it may overwrite. `row` counts the rows of the call,
 * and `place` is where the row's token stands in the caller's ids. Several threads call it at once;
 * `work` [N] is scratch of the calling thread. */
typedef void (*sedd_row_visitor)(void *user, int32_t row, int32_t place, float *logits,
                                 float *work);

/* Arguments of the head: `rows` rows of the residual stream from `first` on, and who receives them.
 * The first row has the number `number`; row i has the place places[i], or its own number if places
 * is NULL. */
struct sedd_head {
    int32_t first, rows, number;
    const int32_t *places; /* [rows] or NULL */
    const float *norm;     /* [H] factor of the final norm */
    const float *norm_bias;
    sedd_row_visitor visit;
    void *user;
};

/* Runs the final norm and the vocabulary head, in slices of rows. */
enum sedd_status sedd_layer_head(struct sedd_session *session, const struct sedd_head *head,
                                 struct sedd_error *error);

#endif
