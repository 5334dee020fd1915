/* json.c - implements json.h. */
#include "json.h"

#include <utf8proc.h>

void json_string(FILE *out, const char *text, size_t size)
{
    fputc('"', out);
    for (size_t i = 0, used; i < size; i += used) {
        utf8proc_int32_t c;
        size_t left = size - i < 4 ? size - i : 4;
        utf8proc_ssize_t length =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)left, &c);
        used = length > 0 ? (size_t)length : 1;
        if (length <= 0) {
            fputs("\\ufffd", out);
        } else if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", (int)c);
        } else if (c < 0x20 || c == 0x7F) {
            fprintf(out, "\\u%04x", (unsigned)c);
        } else {
            fwrite(text + i, 1, used, out);
        }
    }
    fputc('"', out);
}

void json_ids(FILE *out, const int32_t *ids, size_t count)
{
    fputc('[', out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, i == 0 ? "%d" : ",%d", (int)ids[i]);
    }
    fputc(']', out);
}
