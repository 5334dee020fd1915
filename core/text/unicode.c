/* unicode.c - implements unicode.h. */
#include "text/unicode.h"

#include "text/unicode_table.h"

static bool is_space(int32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

enum sedd_character sedd_unicode_kind(int32_t c)
{
    if (is_space(c)) {
        return SEDD_CHARACTER_SPACE;
    }
    /* The index of the run is in [low, high). */
    size_t low = 0, high = sizeof UNICODE_RUNS / sizeof UNICODE_RUNS[0];
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (UNICODE_RUNS[middle] >> 2 <= (uint32_t)c) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (enum sedd_character)(UNICODE_RUNS[low] & 3);
}
