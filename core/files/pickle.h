/*
 * pickle.h - reads the part of Python's pickle format that torch.save uses for a state dict: dicts,
 * lists, tuples, strings, numbers and tensors. It never calls anything. A class outside a short
 * list is refused by name.
 *
 * Values are stored in one array and refer to each other by index, so depth and cycles do no harm.
 */
#ifndef SEDD_PICKLE_H
#define SEDD_PICKLE_H

#include "files/safetensors.h"

#define SEDD_PICKLE_MAX (4u << 20) /* bytes */

enum sedd_value_kind {
    SEDD_VALUE_OTHER = 0, /* None, a boolean or a float, none of which the loader reads */
    SEDD_VALUE_INTEGER,   /* integer */
    SEDD_VALUE_TEXT,      /* a: offset in the bytes, b: size */
    SEDD_VALUE_LIST,      /* lists and tuples. a: first item, b: last item (0: none), c: count */
    SEDD_VALUE_DICT,      /* the same, with keys */
    SEDD_VALUE_CLASS,     /* a: index in the short list */
    SEDD_VALUE_STORAGE,   /* a: its key (a text), b: sedd_element, integer: elements */
    SEDD_VALUE_TENSOR     /* a: storage, b: sizes, c: strides (lists), integer: first element */
};

struct sedd_value {
    enum sedd_value_kind kind;
    uint32_t a, b, c;
    int64_t integer;
};

struct sedd_item {
    uint32_t key, value, next; /* key: dicts; next: 0 at the end */
};

struct sedd_pickle {
    const uint8_t *bytes; /* borrowed until cleared */
    struct sedd_value *values;
    struct sedd_item *items; /* item 0 is not used */
    uint32_t root;
};

enum sedd_status sedd_pickle_read(const uint8_t *bytes, size_t size, struct sedd_pickle *pickle,
                                  struct sedd_error *error);
void sedd_pickle_clear(struct sedd_pickle *pickle);

/* Finds the value of a string key in a dict. Returns false if there is none; *value cannot say so,
 * because 0 is a valid value. */
bool sedd_pickle_find(const struct sedd_pickle *pickle, uint32_t dict, const char *key,
                      uint32_t *value);

#endif
