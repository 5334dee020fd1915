#define _POSIX_C_SOURCE 200809L /* fseeko: files above 2 GB */
#define _FILE_OFFSET_BITS 64
/* open.c - implements open.h, and sedd_model_open, which passes a folder's files to the loader. */
#include "files/open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define CONFIG_LIMIT (1u << 20)
#define PIECE (1u << 20)

static enum sedd_status open_file(const char *folder, const char *name, FILE **file,
                                  struct sedd_error *error)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return sedd_fail(error, SEDD_ERROR_IO, "the path of %s is too long", name);
    }
    *file = fopen(path, "rb");
    return *file != NULL ? SEDD_OK
                         : sedd_fail(error, SEDD_ERROR_IO, "%.300s cannot be opened: %s", path,
                                     strerror(errno));
}

enum sedd_status sedd_file_read(const char *folder, const char *name, uint64_t limit, char **text,
                                size_t *size, struct sedd_error *error)
{
    FILE *file;
    enum sedd_status status = open_file(folder, name, &file, error);
    if (status != SEDD_OK) {
        return status;
    }
    size_t capacity = 1 << 16, used = 0;
    char *buffer = NULL;
    for (;;) {
        char *larger = realloc(buffer, capacity + 1);
        if (larger == NULL) {
            status = sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to read %s", name);
            break;
        }
        buffer = larger;
        used += fread(buffer + used, 1, capacity - used, file);
        if (ferror(file)) {
            status = sedd_fail(error, SEDD_ERROR_IO, "%s/%s cannot be read: %s", folder, name,
                               strerror(errno));
            break;
        }
        if (used > limit) {
            status = sedd_fail(error, SEDD_ERROR_FORMAT, "%s has more than %llu bytes", name,
                               (unsigned long long)limit);
            break;
        }
        if (used < capacity) {
            break;
        }
        capacity *= 2;
    }
    fclose(file);
    if (status != SEDD_OK) {
        free(buffer);
        return status;
    }
    buffer[used] = '\0';
    *text = buffer;
    *size = used;
    return SEDD_OK;
}

/* Returns the size of an open file in bytes, or 0 if it is unknown. Rewinds the file. */
static uint64_t file_size(FILE *file)
{
    off_t size = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : -1;
    rewind(file);
    return size > 0 ? (uint64_t)size : 0;
}

enum sedd_status sedd_file_push(struct sedd_loader *loader, FILE *file, struct sedd_error *error)
{
    uint64_t begin, end;
    enum sedd_status status = SEDD_OK;
    char *piece = sedd_memory_new(PIECE, 1);
    if (piece == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to read the weights");
    }
    sedd_loader_expect(loader, file_size(file));
    while (status == SEDD_OK && sedd_loader_want(loader, &begin, &end)) {
        size_t size = end - begin < PIECE ? (size_t)(end - begin) : PIECE;
        if ((uint64_t)ftello(file) != begin && fseeko(file, (off_t)begin, SEEK_SET) != 0) {
            status = sedd_fail(error, SEDD_ERROR_IO, "the weights cannot be read at byte %llu: %s",
                               (unsigned long long)begin, strerror(errno));
            break;
        }
        size = fread(piece, 1, size, file);
        if (ferror(file)) {
            status =
                sedd_fail(error, SEDD_ERROR_IO, "the weights cannot be read: %s", strerror(errno));
        } else if (size == 0) {
            break;
        } else {
            status = sedd_loader_push(loader, begin, piece, size, error);
        }
    }
    sedd_memory_free(piece);
    return status;
}

/* Loads model.safetensors or, if it does not exist, pytorch_model.bin. */
static enum sedd_status push_folder(struct sedd_loader *loader, const char *folder,
                                    struct sedd_error *error)
{
    FILE *file;
    enum sedd_status status = open_file(folder, "model.safetensors", &file, error);
    if (status != SEDD_OK && open_file(folder, "pytorch_model.bin", &file, NULL) == SEDD_OK) {
        status = SEDD_OK;
    }
    if (status == SEDD_OK) {
        status = sedd_file_push(loader, file, error);
        fclose(file);
    }
    return status;
}

enum sedd_status sedd_model_open(const char *folder, enum sedd_dtype dtype,
                                 struct sedd_model **model, struct sedd_error *error)
{
    char *config;
    size_t config_size;
    struct sedd_loader *loader = NULL;
    enum sedd_status status =
        sedd_file_read(folder, "config.json", CONFIG_LIMIT, &config, &config_size, error);
    if (status != SEDD_OK) {
        return status;
    }
    status = sedd_loader_new(config, config_size, dtype, &loader, error);
    sedd_memory_free(config);
    if (status == SEDD_OK) {
        status = push_folder(loader, folder, error);
    }
    if (status == SEDD_OK) {
        status = sedd_loader_finish(loader, model, error);
    }
    sedd_loader_free(loader);
    return status;
}
