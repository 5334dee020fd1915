/*
 * fuzz_model.c - feeds the loader config.json and model.safetensors made of hostile bytes.
 *
 *     build with -DSEDD_FUZZ=ON -DSEDD_SANITIZE=ON (clang), then
 *     fuzz_model -max_total_time=60 -dict=tests/fuzz/model.dict FOUND tests/fuzz/corpus/model
 *
 * Input: one byte of choices, config.json, a zero byte, then the stream. Choices: bit 0, the stream
 * is a header without its length, a zero byte and data, and the length is put in front, so that
 * a header that grows stays a header; bits 1-2, the type asked for; bits 3-7, the size of pieces.
 * A model that loads is read completely, so that a missing check shows.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* Reads every row of a matrix; an incomplete model would crash here. */
static float read_linear(const struct sedd_linear *linear)
{
    float sum = 0.0f;
    float *row = malloc(((size_t)linear->in + 1) * sizeof *row);
    for (int32_t i = 0; i < linear->out; i++) {
        sedd_linear_get_row(linear, i, row);
        sum += row[0] + (linear->bias != NULL ? linear->bias[i] : 0.0f);
    }
    free(row);
    return sum;
}

static float read_model(const struct sedd_model *model)
{
    float sum = read_linear(&model->head) + model->norm_final_weight[0];
    for (int32_t i = 0; i < model->info.n_blocks; i++) {
        const struct sedd_block *block = &model->blocks[i];
        sum += read_linear(&block->qkv) + read_linear(&block->attn_out) +
               read_linear(&block->mlp_in) + read_linear(&block->mlp_out) + block->norm1_weight[0] +
               block->norm2_weight[0];
    }
    return sum;
}

/* Pushes the bytes in pieces, each in memory of its exact size, and finishes. */
static enum sedd_status feed(struct sedd_loader *loader, const uint8_t *bytes, size_t size,
                             size_t piece, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (size_t at = 0; at < size && status == SEDD_OK; at += piece) {
        size_t count = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(count);
        memcpy(copy, bytes + at, count);
        status = sedd_loader_push(loader, at, copy, count, error);
        free(copy);
    }
    return status;
}

/* Puts the length before a header and removes the zero byte after it. Returns the size. */
static size_t assemble(uint8_t *stream, const uint8_t *bytes, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(bytes, 0, size) : NULL;
    uint64_t header = end == NULL ? size : (size_t)(end - bytes);
    size_t data = end == NULL ? 0 : size - (size_t)header - 1;
    memcpy(stream, &header, 8);
    memcpy(stream + 8, bytes, (size_t)header);
    memcpy(stream + 8 + header, bytes + size - data, data);
    return 8 + (size_t)header + data;
}

static void load(const char *config, size_t config_size, const uint8_t *stream, size_t size,
                 enum sedd_dtype dtype, size_t piece)
{
    struct sedd_error error = {0};
    struct sedd_loader *loader = NULL;
    struct sedd_model *model = NULL;
    if (sedd_loader_new(config, config_size, dtype, &loader, &error) != SEDD_OK) {
        if (error.message[0] == '\0' || loader != NULL) {
            abort();
        }
        return;
    }
    sedd_loader_expect(loader, size > 0 ? size : 1); /* opening a folder does the same */
    enum sedd_status status = feed(loader, stream, size, piece, &error);
    if (status == SEDD_OK) {
        status = sedd_loader_finish(loader, &model, &error);
    }
    if ((status == SEDD_OK) != (model != NULL) || (status != SEDD_OK && error.message[0] == '\0')) {
        abort();
    }
    sedd_loader_free(loader);
    if (model != NULL) {
        volatile float sink = read_model(model); /* keeps the compiler from removing the reads */
        (void)sink;
    }
    sedd_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    uint8_t choices = data[0];
    const uint8_t *config = data + 1;
    const uint8_t *end = memchr(config, 0, size - 1);
    size_t config_size = end == NULL ? size - 1 : (size_t)(end - config);
    const uint8_t *rest = end == NULL ? data + size : end + 1;
    size_t rest_size = (size_t)(data + size - rest);
    uint8_t *stream = malloc(rest_size + 8);
    char *exact = malloc(config_size > 0 ? config_size : 1);
    memcpy(exact, config, config_size);
    size_t stream_size = rest_size;
    if ((choices & 1) != 0) {
        stream_size = assemble(stream, rest, rest_size);
    } else {
        memcpy(stream, rest, rest_size);
    }
    load(exact, config_size, stream, stream_size, (enum sedd_dtype)((choices >> 1) % 3),
         (size_t)(choices >> 3) * 37 + 1);
    free(exact);
    free(stream);
    return 0;
}
