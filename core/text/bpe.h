/*
 * bpe.h - a vocabulary of byte strings and the merges between them (Sennrich et al. 2016).
 */
#ifndef SEDD_BPE_H
#define SEDD_BPE_H

#include "common.h"

#define SEDD_TOKENS_MAX (1 << 24)

struct sedd_bpe;

/* Room for `token_count` tokens with `byte_count` bytes in all and `merge_count` merges. */
enum sedd_status sedd_bpe_new(size_t token_count, size_t byte_count, size_t merge_count,
                              int32_t largest_id, struct sedd_bpe **bpe, struct sedd_error *error);
void sedd_bpe_free(struct sedd_bpe *bpe);

/* Adds a token; false if its bytes or its id are taken already. `added`: it is none of the model's,
 * so that no piece becomes it. */
bool sedd_bpe_add_token(struct sedd_bpe *bpe, int32_t id, const char *bytes, size_t size,
                        bool added);
/* Adds the next merge, by rank (of two equal ones, the last counts); false if either half or the
 * result is no token. */
bool sedd_bpe_add_merge(struct sedd_bpe *bpe, const char *left, size_t left_size, const char *right,
                        size_t right_size);

/* Id of a byte string, or -1. */
int32_t sedd_bpe_find(const struct sedd_bpe *bpe, const char *bytes, size_t size);
/* The same among the model's own tokens. */
int32_t sedd_bpe_find_piece(const struct sedd_bpe *bpe, const char *bytes, size_t size);
/* Bytes of an id, or NULL. */
const char *sedd_bpe_bytes(const struct sedd_bpe *bpe, int32_t id, size_t *size);
int32_t sedd_bpe_size(const struct sedd_bpe *bpe);

/* Scratch for pieces of up to `size` bytes. */
struct sedd_bpe_work;
enum sedd_status sedd_bpe_work_new(size_t size, struct sedd_bpe_work **work,
                                   struct sedd_error *error);
void sedd_bpe_work_free(struct sedd_bpe_work *work);
/* Splits a piece into tokens: ids [size] receives the result, returns its length. Every single byte
 * must be a token. O(n log n). */
size_t sedd_bpe_encode(const struct sedd_bpe *bpe, struct sedd_bpe_work *work, const char *piece,
                       size_t size, int32_t *ids);

#endif
