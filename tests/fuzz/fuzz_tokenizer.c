/*
 * fuzz_tokenizer.c - reads any bytes as tokenizer.json, as merges.txt, and as text for a small
 * valid vocabulary. Nothing crashes, and decoding returns the text byte for byte.
 */
#include "sedd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char vocab[8192];
static size_t vocab_size;

/* The byte alphabet, ids 0..255, and three longer tokens. */
static void write_vocab(void)
{
    vocab_size = (size_t)snprintf(vocab, sizeof vocab, "{");
    for (int byte = 0, other = 256; byte < 256; byte++) {
        int plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        vocab_size += (size_t)snprintf(vocab + vocab_size, sizeof vocab - vocab_size,
                                       "\"\\u%04x\":%d,", (unsigned)(plain ? byte : other), byte);
        other += !plain;
    }
    vocab_size += (size_t)snprintf(vocab + vocab_size, sizeof vocab - vocab_size,
                                   "\"aa\":256,\"aaaa\":257,\"\\u0120a\":258}");
}

/* Encodes and decodes a text. With `exact`, the tokenizer neither adds nor removes a space. */
static void round_trip(const struct sedd_tokenizer *tokenizer, const char *text, size_t size,
                       int exact)
{
    int32_t *ids = NULL;
    size_t count = 0, back_size = 0;
    char *back = NULL;
    if (sedd_tokenizer_encode(tokenizer, text, size, &ids, &count, NULL) != SEDD_OK ||
        sedd_tokenizer_decode(tokenizer, ids, count, &back, &back_size, NULL) != SEDD_OK ||
        (exact && (back_size != size || memcmp(back, text, size) != 0))) {
        abort();
    }
    sedd_memory_free(ids);
    sedd_memory_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct sedd_tokenizer *tokenizer = NULL;
    if (vocab_size == 0) {
        write_vocab();
    }
    if (sedd_tokenizer_new(&(struct sedd_tokenizer_files){.vocab = text, .vocab_size = size},
                           &tokenizer, NULL) == SEDD_OK) {
        round_trip(tokenizer, text, size, 0);
        sedd_tokenizer_free(tokenizer);
    }
    if (sedd_tokenizer_new(
            &(struct sedd_tokenizer_files){
                .vocab = vocab, .vocab_size = vocab_size, .merges = text, .merges_size = size},
            &tokenizer, NULL) == SEDD_OK) {
        round_trip(tokenizer, text, size, 1);
        sedd_tokenizer_free(tokenizer);
    }
    static const char merges[] = "a a\naa aa\n\xc4\xa0 a\n";
    if (sedd_tokenizer_new(&(struct sedd_tokenizer_files){.vocab = vocab,
                                                          .vocab_size = vocab_size,
                                                          .merges = merges,
                                                          .merges_size = sizeof merges - 1},
                           &tokenizer, NULL) != SEDD_OK) {
        abort();
    }
    round_trip(tokenizer, text, size, 1);
    sedd_tokenizer_free(tokenizer);
    return 0;
}
