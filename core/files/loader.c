/*
 * loader.c - config.json and the byte stream of model.safetensors -> a model.
 *
 * Bytes are taken in file order. A matrix is packed row by row as its rows complete, so the stage
 * holds one row; GPT-2's [in, out] matrices are staged whole, because a packed row is a column there.
 */
#include "files/config.h"
#include "files/loader.h"
#include "files/safetensors.h"
#include "model/linear.h"
#include "model/weights.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define FILE_NAME "model.safetensors"

enum phase { PHASE_LENGTH = 0, PHASE_HEADER, PHASE_DATA, PHASE_BROKEN };

struct sedd_loader {
    struct sedd_model *model;
    enum sedd_dtype wanted;
    struct sedd_slots slots;
    struct sedd_header header;
    enum phase phase;
    uint64_t file_size; /* 0: unknown */

    uint8_t *stage; /* the unit at hand: length, header, a row or a whole tensor */
    uint64_t stage_size, stage_capacity, unit_size;
    float *row; /* one converted row */

    size_t tensor;   /* the tensor at hand */
    uint64_t offset; /* bytes of it that are done */
    int32_t unit;    /* rows of it that are done */
};

/* ---- Life -------------------------------------------------------------------------------- */

enum sedd_status sedd_loader_new(const char *config, size_t config_size, enum sedd_dtype dtype,
                                 struct sedd_loader **out, struct sedd_error *error)
{
    if (dtype != SEDD_DTYPE_AUTO && dtype != SEDD_DTYPE_F32 && dtype != SEDD_DTYPE_Q8) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "the type %d is none of AUTO, F32 and Q8",
                         (int)dtype);
    }
    struct sedd_loader *loader = sedd_memory_new(1, sizeof *loader);
    struct sedd_model *model = sedd_memory_new(1, sizeof *model);
    enum sedd_status status = SEDD_OK;
    if (loader == NULL || model == NULL) {
        sedd_memory_free(loader);
        sedd_memory_free(model);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to load a model");
    }
    loader->model = model;
    loader->wanted = dtype;
    loader->unit_size = 8;
    loader->stage_capacity = 8;
    loader->stage = sedd_memory_new(8, 1);
    if (loader->stage == NULL) {
        status = sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to load a model");
    }
    if (status == SEDD_OK) {
        status = sedd_config_read(config, config_size, &model->info, &model->inner_size, error);
    }
    if (status == SEDD_OK) {
        status = sedd_slots_list(model, &loader->slots, error);
    }
    if (status != SEDD_OK) {
        sedd_loader_free(loader);
        return status;
    }
    *out = loader;
    return SEDD_OK;
}

void sedd_loader_expect(struct sedd_loader *loader, uint64_t size)
{
    loader->file_size = size;
}

void sedd_loader_free(struct sedd_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    sedd_model_free(loader->model);
    sedd_header_clear(&loader->header);
    sedd_memory_free(loader->slots.slots);
    sedd_memory_free(loader->stage);
    sedd_memory_free(loader->row);
    sedd_memory_free(loader);
}

void sedd_model_free(struct sedd_model *model)
{
    if (model == NULL) {
        return;
    }
    for (int32_t i = 0; model->blocks != NULL && i < model->info.n_blocks; i++) {
        struct sedd_block *block = &model->blocks[i];
        struct sedd_linear *linears[] = {&block->qkv, &block->attn_out, &block->mlp_in,
                                         &block->mlp_out, &block->modulation};
        for (size_t j = 0; j < sizeof linears / sizeof linears[0]; j++) {
            sedd_linear_clear(linears[j]);
        }
        sedd_memory_free(block->norm1_weight);
        sedd_memory_free(block->norm1_bias);
        sedd_memory_free(block->norm2_weight);
        sedd_memory_free(block->norm2_bias);
    }
    sedd_memory_free(model->blocks);
    sedd_table_clear(&model->embedding);
    sedd_table_clear(&model->positions);
    sedd_linear_clear(&model->sigma_in);
    sedd_linear_clear(&model->sigma_out);
    sedd_linear_clear(&model->final_modulation);
    sedd_linear_clear(&model->head);
    sedd_memory_free(model->norm_final_weight);
    sedd_memory_free(model->norm_final_bias);
    sedd_memory_free(model);
}

void sedd_model_describe(const struct sedd_model *model, struct sedd_model_info *info)
{
    *info = model->info;
}

/* ---- Units ------------------------------------------------------------------------------- */

static enum sedd_status reserve(struct sedd_loader *loader, uint64_t size, struct sedd_error *error)
{
    if (size > loader->stage_capacity) {
        sedd_memory_free(loader->stage);
        loader->stage = sedd_memory_new(size, 1);
        loader->stage_capacity = loader->stage == NULL ? 0 : size;
    }
    loader->stage_size = 0;
    loader->unit_size = size;
    return loader->stage != NULL
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a piece of %llu bytes of "
                           FILE_NAME, (unsigned long long)size);
}

/* How many bytes of the tensor at hand are worked on at once. */
static uint64_t unit_bytes(const struct sedd_slot *slot, const struct sedd_tensor *tensor)
{
    bool by_row = slot != NULL && (slot->kind == SEDD_SLOT_LINEAR || slot->kind == SEDD_SLOT_TABLE);
    return by_row ? (uint64_t)slot->columns * sedd_element_size(tensor->element)
                  : tensor->end - tensor->begin;
}

/* Makes ready for the next tensor that has bytes; at the end the unit has size 0. Buffers that are
 * not needed are skipped without being staged. */
static enum sedd_status next_tensor(struct sedd_loader *loader, struct sedd_error *error)
{
    loader->offset = 0;
    loader->unit = 0;
    while (loader->tensor < loader->header.count) {
        const struct sedd_tensor *tensor = &loader->header.tensors[loader->tensor];
        if (tensor->end > tensor->begin) {
            struct sedd_slot *slot = sedd_slots_find(&loader->slots, tensor);
            return slot == NULL ? SEDD_OK : reserve(loader, unit_bytes(slot, tensor), error);
        }
        loader->tensor++;
    }
    return SEDD_OK;
}

static enum sedd_status check_finite(const struct sedd_tensor *tensor, const float *values,
                                     size_t count, struct sedd_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             FILE_NAME ": tensor \"%.80s\" holds a value that is not a number",
                             tensor->name);
        }
    }
    return SEDD_OK;
}

static void store_row(struct sedd_loader *loader, const struct sedd_slot *slot, int32_t row,
                      bool stored_q8, const void *values)
{
    bool keep_q8 = stored_q8 && loader->model->info.dtype == SEDD_DTYPE_Q8;
    if (slot->kind == SEDD_SLOT_TABLE && keep_q8) {
        sedd_table_set_row_q8(slot->table, row, values);
    } else if (slot->kind == SEDD_SLOT_TABLE) {
        sedd_table_set_row(slot->table, row, values);
    } else if (keep_q8) {
        sedd_linear_set_row_q8(slot->linear, row, values);
    } else {
        sedd_linear_set_row(slot->linear, row, values);
    }
}

/* One row of a matrix or table, as it lies in the stage. */
static enum sedd_status finish_row(struct sedd_loader *loader, struct sedd_slot *slot,
                                   struct sedd_error *error)
{
    const struct sedd_tensor *tensor = slot->tensor;
    size_t columns = (size_t)slot->columns;
    bool q8 = tensor->element == SEDD_ELEMENT_I8;
    bool keep_q8 = q8 && loader->model->info.dtype == SEDD_DTYPE_Q8;
    sedd_element_read(tensor->element, loader->stage, columns, loader->row);
    enum sedd_status status = check_finite(tensor, loader->row, columns, error);
    if (status == SEDD_OK) {
        store_row(loader, slot, loader->unit, q8,
                  keep_q8 ? (const void *)loader->stage : loader->row);
    }
    return status;
}

/* A whole [in, out] matrix: gathers each output channel. */
static enum sedd_status finish_conv1d(struct sedd_loader *loader, struct sedd_slot *slot,
                                      struct sedd_error *error)
{
    const struct sedd_tensor *tensor = slot->tensor;
    size_t size = sedd_element_size(tensor->element), out = (size_t)slot->rows;
    bool q8 = tensor->element == SEDD_ELEMENT_I8;
    bool keep_q8 = q8 && loader->model->info.dtype == SEDD_DTYPE_Q8;
    int8_t *bytes = (int8_t *)loader->row;
    for (int32_t row = 0; row < slot->rows; row++) {
        for (size_t k = 0; k < (size_t)slot->columns; k++) {
            const uint8_t *from = loader->stage + (k * out + (size_t)row) * size;
            if (keep_q8) {
                bytes[k] = (int8_t)*from;
            } else {
                sedd_element_read(tensor->element, from, 1, &loader->row[k]);
            }
        }
        enum sedd_status status =
            keep_q8 ? SEDD_OK : check_finite(tensor, loader->row, (size_t)slot->columns, error);
        if (status != SEDD_OK) {
            return status;
        }
        store_row(loader, slot, row, q8, loader->row);
    }
    return SEDD_OK;
}

/* Scales are positive (0 for a row of zeros) and leave every int8 value finite. */
static enum sedd_status check_scales(const struct sedd_slot *slot, const float *scales,
                                     struct sedd_error *error)
{
    for (int32_t row = 0; row < slot->rows; row++) {
        if (!(scales[row] >= 0.0f && scales[row] <= FLT_MAX / 128.0f)) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             FILE_NAME ": scale %d of \"%.80s\" is %g; expected 0 or more, below 1e36",
                             (int)row, slot->tensor->name, (double)scales[row]);
        }
    }
    return SEDD_OK;
}

static enum sedd_status finish_vector(struct sedd_loader *loader, struct sedd_slot *slot,
                                      struct sedd_error *error)
{
    float **target = slot->kind == SEDD_SLOT_VECTOR ? slot->vector
                     : slot->table != NULL          ? &slot->table->scale
                                                    : &slot->linear->w_scale;
    if (*target == NULL) { /* scales of a model that is wanted in f32 */
        *target = sedd_memory_new((uint64_t)slot->rows, sizeof(float));
        if (*target == NULL) {
            return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for \"%s\"", slot->name);
        }
    }
    sedd_element_read(slot->tensor->element, loader->stage, (size_t)slot->rows, *target);
    enum sedd_status status = check_finite(slot->tensor, *target, (size_t)slot->rows, error);
    return status == SEDD_OK && slot->kind == SEDD_SLOT_SCALE ? check_scales(slot, *target, error)
                                                              : status;
}

static enum sedd_status finish_tensor_unit(struct sedd_loader *loader, struct sedd_error *error)
{
    const struct sedd_tensor *tensor = &loader->header.tensors[loader->tensor];
    struct sedd_slot *slot = sedd_slots_find(&loader->slots, tensor);
    enum sedd_status status = slot->kind == SEDD_SLOT_CONV1D ? finish_conv1d(loader, slot, error)
                              : slot->kind == SEDD_SLOT_VECTOR || slot->kind == SEDD_SLOT_SCALE
                                  ? finish_vector(loader, slot, error)
                                  : finish_row(loader, slot, error);
    loader->offset += loader->unit_size;
    loader->unit++;
    loader->stage_size = 0;
    if (status == SEDD_OK && loader->offset == tensor->end - tensor->begin) {
        loader->tensor++;
        status = next_tensor(loader, error);
    }
    return status;
}

static enum sedd_status finish_length(struct sedd_loader *loader, struct sedd_error *error)
{
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) {
        length = length << 8 | loader->stage[i];
    }
    if (length < 2 || length > SEDD_HEADER_MAX) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME " says its header has %llu bytes; expected 2 to %u: it is another "
                                   "kind of file or damaged",
                         (unsigned long long)length, SEDD_HEADER_MAX);
    }
    loader->phase = PHASE_HEADER;
    return reserve(loader, length, error);
}

static int32_t longest_row(const struct sedd_slots *slots)
{
    int32_t longest = 1;
    for (size_t i = 0; i < slots->count; i++) {
        longest = sedd_max(longest, slots->slots[i].columns);
    }
    return longest;
}

/* The header's claim against the size of the file, where that is known. */
static enum sedd_status check_size(const struct sedd_loader *loader, struct sedd_error *error)
{
    const struct sedd_header *header = &loader->header;
    uint64_t data = header->count == 0 ? 0 : header->tensors[header->count - 1].end;
    uint64_t size = 8 + loader->unit_size + data;
    if (loader->file_size == 0 || loader->file_size == size) {
        return SEDD_OK;
    }
    return sedd_fail(error, SEDD_ERROR_FORMAT,
                     FILE_NAME " has %llu bytes, but its header describes %llu: %s",
                     (unsigned long long)loader->file_size, (unsigned long long)size,
                     loader->file_size < size ? "it is truncated" : "something follows its tensors");
}

static enum sedd_status finish_header(struct sedd_loader *loader, struct sedd_error *error)
{
    struct sedd_model_info *info = &loader->model->info;
    enum sedd_status status = sedd_header_parse((const char *)loader->stage,
                                                (size_t)loader->unit_size, &loader->header, error);
    if (status == SEDD_OK) {
        status = check_size(loader, error);
    }
    if (status == SEDD_OK) {
        status = sedd_slots_match(&loader->slots, &loader->header, loader->wanted, info, error);
    }
    if (status == SEDD_OK) {
        status = sedd_slots_allocate(&loader->slots, info, error);
    }
    if (status == SEDD_OK) {
        loader->row = sedd_memory_new((uint64_t)longest_row(&loader->slots), sizeof(float));
        status = loader->row == NULL ? sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a row")
                                     : next_tensor(loader, error);
    }
    loader->phase = PHASE_DATA;
    return status;
}

/* ---- The stream -------------------------------------------------------------------------- */

static bool at_end(const struct sedd_loader *loader)
{
    return loader->phase == PHASE_DATA && loader->tensor == loader->header.count;
}

/* Takes what it can from the bytes; returns how many. */
static uint64_t take(struct sedd_loader *loader, const uint8_t *bytes, uint64_t size)
{
    if (loader->phase == PHASE_DATA) {
        const struct sedd_tensor *tensor = &loader->header.tensors[loader->tensor];
        if (sedd_slots_find(&loader->slots, tensor) == NULL) { /* a buffer nobody needs */
            uint64_t left = tensor->end - tensor->begin - loader->offset;
            uint64_t count = size < left ? size : left;
            loader->offset += count;
            return count;
        }
    }
    uint64_t missing = loader->unit_size - loader->stage_size;
    uint64_t count = size < missing ? size : missing;
    memcpy(loader->stage + loader->stage_size, bytes, (size_t)count);
    loader->stage_size += count;
    return count;
}

static enum sedd_status finish_unit(struct sedd_loader *loader, struct sedd_error *error)
{
    if (loader->phase == PHASE_DATA) {
        const struct sedd_tensor *tensor = &loader->header.tensors[loader->tensor];
        if (sedd_slots_find(&loader->slots, tensor) == NULL) {
            if (loader->offset < tensor->end - tensor->begin) {
                return SEDD_OK;
            }
            loader->tensor++;
            return next_tensor(loader, error);
        }
    }
    if (loader->stage_size < loader->unit_size) {
        return SEDD_OK;
    }
    switch (loader->phase) {
    case PHASE_LENGTH: return finish_length(loader, error);
    case PHASE_HEADER: return finish_header(loader, error);
    default: return finish_tensor_unit(loader, error);
    }
}

static enum sedd_status fail_broken(struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                     "this load has failed or is finished: it takes no more; begin a new one");
}

enum sedd_status sedd_loader_push(struct sedd_loader *loader, const void *bytes, size_t size,
                                  struct sedd_error *error)
{
    const uint8_t *next = bytes;
    uint64_t left = size;
    enum sedd_status status = SEDD_OK;
    if (loader->phase == PHASE_BROKEN) {
        return fail_broken(error);
    }
    while (left > 0 && status == SEDD_OK) {
        if (at_end(loader)) {
            status = sedd_fail(error, SEDD_ERROR_FORMAT,
                               FILE_NAME " goes on after its last tensor by %llu bytes or more",
                               (unsigned long long)left);
            break;
        }
        uint64_t taken = take(loader, next, left);
        next += taken;
        left -= taken;
        status = finish_unit(loader, error);
    }
    if (status != SEDD_OK) {
        loader->phase = PHASE_BROKEN;
    }
    return status;
}

/* Multiplies int8 values that were loaded as floats by their scales. */
static void apply_scales(struct sedd_loader *loader)
{
    for (size_t i = 0; i < loader->slots.count; i++) {
        struct sedd_slot *slot = &loader->slots.slots[i];
        if (slot->kind != SEDD_SLOT_SCALE || slot->tensor == NULL) {
            continue;
        }
        float **scale = slot->table != NULL ? &slot->table->scale : &slot->linear->w_scale;
        int32_t columns = slot->table != NULL ? slot->table->columns : slot->linear->in;
        for (int32_t row = 0; row < slot->rows; row++) {
            if (slot->table != NULL) {
                sedd_table_get_row(slot->table, row, loader->row);
            } else {
                sedd_linear_get_row(slot->linear, row, loader->row);
            }
            for (int32_t k = 0; k < columns; k++) {
                loader->row[k] *= (*scale)[row];
            }
            if (slot->table != NULL) {
                sedd_table_set_row(slot->table, row, loader->row);
            } else {
                sedd_linear_set_row(slot->linear, row, loader->row);
            }
        }
        sedd_memory_free(*scale);
        *scale = NULL;
    }
}

enum sedd_status sedd_loader_finish(struct sedd_loader *loader, struct sedd_model **model,
                                    struct sedd_error *error)
{
    if (loader->phase == PHASE_BROKEN) {
        return fail_broken(error);
    }
    if (!at_end(loader)) {
        const char *where = loader->phase != PHASE_DATA
                                ? "its header"
                                : loader->header.tensors[loader->tensor].name;
        return sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME " ends early, within %.80s", where);
    }
    if (loader->model->info.dtype == SEDD_DTYPE_F32) {
        apply_scales(loader);
    }
    *model = loader->model;
    loader->model = NULL;
    loader->phase = PHASE_BROKEN;
    return SEDD_OK;
}
