/*
 * zip.h - locates the entries of a torch file's zip container (APPNOTE.TXT 6.3). Entries must be
 * stored, not compressed. Zip64 and data descriptors are supported. The central directory at the
 * end of the file is authoritative.
 */
#ifndef SEDD_ZIP_H
#define SEDD_ZIP_H

#include "common.h"

/* Size in bytes of the file's tail that holds the directory's end records, and of a local header
 * without its name and extra fields. */
#define SEDD_ZIP_TAIL (65535u + 22 + 20 + 56)
#define SEDD_ZIP_LOCAL 30
#define SEDD_ZIP_DIRECTORY_MAX (4u << 20)

struct sedd_zip_entry {
    const char *name; /* zero-terminated; valid until the directory is cleared */
    uint64_t place;   /* offset of the local header in the file */
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
/* Reads the central directory: `size` bytes, at offset `place` of the file. */
enum sedd_status sedd_zip_read(const uint8_t *bytes, size_t size, uint64_t place,
                               struct sedd_zip *zip, struct sedd_error *error);
/* Returns the entry of this full name, or NULL. */
const struct sedd_zip_entry *sedd_zip_entry_find(const struct sedd_zip *zip, const char *name);
void sedd_zip_clear(struct sedd_zip *zip);

/* Checks the SEDD_ZIP_LOCAL bytes of an entry's local header. Stores in *skip the number of bytes
 * between them and the data. */
enum sedd_status sedd_zip_check_local(const uint8_t *local, const struct sedd_zip_entry *entry,
                                      uint64_t *skip, struct sedd_error *error);

/* Table of CRC-32 (polynomial 0xEDB88320), which processes eight bytes per iteration. */
struct sedd_crc_table {
    uint32_t rows[8][256];
};
void sedd_crc_fill(struct sedd_crc_table *table);
/* Returns `crc`, which is 0 at the beginning, updated with `size` bytes. */
uint32_t sedd_crc_add(const struct sedd_crc_table *table, uint32_t crc, const uint8_t *bytes,
                      size_t size);

#endif
