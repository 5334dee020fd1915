/* common.c - implements common.h. */
#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sedd_status_name(enum sedd_status status)
{
    switch (status) {
    case SEDD_OK: return "ok";
    case SEDD_ERROR_ARGUMENT: return "argument";
    case SEDD_ERROR_MEMORY: return "memory";
    case SEDD_ERROR_IO: return "io";
    case SEDD_ERROR_FORMAT: return "format";
    case SEDD_ERROR_UNSUPPORTED: return "unsupported";
    case SEDD_CANCELLED: return "cancelled";
    case SEDD_ELSEWHERE: return "elsewhere";
    }
    return "unknown";
}

enum sedd_status sedd_fail(struct sedd_error *error, enum sedd_status status, const char *format,
                           ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return status;
}

void sedd_text_put(struct sedd_text *text, const char *format, ...)
{
    va_list arguments;
    bool room = text->used < text->size;
    va_start(arguments, format);
    int count = vsnprintf(room ? text->bytes + text->used : NULL,
                          room ? text->size - text->used : 0, format, arguments);
    va_end(arguments);
    text->used += count > 0 ? (size_t)count : 0;
}

bool sedd_size_multiply(uint64_t a, uint64_t b, uint64_t *product)
{
    if (b != 0 && a > UINT64_MAX / b) {
        return false;
    }
    *product = a * b;
    return true;
}

void *sedd_memory_new(uint64_t count, uint64_t size)
{
    uint64_t bytes;
    if (!sedd_size_multiply(count, size, &bytes) || bytes > SIZE_MAX - 2 * SEDD_ALIGNMENT) {
        return NULL;
    }
    size_t padded = ((size_t)bytes + SEDD_ALIGNMENT) / SEDD_ALIGNMENT * SEDD_ALIGNMENT;
    void *memory = aligned_alloc(SEDD_ALIGNMENT, padded);
    if (memory != NULL) {
        memset(memory, 0, padded);
    }
    return memory;
}

void sedd_memory_free(void *memory)
{
    free(memory);
}
