/*
 * safetensors.h - the index of a file of weights (both containers have this one), and the header of
 * a .safetensors file: 8 bytes of length, JSON, then data.
 */
#ifndef SEDD_SAFETENSORS_H
#define SEDD_SAFETENSORS_H

#include "common.h"

enum sedd_element {
    SEDD_ELEMENT_F32 = 0,
    SEDD_ELEMENT_F16,
    SEDD_ELEMENT_BF16,
    SEDD_ELEMENT_I8,
    SEDD_ELEMENT_OTHER
};

#define SEDD_HEADER_MAX (16u << 20) /* bytes of JSON */
#define SEDD_RANK_MAX 4

struct sedd_tensor {
    const char *name; /* valid as long as the header */
    enum sedd_element element;
    int rank;
    uint64_t shape[SEDD_RANK_MAX];
    size_t part;         /* the zip entry it lies in; safetensors: 0, all behind the header */
    uint64_t begin, end; /* bytes within the part */
};

struct sedd_header {
    const char *file;            /* what to call it in messages */
    struct sedd_tensor *tensors; /* [count] in file order */
    size_t count;
    void *json;  /* owns the names, or */
    char *names; /* owns them */
};

/* The header's size, from the 8 bytes in front of it (little endian). */
uint64_t sedd_header_size(const uint8_t *bytes);
/* Parses and checks a header: known fields, dtype x shape == bytes, one tensor after another from
 * offset 0, no name twice. */
enum sedd_status sedd_header_parse(const char *text, size_t size, struct sedd_header *header,
                                   struct sedd_error *error);
/* No name twice. */
enum sedd_status sedd_header_check_names(const struct sedd_header *header,
                                         struct sedd_error *error);
void sedd_header_clear(struct sedd_header *header);

/* Bytes of one element; 0 for types this engine does not read. */
size_t sedd_element_size(enum sedd_element element);
/* `count` elements at `bytes` (any alignment) -> floats. */
void sedd_element_read(enum sedd_element element, const uint8_t *bytes, size_t count,
                       float *values);

#endif
