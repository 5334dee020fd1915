/*
 * exports.c - sedd.h with flat signatures for JavaScript. Pointers are numbers. Options arrive and
 * results leave as JSON, field by field with its name; a result's text is valid until the next call
 * that gives one. An error stays until the next call. web/engine is the only caller. Functions that
 * return a pointer return 0 on failure, functions that return int32 a status.
 */
#include "diffusion/options.h"
#include "engine.h"
#include "eval/options.h"
#include "files/sha256.h"
#include "model/session.h"
#include "sedd.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sedd_error last_error;

const char *wasm_error_message(void)
{
    return last_error.message;
}

int32_t wasm_error_status(void)
{
    return last_error.status;
}

/* ---- Results as JSON ----------------------------------------------------------------------- */

static struct {
    char *text;
    size_t size, used;
    bool failed;
} reply;

static void reply_begin(void)
{
    reply.used = 0;
    reply.failed = false;
}

static void reply_add(const char *format, ...) SEDD_PRINTF(1, 2);

static void reply_add(const char *format, ...)
{
    va_list arguments;
    if (reply.used + 512 > reply.size) { /* more than any single field takes */
        size_t size = 2 * reply.size + 4096;
        char *larger = realloc(reply.text, size);
        reply.failed = reply.failed || larger == NULL;
        reply.text = larger == NULL ? reply.text : larger;
        reply.size = larger == NULL ? reply.size : size;
    }
    if (!reply.failed) {
        va_start(arguments, format);
        int count = vsnprintf(reply.text + reply.used, reply.size - reply.used, format, arguments);
        va_end(arguments);
        reply.used += count > 0 ? (size_t)count : 0;
    }
}

/* Adds a number that reads back as the same. JSON's 1e999 is JavaScript's Infinity. */
static void reply_number(double value)
{
    if (isfinite(value)) {
        reply_add("%.17g", value);
    } else {
        reply_add(isnan(value) ? "null" : value > 0 ? "1e999" : "-1e999");
    }
}

static void reply_field(const char *name, double value)
{
    reply_add("%s\"%s\":", reply.used > 1 ? "," : "", name);
    reply_number(value);
}

static void reply_ints(const char *name, const int32_t *values, int32_t count)
{
    reply_add(",\"%s\":[", name);
    for (int32_t i = 0; i < count; i++) {
        reply_add(i == 0 ? "%d" : ",%d", (int)values[i]);
    }
    reply_add("]");
}

/* Adds a list; NULL becomes JSON's null. */
static void reply_floats(const char *name, const float *values, int32_t count)
{
    reply_add(values == NULL ? ",\"%s\":null" : ",\"%s\":[", name);
    for (int32_t i = 0; i < count && values != NULL; i++) {
        reply_add(i == 0 ? "" : ",");
        reply_number((double)values[i]);
    }
    reply_add(values == NULL ? "" : "]");
}

/* Returns the text, or NULL with the error set if there was no memory for it. */
static const char *reply_end(void)
{
    if (reply.failed) {
        last_error = (struct sedd_error){SEDD_ERROR_MEMORY, "no memory for a result"};
        return NULL;
    }
    return reply.text;
}

/* ---- Engine and models ------------------------------------------------------------------- */

struct sedd_engine *wasm_engine_new(const char *kernels, int32_t threads)
{
    struct sedd_engine *engine = NULL;
    struct sedd_engine_options options = {.kernels = *kernels == '\0' ? NULL : kernels,
                                          .threads = threads};
    return sedd_engine_new(&options, &engine, &last_error) == SEDD_OK ? engine : NULL;
}

/* Returns the address of an int32 that cancels what the engine computes while it is not 0: a thread
 * that shares the memory, but has no instance to call, stores 1 there. */
void *wasm_engine_cancel_flag(struct sedd_engine *engine)
{
    return &engine->cancel;
}

struct sedd_loader *wasm_loader_new(const char *config, size_t size, int32_t dtype)
{
    struct sedd_loader *loader = NULL;
    enum sedd_status status =
        sedd_loader_new(config, size, (enum sedd_dtype)dtype, &loader, &last_error);
    return status == SEDD_OK ? loader : NULL;
}

void wasm_loader_expect(struct sedd_loader *loader, double size)
{
    sedd_loader_expect(loader, (uint64_t)size);
}

/* Returns {more, begin, end}: the first byte that is wanted next and the end (2^64: unknown). */
const char *wasm_loader_want(const struct sedd_loader *loader)
{
    uint64_t begin, end;
    reply_begin();
    reply_add("{\"more\":%s", sedd_loader_want(loader, &begin, &end) ? "true" : "false");
    reply_field("begin", (double)begin);
    reply_field("end", (double)end);
    reply_add("}");
    return reply_end();
}

int32_t wasm_loader_push(struct sedd_loader *loader, double offset, const void *bytes, size_t size)
{
    return sedd_loader_push(loader, (uint64_t)offset, bytes, size, &last_error);
}

struct sedd_model *wasm_loader_finish(struct sedd_loader *loader)
{
    struct sedd_model *model = NULL;
    return sedd_loader_finish(loader, &model, &last_error) == SEDD_OK ? model : NULL;
}

struct sedd_writer *wasm_writer_new(const struct sedd_model *model)
{
    struct sedd_writer *writer = NULL;
    return sedd_writer_new(model, SEDD_DTYPE_AUTO, &writer, &last_error) == SEDD_OK ? writer : NULL;
}

double wasm_writer_size(const struct sedd_writer *writer)
{
    return (double)sedd_writer_size(writer);
}

/* Returns a model's info. */
static const char *give_info(const struct sedd_model_info *info)
{
    reply_begin();
    reply_add("{\"kind\":\"%s\",\"family\":\"%s\",\"timeFree\":%s,\"dtype\":\"%s\","
              "\"graph\":\"%s\",\"noise\":\"%s\"",
              info->kind == SEDD_KIND_SEDD ? "sedd" : "gpt2",
              info->kind == SEDD_KIND_SEDD ? sedd_family_name(info->family) : "GPT-2",
              info->time_free ? "true" : "false", info->dtype == SEDD_DTYPE_Q8 ? "q8" : "f32",
              info->graph == SEDD_GRAPH_ABSORB ? "absorb" : "uniform",
              info->noise == SEDD_NOISE_LOGLINEAR ? "loglinear" : "geometric");
    reply_field("tokens", info->tokens);
    reply_field("states", info->states);
    reply_field("maskId", info->mask_id);
    reply_field("hiddenSize", info->hidden_size);
    reply_field("blocks", info->n_blocks);
    reply_field("heads", info->n_heads);
    reply_field("length", info->length);
    reply_field("parameters", (double)info->parameter_count);
    reply_field("weightBytes", (double)info->weight_size);
    reply_add("}");
    return reply_end();
}

const char *wasm_model_describe(const struct sedd_model *model)
{
    struct sedd_model_info info;
    sedd_model_describe(model, &info);
    return give_info(&info);
}

/* Returns the same before any weights have arrived, with the size that the weights will have. */
const char *wasm_loader_describe(const struct sedd_loader *loader)
{
    struct sedd_model_info info;
    sedd_loader_describe(loader, &info);
    return give_info(&info);
}

/* ---- Checksums --------------------------------------------------------------------------- */

/* Creates a SHA-256 state. The caller frees it with free. */
struct sedd_sha256 *wasm_sha256_new(void)
{
    struct sedd_sha256 *sha = malloc(sizeof *sha);
    if (sha != NULL) {
        sedd_sha256_init(sha);
    }
    return sha;
}

void wasm_sha256_add(struct sedd_sha256 *sha, const void *bytes, size_t size)
{
    sedd_sha256_add(sha, bytes, size);
}

/* Stores the digest in digest[32]. */
void wasm_sha256_finish(struct sedd_sha256 *sha, uint8_t *digest)
{
    sedd_sha256_finish(sha, digest);
}

/* ---- Text -------------------------------------------------------------------------------- */

struct sedd_tokenizer *wasm_tokenizer_new(const char *vocab, size_t vocab_size, const char *merges,
                                          size_t merges_size, const char *added, size_t added_size)
{
    struct sedd_tokenizer *tokenizer = NULL;
    struct sedd_tokenizer_files files = {vocab, vocab_size, merges, merges_size, added, added_size};
    return sedd_tokenizer_new(&files, &tokenizer, &last_error) == SEDD_OK ? tokenizer : NULL;
}

/* Returns the ids of a text and stores their number. The caller frees them with sedd_memory_free.
 */
int32_t *wasm_encode(const struct sedd_tokenizer *tokenizer, const char *text, size_t size,
                     size_t *count)
{
    int32_t *ids = NULL;
    return sedd_tokenizer_encode(tokenizer, text, size, &ids, count, &last_error) == SEDD_OK ? ids
                                                                                             : NULL;
}

char *wasm_decode(const struct sedd_tokenizer *tokenizer, const int32_t *ids, size_t count,
                  size_t *size)
{
    char *text = NULL;
    return sedd_tokenizer_decode(tokenizer, ids, count, &text, size, &last_error) == SEDD_OK ? text
                                                                                             : NULL;
}

/* ---- Sampling ---------------------------------------------------------------------------- */

/* Creates a session. If there is a tokenizer, the session draws and reports only ids that have a
 * token. */
struct sedd_session *wasm_session_new(struct sedd_engine *engine, const struct sedd_model *model,
                                      int32_t rows, const struct sedd_tokenizer *tokenizer)
{
    struct sedd_session *session = NULL;
    if (sedd_session_new(engine, model, rows, &session, &last_error) != SEDD_OK) {
        return NULL;
    }
    if (tokenizer != NULL && sedd_session_limit(session, tokenizer, &last_error) != SEDD_OK) {
        sedd_session_free(session);
        return NULL;
    }
    return session;
}

static const char *give_options(const struct sedd_sample_options *options, bool all)
{
    char text[480];
    sedd_sample_write(options, all, text, sizeof text);
    reply_begin();
    reply_add("{%s}", text);
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
    reply_add("{");
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
    reply_add("}");
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
    reply_add("{\"sigma\":");
    reply_number(sigma);
    reply_add(",\"positions\":[");
    for (size_t row = 0; row < rows && status == SEDD_OK; row++) {
        reply_add(row == 0 ? "" : ",");
        give_inspected(&found[row], best + row * columns, options.top_k);
    }
    reply_add("]}");
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

/* ---- The network's weights, for another device --------------------------------------------- */

/* A weight array as web/engine/webgpu/tensors.js reads it from memory. Parts that do not exist are
 * NULL; an array that does not exist has no rows. */
struct tensor {
    int32_t rows, columns, padded;
    const void *values, *scale, *sum, *bias;
};

static struct tensor matrix(const struct sedd_linear *m)
{
    const void *values = m->wq == NULL ? (const void *)m->w : m->wq;
    return (struct tensor){m->out, m->in, m->in_padded, values, m->w_scale, m->w_sum, m->bias};
}

static struct tensor table(const struct sedd_table *t)
{
    const void *values = t->q == NULL ? (const void *)t->values : t->q;
    return (struct tensor){t->rows, t->columns, t->columns, values, t->scale, NULL, NULL};
}

/* A norm of GPT-2. SEDD's norms are part of a request's modulation. */
static struct tensor norm(const struct sedd_model *model, const float *weight, const float *bias)
{
    int32_t rows = model->info.kind == SEDD_KIND_GPT2 ? model->info.hidden_size : 0;
    return (struct tensor){rows, 1, 1, weight, NULL, NULL, bias};
}

/* Returns an array of the network by its number: embedding, positions, head, last norm, then of
 * each block qkv, attention output, MLP in, MLP out, and two norms. */
const struct tensor *wasm_model_tensor(const struct sedd_model *model, int32_t number)
{
    static struct tensor tensor;
    const struct sedd_block *block = &model->blocks[number < 4 ? 0 : (number - 4) / 6];
    switch (number < 4 ? number : 4 + (number - 4) % 6) {
    case 0: tensor = table(&model->embedding); break;
    case 1: tensor = table(&model->positions); break;
    case 2: tensor = matrix(&model->head); break;
    case 3: tensor = norm(model, model->norm_final_weight, model->norm_final_bias); break;
    case 4: tensor = matrix(&block->qkv); break;
    case 5: tensor = matrix(&block->attn_out); break;
    case 6: tensor = matrix(&block->mlp_in); break;
    case 7: tensor = matrix(&block->mlp_out); break;
    case 8: tensor = norm(model, block->norm1_weight, block->norm1_bias); break;
    default: tensor = norm(model, block->norm2_weight, block->norm2_bias);
    }
    return &tensor;
}

/* Returns the sizes that give_info lacks, and the ids that a session never draws. */
const char *wasm_session_network(const struct sedd_session *session)
{
    reply_begin();
    reply_add("{");
    reply_field("inner", session->model->design.inner_size);
    reply_field("activation", session->model->design.activation);
    reply_field("normEps", (double)session->model->info.norm_eps);
    reply_ints("muted", session->nameless, session->nameless_count);
    reply_add("}");
    return reply_end();
}

/* ---- Networks evaluated elsewhere ---------------------------------------------------------- */

int32_t wasm_session_leave(struct sedd_session *session, int32_t leave)
{
    return sedd_session_leave(session, leave != 0, &last_error);
}

/* ---- Likelihood -------------------------------------------------------------------------- */

/* Returns {natsPerToken, standardError, tokens, parts: [nats a token]} */
static const char *give_estimate(const struct sedd_estimate *estimate, const double *parts)
{
    reply_begin();
    reply_add("{");
    reply_field("natsPerToken", estimate->nats_per_token);
    reply_field("standardError", estimate->standard_error);
    reply_field("tokens", (double)estimate->tokens);
    reply_add(",\"parts\":[");
    for (int64_t i = 0; i < estimate->tokens; i++) {
        reply_add(i == 0 ? "" : ",");
        reply_number(parts[i]);
    }
    reply_add("]}");
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
    struct sedd_bound_options options = {0};
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
