/*
 * gpt2.h - GPT-2 up to its head, for callers that want logits row by row.
 */
#ifndef SEDD_GPT2_H
#define SEDD_GPT2_H

#include "model/layers.h"

/* The session's model is a GPT-2. */
enum sedd_status sedd_gpt2_check(const struct sedd_session *session, struct sedd_error *error);

/* Appends ids to the cache in slices; after each slice runs the head on its last `keep` rows
 * (keep < 0: on all rows of every slice; otherwise on that many rows of the whole call, counted
 * from the end). `row` of the visitor counts tokens of this call. */
enum sedd_status sedd_gpt2_visit(struct sedd_session *session, const int32_t *ids, int32_t count,
                                 int32_t keep, sedd_row_visitor visit, void *user,
                                 struct sedd_error *error);

#endif
