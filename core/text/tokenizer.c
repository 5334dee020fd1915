/*
 * tokenizer.c - text <-> ids: cut into pieces that merges never cross (pretokenize.c), each piece
 * by byte-pair merges (bpe.c) of a vocabulary from files (vocabulary.c).
 */
#include "files/open.h"
#include "text/pretokenize.h"
#include "text/vocabulary.h"

#include <string.h>

#define FILE_LIMIT (256u << 20) /* bytes of one file */

struct sedd_tokenizer {
    struct sedd_bpe *bpe;
};

/* ---- Life -------------------------------------------------------------------------------- */

enum sedd_status sedd_tokenizer_new(const char *vocab, size_t vocab_size, const char *merges,
                                    size_t merges_size, struct sedd_tokenizer **out,
                                    struct sedd_error *error)
{
    struct sedd_bpe *bpe = NULL;
    enum sedd_status status =
        merges == NULL
            ? sedd_vocabulary_read_json(vocab, vocab_size, &bpe, error)
            : sedd_vocabulary_read_gpt2(vocab, vocab_size, merges, merges_size, &bpe, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct sedd_tokenizer *tokenizer = sedd_memory_new(1, sizeof *tokenizer);
    if (tokenizer == NULL) {
        sedd_bpe_free(bpe);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the tokenizer");
    }
    tokenizer->bpe = bpe;
    *out = tokenizer;
    return SEDD_OK;
}

enum sedd_status sedd_tokenizer_open(const char *folder, struct sedd_tokenizer **tokenizer,
                                     struct sedd_error *error)
{
    char *vocab = NULL, *merges = NULL;
    size_t vocab_size = 0, merges_size = 0;
    enum sedd_status status =
        sedd_file_read(folder, "tokenizer.json", FILE_LIMIT, &vocab, &vocab_size, error);
    if (status == SEDD_ERROR_IO) {
        status = sedd_file_read(folder, "vocab.json", FILE_LIMIT, &vocab, &vocab_size, NULL);
        if (status == SEDD_OK) {
            status = sedd_file_read(folder, "merges.txt", FILE_LIMIT, &merges, &merges_size, error);
        } else {
            status = sedd_fail(
                error, status,
                "%.300s has neither a tokenizer.json nor a vocab.json with merges.txt", folder);
        }
    }
    if (status == SEDD_OK) {
        status = sedd_tokenizer_new(vocab, vocab_size, merges, merges_size, tokenizer, error);
    }
    sedd_memory_free(vocab);
    sedd_memory_free(merges);
    return status;
}

void sedd_tokenizer_free(struct sedd_tokenizer *tokenizer)
{
    if (tokenizer != NULL) {
        sedd_bpe_free(tokenizer->bpe);
        sedd_memory_free(tokenizer);
    }
}

int32_t sedd_tokenizer_size(const struct sedd_tokenizer *tokenizer)
{
    return sedd_bpe_size(tokenizer->bpe);
}

int32_t sedd_tokenizer_find(const struct sedd_tokenizer *tokenizer, const char *literal)
{
    return sedd_bpe_find(tokenizer->bpe, literal, strlen(literal));
}

/* ---- Text and ids ------------------------------------------------------------------------ */

static size_t longest_piece(const char *text, size_t size)
{
    size_t longest = 1;
    for (size_t begin = 0, end; begin < size; begin = end) {
        end = sedd_pretoken_end(text, size, begin);
        longest = end - begin > longest ? end - begin : longest;
    }
    return longest;
}

enum sedd_status sedd_tokenizer_encode(const struct sedd_tokenizer *tokenizer, const char *text,
                                       size_t size, int32_t **ids, size_t *count,
                                       struct sedd_error *error)
{
    struct sedd_bpe_work *work;
    int32_t *found = sedd_memory_new(size, sizeof *found);
    if (found == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to tokenize %zu bytes", size);
    }
    enum sedd_status status = sedd_bpe_work_new(longest_piece(text, size), &work, error);
    if (status != SEDD_OK) {
        sedd_memory_free(found);
        return status;
    }
    size_t used = 0;
    for (size_t begin = 0, end; begin < size; begin = end) {
        end = sedd_pretoken_end(text, size, begin);
        used += sedd_bpe_encode(tokenizer->bpe, work, text + begin, end - begin, found + used);
    }
    sedd_bpe_work_free(work);
    *ids = found;
    *count = used;
    return SEDD_OK;
}

enum sedd_status sedd_tokenizer_decode(const struct sedd_tokenizer *tokenizer, const int32_t *ids,
                                       size_t count, char **text, size_t *size,
                                       struct sedd_error *error)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        if (sedd_bpe_bytes(tokenizer->bpe, ids[i], &bytes) == NULL) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                             "id %d at position %zu is not in the vocabulary of %d tokens",
                             (int)ids[i], i, (int)sedd_bpe_size(tokenizer->bpe));
        }
        total += bytes;
    }
    char *out = sedd_memory_new(total + 1, 1);
    if (out == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a text of %llu bytes",
                         (unsigned long long)total);
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        const char *from = sedd_bpe_bytes(tokenizer->bpe, ids[i], &bytes);
        memcpy(out + used, from, bytes);
        used += bytes;
    }
    *text = out;
    *size = used;
    return SEDD_OK;
}
