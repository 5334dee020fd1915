/*
 * exports_likelihood.c - exports the likelihood of a text: SEDD's bound and GPT-2's exact value
 * (see exports.c).
 */
#include "eval/options.h"
#include "model/session.h"
#include "reply.h"

#include <stdlib.h>

/* Returns {natsPerToken, standardError, tokens, parts: [nats a token]} */
static const char *give_estimate(const struct sedd_estimate *estimate, const double *parts)
{
    reply_begin();
    reply_field("natsPerToken", estimate->nats_per_token);
    reply_field("standardError", estimate->standard_error);
    reply_field("tokens", (double)estimate->tokens);
    reply_add(",\"parts\":[");
    for (int64_t i = 0; i < estimate->tokens; i++) {
        reply_add(i == 0 ? "" : ",");
        reply_number(parts[i]);
    }
    reply_add("]");
    return reply_end();
}

static double *new_parts(size_t count)
{
    double *parts = calloc(count + 1, sizeof *parts);
    if (parts == NULL) {
        last_error = (struct sedd_error){SEDD_ERROR_MEMORY, "no memory for the likelihoods"};
    }
    return parts;
}

struct sedd_bounder *wasm_bounder_new(struct sedd_session *session, const int32_t *ids,
                                      size_t count, const char *json, size_t size)
{
    struct sedd_bounder *bounder = NULL;
    struct sedd_bound_options options = {.estimator = sedd_bound_estimator(&session->model->info)};
    enum sedd_status status =
        sedd_fields_parse(SEDD_BOUND_FIELDS, SEDD_FIELD_OF_SEDD, json, size, &options, &last_error);
    status = status == SEDD_OK
                 ? sedd_bounder_new(session, ids, count, &options, &bounder, &last_error)
                 : status;
    return status == SEDD_OK ? bounder : NULL;
}

int32_t wasm_bounder_advance(struct sedd_bounder *bounder)
{
    return sedd_bounder_advance(bounder, &last_error);
}

double wasm_bounder_total(const struct sedd_bounder *bounder)
{
    return (double)sedd_bounder_total(bounder);
}

/* Returns the estimate of a bounder that is done with `count` tokens. */
const char *wasm_bounder_estimate(const struct sedd_bounder *bounder, size_t count)
{
    struct sedd_estimate estimate;
    double *parts = new_parts(count);
    const char *text = NULL;
    if (parts != NULL) {
        sedd_bounder_estimate(bounder, &estimate, parts);
        text = give_estimate(&estimate, parts);
    }
    free(parts);
    return text;
}

const char *wasm_nll(struct sedd_session *session, const int32_t *ids, size_t count, int32_t bos)
{
    struct sedd_estimate estimate;
    const struct sedd_nll_options options = {.bos = bos};
    double *parts = new_parts(count);
    const char *text = NULL;
    if (parts != NULL &&
        sedd_gpt2_nll(session, ids, count, &options, &estimate, parts, &last_error) == SEDD_OK) {
        text = give_estimate(&estimate, parts);
    }
    free(parts);
    return text;
}
