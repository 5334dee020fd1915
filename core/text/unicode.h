/*
 * unicode.h - classifies characters for GPT-2's pattern: \p{L}, \p{N}, \s or none of them.
 */
#ifndef SEDD_UNICODE_H
#define SEDD_UNICODE_H

#include "common.h"

enum sedd_character {
    SEDD_CHARACTER_OTHER = 0,
    SEDD_CHARACTER_LETTER,
    SEDD_CHARACTER_NUMBER,
    SEDD_CHARACTER_SPACE /* White_Space */
};

enum sedd_character sedd_unicode_kind(int32_t character);

#endif
