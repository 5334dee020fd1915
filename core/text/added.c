/* added.c - implements added.h. */
#include "text/added.h"

#include "text/unicode.h"

#include <string.h>
#include <utf8proc.h>

/* ---- The list ---------------------------------------------------------------------------- */

enum sedd_status sedd_added_init(struct sedd_added *added, size_t count, size_t byte_count,
                                 struct sedd_error *error)
{
    added->tokens = sedd_memory_new(count, sizeof *added->tokens);
    added->bytes = sedd_memory_new(byte_count, 1);
    return added->tokens != NULL && added->bytes != NULL
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu added tokens", count);
}

void sedd_added_clear(struct sedd_added *added)
{
    sedd_memory_free(added->tokens);
    sedd_memory_free(added->bytes);
    *added = (struct sedd_added){0};
}

void sedd_added_put(struct sedd_added *added, struct sedd_added_token token, const char *text,
                    size_t size)
{
    size_t *first = &added->first[(uint8_t)text[0]];
    token.offset = added->byte_count;
    token.size = size;
    token.next = *first;
    memcpy(added->bytes + added->byte_count, text, size);
    added->byte_count += size;
    added->tokens[added->count++] = token;
    *first = added->count;
}

/* ---- A text ------------------------------------------------------------------------------ */

static enum sedd_character kind_at(const char *text, size_t size, size_t place, size_t *used)
{
    utf8proc_int32_t c;
    size_t left = size - place < 4 ? size - place : 4;
    utf8proc_ssize_t length =
        utf8proc_iterate((const utf8proc_uint8_t *)text + place, (utf8proc_ssize_t)left, &c);
    *used = length > 0 ? (size_t)length : 1;
    return length > 0 ? sedd_unicode_kind(c) : SEDD_CHARACTER_OTHER;
}

/* Returns the start of the character before `place` (> 0). */
static size_t step_back(const char *text, size_t place)
{
    size_t begin = place - 1;
    while (begin > 0 && place - begin < 4 && ((uint8_t)text[begin] & 0xC0) == 0x80) {
        begin--;
    }
    size_t used;
    kind_at(text, place, begin, &used);
    return begin + used == place ? begin : place - 1;
}

static bool is_word(const char *text, size_t size, size_t place)
{
    size_t used;
    enum sedd_character kind = kind_at(text, size, place, &used);
    return kind == SEDD_CHARACTER_LETTER || kind == SEDD_CHARACTER_NUMBER || text[place] == '_';
}

static bool stands_alone(const char *text, size_t size, size_t begin, size_t end)
{
    return (begin == 0 || !is_word(text, size, step_back(text, begin))) &&
           (end == size || !is_word(text, size, end));
}

static size_t strip_left(const char *text, size_t size, size_t place)
{
    size_t used;
    while (place > 0) {
        size_t before = step_back(text, place);
        if (kind_at(text, size, before, &used) != SEDD_CHARACTER_SPACE) {
            break;
        }
        place = before;
    }
    return place;
}

static size_t strip_right(const char *text, size_t size, size_t place)
{
    size_t used;
    while (place < size && kind_at(text, size, place, &used) == SEDD_CHARACTER_SPACE) {
        place += used;
    }
    return place;
}

/* Returns the longest token of the pass that occurs at `place`, or NULL. */
static const struct sedd_added_token *token_at(const struct sedd_added *added, bool normalized,
                                               const char *text, size_t size, size_t place)
{
    const struct sedd_added_token *longest = NULL;
    for (size_t i = added->first[(uint8_t)text[place]]; i != 0; i = added->tokens[i - 1].next) {
        const struct sedd_added_token *token = &added->tokens[i - 1];
        if (token->normalized == normalized && token->size <= size - place &&
            (longest == NULL || token->size > longest->size) &&
            memcmp(added->bytes + token->offset, text + place, token->size) == 0) {
            longest = token;
        }
    }
    return longest;
}

bool sedd_added_find(const struct sedd_added *added, bool normalized, const char *text, size_t size,
                     size_t begin, struct sedd_added_match *match)
{
    for (size_t place = begin, end; place < size && added->count > 0; place = end) {
        const struct sedd_added_token *token = token_at(added, normalized, text, size, place);
        end = place + (token == NULL ? 1 : token->size);
        if (token == NULL || token->special ||
            (token->single_word && !stands_alone(text, size, place, end))) {
            continue;
        }
        *match = (struct sedd_added_match){
            .id = token->id,
            .begin = place,
            .end = end,
            .left = token->lstrip ? strip_left(text, size, place) : place,
            .right = token->rstrip ? strip_right(text, size, end) : end,
        };
        return true;
    }
    return false;
}
