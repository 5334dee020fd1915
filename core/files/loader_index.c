/*
 * loader_index.c - reads the list of tensors (see loading.h) from the header of a safetensors file,
 * or from the zip directory and the pickle of a torch file.
 */
#include "files/loading.h"

#include "files/torch.h"

#include <string.h>

/* ---- The first bytes --------------------------------------------------------------------- */

/* Recognises files that are not weights by their first eight bytes. Returns a description, or
 * NULL. */
static const char *name_other(const uint8_t *start)
{
    static const struct {
        const char *bytes, *name;
    } others[] = {
        {"\x80\x02\x8a\nl\xfc\x9c\x46",
         "a torch file in the format before 1.6; load it with torch and "
         "save model.state_dict() again with torch.save"},
        {"\x80", "a pickle outside a torch file; save model.state_dict() with torch.save"},
        {"version ", "a Git LFS pointer, not the file itself; fetch the large file (git lfs pull)"},
        {"GGUF", "a GGUF file; expected model.safetensors or pytorch_model.bin"},
        {"\x93NUMPY", "a numpy file; expected model.safetensors or pytorch_model.bin"},
        {"\x89HDF", "an HDF5 file; expected model.safetensors or pytorch_model.bin"},
        {"\x1f\x8b\b", "a gzip file; unpack it first"},
    };
    size_t first = memcmp(start, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, readable = first;
    /* A safetensors header is shorter than 4 GB; its length may well begin with the byte 0x80
     * or with '<'. */
    bool is_length = memcmp(start + 4, "\0\0\0\0", 4) == 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        size_t size = strlen(others[i].bytes);
        if (!(is_length && size == 1) && memcmp(start, others[i].bytes, size) == 0) {
            return others[i].name;
        }
    }
    while (first < 8 && start[first] != '\0' && strchr(" \t\r\n", start[first]) != NULL) {
        first++;
    }
    if (!is_length && first < 8 && start[first] == '<') {
        return "a web page instead of the requested file";
    }
    while (readable < 8 && ((start[readable] >= ' ' && start[readable] < 127) ||
                            (start[readable] >= '\t' && start[readable] <= '\r'))) {
        readable++;
    }
    return readable == 8 ? "text, such as a server's message, instead of the requested file" : NULL;
}

static enum sedd_status begin_zip(struct sedd_loader *loader, struct sedd_error *error)
{
    if (loader->file_size == 0) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                         SEDD_TORCH " has its index at the end, but its size is unknown; call "
                                    "sedd_loader_expect first");
    }
    loader->crc_table = sedd_memory_new(1, sizeof *loader->crc_table);
    if (loader->crc_table == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to read " SEDD_TORCH);
    }
    sedd_crc_fill(loader->crc_table);
    loader->header.file = SEDD_TORCH;
    uint64_t size = loader->file_size < SEDD_ZIP_TAIL ? loader->file_size : SEDD_ZIP_TAIL;
    return sedd_loader_stage_at(loader, SEDD_PHASE_TAIL, loader->file_size - size, size, error);
}

static enum sedd_status finish_start(struct sedd_loader *loader, struct sedd_error *error)
{
    uint64_t length = sedd_header_size(loader->stage);
    const char *other = name_other(loader->stage);
    if (memcmp(loader->stage, "PK\003\004", 4) == 0) {
        return begin_zip(loader, error);
    }
    if (other != NULL) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "the weights are another kind of file: %s",
                         other);
    }
    if (length < 2 || length > SEDD_HEADER_MAX) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         "the weights are neither a torch file nor a safetensors file, whose first "
                         "eight bytes give a header size of 2 to %u; found %llu: this is another "
                         "kind of file, or it is damaged",
                         SEDD_HEADER_MAX, (unsigned long long)length);
    }
    return sedd_loader_stage(loader, SEDD_PHASE_HEADER, length, error);
}

/* ---- Safetensors ------------------------------------------------------------------------- */

enum sedd_status sedd_loader_check_header(const struct sedd_loader *loader,
                                          struct sedd_error *error)
{
    if (loader->phase != SEDD_PHASE_HEADER || loader->stage_size == 0 || loader->stage[0] == '{') {
        return SEDD_OK;
    }
    return sedd_fail(error, SEDD_ERROR_FORMAT,
                     "the weights are neither a torch file nor a safetensors file, whose header "
                     "begins with '{'; found byte 0x%02x: this is another kind of file, or it is "
                     "damaged",
                     loader->stage[0]);
}

/* Checks the size that the header implies against the size of the file, if that is known. */
static enum sedd_status check_size(const struct sedd_loader *loader, uint64_t size,
                                   struct sedd_error *error)
{
    if (loader->file_size == 0 || loader->file_size == size) {
        return SEDD_OK;
    }
    return sedd_fail(error, SEDD_ERROR_FORMAT,
                     SEDD_SAFETENSORS " has %llu bytes, but its header describes %llu: %s",
                     (unsigned long long)loader->file_size, (unsigned long long)size,
                     loader->file_size < size ? "it is truncated"
                                              : "there are extra bytes after its tensors");
}

static enum sedd_status finish_header(struct sedd_loader *loader, struct sedd_error *error)
{
    struct sedd_header *header = &loader->header;
    enum sedd_status status =
        sedd_header_parse((const char *)loader->stage, (size_t)loader->unit_size, header, error);
    if (status != SEDD_OK) {
        return status;
    }
    loader->part.entered = true;
    loader->part.begin = loader->place;
    loader->part.end =
        loader->place + (header->count == 0 ? 0 : header->tensors[header->count - 1].end);
    status = check_size(loader, loader->part.end, error);
    return status == SEDD_OK ? sedd_loader_begin_tensors(loader, error) : status;
}

/* ---- Torch ------------------------------------------------------------------------------- */

static enum sedd_status finish_tail(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status =
        sedd_zip_find(loader->stage, (size_t)loader->unit_size, loader->file_size,
                      &loader->directory, &loader->directory_size, error);
    return status == SEDD_OK ? sedd_loader_stage_at(loader, SEDD_PHASE_DIRECTORY, loader->directory,
                                                    loader->directory_size, error)
                             : status;
}

/* Refuses a big-endian torch file. Its entry "byteorder" holds "little" or "big", so the length of
 * the entry is enough to tell them apart. */
static enum sedd_status check_byte_order(const struct sedd_zip *zip, struct sedd_error *error)
{
    static const char end[] = "/byteorder";
    for (size_t i = 0; i < zip->count; i++) {
        const struct sedd_zip_entry *entry = &zip->entries[i];
        size_t length = strlen(entry->name), tail = sizeof end - 1;
        if (length >= tail && strcmp(entry->name + length - tail, end) == 0 && entry->size == 3) {
            return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                             SEDD_TORCH " was written by a big-endian machine; load it with torch "
                                        "and save it again on a little-endian one");
        }
    }
    return SEDD_OK;
}

static enum sedd_status finish_directory(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status = sedd_zip_read(loader->stage, (size_t)loader->unit_size,
                                            loader->directory, &loader->zip, error);
    if (status == SEDD_OK) {
        status = check_byte_order(&loader->zip, error);
    }
    if (status == SEDD_OK) {
        status = sedd_torch_find_pickle(&loader->zip, &loader->pickle, error);
    }
    return status == SEDD_OK ? sedd_loader_stage_at(loader, SEDD_PHASE_PICKLE_LOCAL,
                                                    loader->pickle->place, SEDD_ZIP_LOCAL, error)
                             : status;
}

static enum sedd_status finish_pickle_local(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status = sedd_loader_enter_part(loader, loader->pickle, error);
    return status == SEDD_OK
               ? sedd_loader_stage(loader, SEDD_PHASE_PICKLE, loader->pickle->size, error)
               : status;
}

static enum sedd_status finish_pickle(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status = sedd_loader_leave_part(loader, error);
    if (status == SEDD_OK) {
        status = sedd_torch_index(loader->stage, (size_t)loader->unit_size, &loader->zip,
                                  loader->pickle, &loader->header, error);
    }
    return status == SEDD_OK ? sedd_loader_begin_tensors(loader, error) : status;
}

/* ---- Both -------------------------------------------------------------------------------- */

enum sedd_status sedd_loader_read_index(struct sedd_loader *loader, struct sedd_error *error)
{
    switch (loader->phase) {
    case SEDD_PHASE_START: return finish_start(loader, error);
    case SEDD_PHASE_HEADER: return finish_header(loader, error);
    case SEDD_PHASE_TAIL: return finish_tail(loader, error);
    case SEDD_PHASE_DIRECTORY: return finish_directory(loader, error);
    case SEDD_PHASE_PICKLE_LOCAL: return finish_pickle_local(loader, error);
    default: return finish_pickle(loader, error);
    }
}
