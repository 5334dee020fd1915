/* prompt.c - implements prompt.h. */
#include "prompt.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 60 /* bytes of a prompt in a message */
#define HINT                                                                                       \
    "write {20} for a hole of 20 tokens, {*} for one that takes the rest, {{ and }} for braces"

static enum sedd_status out_of_memory(struct sedd_error *error)
{
    return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the prompt");
}

/* ---- Parsing ----------------------------------------------------------------------------- */

/* Returns how many bytes of the text a message shows: at most `most`, and whole characters. */
static int shown(const char *text, size_t most)
{
    size_t size = strlen(text);
    if (size > most) {
        for (size = most; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80; size--) {
        }
    }
    return (int)size;
}

static enum sedd_status refuse(const char *what, const char *prompt, struct sedd_error *error)
{
    int size = shown(prompt, SHOWN);
    return sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s in the prompt \"%.*s%s\"; " HINT, what, size,
                     prompt, prompt[size] != '\0' ? "..." : "");
}

/* Reads the `size` bytes between the braces: a number of tokens, or PROMPT_REST. Returns 0 for
 * anything else. */
static int32_t hole_size(const char *inside, size_t size)
{
    static const char SPACE[] = " \t\n\v\f\r";
    while (size > 0 && strchr(SPACE, inside[0]) != NULL) {
        inside++;
        size--;
    }
    while (size > 0 && strchr(SPACE, inside[size - 1]) != NULL) {
        size--;
    }
    if (size == 1 && inside[0] == '*') {
        return PROMPT_REST;
    }
    int32_t value = 0;
    for (size_t i = 0; i < size && size <= 6; i++) {
        if (inside[i] < '0' || inside[i] > '9') {
            return 0;
        }
        value = value * 10 + (inside[i] - '0');
    }
    return value <= PROMPT_HOLE_MAX ? value : 0;
}

static enum sedd_status add_hole(struct prompt *prompt, const char *inside, size_t size,
                                 const char *whole, struct sedd_error *error)
{
    int32_t hole = hole_size(inside, size);
    if (hole == 0) {
        char what[160];
        snprintf(what, sizeof what,
                 "{%.*s} is not a hole; expected {*} or a whole number from 1 to %d",
                 shown(inside, size < 20 ? size : 20), inside, PROMPT_HOLE_MAX);
        return refuse(what, whole, error);
    }
    for (size_t i = 0; hole == PROMPT_REST && i < prompt->count; i++) {
        if (prompt->parts[i].text == NULL && prompt->parts[i].hole == PROMPT_REST) {
            return refuse("{*} stands more than once", whole, error);
        }
    }
    prompt->parts[prompt->count++] = (struct prompt_part){.hole = hole};
    return SEDD_OK;
}

/* Adds one byte to the last text part. Starts a text part after a hole. */
static void add_byte(struct prompt *prompt, char *place, char byte)
{
    bool open = prompt->count > 0 && prompt->parts[prompt->count - 1].text != NULL;
    *place = byte;
    if (!open) {
        prompt->parts[prompt->count++] = (struct prompt_part){.text = place};
    }
    prompt->parts[prompt->count - 1].size++;
}

static enum sedd_status split(const char *text, struct prompt *prompt, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    char *place = prompt->bytes;
    for (const char *c = text; *c != '\0' && status == SEDD_OK; c++) {
        bool brace = *c == '{' || *c == '}';
        const char *end = *c == '{' ? strchr(c, '}') : NULL;
        if (!brace || c[1] == *c) {
            c += brace;
            add_byte(prompt, place++, *c);
        } else if (*c == '}') {
            status = refuse("A } has no { before it", text, error);
        } else if (end == NULL) {
            status = refuse("A { is never closed", text, error);
        } else {
            status = add_hole(prompt, c + 1, (size_t)(end - c - 1), text, error);
            c = end;
        }
    }
    return status;
}

enum sedd_status prompt_parse(const char *text, struct prompt *prompt, struct sedd_error *error)
{
    size_t size = strlen(text);
    *prompt = (struct prompt){.parts = calloc(size + 1, sizeof *prompt->parts),
                              .bytes = malloc(size + 1)};
    enum sedd_status status = prompt->parts == NULL || prompt->bytes == NULL
                                  ? out_of_memory(error)
                                  : split(text, prompt, error);
    if (status != SEDD_OK) {
        prompt_free(prompt);
    }
    return status;
}

void prompt_free(struct prompt *prompt)
{
    free(prompt->parts);
    free(prompt->bytes);
    *prompt = (struct prompt){0};
}

/* ---- Laying ------------------------------------------------------------------------------ */

static bool is_hole(const struct prompt_part *part)
{
    return part->text == NULL;
}

static bool is_rest(const struct prompt_part *part)
{
    return is_hole(part) && part->hole == PROMPT_REST;
}

bool prompt_has_holes(const struct prompt *prompt)
{
    for (size_t i = 0; i < prompt->count; i++) {
        if (is_hole(&prompt->parts[i])) {
            return true;
        }
    }
    return false;
}

/* The ids of a text part; NULL and 0 for a hole. */
struct piece {
    int32_t *ids;
    size_t count;
};

/* Reads the ids of every text part. *taken is the number of tokens of texts and counted holes.
 */
static enum sedd_status tokenize_parts(const struct prompt *prompt, prompt_tokenize *tokenize,
                                       const void *context, struct piece *pieces, uint64_t *taken,
                                       struct sedd_error *error)
{
    *taken = 0;
    for (size_t i = 0; i < prompt->count; i++) {
        const struct prompt_part *part = &prompt->parts[i];
        if (is_hole(part)) {
            *taken += is_rest(part) ? 0 : (uint64_t)part->hole;
            continue;
        }
        bool spare = i + 1 < prompt->count && part->text[part->size - 1] == ' ';
        enum sedd_status status = tokenize(context, part->text, part->size - (spare ? 1 : 0),
                                           &pieces[i].ids, &pieces[i].count, error);
        if (status != SEDD_OK) {
            return status;
        }
        *taken += pieces[i].count;
    }
    return SEDD_OK;
}

static enum sedd_status place(const struct prompt *prompt, const struct piece *pieces, int32_t rest,
                              struct prompt_layout *layout, struct sedd_error *error)
{
    size_t most = (size_t)layout->length + 1;
    layout->positions = calloc(most, sizeof *layout->positions);
    layout->ids = calloc(most, sizeof *layout->ids);
    if (layout->positions == NULL || layout->ids == NULL) {
        prompt_layout_free(layout);
        return out_of_memory(error);
    }
    int32_t position = 0;
    for (size_t i = 0; i < prompt->count; i++) {
        const struct prompt_part *part = &prompt->parts[i];
        if (is_hole(part)) {
            position += is_rest(part) ? rest : part->hole;
        }
        for (size_t k = 0; k < pieces[i].count; k++) {
            layout->positions[layout->count] = position++;
            layout->ids[layout->count++] = pieces[i].ids[k];
        }
    }
    return SEDD_OK;
}

enum sedd_status prompt_lay(const struct prompt *prompt, prompt_tokenize *tokenize,
                            const void *context, int32_t length, int32_t fallback,
                            struct prompt_layout *layout, struct sedd_error *error)
{
    *layout = (struct prompt_layout){0};
    struct piece *pieces = calloc(prompt->count + 1, sizeof *pieces);
    if (pieces == NULL) {
        return out_of_memory(error);
    }
    uint64_t taken = 0;
    enum sedd_status status = tokenize_parts(prompt, tokenize, context, pieces, &taken, error);
    bool counted = prompt_has_holes(prompt);
    for (size_t i = 0; i < prompt->count; i++) {
        counted &= !is_rest(&prompt->parts[i]);
    }
    uint64_t window = length > 0 ? (uint64_t)length : counted ? taken : (uint64_t)fallback;
    if (status == SEDD_OK && (taken > window || window > INT32_MAX)) {
        status = sedd_fail(
            error, SEDD_ERROR_ARGUMENT,
            "the prompt takes %llu tokens with its holes; the window has %llu: shorten the "
            "text or its holes, or pass a larger --length",
            (unsigned long long)taken, (unsigned long long)window);
    }
    if (status == SEDD_OK) {
        layout->length = (int32_t)window;
        status = place(prompt, pieces, (int32_t)(window - taken), layout, error);
    }
    for (size_t i = 0; i < prompt->count; i++) {
        sedd_memory_free(pieces[i].ids);
    }
    free(pieces);
    return status;
}

void prompt_layout_free(struct prompt_layout *layout)
{
    free(layout->positions);
    free(layout->ids);
    *layout = (struct prompt_layout){0};
}
