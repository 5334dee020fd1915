/* sha256.c - implements sha256.h. Names are those of FIPS 180-4, section 6.2. */
#include "files/sha256.h"

#include <string.h>

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t load_word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Computes W of round t from the sixteen words before it and stores it over the oldest of them. */
static inline uint32_t next_word(uint32_t w[16], int t)
{
    uint32_t a = w[(t + 1) & 15], b = w[(t + 14) & 15];
    w[t] += (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[(t + 9) & 15] +
            (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    return w[t];
}

/* Computes round t. The variables a to h stay in place; their roles rotate instead. */
static inline void add_round(uint32_t v[8], int t, uint32_t kw)
{
    uint32_t a = v[-t & 7], b = v[(1 - t) & 7], c = v[(2 - t) & 7];
    uint32_t e = v[(4 - t) & 7], f = v[(5 - t) & 7], g = v[(6 - t) & 7], h = v[(7 - t) & 7];
    uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + kw;
    uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
    v[(3 - t) & 7] += t1;
    v[(7 - t) & 7] = t1 + t2;
}

/* Unrolls sixteen rounds. t is then a constant, so w and v stay in registers: 327 MB/s in wasm,
 * against 246 in a loop. */
#define SIXTEEN(DO)                                                                                \
    DO(0)                                                                                          \
    DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

static void add_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[16], v[8];
    memcpy(v, state, sizeof v);
#define FIRST(t)                                                                                   \
    w[t] = load_word(block + 4 * (t));                                                             \
    add_round(v, t, K[t] + w[t]);
    SIXTEEN(FIRST)
    for (const uint32_t *k = K + 16; k < K + 64; k += 16) {
#define LATER(t) add_round(v, t, k[t] + next_word(w, t));
        SIXTEEN(LATER)
    }
    for (int i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void sedd_sha256_init(struct sedd_sha256 *sha)
{
    *sha = (struct sedd_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sedd_sha256_add(struct sedd_sha256 *sha, const void *bytes, size_t size)
{
    const uint8_t *next = bytes;
    size_t used = (size_t)(sha->size % 64);
    sha->size += size;
    while (size > 0) {
        if (used == 0 && size >= 64) {
            add_block(sha->state, next);
            next += 64;
            size -= 64;
            continue;
        }
        size_t count = size < 64 - used ? size : 64 - used;
        memcpy(sha->block + used, next, count);
        used += count;
        next += count;
        size -= count;
        if (used == 64) {
            add_block(sha->state, sha->block);
            used = 0;
        }
    }
}

void sedd_sha256_finish(struct sedd_sha256 *sha, uint8_t digest[32])
{
    uint8_t end[72] = {0x80};
    uint64_t bits = sha->size * 8;
    size_t padding = 64 - (size_t)((sha->size + 8) % 64); /* 1 to 64 */
    for (int i = 0; i < 8; i++) {
        end[padding + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    sedd_sha256_add(sha, end, padding + 8);
    for (int i = 0; i < 32; i++) {
        digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
