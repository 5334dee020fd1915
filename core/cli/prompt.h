/*
 * prompt.h - prompts with holes, as web/prompt.js reads them: `Once upon a time, {20} the end.`
 * holds the words and leaves 20 tokens open.
 *
 *   {n}       a hole of n tokens
 *   {*}       a hole that takes what the window's length leaves; at most one
 *   {{  }}    a brace
 *
 * Text without holes is a prefix, and everything after it is open. One space directly before a hole
 * belongs to the hole, because GPT-2's tokens include the space before a word.
 */
#ifndef SEDD_CLI_PROMPT_H
#define SEDD_CLI_PROMPT_H

#include "sedd.h"

#define PROMPT_HOLE_MAX 65536 /* tokens */
#define PROMPT_REST (-1)      /* the size of {*} */

struct prompt_part {
    const char *text; /* valid until prompt_free; NULL for a hole */
    size_t size;      /* bytes of the text */
    int32_t hole;     /* tokens of the hole, or PROMPT_REST */
};

struct prompt {
    struct prompt_part *parts; /* in order; adjacent text is one part */
    size_t count;
    char *bytes; /* of every text */
};

/* The tokens of a prompt in a window: `ids[i]` at `positions[i]`. */
struct prompt_layout {
    int32_t length; /* of the window, in tokens */
    int32_t *positions, *ids;
    size_t count;
};

/* Turns text into ids, which prompt_lay frees with sedd_memory_free. */
typedef enum sedd_status prompt_tokenize(const void *context, const char *text, size_t size,
                                         int32_t **ids, size_t *count, struct sedd_error *error);

/* Splits a prompt into its parts. Returns *prompt owned: free with prompt_free.
 * SEDD_ERROR_ARGUMENT: invalid brace or hole. */
enum sedd_status prompt_parse(const char *text, struct prompt *prompt, struct sedd_error *error);
void prompt_free(struct prompt *prompt);

/* Returns true if the prompt has a hole. */
bool prompt_has_holes(const struct prompt *prompt);

/* Lays the prompt's tokens into a window of `length` tokens. With a length of 0, the window has the
 * size of the text and its counted holes, or `fallback` for a prompt without holes or with {*}.
 * Returns *layout owned: free with prompt_layout_free. SEDD_ERROR_ARGUMENT: the prompt takes more
 * than the window. */
enum sedd_status prompt_lay(const struct prompt *prompt, prompt_tokenize *tokenize,
                            const void *context, int32_t length, int32_t fallback,
                            struct prompt_layout *layout, struct sedd_error *error);
void prompt_layout_free(struct prompt_layout *layout);

#endif
