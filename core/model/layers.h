/*
 * layers.h - the parts both networks are made of, run on a session's threads.
 */
#ifndef SEDD_LAYERS_H
#define SEDD_LAYERS_H

#include "model/session.h"

/* y [rows, y_stride] = epilogue(norm(x) W^T + bias), for rows x [index[r] or r, x_stride].
 * The norm is left out when `norm` is NULL; then `index` must be NULL for f32 weights. */
struct sedd_product {
    int32_t rows;
    const float *x;
    size_t x_stride;
    const int32_t *index;   /* [rows] or NULL: 0, 1, 2, ... */
    const float *norm;      /* [in] factor after normalising, or NULL: x as it is */
    const float *norm_bias; /* [in] or NULL */
    const struct sedd_linear *linear;
    float *y;
    size_t y_stride;
    enum sedd_epilogue epilogue;
    const float *gate; /* [out] or NULL */
};

void sedd_layer_product(struct sedd_session *session, const struct sedd_product *product);

/* Rotates q and k of `rows` rows of the session's qkv. Row r lies at position places[r] % length
 * (NULL: r % length). */
void sedd_layer_rotate(struct sedd_session *session, int32_t rows, const int32_t *places,
                       int32_t length);

/* Applies the activation to rows [rows, inner size] of session->inner, where the product before did
 * not (SEDD_EPILOGUE_GELU). */
void sedd_layer_activate(struct sedd_session *session, int32_t rows);

/* attended [rows, H] from `sequences` sequences of `queries` query rows. Heads lie side by side in
 * a row of q, k and v; sequence s starts at row s * queries of q and s * keys of k and v. */
struct sedd_heads {
    int32_t sequences, queries, keys;
    const float *q, *k, *v;
    size_t q_stride, kv_stride;
    float scale;           /* of the scores */
    int32_t causal_offset; /* -1: every query sees every key; see kernels.h */
};

void sedd_layer_attention(struct sedd_session *session, const struct sedd_heads *heads);

/* Called for each of `rows` rows with its logits [N] (which it may overwrite); rows are visited on
 * several threads at once, `work` [N] belongs to the caller's thread. */
typedef void (*sedd_row_visitor)(void *user, int32_t row, float *logits, float *work);

/* Final norm and vocabulary head for the rows index[0..rows-1] of the residual stream (NULL: its
 * first `rows` rows), in slices. `row` counts 0..rows-1. */
enum sedd_status sedd_layer_head(struct sedd_session *session, int32_t rows, const int32_t *index,
                                 const float *norm, const float *norm_bias, sedd_row_visitor visit,
                                 void *user, struct sedd_error *error);

#endif
