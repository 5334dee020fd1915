/* eval_fields.c - reads the fields of a request and prints lists (see eval.h). */
#include "eval.h"

#include "diffusion/options.h"

#include <math.h>
#include <stdio.h>

enum sedd_status eval_integer(const cJSON *request, const char *name, int32_t low, int32_t fallback,
                              int32_t *value, struct sedd_error *error)
{
    return sedd_json_integer("the request", request, name, low, INT32_MAX, fallback, value, error);
}

struct sedd_field_source eval_source(enum sedd_kind kind, const char *others)
{
    return (struct sedd_field_source){.where = "the request: ",
                                      .uses = sedd_field_uses(kind),
                                      .others = others,
                                      .status = SEDD_ERROR_ARGUMENT};
}

enum sedd_status eval_fill_ids(const cJSON *array, const char *name, int32_t *ids,
                               struct sedd_error *error)
{
    size_t place = 0;
    for (const cJSON *item = array->child; item != NULL; item = item->next, place++) {
        if (!cJSON_IsNumber(item) || item->valuedouble != (double)item->valueint) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s has something else than an id at %zu",
                             name, place);
        }
        ids[place] = item->valueint;
    }
    return SEDD_OK;
}

enum sedd_status eval_ids(const cJSON *request, const char *name, int32_t **ids, size_t *count,
                          struct sedd_error *error)
{
    const cJSON *array = sedd_json_find(request, name);
    if (!cJSON_IsArray(array)) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "the request needs %s, a list of ids", name);
    }
    *count = (size_t)cJSON_GetArraySize(array);
    *ids = sedd_memory_new(*count, sizeof **ids);
    if (*ids == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu ids", *count);
    }
    enum sedd_status status = eval_fill_ids(array, name, *ids, error);
    if (status != SEDD_OK) {
        sedd_memory_free(*ids);
        *ids = NULL;
    }
    return status;
}

void eval_print_ids(const int32_t *ids, size_t count)
{
    putchar('[');
    for (size_t i = 0; i < count; i++) {
        printf(i == 0 ? "%d" : ",%d", (int)ids[i]);
    }
    putchar(']');
}

void eval_print_error(const char *name, double error)
{
    printf(isnan(error) ? "\"%s\": null" : "\"%s\": %.6g", name, error);
}

void eval_print_numbers(const char *name, const double *values, size_t count)
{
    printf("\"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        printf(i == 0 ? "%.12g" : ", %.12g", values[i]);
    }
    putchar(']');
}
