/* torch_file.c - see torch_file.h. */
#include "torch_file.h"

#include "files/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->capacity);
    }
    if (size > 0) {
        memcpy(bytes->data + bytes->size, data, size);
    }
    bytes->size += size;
}

void bytes_text(struct bytes *bytes, const char *text)
{
    bytes_add(bytes, text, strlen(text));
}

static void add_number(struct bytes *bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        bytes_add(bytes, &byte, 1);
    }
}

static void add_zeros(struct bytes *bytes, int count)
{
    for (; count > 0; count--) {
        bytes_add(bytes, "", 1);
    }
}

/* ---- Pickles ----------------------------------------------------------------------------- */

void pickle_number(struct bytes *pickle, int32_t value)
{
    bytes_text(pickle, "J");
    add_number(pickle, (uint32_t)value, 4);
}

void pickle_string(struct bytes *pickle, const char *text)
{
    bytes_text(pickle, "X");
    add_number(pickle, strlen(text), 4);
    bytes_text(pickle, text);
}

void pickle_tensor(struct bytes *pickle, const struct entry *entry, int storage)
{
    char key[16];
    snprintf(key, sizeof key, "%d", storage);
    bytes_text(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_string(pickle, "storage");
    bytes_text(pickle, "ctorch\nFloatStorage\n");
    pickle_string(pickle, key);
    pickle_string(pickle, "cpu");
    pickle_number(pickle, (int32_t)entry->count);
    bytes_text(pickle, "tQ");
    pickle_number(pickle, 0);
    bytes_text(pickle, "(");
    for (int i = 0; i < entry->rank; i++) {
        pickle_number(pickle, (int32_t)entry->shape[i]);
    }
    bytes_text(pickle, "t(");
    for (int i = 0; i < entry->rank; i++) {
        pickle_number(pickle, i + 1 < entry->rank ? (int32_t)entry->shape[i + 1] : 1);
    }
    bytes_text(pickle, "t\x89"
                       "ccollections\nOrderedDict\n)RtR");
}

void pickle_state(struct bytes *pickle, const struct checkpoint *checkpoint, int first)
{
    bytes_text(pickle, "ccollections\nOrderedDict\n)R(");
    for (int i = 0; i < checkpoint->count; i++) {
        pickle_string(pickle, checkpoint->entries[i].name);
        pickle_tensor(pickle, &checkpoint->entries[i], first + i);
    }
    bytes_text(pickle, "u");
}

/* ---- The zip ----------------------------------------------------------------------------- */

static uint32_t checksum(const struct stored *entry)
{
    struct sedd_crc_table table;
    sedd_crc_fill(&table);
    return sedd_crc_add(&table, 0, entry->data, entry->size);
}

/* Appends the fields that local and central headers share, from the version on. */
static void add_fields(struct bytes *bytes, const struct stored *entry, bool checksums)
{
    add_zeros(bytes, 2 + 2 + 2 + 4); /* version, flags, stored, time and date */
    add_number(bytes, checksums ? checksum(entry) : 0, 4);
    add_number(bytes, entry->size, 4);
    add_number(bytes, entry->size, 4);
    add_number(bytes, strlen("archive/") + strlen(entry->name), 2);
    add_number(bytes, 0, 2); /* extra */
}

static void add_name(struct bytes *bytes, const struct stored *entry)
{
    bytes_text(bytes, "archive/");
    bytes_text(bytes, entry->name);
}

uint8_t *torch_zip(const struct stored *entries, int count, bool checksums, size_t *size)
{
    struct bytes zip = {0}, directory = {0};
    for (int i = 0; i < count; i++) {
        size_t place = zip.size;
        bytes_add(&zip, "PK\3\4", 4);
        add_fields(&zip, &entries[i], checksums);
        add_name(&zip, &entries[i]);
        bytes_add(&zip, entries[i].data, entries[i].size);
        bytes_add(&directory, "PK\1\2\0\0", 6);
        add_fields(&directory, &entries[i], checksums);
        add_zeros(&directory, 2 + 2 + 2 + 4); /* note, disk, attributes */
        add_number(&directory, place, 4);
        add_name(&directory, &entries[i]);
    }
    size_t place = zip.size;
    bytes_add(&zip, directory.data, directory.size);
    bytes_add(&zip, "PK\5\6\0\0\0\0", 8);
    add_number(&zip, (uint64_t)count, 2);
    add_number(&zip, (uint64_t)count, 2);
    add_number(&zip, directory.size, 4);
    add_number(&zip, place, 4);
    add_number(&zip, 0, 2);
    free(directory.data);
    *size = zip.size;
    return zip.data;
}

uint8_t *torch_write(const struct checkpoint *checkpoint, size_t *size)
{
    struct bytes pickle = {0};
    struct stored entries[65];
    bytes_add(&pickle, "\x80\2", 2);
    pickle_state(&pickle, checkpoint, 0);
    bytes_text(&pickle, ".");
    entries[0] = (struct stored){"data.pkl", pickle.data, pickle.size};
    for (int i = 0; i < checkpoint->count; i++) {
        const struct entry *entry = &checkpoint->entries[i];
        entries[i + 1] = (struct stored){"", entry->values, entry->count * sizeof(float)};
        snprintf(entries[i + 1].name, sizeof entries[i + 1].name, "data/%d", i);
    }
    uint8_t *bytes = torch_zip(entries, checkpoint->count + 1, true, size);
    free(pickle.data);
    return bytes;
}

/* ---- Loading ----------------------------------------------------------------------------- */

static enum sedd_status push(struct sedd_loader *loader, const uint8_t *bytes, uint64_t begin,
                             size_t count, struct sedd_error *error)
{
    uint8_t *copy = malloc(count > 0 ? count : 1);
    memcpy(copy, bytes + begin, count);
    enum sedd_status status = sedd_loader_push(loader, begin, copy, count, error);
    free(copy);
    return status;
}

static enum sedd_status feed(struct sedd_loader *loader, const uint8_t *bytes, size_t size,
                             size_t piece, struct sedd_error *error)
{
    uint64_t begin, end;
    enum sedd_status status = SEDD_OK;
    sedd_loader_expect(loader, size > 0 ? size : 1);
    while (status == SEDD_OK && sedd_loader_want(loader, &begin, &end) && begin < size) {
        size_t count = (size_t)((end < size ? end : size) - begin);
        status = push(loader, bytes, begin, piece != 0 && piece < count ? piece : count, error);
    }
    return status;
}

enum sedd_status torch_load(const char *config, const uint8_t *bytes, size_t size, size_t piece,
                            enum sedd_dtype dtype, struct sedd_model **model,
                            struct sedd_error *error)
{
    struct sedd_loader *loader = NULL;
    enum sedd_status status = sedd_loader_new(config, strlen(config), dtype, &loader, error);
    if (status == SEDD_OK) {
        status = feed(loader, bytes, size, piece, error);
    }
    if (status == SEDD_OK) {
        status = sedd_loader_finish(loader, model, error);
    }
    sedd_loader_free(loader);
    return status;
}
