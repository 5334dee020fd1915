/*
 * added.h - added tokens, which are matched literally in a text before it is split into words. They
 * come from added_tokens in tokenizer.json, or from added_tokens.json. The rules are those of
 * AddedVocabulary in Hugging Face's tokenizers, with its option to treat special tokens as plain
 * text.
 */
#ifndef SEDD_ADDED_H
#define SEDD_ADDED_H

#include "common.h"

struct sedd_added_token {
    int32_t id;
    bool special;        /* a control token, which is plain text when it occurs in a text */
    bool normalized;     /* matched in the second pass, after the others */
    bool single_word;    /* matched only without a letter, number or '_' beside it */
    bool lstrip, rstrip; /* also matches the white space before or after it */
    size_t offset, size; /* position of its text in the list's bytes */
    size_t next;         /* index + 1 of the next token with this first byte; 0: none */
};

/* Owns its arrays. Zero-initialised, it is empty. */
struct sedd_added {
    struct sedd_added_token *tokens; /* [count] */
    size_t count;
    char *bytes;
    size_t byte_count;
    size_t first[256]; /* by first byte: index + 1 of the latest token; 0: none */
};

/* Allocates room for `count` tokens with `byte_count` bytes in total. */
enum sedd_status sedd_added_init(struct sedd_added *added, size_t count, size_t byte_count,
                                 struct sedd_error *error);
void sedd_added_clear(struct sedd_added *added);
/* Appends a token and copies its text (size > 0). */
void sedd_added_put(struct sedd_added *added, struct sedd_added_token token, const char *text,
                    size_t size);

/* A match in a text. The token's bytes are text[begin..end-1]; with the white space that it strips,
 * the match is text[left..right-1]. */
struct sedd_added_match {
    int32_t id;
    size_t begin, end, left, right;
};

/* Finds the first token of one pass (normalized or not) in text [size], from `begin` on. The
 * longest of several tokens at the same place wins. Returns false if there is none. */
bool sedd_added_find(const struct sedd_added *added, bool normalized, const char *text, size_t size,
                     size_t begin, struct sedd_added_match *match);

#endif
