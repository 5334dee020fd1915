/*
 * vocabulary.h - reads the files of a byte-level BPE vocabulary: its tokens, its merges and how it
 * splits a text.
 */
#ifndef SEDD_VOCABULARY_H
#define SEDD_VOCABULARY_H

#include "text/added.h"
#include "text/bpe.h"

struct sedd_vocabulary {
    struct sedd_bpe *bpe;
    struct sedd_added added;
    bool whole;         /* a text is one piece (use_regex: false) instead of GPT-2's words */
    bool prefix_space;  /* a space is put before a text, and before a part after an added token */
    bool ignore_merges; /* a piece that is a token is encoded as it, without merges */
};

/* Reads a tokenizer.json and fills *vocabulary, which the caller clears. Fails with
 * SEDD_ERROR_UNSUPPORTED if an option would give other ids than this engine's. */
enum sedd_status sedd_vocabulary_read_json(const char *text, size_t size,
                                           struct sedd_vocabulary *vocabulary,
                                           struct sedd_error *error);
/* Reads GPT-2's vocab.json and merges.txt and, unless it is NULL, an added_tokens.json. */
enum sedd_status sedd_vocabulary_read_gpt2(const char *vocab, size_t vocab_size, const char *merges,
                                           size_t merges_size, const char *added, size_t added_size,
                                           struct sedd_vocabulary *vocabulary,
                                           struct sedd_error *error);
void sedd_vocabulary_clear(struct sedd_vocabulary *vocabulary);

#endif
