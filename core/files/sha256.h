/*
 * sha256.h - SHA-256 (FIPS 180-4) of bytes that arrive in pieces. Whole files are checked while
 * they stream; a browser's own digest needs all bytes at once.
 */
#ifndef SEDD_SHA256_H
#define SEDD_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sedd_sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes so far */
    uint8_t block[64];
};

void sedd_sha256_init(struct sedd_sha256 *sha);
void sedd_sha256_add(struct sedd_sha256 *sha, const void *bytes, size_t size);
/* Computes the digest of all bytes added. The state cannot be used afterwards. */
void sedd_sha256_finish(struct sedd_sha256 *sha, uint8_t digest[32]);

#endif
