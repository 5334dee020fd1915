/*
 * reply.c - implements reply.h.
 */
#include "reply.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct sedd_error last_error;

const char *wasm_error_message(void)
{
    return last_error.message;
}

int32_t wasm_error_status(void)
{
    return last_error.status;
}

static struct {
    char *text;
    size_t size, used;
    bool failed;
} reply;

void reply_begin(void)
{
    reply.used = 0;
    reply.failed = false;
    reply_add("{");
}

void reply_add(const char *format, ...)
{
    va_list arguments;
    if (reply.used + 512 > reply.size) { /* more than any single field takes */
        size_t size = 2 * reply.size + 4096;
        char *larger = realloc(reply.text, size);
        reply.failed = reply.failed || larger == NULL;
        reply.text = larger == NULL ? reply.text : larger;
        reply.size = larger == NULL ? reply.size : size;
    }
    if (!reply.failed) {
        va_start(arguments, format);
        int count = vsnprintf(reply.text + reply.used, reply.size - reply.used, format, arguments);
        va_end(arguments);
        reply.used += count > 0 ? (size_t)count : 0;
    }
}

void reply_number(double value)
{
    if (isfinite(value)) {
        reply_add("%.17g", value);
    } else {
        reply_add(isnan(value) ? "null" : value > 0 ? "1e999" : "-1e999");
    }
}

void reply_field(const char *name, double value)
{
    reply_add("%s\"%s\":", reply.used > 1 ? "," : "", name);
    reply_number(value);
}

void reply_ints(const char *name, const int32_t *values, int32_t count)
{
    reply_add(",\"%s\":[", name);
    for (int32_t i = 0; i < count; i++) {
        reply_add(i == 0 ? "%d" : ",%d", (int)values[i]);
    }
    reply_add("]");
}

void reply_floats(const char *name, const float *values, int32_t count)
{
    reply_add(values == NULL ? ",\"%s\":null" : ",\"%s\":[", name);
    for (int32_t i = 0; i < count && values != NULL; i++) {
        reply_add(i == 0 ? "" : ",");
        reply_number((double)values[i]);
    }
    reply_add(values == NULL ? "" : "]");
}

const char *reply_end(void)
{
    reply_add("}");
    if (reply.failed) {
        last_error = (struct sedd_error){SEDD_ERROR_MEMORY, "no memory for a result"};
        return NULL;
    }
    return reply.text;
}
