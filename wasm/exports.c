/*
 * exports.c - exports sedd.h to JavaScript with flat signatures. Pointers are numbers. Results are
 * the return value or an array of doubles. The last error is kept until the next one.
 * web/engine/engine.js is the only caller. Functions that return a pointer return 0 on failure;
 * functions that return int32 return a status, unless stated otherwise.
 */
#include "files/sha256.h"
#include "sedd.h"

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

static uint64_t join(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

/* ---- Engine and models ------------------------------------------------------------------- */

struct sedd_engine *wasm_engine_new(const char *kernels, int32_t threads)
{
    struct sedd_engine *engine = NULL;
    struct sedd_engine_options options = {.kernels = *kernels == '\0' ? NULL : kernels,
                                          .threads = threads};
    return sedd_engine_new(&options, &engine, &last_error) == SEDD_OK ? engine : NULL;
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

/* Returns 1 and stores the next range to request in out[2], its first byte and its end (2^64 if the
 * end is unknown). Returns 0 if no more bytes are needed. */
int32_t wasm_loader_want(const struct sedd_loader *loader, double *out)
{
    uint64_t begin, end;
    bool more = sedd_loader_want(loader, &begin, &end);
    out[0] = (double)begin;
    out[1] = (double)end;
    return more;
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

/* Stores a model's info in out[13]: kind, dtype, graph, noise, tokens, states, mask id, hidden
 * size, blocks, heads, length, parameters, bytes of weights. */
static void give_info(const struct sedd_model_info *info, double *out)
{
    const double values[] = {info->kind,
                             info->dtype,
                             info->graph,
                             info->noise,
                             info->tokens,
                             info->states,
                             info->mask_id,
                             info->hidden_size,
                             info->n_blocks,
                             info->n_heads,
                             info->length,
                             (double)info->parameter_count,
                             (double)info->weight_size};
    memcpy(out, values, sizeof values);
}

void wasm_model_describe(const struct sedd_model *model, double *out)
{
    struct sedd_model_info info;
    sedd_model_describe(model, &info);
    give_info(&info, out);
}

/* Stores the same before any weights have arrived, with the size that the weights will have. */
void wasm_loader_describe(const struct sedd_loader *loader, double *out)
{
    struct sedd_model_info info;
    sedd_loader_describe(loader, &info);
    give_info(&info, out);
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

/* Reads the sampling defaults of a generation_config.json into out[9]: steps, gamma, temperature,
 * top_k, top_p, positions, order, grid, context. A value that is not set is 0. */
int32_t wasm_sample_defaults(const char *json, size_t size, double *out)
{
    struct sedd_sample_options options = {0};
    enum sedd_status status = sedd_sample_defaults(json, size, &options, &last_error);
    if (status == SEDD_OK) {
        const double values[] = {options.steps, options.gamma, options.temperature,
                                 options.top_k, options.top_p, options.positions,
                                 options.order, options.grid,  options.context};
        memcpy(out, values, sizeof values);
    }
    return status;
}

/* Creates a sampler from values[14]: length, steps, predictor, draw, positions, order, grid,
 * context, gamma, no_denoise, temperature, top_k, top_p, number of held tokens. */
struct sedd_sampler *wasm_sampler_new(struct sedd_session *session, const double *values,
                                      uint32_t seed_low, uint32_t seed_high,
                                      const int32_t *held_positions, const int32_t *held_ids)
{
    struct sedd_sampler *sampler = NULL;
    struct sedd_sample_options options = {
        .length = (int32_t)values[0],
        .steps = (int32_t)values[1],
        .seed = join(seed_low, seed_high),
        .predictor = (enum sedd_predictor)values[2],
        .draw = (enum sedd_draw)values[3],
        .positions = (enum sedd_positions)values[4],
        .order = (enum sedd_order)values[5],
        .grid = (enum sedd_grid)values[6],
        .context = (enum sedd_context)values[7],
        .gamma = values[8],
        .no_denoise = values[9] != 0.0,
        .temperature = values[10],
        .top_k = (int32_t)values[11],
        .top_p = values[12],
        .held_count = (size_t)values[13],
        .held_positions = held_positions,
        .held_ids = held_ids,
    };
    return sedd_sampler_new(session, &options, &sampler, &last_error) == SEDD_OK ? sampler : NULL;
}

/* Runs one step and stores in out[11]: step, total, t, sigma, rows, masked, number of changed
 * positions, and the addresses of their places, ids, confidences and entropies (0 if there are
 * none). */
int32_t wasm_sampler_advance(struct sedd_sampler *sampler, double *out)
{
    struct sedd_step step;
    enum sedd_status status = sedd_sampler_advance(sampler, &step, &last_error);
    if (status == SEDD_OK) {
        const double values[] = {step.step,
                                 step.total,
                                 step.t,
                                 step.sigma,
                                 step.rows,
                                 step.masked,
                                 step.changed_count,
                                 (double)(uintptr_t)step.changed,
                                 (double)(uintptr_t)step.changed_ids,
                                 (double)(uintptr_t)step.confidence,
                                 (double)(uintptr_t)step.entropy};
        memcpy(out, values, sizeof values);
    }
    return status;
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

/* Inspects positions at values[5]: sigma, step, steps, predictor, top_k. Stores sigma and then, for
 * each position: score sum, entropy, stay, and top_k times id, log-score, move. out has
 * 1 + count * (3 + 3 top_k) doubles. */
int32_t wasm_inspect(struct sedd_session *session, const int32_t *ids, int32_t length,
                     const double *values, const int32_t *positions, int32_t count, double *out)
{
    int32_t top = (int32_t)values[4];
    struct sedd_inspect_options options = {.sigma = values[0],
                                           .step = (int32_t)values[1],
                                           .steps = (int32_t)values[2],
                                           .predictor = (enum sedd_predictor)values[3],
                                           .positions = positions,
                                           .position_count = count,
                                           .top_k = top};
    size_t rows = count < 1 ? 0 : (size_t)count, columns = top < 1 ? 0 : (size_t)top;
    struct sedd_inspected *found = calloc(rows + 1, sizeof *found);
    struct sedd_candidate *best = calloc(rows * columns + 1, sizeof *best);
    if (found == NULL || best == NULL) {
        last_error = (struct sedd_error){SEDD_ERROR_MEMORY, "no memory for the candidates"};
    }
    enum sedd_status status =
        found == NULL || best == NULL
            ? SEDD_ERROR_MEMORY
            : sedd_inspect(session, length, ids, &options, out, found, best, &last_error);
    double *next = out + 1;
    for (size_t row = 0; row < rows && status == SEDD_OK; row++) {
        *next++ = found[row].score_sum;
        *next++ = found[row].entropy;
        *next++ = found[row].stay;
        for (size_t i = row * columns; i < (row + 1) * columns; i++) {
            *next++ = best[i].id;
            *next++ = best[i].logscore;
            *next++ = best[i].move;
        }
    }
    free(found);
    free(best);
    return status;
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

int32_t wasm_gpt2_append(struct sedd_session *session, const int32_t *ids, int32_t count,
                         float *logits)
{
    return sedd_gpt2_append(session, ids, count, false, logits, &last_error);
}

/* Returns the next id, or -1 on failure. */
int32_t wasm_gpt2_draw(struct sedd_session *session, uint32_t seed_low, uint32_t seed_high,
                       int32_t greedy, double temperature, int32_t top_k, double top_p,
                       int32_t step, float *logits)
{
    int32_t id = -1;
    struct sedd_generate_options options = {.seed = join(seed_low, seed_high),
                                            .greedy = greedy != 0,
                                            .temperature = temperature,
                                            .top_k = top_k,
                                            .top_p = top_p};
    return sedd_gpt2_draw(session, &options, step, logits, &id, &last_error) == SEDD_OK ? id : -1;
}

/* ---- Likelihood -------------------------------------------------------------------------- */

static int32_t give(enum sedd_status status, const struct sedd_estimate *estimate, double *out)
{
    if (status == SEDD_OK) {
        out[0] = estimate->nats_per_token;
        out[1] = estimate->standard_error;
        out[2] = (double)estimate->tokens;
    }
    return status;
}

struct sedd_bounder *wasm_bounder_new(struct sedd_session *session, const int32_t *ids,
                                      size_t count, int32_t estimator, int32_t samples,
                                      uint32_t seed_low, uint32_t seed_high)
{
    struct sedd_bounder *bounder = NULL;
    struct sedd_bound_options options = {(enum sedd_estimator)estimator, samples,
                                         join(seed_low, seed_high)};
    return sedd_bounder_new(session, ids, count, &options, &bounder, &last_error) == SEDD_OK
               ? bounder
               : NULL;
}

int32_t wasm_bounder_advance(struct sedd_bounder *bounder)
{
    return sedd_bounder_advance(bounder, &last_error);
}

double wasm_bounder_total(const struct sedd_bounder *bounder)
{
    return (double)sedd_bounder_total(bounder);
}

/* Stores in out[3]: nats per token, standard error, tokens. parts receives one double per token. */
void wasm_bounder_estimate(const struct sedd_bounder *bounder, double *out, double *parts)
{
    struct sedd_estimate estimate;
    sedd_bounder_estimate(bounder, &estimate, parts);
    give(SEDD_OK, &estimate, out);
}

/* Computes GPT-2's likelihood, with out and parts as in wasm_bounder_estimate. */
int32_t wasm_nll(struct sedd_session *session, const int32_t *ids, size_t count, int32_t bos,
                 double *out, double *parts)
{
    struct sedd_estimate estimate;
    return give(sedd_gpt2_nll(session, ids, count, bos, &estimate, parts, &last_error), &estimate,
                out);
}
