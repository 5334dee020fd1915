/*
 * added.h - tokens that are found in a text as they stand, before it is cut into words:
 * tokenizer.json's added_tokens and added_tokens.json. The rules are those of AddedVocabulary in
 * Hugging Face's tokenizers, with its option to take special tokens as plain text.
 */
#ifndef SEDD_ADDED_H
#define SEDD_ADDED_H

#include "common.h"

struct sedd_added_token {
    int32_t id;
    bool special;        /* a control token: written in a text, it is plain text */
    bool normalized;     /* looked for after those that are not */
    bool single_word;    /* only where no letter, number or '_' is beside it */
    bool lstrip, rstrip; /* takes the white space before or after it along */
    size_t offset, size; /* its text, in the list's bytes */
    size_t next;         /* the next of the same first byte, + 1; 0: none */
};

/* Owns its arrays. Zero-initialised, it is empty. */
struct sedd_added {
    struct sedd_added_token *tokens; /* [count] */
    size_t count;
    char *bytes;
    size_t byte_count;
    size_t first[256]; /* by first byte: the token put last, + 1; 0: none */
};

/* Takes room for `count` tokens with `byte_count` bytes. */
enum sedd_status sedd_added_init(struct sedd_added *added, size_t count, size_t byte_count,
                                 struct sedd_error *error);
void sedd_added_clear(struct sedd_added *added);
/* Appends a token, whose text (size > 0) is copied. */
void sedd_added_put(struct sedd_added *added, struct sedd_added_token token, const char *text,
                    size_t size);

/* A token found in a text: its bytes are text[begin .. end - 1], with what it strips
 * text[left .. right - 1]. */
struct sedd_added_match {
    int32_t id;
    size_t begin, end, left, right;
};

/* Finds the first token of one pass (normalized or not) at `begin` or after it in text[0 .. size -
 * 1]; of several at one place, the longest. False: there is none. */
bool sedd_added_find(const struct sedd_added *added, bool normalized, const char *text, size_t size,
                     size_t begin, struct sedd_added_match *match);

#endif
