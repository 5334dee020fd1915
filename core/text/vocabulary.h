/*
 * vocabulary.h - the files of a byte-level BPE vocabulary -> its tokens and merges.
 */
#ifndef SEDD_VOCABULARY_H
#define SEDD_VOCABULARY_H

#include "text/bpe.h"

/* A tokenizer.json. Returns *bpe owned. SEDD_ERROR_UNSUPPORTED: it asks for what would give other
 * ids than this engine's. */
enum sedd_status sedd_vocabulary_read_json(const char *text, size_t size, struct sedd_bpe **bpe,
                                           struct sedd_error *error);
/* GPT-2's vocab.json and merges.txt. Returns *bpe owned. */
enum sedd_status sedd_vocabulary_read_gpt2(const char *vocab, size_t vocab_size, const char *merges,
                                           size_t merges_size, struct sedd_bpe **bpe,
                                           struct sedd_error *error);

#endif
