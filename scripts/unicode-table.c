/*
 * Writes core/text/unicode_table.h: runs of characters that are letters, numbers or neither.
 *
 *   usage: cc -DUTF8PROC_STATIC -I.deps/utf8proc scripts/unicode-table.c .deps/utf8proc/utf8proc.c
 *            -o build/unicode-table && build/unicode-table > core/text/unicode_table.h
 *
 * utf8proc's own tables have 296 kB, which a tokenizer does not need; this table has 5 kB.
 * tests/core/test_tokenizer.c compares every character with utf8proc.
 */
#include <stdio.h>
#include <utf8proc.h>

static int kind_of(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return 1;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return 2;
    default: return 0;
    }
}

int main(void)
{
    int last = -1, count = 0;
    printf("/* Made by scripts/unicode-table.c from utf8proc %s (Unicode %s): first character of "
           "each\n"
           " * run << 2 | kind; 1 letter (L*), 2 number (N*), 0 neither. */\n"
           "static const uint32_t UNICODE_RUNS[] = {",
           utf8proc_version(), utf8proc_unicode_version());
    for (utf8proc_int32_t c = 0; c < 0x110000; c++) {
        int kind = kind_of(c);
        if (kind != last) {
            printf("%s0x%x,", count++ % 10 == 0 ? "\n    " : " ",
                   (unsigned)c << 2 | (unsigned)kind);
            last = kind;
        }
    }
    printf("\n};\n");
    return 0;
}
