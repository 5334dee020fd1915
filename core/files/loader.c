/*
 * loader.c - the public calls of a loader (sedd.h describes its use): reports the bytes to request
 * next and accepts bytes. loader_index.c and loader_tensors.c interpret them (see loading.h).
 */
#include "files/loading.h"

#include "files/config.h"

/* ---- Creating and freeing ---------------------------------------------------------------- */

enum sedd_status sedd_loader_new(const char *config, size_t config_size, enum sedd_dtype dtype,
                                 struct sedd_loader **out, struct sedd_error *error)
{
    if (dtype != SEDD_DTYPE_AUTO && dtype != SEDD_DTYPE_F32 && dtype != SEDD_DTYPE_Q8) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "dtype is %d; expected AUTO, F32 or Q8",
                         (int)dtype);
    }
    struct sedd_loader *loader = sedd_memory_new(1, sizeof *loader);
    struct sedd_model *model = sedd_memory_new(1, sizeof *model);
    if (loader == NULL || model == NULL) {
        sedd_memory_free(loader);
        sedd_memory_free(model);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to load a model");
    }
    loader->model = model;
    loader->wanted = dtype;
    enum sedd_status status = sedd_loader_stage(loader, SEDD_PHASE_START, 8, error);
    if (status == SEDD_OK) {
        status = sedd_config_read(config, config_size, &model->info, &model->design, error);
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

/* ---- The bytes --------------------------------------------------------------------------- */

bool sedd_loader_want(const struct sedd_loader *loader, uint64_t *begin, uint64_t *end)
{
    *begin = *end = loader->place;
    if (loader->phase == SEDD_PHASE_END || loader->phase == SEDD_PHASE_CLOSED) {
        return false;
    }
    uint64_t missing = loader->place + loader->skip + loader->unit_size - loader->stage_size;
    switch (loader->phase) {
    case SEDD_PHASE_TAIL:
    case SEDD_PHASE_DIRECTORY:
    case SEDD_PHASE_PICKLE: *end = missing; break;
    case SEDD_PHASE_PICKLE_LOCAL: /* and, most likely, the pickle after it */
        *end = missing + 256 + loader->pickle->size;
        *end = *end < loader->directory ? *end : loader->directory;
        break;
    default:
        *end = loader->crc_table != NULL ? sedd_loader_run_end(loader)
               : loader->file_size != 0  ? loader->file_size
                                         : UINT64_MAX;
        *end = *end < missing ? missing : *end;
    }
    return true;
}

static enum sedd_status fail_closed(struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                     "this loader has failed or has finished; create a new one");
}

static enum sedd_status push_all(struct sedd_loader *loader, uint64_t offset, const uint8_t *bytes,
                                 size_t size, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    while (status == SEDD_OK && loader->phase != SEDD_PHASE_END && loader->place >= offset &&
           loader->place - offset < size) {
        uint64_t done = loader->place - offset;
        sedd_loader_take(loader, bytes + done, size - done);
        status = sedd_loader_check_header(loader, error);
        if (status == SEDD_OK && loader->skip == 0 && loader->stage_size == loader->unit_size) {
            status = loader->phase < SEDD_PHASE_LOCAL ? sedd_loader_read_index(loader, error)
                                                      : sedd_loader_read_tensors(loader, error);
        }
    }
    uint64_t end = offset + size;
    if (status == SEDD_OK && loader->phase == SEDD_PHASE_END && loader->crc_table == NULL &&
        end > loader->place) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT,
                           SEDD_SAFETENSORS " has at least %llu bytes after its last tensor",
                           (unsigned long long)(end - loader->place));
    }
    return status;
}

enum sedd_status sedd_loader_push(struct sedd_loader *loader, uint64_t offset, const void *bytes,
                                  size_t size, struct sedd_error *error)
{
    if (loader->phase == SEDD_PHASE_CLOSED) {
        return fail_closed(error);
    }
    enum sedd_status status = push_all(loader, offset, bytes, size, error);
    if (status != SEDD_OK) {
        loader->phase = SEDD_PHASE_CLOSED;
    }
    return status;
}

enum sedd_status sedd_loader_finish(struct sedd_loader *loader, struct sedd_model **model,
                                    struct sedd_error *error)
{
    if (loader->phase == SEDD_PHASE_CLOSED) {
        return fail_closed(error);
    }
    if (loader->phase != SEDD_PHASE_END) {
        bool data = loader->tensor < loader->header.count;
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s ends early, at byte %llu, within %.80s",
                         loader->header.file != NULL ? loader->header.file : SEDD_SAFETENSORS,
                         (unsigned long long)loader->place,
                         data ? loader->header.tensors[loader->tensor].name : "its index");
    }
    *model = loader->model;
    loader->model = NULL;
    loader->phase = SEDD_PHASE_CLOSED;
    return SEDD_OK;
}
