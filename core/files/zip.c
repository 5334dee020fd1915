/* zip.c - implements zip.h. */
#include "files/zip.h"

#include <stdlib.h>
#include <string.h>

#define FILE_NAME "the torch file"

#define END_SIZE 22
#define END64_SIZE 56
#define LOCATOR_SIZE 20
#define CENTRAL_SIZE 46

static uint32_t read16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t read32(const uint8_t *bytes)
{
    return read16(bytes) | read16(bytes + 2) << 16;
}

static uint64_t read64(const uint8_t *bytes)
{
    return read32(bytes) | (uint64_t)read32(bytes + 4) << 32;
}

/* ---- The end records --------------------------------------------------------------------- */

/* Reads the zip64 record that the locator before `end` points to. Both must be in the tail. */
static bool read_end64(const uint8_t *tail, size_t end, uint64_t tail_place, uint64_t *place,
                       uint64_t *size)
{
    if (end < LOCATOR_SIZE || read32(tail + end - LOCATOR_SIZE) != 0x07064B50) {
        return false;
    }
    uint64_t record = read64(tail + end - LOCATOR_SIZE + 8);
    if (record < tail_place || record - tail_place > end - LOCATOR_SIZE ||
        end - LOCATOR_SIZE - (record - tail_place) < END64_SIZE) {
        return false;
    }
    const uint8_t *at = tail + (record - tail_place);
    *size = read64(at + 40);
    *place = read64(at + 48);
    return read32(at) == 0x06064B50;
}

enum sedd_status sedd_zip_find(const uint8_t *tail, size_t size, uint64_t file_size,
                               uint64_t *directory, uint64_t *directory_size,
                               struct sedd_error *error)
{
    uint64_t tail_place = file_size - size;
    for (size_t end = size >= END_SIZE ? size - END_SIZE + 1 : 0; end-- > 0;) {
        const uint8_t *at = tail + end;
        if (read32(at) != 0x06054B50 || read16(at + 20) != size - end - END_SIZE) {
            continue;
        }
        *directory_size = read32(at + 12);
        *directory = read32(at + 16);
        bool is64 = *directory == UINT32_MAX || *directory_size == UINT32_MAX;
        bool found = !is64 || read_end64(tail, end, tail_place, directory, directory_size);
        uint64_t limit = tail_place + end;
        if (!found || *directory > limit || *directory_size > limit - *directory) {
            break;
        }
        if (*directory_size > SEDD_ZIP_DIRECTORY_MAX || *directory_size < CENTRAL_SIZE) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             FILE_NAME "'s zip directory has %llu bytes; expected %d to %u",
                             (unsigned long long)*directory_size, CENTRAL_SIZE,
                             SEDD_ZIP_DIRECTORY_MAX);
        }
        return SEDD_OK;
    }
    return sedd_fail(error, SEDD_ERROR_FORMAT,
                     FILE_NAME
                     " begins like a zip but has no zip directory at its end: it is truncated "
                     "or damaged; fetch it again");
}

/* ---- The directory ----------------------------------------------------------------------- */

static enum sedd_status fail_entry(struct sedd_error *error, const char *name, const char *what)
{
    return sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME ": zip entry \"%.80s\" %s", name, what);
}

/* Reads 64-bit sizes and offset from the zip64 field (id 1), for those whose 32-bit value refers to
 * it. */
static bool read_wide(const uint8_t *extra, size_t size, uint64_t *full, uint64_t *packed,
                      uint64_t *place)
{
    uint64_t *fields[] = {full, packed, place};
    while (size >= 4) {
        size_t length = read16(extra + 2);
        if (length > size - 4) {
            return false;
        }
        if (read16(extra) == 1) {
            const uint8_t *next = extra + 4, *end = next + length;
            for (int i = 0; i < 3; i++) {
                if (*fields[i] == UINT32_MAX && end - next >= 8) {
                    *fields[i] = read64(next);
                    next += 8;
                } else if (*fields[i] == UINT32_MAX) {
                    return false;
                }
            }
            return true;
        }
        extra += 4 + length;
        size -= 4 + length;
    }
    return *full != UINT32_MAX && *packed != UINT32_MAX && *place != UINT32_MAX;
}

/* Reads one record and copies its name to *name, which advances. Returns the size of the record, or
 * 0 on failure. */
static size_t read_record(const uint8_t *at, size_t left, uint64_t directory, char **name,
                          struct sedd_zip_entry *entry, struct sedd_error *error)
{
    if (left < CENTRAL_SIZE || read32(at) != 0x02014B50) {
        sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME "'s zip directory is damaged");
        return 0;
    }
    size_t name_size = read16(at + 28), extra_size = read16(at + 30), note_size = read16(at + 32);
    size_t size = CENTRAL_SIZE + name_size + extra_size + note_size;
    if (size > left || memchr(at + CENTRAL_SIZE, 0, name_size) != NULL) {
        sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME "'s zip directory is damaged");
        return 0;
    }
    memcpy(*name, at + CENTRAL_SIZE, name_size);
    (*name)[name_size] = '\0';
    entry->name = *name;
    *name += name_size + 1;
    entry->crc = read32(at + 16);
    entry->size = read32(at + 24);
    entry->place = read32(at + 42);
    uint64_t packed = read32(at + 20);
    const char *wrong = NULL;
    if (!read_wide(at + CENTRAL_SIZE + name_size, extra_size, &entry->size, &packed,
                   &entry->place)) {
        wrong = "has damaged sizes";
    } else if ((read16(at + 8) & 1) != 0) {
        wrong = "is encrypted; torch.save does not encrypt";
    } else if (read16(at + 10) != 0 || packed != entry->size) {
        wrong = "is compressed; save the file with torch.save, which stores tensors uncompressed";
    } else if (entry->place > directory || directory - entry->place < SEDD_ZIP_LOCAL + name_size ||
               directory - entry->place - SEDD_ZIP_LOCAL - name_size < entry->size) {
        wrong = "reaches past the end of the file's data";
    }
    if (wrong != NULL) {
        fail_entry(error, entry->name, wrong);
    }
    return wrong == NULL ? size : 0;
}

static int compare_places(const void *a, const void *b)
{
    const struct sedd_zip_entry *first = a, *second = b;
    return (first->place > second->place) - (first->place < second->place);
}

static int compare_names(const void *a, const void *b)
{
    const struct sedd_zip_entry *const *first = a, *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

static enum sedd_status check_entries(struct sedd_zip *zip, struct sedd_error *error)
{
    for (size_t i = 0; i < zip->count; i++) {
        const struct sedd_zip_entry *entry = &zip->entries[i], *last = entry - 1;
        zip->by_name[i] = entry;
        if (i > 0 &&
            entry->place - last->place < SEDD_ZIP_LOCAL + strlen(last->name) + last->size) {
            return fail_entry(error, entry->name, "overlaps another");
        }
    }
    qsort(zip->by_name, zip->count, sizeof *zip->by_name, compare_names);
    for (size_t i = 1; i < zip->count; i++) {
        if (strcmp(zip->by_name[i - 1]->name, zip->by_name[i]->name) == 0) {
            return fail_entry(error, zip->by_name[i]->name, "appears twice");
        }
    }
    return SEDD_OK;
}

const struct sedd_zip_entry *sedd_zip_entry_find(const struct sedd_zip *zip, const char *name)
{
    struct sedd_zip_entry wanted = {.name = name};
    const struct sedd_zip_entry *key = &wanted,
                                **found = bsearch(&key, zip->by_name, zip->count,
                                                  sizeof *zip->by_name, compare_names);
    return found == NULL ? NULL : *found;
}

enum sedd_status sedd_zip_read(const uint8_t *bytes, size_t size, uint64_t place,
                               struct sedd_zip *out, struct sedd_error *error)
{
    size_t most = size / CENTRAL_SIZE;
    struct sedd_zip zip = {sedd_memory_new(most, sizeof *zip.entries), 0,
                           sedd_memory_new(most, sizeof *zip.by_name),
                           sedd_memory_new(size + most, 1)};
    enum sedd_status status = SEDD_OK;
    if (zip.entries == NULL || zip.by_name == NULL || zip.names == NULL) {
        status = sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the zip directory");
    }
    char *name = zip.names;
    for (size_t at = 0; status == SEDD_OK && at < size; zip.count++) {
        size_t used =
            read_record(bytes + at, size - at, place, &name, &zip.entries[zip.count], error);
        status = used == 0 ? SEDD_ERROR_FORMAT : SEDD_OK;
        at += used;
    }
    if (status == SEDD_OK) {
        qsort(zip.entries, zip.count, sizeof *zip.entries, compare_places);
        status = check_entries(&zip, error);
    }
    if (status != SEDD_OK) {
        sedd_zip_clear(&zip);
        return status;
    }
    *out = zip;
    return SEDD_OK;
}

void sedd_zip_clear(struct sedd_zip *zip)
{
    sedd_memory_free(zip->entries);
    sedd_memory_free(zip->by_name);
    sedd_memory_free(zip->names);
    *zip = (struct sedd_zip){0};
}

/* Ignores the sizes and the checksum of the local header: torch leaves them 0 and writes a
 * descriptor after the data. The directory has the values. */
enum sedd_status sedd_zip_check_local(const uint8_t *local, const struct sedd_zip_entry *entry,
                                      uint64_t *skip, struct sedd_error *error)
{
    if (read32(local) != 0x04034B50 || read16(local + 8) != 0 ||
        read16(local + 26) != strlen(entry->name)) {
        return fail_entry(error, entry->name,
                          "is not where the directory says: the file is damaged");
    }
    *skip = read16(local + 26) + read16(local + 28);
    return SEDD_OK;
}

/* ---- CRC-32 ------------------------------------------------------------------------------ */

void sedd_crc_fill(struct sedd_crc_table *table)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
        }
        table->rows[0][byte] = crc;
    }
    for (int row = 1; row < 8; row++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = table->rows[row - 1][byte];
            table->rows[row][byte] = crc >> 8 ^ table->rows[0][crc & 255];
        }
    }
}

uint32_t sedd_crc_add(const struct sedd_crc_table *table, uint32_t crc, const uint8_t *bytes,
                      size_t size)
{
    const uint32_t(*rows)[256] = table->rows;
    crc = ~crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint32_t low = read32(bytes) ^ crc, high = read32(bytes + 4);
        crc = rows[7][low & 255] ^ rows[6][low >> 8 & 255] ^ rows[5][low >> 16 & 255] ^
              rows[4][low >> 24] ^ rows[3][high & 255] ^ rows[2][high >> 8 & 255] ^
              rows[1][high >> 16 & 255] ^ rows[0][high >> 24];
    }
    for (; size > 0; size--) {
        crc = crc >> 8 ^ rows[0][(crc ^ *bytes++) & 255];
    }
    return ~crc;
}
