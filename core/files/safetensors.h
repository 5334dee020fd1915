/*
 * safetensors.h - the list of tensors in a file of weights, for both containers, and the header of
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
    const char *name; /* valid until the header is cleared */
    enum sedd_element element;
    int rank;
    uint64_t shape[SEDD_RANK_MAX];
    size_t part;         /* index of the zip entry that holds it; 0 in safetensors */
    uint64_t begin, end; /* byte offsets in the part */
};

struct sedd_header {
    const char *file;            /* name of the file in messages */
    struct sedd_tensor *tensors; /* [count] in file order */
    size_t count;
    void *json;  /* owns the names, or */
    char *names; /* owns them */
};

/* Returns the size of the header, from the 8 bytes before it (little endian). */
uint64_t sedd_header_size(const uint8_t *bytes);
/* Parses a header. Checks that fields are known, that the bytes match dtype and shape, that tensors
 * follow one another from offset 0 without gaps, and that names are unique. */
enum sedd_status sedd_header_parse(const char *text, size_t size, struct sedd_header *header,
                                   struct sedd_error *error);
/* Checks that names are unique. */
enum sedd_status sedd_header_check_names(const struct sedd_header *header,
                                         struct sedd_error *error);
void sedd_header_clear(struct sedd_header *header);

/* Returns the size of one element in bytes, or 0 for types that this engine does not read. */
size_t sedd_element_size(enum sedd_element element);
/* Converts `count` elements at `bytes` (any alignment) to floats. */
void sedd_element_read(enum sedd_element element, const uint8_t *bytes, size_t count,
                       float *values);

#endif
