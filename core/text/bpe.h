/*
 * bpe.h - a vocabulary of byte strings and the merges between them (Sennrich et al. 2016).
 */
#ifndef SEDD_BPE_H
#define SEDD_BPE_H

#include "common.h"

#define SEDD_TOKENS_MAX (1 << 24)

struct sedd_bpe;

/* Allocates room for `token_count` tokens with `byte_count` bytes in total, and for `merge_count`
 * merges. */
enum sedd_status sedd_bpe_new(size_t token_count, size_t byte_count, size_t merge_count,
                              int32_t largest_id, struct sedd_bpe **bpe, struct sedd_error *error);
void sedd_bpe_free(struct sedd_bpe *bpe);

/* Adds a token. Returns false if its bytes or its id are already in use. An `added` token is not
 * one of the model's, so no piece is encoded as it. */
bool sedd_bpe_add_token(struct sedd_bpe *bpe, int32_t id, const char *bytes, size_t size,
                        bool added);
/* Adds the next merge by rank. The last of two equal merges counts. Returns false if either half or
 * the result is not a token. */
bool sedd_bpe_add_merge(struct sedd_bpe *bpe, const char *left, size_t left_size, const char *right,
                        size_t right_size);

/* Returns the id of a byte string, or -1. */
int32_t sedd_bpe_find(const struct sedd_bpe *bpe, const char *bytes, size_t size);
/* Returns the id of a byte string that is one of the model's own tokens, or -1. */
int32_t sedd_bpe_find_piece(const struct sedd_bpe *bpe, const char *bytes, size_t size);
/* Returns the bytes of an id, or NULL. */
const char *sedd_bpe_bytes(const struct sedd_bpe *bpe, int32_t id, size_t *size);
int32_t sedd_bpe_size(const struct sedd_bpe *bpe);

/* Scratch for pieces of up to `size` bytes. */
struct sedd_bpe_work;
enum sedd_status sedd_bpe_work_new(size_t size, struct sedd_bpe_work **work,
                                   struct sedd_error *error);
void sedd_bpe_work_free(struct sedd_bpe_work *work);
/* Splits a piece into tokens, stores their ids in ids [size] and returns their number. Every single
 * byte must be a token. Runs in O(n log n). */
size_t sedd_bpe_encode(const struct sedd_bpe *bpe, struct sedd_bpe_work *work, const char *piece,
                       size_t size, int32_t *ids);

#endif
