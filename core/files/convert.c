#define _POSIX_C_SOURCE 200809L /* fseeko, fsync */
#define _FILE_OFFSET_BITS 64
/* convert.c - implements convert.h. */
#include "files/convert.h"

#include "files/loader.h"
#include "files/open.h"
#include "files/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARTIAL ".partial"

/* A file that is renamed to its final name when it is complete. */
struct target {
    char path[4096], partial[4096 + sizeof PARTIAL];
    FILE *file;
};

static enum sedd_status open_target(struct target *target, const char *folder, const char *name,
                                    struct sedd_error *error)
{
    int size = snprintf(target->path, sizeof target->path, "%s/%s", folder, name);
    if (size < 0 || (size_t)size >= sizeof target->path) {
        return sedd_fail(error, SEDD_ERROR_IO, "the path of %s is too long", name);
    }
    snprintf(target->partial, sizeof target->partial, "%s" PARTIAL, target->path);
    target->file = fopen(target->partial, "wb");
    return target->file != NULL ? SEDD_OK
                                : sedd_fail(error, SEDD_ERROR_IO, "%.300s cannot be written: %s",
                                            target->partial, strerror(errno));
}

/* Closes the file. Renames it if `status` is SEDD_OK, otherwise removes it. */
static enum sedd_status close_target(struct target *target, enum sedd_status status,
                                     struct sedd_error *error)
{
    if (target->file == NULL) {
        return status;
    }
    bool written = fflush(target->file) == 0 && fsync(fileno(target->file)) == 0;
    written = fclose(target->file) == 0 && written;
    if (status == SEDD_OK && (!written || rename(target->partial, target->path) != 0)) {
        status = sedd_fail(error, SEDD_ERROR_IO, "%.300s cannot be written: %s", target->path,
                           strerror(errno));
    }
    if (status != SEDD_OK) {
        remove(target->partial);
    }
    return status;
}

enum sedd_status sedd_file_write(const char *folder, const char *name, const void *bytes,
                                 size_t size, struct sedd_error *error)
{
    struct target target = {.file = NULL};
    enum sedd_status status = open_target(&target, folder, name, error);
    if (status == SEDD_OK && fwrite(bytes, 1, size, target.file) != size) {
        status = sedd_fail(error, SEDD_ERROR_IO, "%.300s cannot be written: %s", target.partial,
                           strerror(errno));
    }
    return close_target(&target, status, error);
}

/* ---- Tensor by tensor -------------------------------------------------------------------- */

struct conversion {
    enum sedd_dtype dtype;
    struct target target;
    struct sedd_layout layout;
    float *row;
    uint8_t *unit;
};

static enum sedd_status fail_write(const struct conversion *conversion, struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_IO, "%.300s cannot be written: %s",
                     conversion->target.partial, strerror(errno));
}

static enum sedd_status begin(void *user, const struct sedd_slots *slots,
                              const struct sedd_model_info *info, struct sedd_error *error)
{
    struct conversion *conversion = user;
    struct sedd_layout *layout = &conversion->layout;
    enum sedd_status status = sedd_layout_new(slots, info, conversion->dtype, layout, error);
    if (status != SEDD_OK) {
        return status;
    }
    size_t longest = sedd_layout_longest_unit(layout);
    conversion->row = sedd_memory_new(longest, sizeof(float));
    conversion->unit = sedd_memory_new(longest, 1);
    if (conversion->row == NULL || conversion->unit == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a row");
    }
    return fwrite(layout->header, 1, layout->header_size, conversion->target.file) ==
                   layout->header_size
               ? SEDD_OK
               : fail_write(conversion, error);
}

static enum sedd_status write_tensor(struct conversion *conversion,
                                     const struct sedd_written *tensor, struct sedd_error *error)
{
    FILE *file = conversion->target.file;
    size_t size = sedd_written_unit_size(tensor);
    if (fseeko(file, (off_t)(conversion->layout.header_size + tensor->begin), SEEK_SET) != 0) {
        return fail_write(conversion, error);
    }
    for (int32_t i = 0; i < tensor->units; i++) {
        if (!sedd_written_unit(tensor, i, conversion->row, conversion->unit)) {
            return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                             "\"%s\" holds values above 65504, the largest of F16; use f32 or q8",
                             tensor->name);
        }
        if (fwrite(conversion->unit, 1, size, file) != size) {
            return fail_write(conversion, error);
        }
    }
    return SEDD_OK;
}

static enum sedd_status complete(void *user, const struct sedd_slot *slot, struct sedd_error *error)
{
    struct conversion *conversion = user;
    enum sedd_status status = SEDD_OK;
    for (size_t i = 0; i < conversion->layout.count && status == SEDD_OK; i++) {
        if (conversion->layout.tensors[i].slot == slot) {
            status = write_tensor(conversion, &conversion->layout.tensors[i], error);
        }
    }
    return status;
}

static enum sedd_status run(struct conversion *conversion, struct sedd_loader *loader,
                            const char *weights, const char *folder, struct sedd_error *error)
{
    FILE *file = fopen(weights, "rb");
    if (file == NULL) {
        return sedd_fail(error, SEDD_ERROR_IO, "%.300s cannot be opened: %s", weights,
                         strerror(errno));
    }
    struct sedd_watcher watcher = {begin, complete, conversion};
    struct sedd_model *nothing = NULL;
    sedd_loader_watch(loader, &watcher);
    enum sedd_status status = open_target(&conversion->target, folder, "model.safetensors", error);
    if (status == SEDD_OK) {
        status = sedd_file_push(loader, file, error);
    }
    if (status == SEDD_OK) {
        status = sedd_loader_finish(loader, &nothing, error);
    }
    fclose(file);
    sedd_model_free(nothing);
    return close_target(&conversion->target, status, error);
}

enum sedd_status sedd_convert(const char *config, size_t config_size, const char *weights,
                              const char *folder, enum sedd_dtype dtype, struct sedd_error *error)
{
    struct conversion conversion = {.dtype = dtype};
    struct sedd_loader *loader = NULL;
    enum sedd_dtype held = dtype == SEDD_DTYPE_Q8 ? SEDD_DTYPE_Q8 : SEDD_DTYPE_F32;
    enum sedd_status status = sedd_loader_new(config, config_size, held, &loader, error);
    if (status == SEDD_OK) {
        status = run(&conversion, loader, weights, folder, error);
    }
    sedd_layout_clear(&conversion.layout);
    sedd_memory_free(conversion.row);
    sedd_memory_free(conversion.unit);
    sedd_loader_free(loader);
    return status;
}
