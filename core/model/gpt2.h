/*
 * gpt2.h - the GPT-2 network, for callers that process logits row by row.
 */
#ifndef SEDD_GPT2_H
#define SEDD_GPT2_H

#include "model/layers.h"

/* Checks that the session's model is a GPT-2. */
enum sedd_status sedd_gpt2_check(const struct sedd_session *session, struct sedd_error *error);

/* Appends ids to the cache, slice by slice, and runs the head on the last `keep` rows of the call,
 * or on all rows if keep < 0. The visitor's `row` and `place` are the index of the token in this
 * call. */
enum sedd_status sedd_gpt2_visit(struct sedd_session *session, const int32_t *ids, int32_t count,
                                 int32_t keep, sedd_row_visitor visit, void *user,
                                 struct sedd_error *error);

#endif
