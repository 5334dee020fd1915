/*
 * elsewhere.c - leaves evaluations of the network to the caller, which may have another device for
 * them. A call whose evaluation is left fails as if it had been cancelled. It is repeated once the
 * logits are there, and everything after the network runs here as always.
 */
#include "model/session.h"

#include <assert.h>
#include <string.h>

enum sedd_status sedd_session_leave(struct sedd_session *session, bool leave,
                                    struct sedd_error *error)
{
    if (leave && session->places_asked == NULL) {
        session->places_asked = sedd_memory_new(3 * (uint64_t)session->rows, sizeof(int32_t));
        if (session->places_asked == NULL) {
            return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the places of %d tokens",
                             (int)session->rows);
        }
    }
    session->leaves = leave;
    session->answer = NULL;
    return SEDD_OK;
}

/* Copies a list, or fills in first, first + 1, ... for one that is NULL. */
static const int32_t *keep(int32_t *copy, const int32_t *list, int32_t count, int32_t first)
{
    for (int32_t i = 0; i < count; i++) {
        copy[i] = list == NULL ? first + i : list[i];
    }
    return copy;
}

enum sedd_status sedd_session_ask(struct sedd_session *session,
                                  const struct sedd_evaluation *evaluation,
                                  struct sedd_error *error)
{
    size_t rows = (size_t)session->rows;
    struct sedd_evaluation *asked = &session->asked;
    if (session->answer != NULL) {
        assert(evaluation->rows == asked->rows && evaluation->length == asked->length);
        return SEDD_OK;
    }
    *asked = *evaluation;
    asked->ids = keep(session->places_asked, evaluation->ids, evaluation->length, 0);
    if (evaluation->read != NULL) {
        asked->read =
            keep(session->places_asked + rows, evaluation->read, evaluation->read_count, 0);
    }
    asked->index = keep(session->places_asked + 2 * rows, evaluation->index, evaluation->rows,
                        evaluation->length - evaluation->rows); /* by default the last ones */
    return sedd_fail(error, SEDD_ELSEWHERE, "the network of this session is evaluated elsewhere");
}

const struct sedd_evaluation *sedd_session_evaluation(const struct sedd_session *session)
{
    return &session->asked;
}

void sedd_session_answer(struct sedd_session *session, float *logits)
{
    session->answer = logits;
}
