/*
 * limit.c - restricts a session to the ids for which a tokenizer has a token. A checkpoint's
 * vocabulary may be padded beyond the tokenizer's, and a padded id stands for no text.
 */
#include "model/session.h"

enum sedd_status sedd_session_limit(struct sedd_session *session,
                                    const struct sedd_tokenizer *tokenizer,
                                    struct sedd_error *error)
{
    int32_t tokens = session->model->info.tokens, count = 0;
    for (int32_t id = 0; id < tokens; id++) {
        count += !sedd_tokenizer_has(tokenizer, id);
    }
    if (count == tokens) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         "the tokenizer has no token for any of the model's ids 0 to %d",
                         (int)tokens - 1);
    }
    int32_t *nameless = sedd_memory_new((uint64_t)count, sizeof *nameless);
    if (nameless == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %d ids without a token",
                         (int)count);
    }
    for (int32_t id = 0, i = 0; i < count; id++) {
        if (!sedd_tokenizer_has(tokenizer, id)) {
            nameless[i++] = id;
        }
    }
    sedd_session_forbid(session, nameless, count);
    return SEDD_OK;
}
