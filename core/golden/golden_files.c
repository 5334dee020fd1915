/*
 * golden_files.c - reads the two files of a golden folder (see golden_check.h): numbers by key and
 * tensors by name. The files may be damaged; a missing value has a count of 0.
 */
#include "golden/golden_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Both files -------------------------------------------------------------------------- */

enum sedd_status sedd_golden_open(struct sedd_golden *golden, const char *json, size_t json_size,
                                  const uint8_t *tensors, size_t tensors_size)
{
    enum sedd_status status =
        sedd_json_parse("golden.json", json, json_size, &golden->root, golden->error);
    if (status != SEDD_OK) {
        return status;
    }
    snprintf(golden->name, sizeof golden->name, "golden.safetensors");
    uint64_t length = tensors_size >= 8 ? sedd_header_size(tensors) : 0;
    if (tensors_size < 8 || length > tensors_size - 8) {
        return sedd_golden_damaged(golden);
    }
    struct sedd_header *header = &golden->header;
    status = sedd_header_parse((const char *)tensors + 8, (size_t)length, header, golden->error);
    golden->data = tensors + 8 + length;
    if (status == SEDD_OK && header->count > 0 &&
        header->tensors[header->count - 1].end > tensors_size - 8 - length) {
        return sedd_golden_damaged(golden);
    }
    return status;
}

void sedd_golden_close(struct sedd_golden *golden)
{
    sedd_golden_forget(golden);
    sedd_header_clear(&golden->header);
    cJSON_Delete(golden->root);
    golden->root = NULL;
}

/* ---- Memory of one check ----------------------------------------------------------------- */

void *sedd_golden_memory(struct sedd_golden *golden, uint64_t count, uint64_t size)
{
    void *memory = golden->array_count < SEDD_GOLDEN_ARRAYS ? sedd_memory_new(count, size) : NULL;
    if (memory == NULL) {
        golden->starved = true;
        return NULL;
    }
    golden->arrays[golden->array_count++] = memory;
    return memory;
}

void sedd_golden_forget(struct sedd_golden *golden)
{
    while (golden->array_count > 0) {
        sedd_memory_free(golden->arrays[--golden->array_count]);
    }
}

/* ---- Numbers ----------------------------------------------------------------------------- */

static size_t count_numbers(const cJSON *item)
{
    if (!cJSON_IsArray(item)) {
        return cJSON_IsNumber(item) ? 1 : 0;
    }
    size_t count = 0;
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        count += count_numbers(child);
    }
    return count;
}

static double *flatten(const cJSON *item, double *next)
{
    if (cJSON_IsNumber(item)) {
        *next++ = item->valuedouble;
    }
    for (const cJSON *child = cJSON_IsArray(item) ? item->child : NULL; child != NULL;
         child = child->next) {
        next = flatten(child, next);
    }
    return next;
}

double *sedd_golden_numbers(struct sedd_golden *golden, const cJSON *object, const char *key,
                            size_t *count)
{
    const cJSON *item = sedd_json_find(object, key);
    size_t found = count_numbers(item);
    double *values = sedd_golden_memory(golden, found, sizeof *values);
    *count = values == NULL ? 0 : found;
    if (values != NULL) {
        flatten(item, values);
    }
    return values;
}

int32_t *sedd_golden_ids(struct sedd_golden *golden, const cJSON *object, const char *key,
                         size_t *count)
{
    double *values = sedd_golden_numbers(golden, object, key, count);
    int32_t *ids = sedd_golden_memory(golden, *count, sizeof *ids);
    *count = ids == NULL ? 0 : *count;
    for (size_t i = 0; i < *count; i++) {
        bool fits = values[i] >= INT32_MIN && values[i] <= INT32_MAX;
        ids[i] = fits ? (int32_t)values[i] : -1;
    }
    return ids;
}

bool sedd_golden_shape(const cJSON *object, const char *key, int32_t *batch, int32_t *length)
{
    const cJSON *item = sedd_json_find(object, key);
    *batch = cJSON_IsArray(item) ? cJSON_GetArraySize(item) : 0;
    *length = *batch > 0 ? cJSON_GetArraySize(item->child) : 0;
    return *length > 0 && count_numbers(item) == (size_t)*batch * (size_t)*length;
}

double sedd_golden_number(const cJSON *object, const char *key)
{
    const cJSON *item = sedd_json_find(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

const char *sedd_golden_text(const cJSON *object, const char *key)
{
    const cJSON *item = sedd_json_find(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* ---- Tensors ----------------------------------------------------------------------------- */

const struct sedd_tensor *sedd_golden_find(const struct sedd_golden *golden, const char *name,
                                           size_t *count)
{
    *count = 0;
    for (size_t i = 0; name != NULL && i < golden->header.count; i++) {
        const struct sedd_tensor *tensor = &golden->header.tensors[i];
        if (strcmp(tensor->name, name) == 0 && tensor->element == SEDD_ELEMENT_F32) {
            *count = (size_t)(tensor->end - tensor->begin) / sizeof(float);
            return tensor;
        }
    }
    return NULL;
}

float *sedd_golden_tensor(struct sedd_golden *golden, const char *name, size_t *count)
{
    const struct sedd_tensor *tensor = sedd_golden_find(golden, name, count);
    float *values = sedd_golden_memory(golden, *count, sizeof *values);
    *count = values == NULL ? 0 : *count;
    if (*count > 0) {
        sedd_element_read(SEDD_ELEMENT_F32, golden->data + tensor->begin, *count, values);
    }
    return values;
}
