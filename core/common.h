/*
 * common.h - helpers that all of core uses: error messages, text of limited length, size
 * arithmetic with overflow checks, aligned memory.
 */
#ifndef SEDD_COMMON_H
#define SEDD_COMMON_H

#include "sedd.h"

#define SEDD_ALIGNMENT 64 /* bytes: a cache line, and at least any vector */

#if defined(__GNUC__)
#define SEDD_PRINTF(index, first) __attribute__((format(printf, index, first)))
#else
#define SEDD_PRINTF(index, first)
#endif

/* Fills `error` (if not NULL) with a formatted sentence and returns `status`, so that a failure
 * reads `return sedd_fail(error, SEDD_ERROR_FORMAT, "...", ...)`. */
enum sedd_status sedd_fail(struct sedd_error *error, enum sedd_status status, const char *format,
                           ...) SEDD_PRINTF(3, 4);

/* Text in a buffer of `size` bytes, for sentences of limited length. `used` counts what did not
 * fit, too. */
struct sedd_text {
    char *bytes;
    size_t size, used;
};

/* Appends to the text and keeps its terminating zero. Cuts off what does not fit. */
void sedd_text_put(struct sedd_text *text, const char *format, ...) SEDD_PRINTF(2, 3);

/* Computes *product = a * b. Returns false on overflow of uint64_t. */
bool sedd_size_multiply(uint64_t a, uint64_t b, uint64_t *product);

/* Allocates count * size zeroed bytes, aligned to SEDD_ALIGNMENT. Returns NULL on failure or
 * overflow. A count of 0 gives a valid pointer. Free with sedd_memory_free. */
void *sedd_memory_new(uint64_t count, uint64_t size);

static inline int32_t sedd_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t sedd_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Returns the smallest multiple of `step` that is >= value. */
static inline int32_t sedd_round_up(int32_t value, int32_t step)
{
    return (value + step - 1) / step * step;
}

#endif
