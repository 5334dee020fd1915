/*
 * pretokenize.c - GPT-2's pattern, by Unicode properties:
 *
 *   '(?:s|t|re|ve|m|ll|d) |  ?\p{L}+ |  ?\p{N}+ |  ?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+
 *
 * A byte that is not part of valid UTF-8 counts as a character that is neither space, letter nor
 * number, [^\s\p{L}\p{N}].
 */
#include "text/pretokenize.h"

#include "text/unicode.h"

#include <string.h>
#include <utf8proc.h>

/* Returns the kind of the character at `place` and stores its size in bytes. */
static enum sedd_character look(const char *text, size_t size, size_t place, size_t *size_out)
{
    utf8proc_int32_t c;
    size_t left = size - place < 4 ? size - place : 4;
    utf8proc_ssize_t used =
        utf8proc_iterate((const utf8proc_uint8_t *)text + place, (utf8proc_ssize_t)left, &c);
    *size_out = used > 0 ? (size_t)used : 1;
    return used > 0 ? sedd_unicode_kind(c) : SEDD_CHARACTER_OTHER;
}

static size_t run_end(const char *text, size_t size, size_t place, enum sedd_character kind)
{
    size_t step;
    while (place < size && look(text, size, place, &step) == kind) {
        place += step;
    }
    return place;
}

static size_t contraction(const char *text, size_t left)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t length = strlen(endings[i]);
        if (left >= length && memcmp(text, endings[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

/* Returns the end of a run of spaces, without its last character if a word follows. */
static size_t spaces_end(const char *text, size_t size, size_t begin)
{
    size_t last = begin, place = begin, step;
    while (place < size && look(text, size, place, &step) == SEDD_CHARACTER_SPACE) {
        last = place;
        place += step;
    }
    return place == size || last == begin ? place : last;
}

size_t sedd_pretoken_end(const char *text, size_t size, size_t begin)
{
    size_t length = contraction(text + begin, size - begin), step;
    if (length > 0) {
        return begin + length;
    }
    size_t start = begin + (text[begin] == ' ' && begin + 1 < size);
    enum sedd_character kind = look(text, size, start, &step);
    return kind == SEDD_CHARACTER_SPACE ? spaces_end(text, size, begin)
                                        : run_end(text, size, start, kind);
}
