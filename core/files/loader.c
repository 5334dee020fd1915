/*
 * loader.c - config.json and bytes of the weights -> a model (sedd.h says how to use it).
 *
 * The loader is always at one place of the file. It first passes over `skip` bytes, then stages one
 * unit, then does what its phase says. Safetensors: START, HEADER, then UNITs. A torch file: START,
 * TAIL, DIRECTORY, PICKLE_LOCAL, PICKLE, then for every zip entry that is needed LOCAL and its UNITs.
 */
#include "files/loader.h"

#include "files/config.h"
#include "files/pack.h"
#include "files/torch.h"
#include "model/linear.h"

#include <string.h>

#define SAFETENSORS "model.safetensors"
#define TORCH "the torch file"
#define GAP_MAX (8u << 20) /* bytes that are read for nothing rather than asking for another range */

enum phase {
    PHASE_START = 0, PHASE_HEADER, PHASE_TAIL, PHASE_DIRECTORY, PHASE_PICKLE_LOCAL, PHASE_PICKLE,
    PHASE_LOCAL, PHASE_UNIT, PHASE_PASS, PHASE_END, PHASE_BROKEN
};

struct sedd_loader {
    struct sedd_model *model;
    enum sedd_dtype wanted;
    struct sedd_slots slots;
    struct sedd_header header;
    struct sedd_packer packer;
    struct sedd_watcher watcher;
    enum phase phase;
    uint64_t file_size; /* 0: unknown */

    uint64_t place; /* of the next byte that is wanted */
    uint64_t skip;  /* bytes to pass over first */
    uint8_t *stage; /* the unit at hand */
    uint64_t stage_size, stage_capacity, unit_size;

    size_t tensor; /* the tensor at hand */
    struct sedd_slot *slot;
    int32_t unit; /* of the tensor */

    bool in_part; /* safetensors: one part, everything behind the header */
    size_t part;
    uint64_t part_begin, part_end; /* of its data in the file */

    struct sedd_zip zip; /* torch files */
    uint64_t directory, directory_size;
    const struct sedd_zip_entry *pickle;
    struct sedd_crc_table *crc_table; /* NULL: safetensors */
    uint32_t crc;                     /* of the part's data so far */
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
    model->info.dtype = dtype == SEDD_DTYPE_AUTO ? SEDD_DTYPE_F32 : dtype;
    *out = loader;
    return SEDD_OK;
}

void sedd_loader_expect(struct sedd_loader *loader, uint64_t size)
{
    loader->file_size = size;
}

void sedd_loader_watch(struct sedd_loader *loader, const struct sedd_watcher *watcher)
{
    loader->watcher = *watcher;
}

void sedd_loader_describe(const struct sedd_loader *loader, struct sedd_model_info *info)
{
    *info = (struct sedd_model_info){0};
    if (loader->model != NULL) {
        *info = loader->model->info;
        info->weight_size = sedd_slots_size(&loader->slots, info->dtype);
    }
}

void sedd_loader_free(struct sedd_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    sedd_model_free(loader->model);
    sedd_header_clear(&loader->header);
    sedd_zip_clear(&loader->zip);
    sedd_memory_free(loader->crc_table);
    sedd_memory_free(loader->slots.slots);
    sedd_memory_free(loader->stage);
    sedd_memory_free(loader->packer.rows);
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

/* ---- Moving ------------------------------------------------------------------------------ */

/* Stages `size` bytes next. */
static enum sedd_status expect_unit(struct sedd_loader *loader, enum phase phase, uint64_t size,
                                    struct sedd_error *error)
{
    if (size > loader->stage_capacity) {
        sedd_memory_free(loader->stage);
        loader->stage = sedd_memory_new(size, 1);
        loader->stage_capacity = loader->stage == NULL ? 0 : size;
    }
    loader->phase = phase;
    loader->stage_size = 0;
    loader->unit_size = size;
    return loader->stage != NULL
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a piece of %llu bytes of weights",
                           (unsigned long long)size);
}

static enum sedd_status expect_at(struct sedd_loader *loader, enum phase phase, uint64_t place,
                                  uint64_t size, struct sedd_error *error)
{
    loader->place = place;
    return expect_unit(loader, phase, size, error);
}

/* The next tensor from number `first` that fills a slot and has bytes; the count if there is none. */
static size_t find_tensor(const struct sedd_loader *loader, size_t first)
{
    const struct sedd_header *header = &loader->header;
    for (; first < header->count; first++) {
        const struct sedd_tensor *tensor = &header->tensors[first];
        if (tensor->end > tensor->begin && sedd_slots_find(&loader->slots, tensor) != NULL) {
            break;
        }
    }
    return first;
}

static enum sedd_status leave_part(struct sedd_loader *loader, struct sedd_error *error)
{
    loader->in_part = false;
    if (loader->crc_table == NULL) {
        return SEDD_OK;
    }
    const struct sedd_zip_entry *entry = &loader->zip.entries[loader->part];
    return entry->crc == 0 || entry->crc == loader->crc
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_FORMAT,
                           TORCH ": the data of \"%.80s\" has the checksum %08x, expected %08x: it is "
                                 "damaged; fetch it again",
                           entry->name, (unsigned)loader->crc, (unsigned)entry->crc);
}

/* Makes for the next tensor: through the rest of this part, into the next, or to the end. */
static enum sedd_status advance(struct sedd_loader *loader, struct sedd_error *error)
{
    loader->tensor = find_tensor(loader, loader->tensor);
    bool more = loader->tensor < loader->header.count;
    const struct sedd_tensor *tensor = more ? &loader->header.tensors[loader->tensor] : NULL;
    if (loader->in_part && (!more || tensor->part != loader->part)) {
        loader->skip = loader->part_end - loader->place;
        if (loader->skip > 0) {
            return expect_unit(loader, PHASE_PASS, 0, error);
        }
        enum sedd_status status = leave_part(loader, error);
        if (status != SEDD_OK) {
            return status;
        }
    }
    if (!more) {
        loader->phase = PHASE_END;
        return SEDD_OK;
    }
    if (!loader->in_part) {
        uint64_t place = loader->zip.entries[tensor->part].place;
        loader->part = tensor->part;
        if (place >= loader->place && place - loader->place <= GAP_MAX) {
            loader->skip = place - loader->place;
            place = loader->place;
        }
        return expect_at(loader, PHASE_LOCAL, place, SEDD_ZIP_LOCAL, error);
    }
    uint64_t begin = loader->part_begin + tensor->begin;
    if (begin < loader->place && loader->place > loader->part_begin) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: tensor \"%.80s\" shares its data with another",
                         loader->header.file, tensor->name);
    }
    loader->skip = begin - loader->place;
    loader->unit = 0;
    loader->slot = sedd_slots_find(&loader->slots, tensor);
    enum sedd_status status = SEDD_OK;
    if (loader->watcher.complete != NULL) {
        status = sedd_slot_allocate(loader->slot, loader->model->info.dtype, error);
    }
    return status == SEDD_OK
               ? expect_unit(loader, PHASE_UNIT, sedd_pack_unit_size(loader->slot), error)
               : status;
}

/* ---- The index --------------------------------------------------------------------------- */

static int32_t longest_row(const struct sedd_slots *slots)
{
    int32_t longest = 1;
    for (size_t i = 0; i < slots->count; i++) {
        longest = sedd_max(longest, slots->slots[i].columns);
    }
    return longest;
}

/* The index is known: finds each tensor its slot and takes the memory. */
static enum sedd_status begin_data(struct sedd_loader *loader, struct sedd_error *error)
{
    struct sedd_model_info *info = &loader->model->info;
    enum sedd_status status =
        sedd_slots_match(&loader->slots, &loader->header, loader->wanted, info, error);
    if (status != SEDD_OK) {
        return status;
    }
    info->weight_size = sedd_slots_size(&loader->slots, info->dtype);
    loader->packer.dtype = info->dtype;
    loader->packer.file = loader->header.file;
    loader->packer.rows = sedd_memory_new((uint64_t)longest_row(&loader->slots),
                                          SEDD_PACK_ROWS * sizeof(float));
    if (loader->packer.rows == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a row");
    }
    if (loader->watcher.complete != NULL) {
        status = loader->watcher.begin(loader->watcher.user, &loader->slots, info, error);
    }
    for (size_t i = 0; i < loader->slots.count && loader->watcher.complete == NULL &&
                       status == SEDD_OK; i++) {
        status = sedd_slot_allocate(&loader->slots.slots[i], info->dtype, error);
    }
    return status == SEDD_OK ? advance(loader, error) : status;
}

/* What else may be offered as weights, by its first bytes. */
static const char *name_other(const uint8_t *start)
{
    static const struct {
        const char *bytes, *name;
    } others[] = {
        {"\x80\x02\x8a\nl\xfc\x9c\x46", "a torch file in the format before 1.6; load it with torch and "
                                        "save model.state_dict() again with torch.save"},
        {"version ", "a Git LFS pointer, not the file itself; fetch the large file (git lfs pull)"},
        {"<!DOCTYP", "a web page, not the file that was asked for"},
        {"<!doctyp", "a web page, not the file that was asked for"},
        {"GGUF", "a GGUF file; expected model.safetensors or pytorch_model.bin"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (memcmp(start, others[i].bytes, strlen(others[i].bytes)) == 0) {
            return others[i].name;
        }
    }
    return NULL;
}

static enum sedd_status begin_zip(struct sedd_loader *loader, struct sedd_error *error)
{
    if (loader->file_size == 0) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         TORCH "'s size is not known; its index is found from its end");
    }
    loader->crc_table = sedd_memory_new(1, sizeof *loader->crc_table);
    if (loader->crc_table == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to read " TORCH);
    }
    sedd_crc_fill(loader->crc_table);
    loader->header.file = TORCH;
    uint64_t size = loader->file_size < SEDD_ZIP_TAIL ? loader->file_size : SEDD_ZIP_TAIL;
    return expect_at(loader, PHASE_TAIL, loader->file_size - size, size, error);
}

static enum sedd_status finish_start(struct sedd_loader *loader, struct sedd_error *error)
{
    uint64_t length = 0;
    const char *other = name_other(loader->stage);
    if (memcmp(loader->stage, "PK\003\004", 4) == 0) {
        return begin_zip(loader, error);
    }
    for (int i = 7; i >= 0; i--) {
        length = length << 8 | loader->stage[i];
    }
    if (other != NULL) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "the file of weights is another kind of file: %s",
                         other);
    }
    if (length < 2 || length > SEDD_HEADER_MAX) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         SAFETENSORS " says its header has %llu bytes; expected 2 to %u: it is another "
                                     "kind of file or damaged",
                         (unsigned long long)length, SEDD_HEADER_MAX);
    }
    return expect_unit(loader, PHASE_HEADER, length, error);
}

/* The header's claim against the size of the file, where that is known. */
static enum sedd_status check_size(const struct sedd_loader *loader, uint64_t size,
                                   struct sedd_error *error)
{
    if (loader->file_size == 0 || loader->file_size == size) {
        return SEDD_OK;
    }
    return sedd_fail(error, SEDD_ERROR_FORMAT,
                     SAFETENSORS " has %llu bytes, but its header describes %llu: %s",
                     (unsigned long long)loader->file_size, (unsigned long long)size,
                     loader->file_size < size ? "it is truncated" : "something follows its tensors");
}

static enum sedd_status finish_header(struct sedd_loader *loader, struct sedd_error *error)
{
    struct sedd_header *header = &loader->header;
    enum sedd_status status =
        sedd_header_parse((const char *)loader->stage, (size_t)loader->unit_size, header, error);
    if (status != SEDD_OK) {
        return status;
    }
    loader->in_part = true;
    loader->part_begin = loader->place;
    loader->part_end =
        loader->place + (header->count == 0 ? 0 : header->tensors[header->count - 1].end);
    status = check_size(loader, loader->part_end, error);
    return status == SEDD_OK ? begin_data(loader, error) : status;
}

static enum sedd_status finish_tail(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status =
        sedd_zip_find(loader->stage, (size_t)loader->unit_size, loader->file_size,
                      &loader->directory, &loader->directory_size, error);
    return status == SEDD_OK ? expect_at(loader, PHASE_DIRECTORY, loader->directory,
                                         loader->directory_size, error)
                             : status;
}

static enum sedd_status finish_directory(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status = sedd_zip_read(loader->stage, (size_t)loader->unit_size,
                                            loader->directory, &loader->zip, error);
    if (status == SEDD_OK) {
        status = sedd_torch_find_pickle(&loader->zip, &loader->pickle, error);
    }
    return status == SEDD_OK ? expect_at(loader, PHASE_PICKLE_LOCAL, loader->pickle->place,
                                         SEDD_ZIP_LOCAL, error)
                             : status;
}

/* Behind a local header: the part's data begins after its name and extras. */
static enum sedd_status enter_part(struct sedd_loader *loader, const struct sedd_zip_entry *entry,
                                   struct sedd_error *error)
{
    uint64_t skip;
    enum sedd_status status = sedd_zip_check_local(loader->stage, entry, &skip, error);
    if (status == SEDD_OK) {
        loader->skip = skip;
        loader->part = (size_t)(entry - loader->zip.entries);
        loader->part_begin = loader->place + skip;
        loader->part_end = loader->part_begin + entry->size;
        loader->crc = 0;
        loader->in_part = true;
        if (loader->part_end > loader->directory) {
            status = sedd_fail(error, SEDD_ERROR_FORMAT, TORCH ": zip entry \"%.80s\" reaches past the "
                               "end of the file's data", entry->name);
        }
    }
    return status;
}

static enum sedd_status finish_pickle_local(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status = enter_part(loader, loader->pickle, error);
    return status == SEDD_OK ? expect_unit(loader, PHASE_PICKLE, loader->pickle->size, error) : status;
}

static enum sedd_status finish_pickle(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status = leave_part(loader, error);
    if (status == SEDD_OK) {
        status = sedd_torch_index(loader->stage, (size_t)loader->unit_size, &loader->zip,
                                  loader->pickle, &loader->header, error);
    }
    return status == SEDD_OK ? begin_data(loader, error) : status;
}

/* ---- Tensors ----------------------------------------------------------------------------- */

/* A matrix and its scale complete each other; the list has the scale right behind. */
static enum sedd_status complete_slot(struct sedd_loader *loader, struct sedd_error *error)
{
    struct sedd_slot *slot = loader->slot;
    slot->filled = true;
    slot -= slot->kind == SEDD_SLOT_SCALE ? 1 : 0;
    if (slot->tensor->element == SEDD_ELEMENT_I8) {
        if (!slot[0].filled || !slot[1].filled) {
            return SEDD_OK;
        }
        if (loader->model->info.dtype == SEDD_DTYPE_F32) {
            sedd_pack_scale(&loader->packer, slot);
        }
    }
    enum sedd_status status = SEDD_OK;
    if (loader->watcher.complete != NULL) {
        status = loader->watcher.complete(loader->watcher.user, slot, error);
        sedd_slot_release(slot);
    }
    return status;
}

static enum sedd_status finish_tensor_unit(struct sedd_loader *loader, struct sedd_error *error)
{
    const struct sedd_tensor *tensor = &loader->header.tensors[loader->tensor];
    enum sedd_status status =
        sedd_pack_unit(&loader->packer, loader->slot, loader->unit++, loader->stage, error);
    if (status != SEDD_OK || loader->place < loader->part_begin + tensor->end) {
        loader->stage_size = 0;
        return status;
    }
    status = complete_slot(loader, error);
    loader->tensor++;
    return status == SEDD_OK ? advance(loader, error) : status;
}

static enum sedd_status finish_unit(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status;
    switch (loader->phase) {
    case PHASE_START: return finish_start(loader, error);
    case PHASE_HEADER: return finish_header(loader, error);
    case PHASE_TAIL: return finish_tail(loader, error);
    case PHASE_DIRECTORY: return finish_directory(loader, error);
    case PHASE_PICKLE_LOCAL: return finish_pickle_local(loader, error);
    case PHASE_PICKLE: return finish_pickle(loader, error);
    case PHASE_LOCAL:
        status = enter_part(loader, &loader->zip.entries[loader->part], error);
        return status == SEDD_OK ? advance(loader, error) : status;
    case PHASE_UNIT: return finish_tensor_unit(loader, error);
    case PHASE_PASS: return advance(loader, error);
    case PHASE_END:
    case PHASE_BROKEN: break;
    }
    return SEDD_OK;
}

/* ---- The bytes --------------------------------------------------------------------------- */

/* The end of the parts that follow one another without a gap worth another request. */
static uint64_t run_end(const struct sedd_loader *loader)
{
    const struct sedd_zip *zip = &loader->zip;
    size_t part = loader->part;
    for (size_t i = loader->tensor; i < loader->header.count; i++) {
        size_t next = loader->header.tensors[i].part;
        if (next == part || sedd_slots_find(&loader->slots, &loader->header.tensors[i]) == NULL) {
            continue;
        }
        const struct sedd_zip_entry *entry = &zip->entries[part];
        uint64_t end = entry->place + SEDD_ZIP_LOCAL + entry->size;
        if (zip->entries[next].place > end && zip->entries[next].place - end > GAP_MAX) {
            break;
        }
        part = next;
    }
    return part + 1 < zip->count ? zip->entries[part + 1].place : loader->directory;
}

bool sedd_loader_want(const struct sedd_loader *loader, uint64_t *begin, uint64_t *end)
{
    *begin = *end = loader->place;
    if (loader->phase == PHASE_END || loader->phase == PHASE_BROKEN) {
        return false;
    }
    uint64_t missing = loader->place + loader->skip + loader->unit_size - loader->stage_size;
    switch (loader->phase) {
    case PHASE_TAIL:
    case PHASE_DIRECTORY:
    case PHASE_PICKLE: *end = missing; break;
    case PHASE_PICKLE_LOCAL: /* and, most likely, what comes behind it */
        *end = missing + 256 + loader->pickle->size;
        *end = *end < loader->directory ? *end : loader->directory;
        break;
    default:
        *end = loader->crc_table != NULL ? run_end(loader)
               : loader->file_size != 0  ? loader->file_size
                                         : UINT64_MAX;
        *end = *end < missing ? missing : *end;
    }
    return true;
}

/* Passes over or stages what it can; returns how many bytes it took. */
static uint64_t take(struct sedd_loader *loader, const uint8_t *bytes, uint64_t size)
{
    uint64_t count;
    if (loader->skip > 0) {
        count = size < loader->skip ? size : loader->skip;
        loader->skip -= count;
    } else {
        uint64_t missing = loader->unit_size - loader->stage_size;
        count = size < missing ? size : missing;
        memcpy(loader->stage + loader->stage_size, bytes, (size_t)count);
        loader->stage_size += count;
    }
    uint64_t before = loader->place < loader->part_begin ? loader->part_begin - loader->place : 0;
    if (loader->crc_table != NULL && loader->in_part && before < count) {
        loader->crc = sedd_crc_add(loader->crc_table, loader->crc, bytes + before,
                                   (size_t)(count - before));
    }
    loader->place += count;
    return count;
}

static enum sedd_status fail_broken(struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                     "this load has failed or is finished: it takes no more; begin a new one");
}

static enum sedd_status push_all(struct sedd_loader *loader, uint64_t offset, const uint8_t *bytes,
                                 size_t size, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    while (status == SEDD_OK && loader->phase != PHASE_END && loader->place >= offset &&
           loader->place - offset < size) {
        uint64_t done = loader->place - offset;
        take(loader, bytes + done, size - done);
        if (loader->skip == 0 && loader->stage_size == loader->unit_size) {
            status = finish_unit(loader, error);
        }
    }
    uint64_t end = offset + size;
    if (status == SEDD_OK && loader->phase == PHASE_END && loader->crc_table == NULL &&
        end > loader->place) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT,
                           SAFETENSORS " goes on after its last tensor by %llu bytes or more",
                           (unsigned long long)(end - loader->place));
    }
    return status;
}

enum sedd_status sedd_loader_push(struct sedd_loader *loader, uint64_t offset, const void *bytes,
                                  size_t size, struct sedd_error *error)
{
    if (loader->phase == PHASE_BROKEN) {
        return fail_broken(error);
    }
    enum sedd_status status = push_all(loader, offset, bytes, size, error);
    if (status != SEDD_OK) {
        loader->phase = PHASE_BROKEN;
    }
    return status;
}

enum sedd_status sedd_loader_finish(struct sedd_loader *loader, struct sedd_model **model,
                                    struct sedd_error *error)
{
    if (loader->phase == PHASE_BROKEN) {
        return fail_broken(error);
    }
    if (loader->phase != PHASE_END) {
        bool data = loader->tensor < loader->header.count;
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s ends early, at byte %llu, within %.80s",
                         loader->header.file != NULL ? loader->header.file : SAFETENSORS,
                         (unsigned long long)loader->place,
                         data ? loader->header.tensors[loader->tensor].name : "its index");
    }
    *model = loader->model;
    loader->model = NULL;
    loader->phase = PHASE_BROKEN;
    return SEDD_OK;
}
