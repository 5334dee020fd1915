/*
 * exports_sampling.c - exports the calls that write text: runs of a SEDD and what its network says,
 * and GPT-2's tokens (see exports.c).
 */
#include "diffusion/options.h"
#include "reply.h"

#include <stdlib.h>

/* ---- Sampling ---------------------------------------------------------------------------- */

static const char *give_options(const struct sedd_sample_options *options, bool all)
{
    char text[480];
    sedd_sample_write(options, all, text, sizeof text);
    reply_begin();
    reply_add("%s", text);
    return reply_end();
}

/* Returns the options of the model's family and of its generation_config.json (size 0: it has none)
 * that are not the default. */
const char *wasm_sample_defaults(const struct sedd_loader *loader, const char *json, size_t size)
{
    struct sedd_sample_options options = {0};
    struct sedd_model_info info;
    sedd_loader_describe(loader, &info);
    sedd_sample_family(&info, &options);
    enum sedd_status status =
        size == 0 ? SEDD_OK : sedd_sample_defaults(json, size, &options, &last_error);
    return status == SEDD_OK ? give_options(&options, false) : NULL;
}

/* Merges a call's options over a model's. Returns them in full, as wasm_sampler_new takes them. */
const char *wasm_sample_settings(const char *defaults, size_t defaults_size, const char *json,
                                 size_t size)
{
    struct sedd_sample_options options = {0};
    enum sedd_status status =
        sedd_sample_read(defaults, defaults_size, SEDD_KIND_SEDD, &options, &last_error);
    status = status == SEDD_OK ? sedd_sample_read(json, size, SEDD_KIND_SEDD, &options, &last_error)
                               : status;
    return status == SEDD_OK ? give_options(&options, true) : NULL;
}

struct sedd_sampler *wasm_sampler_new(struct sedd_session *session, const char *json, size_t size,
                                      size_t held_count, const int32_t *held_positions,
                                      const int32_t *held_ids)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_sample_options options = {
        .held_count = held_count, .held_positions = held_positions, .held_ids = held_ids};
    enum sedd_status status = sedd_sample_read(json, size, SEDD_KIND_SEDD, &options, &last_error);
    status =
        status == SEDD_OK ? sedd_sampler_new(session, &options, &sampler, &last_error) : status;
    return status == SEDD_OK ? sampler : NULL;
}

static const char *give_step(const struct sedd_step *step)
{
    reply_begin();
    reply_field("step", step->step);
    reply_field("total", step->total);
    reply_field("t", step->t);
    reply_field("sigma", step->sigma);
    reply_field("rows", step->rows);
    reply_field("masked", step->masked);
    reply_ints("positions", step->changed, step->changed_count);
    reply_ints("ids", step->changed_ids, step->changed_count);
    reply_floats("confidence", step->confidence, step->changed_count);
    reply_floats("entropy", step->entropy, step->changed_count);
    return reply_end();
}

const char *wasm_sampler_advance(struct sedd_sampler *sampler)
{
    struct sedd_step step;
    enum sedd_status status = sedd_sampler_advance(sampler, &step, &last_error);
    return status == SEDD_OK ? give_step(&step) : NULL;
}

/* Returns what a step needs. web/engine/webgpu/step.js reads the struct from memory. */
const struct sedd_request *wasm_sampler_request(struct sedd_sampler *sampler)
{
    static struct sedd_request request;
    enum sedd_status status = sedd_sampler_request(sampler, &request, &last_error);
    return status == SEDD_OK ? &request : NULL;
}

/* Ends the requested step with its rows' results, struct sedd_row_result each. */
const char *wasm_sampler_take(struct sedd_sampler *sampler, const struct sedd_row_result *results)
{
    struct sedd_step step;
    enum sedd_status status = sedd_sampler_take(sampler, results, &step, &last_error);
    return status == SEDD_OK ? give_step(&step) : NULL;
}

int32_t wasm_sampler_restore(struct sedd_sampler *sampler, int32_t position, const int32_t *ids)
{
    return sedd_sampler_restore(sampler, position, ids, &last_error);
}

int32_t wasm_score(struct sedd_session *session, int32_t length, const int32_t *ids, double sigma,
                   float *logscore)
{
    float value = (float)sigma;
    return sedd_score(session, 1, length, ids, &value, logscore, &last_error);
}

static void give_inspected(const struct sedd_inspected *found, const struct sedd_candidate *best,
                           int32_t count)
{
    reply_add("{\"scoreSum\":");
    reply_number(found->score_sum);
    reply_field("entropy", found->entropy);
    reply_field("stay", found->stay);
    reply_add(",\"candidates\":[");
    for (int32_t i = 0; i < count && best[i].id >= 0; i++) {
        reply_add("%s{\"id\":%d", i == 0 ? "" : ",", (int)best[i].id);
        reply_field("logscore", best[i].logscore);
        reply_field("move", best[i].move);
        reply_add("}");
    }
    reply_add("]}");
}

/* Returns {sigma, positions: [{scoreSum, entropy, stay, candidates: [{id, logscore, move}]}]} */
const char *wasm_inspect(struct sedd_session *session, const int32_t *ids, int32_t length,
                         const char *json, size_t size, const int32_t *positions, int32_t count,
                         int32_t tokens)
{
    struct sedd_inspect_options options = {.positions = positions, .position_count = count};
    enum sedd_status status = sedd_fields_parse(SEDD_INSPECT_FIELDS, SEDD_FIELD_OF_SEDD, json, size,
                                                &options, &last_error);
    status = status == SEDD_OK
                 ? sedd_fields_check(SEDD_INSPECT_FIELDS, SEDD_FIELD_OF_SEDD, &options, &last_error)
                 : status;
    if (status != SEDD_OK) {
        return NULL;
    }
    options.top_k = options.top_k < tokens ? options.top_k : tokens;
    size_t rows = count < 1 ? 0 : (size_t)count, columns = (size_t)options.top_k;
    struct sedd_inspected *found = calloc(rows + 1, sizeof *found);
    struct sedd_candidate *best = calloc(rows * columns + 1, sizeof *best);
    double sigma = 0.0;
    if (found == NULL || best == NULL) {
        status = SEDD_ERROR_MEMORY;
        last_error = (struct sedd_error){SEDD_ERROR_MEMORY, "no memory for the candidates"};
    } else {
        status = sedd_inspect(session, length, ids, &options, &sigma, found, best, &last_error);
    }
    reply_begin();
    reply_field("sigma", sigma);
    reply_add(",\"positions\":[");
    for (size_t row = 0; row < rows && status == SEDD_OK; row++) {
        reply_add(row == 0 ? "" : ",");
        give_inspected(&found[row], best + row * columns, options.top_k);
    }
    reply_add("]");
    free(found);
    free(best);
    return status == SEDD_OK ? reply_end() : NULL;
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

int32_t wasm_gpt2_append(struct sedd_session *session, const int32_t *ids, int32_t count,
                         float *logits)
{
    return sedd_gpt2_append(session, ids, count, false, logits, &last_error);
}

/* Reads options of a GPT-2, once for many draws. Free them with free. */
struct sedd_sample_options *wasm_gpt2_options(const char *json, size_t size)
{
    struct sedd_sample_options *options = calloc(1, sizeof *options);
    if (options == NULL) {
        last_error = (struct sedd_error){SEDD_ERROR_MEMORY, "no memory for the options"};
    } else if (sedd_sample_read(json, size, SEDD_KIND_GPT2, options, &last_error) != SEDD_OK) {
        free(options);
        options = NULL;
    }
    return options;
}

/* Returns the next id, or -1. */
int32_t wasm_gpt2_draw(struct sedd_session *session, const struct sedd_sample_options *options,
                       int32_t step, float *logits)
{
    int32_t id = -1;
    return sedd_gpt2_draw(session, options, step, logits, &id, &last_error) == SEDD_OK ? id : -1;
}

/* Stores the uniforms of `count` draws, from number `step` on. */
void wasm_gpt2_uniforms(const struct sedd_sample_options *options, int32_t step, int32_t count,
                        float *uniforms)
{
    sedd_gpt2_uniforms(options, step, count, uniforms);
}
