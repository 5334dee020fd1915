/*
 * zip.h - the zip container of torch files: where its entries lie. Stored entries only, zip64 and
 * data descriptors included; the central directory at the end is what counts. (APPNOTE.TXT 6.3.)
 */
#ifndef SEDD_ZIP_H
#define SEDD_ZIP_H

#include "common.h"

/* Bytes at the file's end that hold the directory's end records, and of a local header without its
 * name and extras. */
#define SEDD_ZIP_TAIL (65535u + 22 + 20 + 56)
#define SEDD_ZIP_LOCAL 30
#define SEDD_ZIP_DIRECTORY_MAX (4u << 20)

struct sedd_zip_entry {
    const char *name; /* as long as the directory; zero-terminated */
    uint64_t place;   /* of the local header in the file */
    uint64_t size;    /* bytes of data */
    uint32_t crc;     /* CRC-32 of the data */
};

struct sedd_zip {
    struct sedd_zip_entry *entries; /* [count] in file order; they do not overlap */
    size_t count;
    const struct sedd_zip_entry **by_name; /* [count] sorted */
    char *names;
};

/* Finds the central directory from the file's last `size` bytes (SEDD_ZIP_TAIL, or the whole
 * file). */
enum sedd_status sedd_zip_find(const uint8_t *tail, size_t size, uint64_t file_size,
                               uint64_t *directory, uint64_t *directory_size,
                               struct sedd_error *error);
/* Reads the central directory, `size` bytes that lie at `place` in the file. */
enum sedd_status sedd_zip_read(const uint8_t *bytes, size_t size, uint64_t place,
                               struct sedd_zip *zip, struct sedd_error *error);
/* By its full name, or NULL. */
const struct sedd_zip_entry *sedd_zip_entry_find(const struct sedd_zip *zip, const char *name);
void sedd_zip_clear(struct sedd_zip *zip);

/* Checks the SEDD_ZIP_LOCAL bytes in front of an entry; *skip: bytes between them and the data. */
enum sedd_status sedd_zip_check_local(const uint8_t *local, const struct sedd_zip_entry *entry,
                                      uint64_t *skip, struct sedd_error *error);

/* CRC-32 (0xEDB88320), eight bytes a turn. */
struct sedd_crc_table {
    uint32_t rows[8][256];
};
void sedd_crc_fill(struct sedd_crc_table *table);
/* Continues `crc` (0 at the beginning) over `size` bytes. */
uint32_t sedd_crc_add(const struct sedd_crc_table *table, uint32_t crc, const uint8_t *bytes,
                      size_t size);

#endif
