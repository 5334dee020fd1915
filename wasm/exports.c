/*
 * exports.c - sedd.h with flat signatures for JavaScript: engine, models, checksums, text and
 * sessions. exports_sampling.c, exports_likelihood.c and exports_network.c have the rest.
 *
 * Pointers are numbers. Options arrive and results leave as JSON (reply.h). Functions that return a
 * pointer return 0 on failure, functions that return int32 a status; the error stays until the next
 * call that fails. web/engine is the only caller.
 */
#include "engine.h"
#include "files/sha256.h"
#include "reply.h"

#include <stdlib.h>

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
    reply_add("\"more\":%s", sedd_loader_want(loader, &begin, &end) ? "true" : "false");
    reply_field("begin", (double)begin);
    reply_field("end", (double)end);
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
    reply_add("\"kind\":\"%s\",\"family\":\"%s\",\"timeFree\":%s,\"dtype\":\"%s\","
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

/* ---- Sessions ---------------------------------------------------------------------------- */

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
