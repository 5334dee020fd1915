/* safetensors.c - implements safetensors.h. */
#include "files/safetensors.h"

#include "files/json.h"

#include <stdlib.h>
#include <string.h>

#define FILE_NAME "model.safetensors"

static const struct {
    const char *name;
    enum sedd_element element;
    size_t size;
} ELEMENTS[] = {
    {"F32", SEDD_ELEMENT_F32, 4},   {"F16", SEDD_ELEMENT_F16, 2},   {"BF16", SEDD_ELEMENT_BF16, 2},
    {"I8", SEDD_ELEMENT_I8, 1},     {"U8", SEDD_ELEMENT_OTHER, 1},  {"BOOL", SEDD_ELEMENT_OTHER, 1},
    {"I16", SEDD_ELEMENT_OTHER, 2}, {"I32", SEDD_ELEMENT_OTHER, 4}, {"I64", SEDD_ELEMENT_OTHER, 8},
    {"F64", SEDD_ELEMENT_OTHER, 8},
};

/* Reads an integer in 0..2^53 from JSON. */
static bool read_size(const cJSON *item, uint64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0 && item->valuedouble <= 0x1p53)) {
        return false;
    }
    *value = (uint64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static enum sedd_status read_shape(const cJSON *shape, struct sedd_tensor *tensor, uint64_t *count,
                                   struct sedd_error *error)
{
    if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > SEDD_RANK_MAX) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME ": tensor \"%.80s\" has no shape, or one of more than %d sizes",
                         tensor->name, SEDD_RANK_MAX);
    }
    *count = 1;
    for (const cJSON *item = shape->child; item != NULL; item = item->next) {
        uint64_t size;
        if (!read_size(item, &size) || !sedd_size_multiply(*count, size, count)) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             FILE_NAME ": tensor \"%.80s\" has an invalid size in its shape",
                             tensor->name);
        }
        tensor->shape[tensor->rank++] = size;
    }
    return SEDD_OK;
}

static enum sedd_status read_tensor(const cJSON *item, struct sedd_tensor *tensor,
                                    struct sedd_error *error)
{
    *tensor = (struct sedd_tensor){.name = item->string};
    const cJSON *dtype = sedd_json_find(item, "dtype");
    const cJSON *offsets = sedd_json_find(item, "data_offsets");
    size_t element_size = 0;
    for (size_t i = 0; i < sizeof ELEMENTS / sizeof ELEMENTS[0] && cJSON_IsString(dtype); i++) {
        if (strcmp(dtype->valuestring, ELEMENTS[i].name) == 0) {
            tensor->element = ELEMENTS[i].element;
            element_size = ELEMENTS[i].size;
        }
    }
    if (element_size == 0) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME ": tensor \"%.80s\" has the type \"%.20s\"; "
                                   "expected F32, F16, BF16 or I8",
                         tensor->name, cJSON_IsString(dtype) ? dtype->valuestring : "(none)");
    }
    uint64_t count;
    enum sedd_status status = read_shape(sedd_json_find(item, "shape"), tensor, &count, error);
    if (status != SEDD_OK) {
        return status;
    }
    uint64_t bytes;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !read_size(offsets->child, &tensor->begin) ||
        !read_size(offsets->child->next, &tensor->end) || tensor->end < tensor->begin ||
        !sedd_size_multiply(count, element_size, &bytes) || bytes != tensor->end - tensor->begin) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME
                         ": the data offsets of tensor \"%.80s\" do not match its type and shape",
                         tensor->name);
    }
    return SEDD_OK;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct sedd_tensor *first = a, *second = b;
    if (first->begin != second->begin) {
        return first->begin < second->begin ? -1 : 1;
    }
    return (first->end > second->end) - (first->end < second->end);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum sedd_status check_layout(const struct sedd_header *header, struct sedd_error *error)
{
    uint64_t place = 0;
    for (size_t i = 0; i < header->count; i++) {
        const struct sedd_tensor *tensor = &header->tensors[i];
        if (tensor->begin != place) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             FILE_NAME ": tensor \"%.80s\" begins at byte %llu, expected %llu: "
                                       "tensors overlap or leave a gap",
                             tensor->name, (unsigned long long)tensor->begin,
                             (unsigned long long)place);
        }
        place = tensor->end;
    }
    return SEDD_OK;
}

enum sedd_status sedd_header_check_names(const struct sedd_header *header, struct sedd_error *error)
{
    const char **names = sedd_memory_new(header->count, sizeof *names);
    if (names == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the index of %s", header->file);
    }
    for (size_t i = 0; i < header->count; i++) {
        names[i] = header->tensors[i].name;
    }
    qsort(names, header->count, sizeof *names, compare_names);
    enum sedd_status status = SEDD_OK;
    for (size_t i = 1; i < header->count && status == SEDD_OK; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            status = sedd_fail(error, SEDD_ERROR_FORMAT, "%s: tensor \"%.80s\" appears twice",
                               header->file, names[i]);
        }
    }
    sedd_memory_free(names);
    return status;
}

static enum sedd_status fill(struct sedd_header *header, const cJSON *root,
                             struct sedd_error *error)
{
    if (!cJSON_IsObject(root)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "the header of " FILE_NAME " is not an object");
    }
    header->tensors = sedd_memory_new((uint64_t)cJSON_GetArraySize(root), sizeof *header->tensors);
    if (header->tensors == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the header of " FILE_NAME);
    }
    for (const cJSON *item = root->child; item != NULL; item = item->next) {
        if (strcmp(item->string, "__metadata__") == 0) {
            continue;
        }
        enum sedd_status status = read_tensor(item, &header->tensors[header->count], error);
        if (status != SEDD_OK) {
            return status;
        }
        header->count++;
    }
    qsort(header->tensors, header->count, sizeof *header->tensors, compare_offsets);
    enum sedd_status status = check_layout(header, error);
    return status == SEDD_OK ? sedd_header_check_names(header, error) : status;
}

uint64_t sedd_header_size(const uint8_t *bytes)
{
    uint64_t size = 0;
    for (int i = 7; i >= 0; i--) {
        size = size << 8 | bytes[i];
    }
    return size;
}

enum sedd_status sedd_header_parse(const char *text, size_t size, struct sedd_header *header,
                                   struct sedd_error *error)
{
    cJSON *root;
    enum sedd_status status = sedd_json_parse("the header of " FILE_NAME, text, size, &root, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct sedd_header found = {.file = FILE_NAME, .json = root};
    status = fill(&found, root, error);
    if (status == SEDD_OK) {
        *header = found;
    } else {
        sedd_header_clear(&found);
    }
    return status;
}

void sedd_header_clear(struct sedd_header *header)
{
    sedd_memory_free(header->tensors);
    sedd_memory_free(header->names);
    cJSON_Delete(header->json);
    *header = (struct sedd_header){0};
}

size_t sedd_element_size(enum sedd_element element)
{
    static const size_t sizes[] = {4, 2, 2, 1, 0};
    return sizes[element];
}

static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u;
    uint32_t mantissa = half & 0x3FFu, bits;
    if (exponent == 0) { /* 0 and subnormals are mantissa * 2^-24 */
        float value = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    bits = exponent == 31 ? 0x7F800000u | mantissa << 13 : (exponent + 112) << 23 | mantissa << 13;
    bits |= sign;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void sedd_element_read(enum sedd_element element, const uint8_t *bytes, size_t count, float *values)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        switch (element) {
        case SEDD_ELEMENT_F32: memcpy(&values[i], bytes + 4 * i, 4); break;
        case SEDD_ELEMENT_F16:
            memcpy(&half, bytes + 2 * i, 2);
            values[i] = half_to_float(half);
            break;
        case SEDD_ELEMENT_BF16: {
            memcpy(&half, bytes + 2 * i, 2);
            uint32_t bits = (uint32_t)half << 16;
            memcpy(&values[i], &bits, 4);
            break;
        }
        case SEDD_ELEMENT_I8: values[i] = (float)(int8_t)bytes[i]; break;
        case SEDD_ELEMENT_OTHER: values[i] = 0.0f; break;
        }
    }
}
