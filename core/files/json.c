/* json.c - implements json.h. */
#include "files/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sedd_status sedd_json_parse(const char *file, const char *text, size_t size, cJSON **root,
                                 struct sedd_error *error)
{
    const char *end = NULL;
    cJSON *parsed = cJSON_ParseWithLengthOpts(text, size, &end, false);
    if (parsed == NULL) {
        return sedd_fail(
            error, SEDD_ERROR_FORMAT,
            "%s is not valid JSON near byte %zu of %zu: it is truncated or another kind of file",
            file, end == NULL ? (size_t)0 : (size_t)(end - text), size);
    }
    for (; end < text + size; end++) {
        if (*end != ' ' && *end != '\n' && *end != '\r' && *end != '\t' && *end != '\0') {
            cJSON_Delete(parsed);
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             "%s has extra content after its JSON, at byte %zu", file,
                             (size_t)(end - text));
        }
    }
    *root = parsed;
    return SEDD_OK;
}

const cJSON *sedd_json_find(const cJSON *root, const char *path)
{
    char key[64];
    const cJSON *item = root;
    while (item != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");
        if (length >= sizeof key || !cJSON_IsObject(item)) {
            return NULL;
        }
        memcpy(key, path, length);
        key[length] = '\0';
        item = cJSON_GetObjectItemCaseSensitive(item, key);
        path += length + (path[length] == '.');
    }
    return item;
}

static bool read_number(const cJSON *item, double *value)
{
    if (cJSON_IsNumber(item)) {
        *value = item->valuedouble;
        return true;
    }
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0') {
        return false;
    }
    char *end;
    *value = strtod(item->valuestring, &end);
    return *end == '\0';
}

enum sedd_status sedd_json_number(const char *file, const cJSON *root, const char *path, double low,
                                  double high, double fallback, double *value,
                                  struct sedd_error *error)
{
    const cJSON *item = sedd_json_find(root, path);
    double found;
    if (item == NULL && !isnan(fallback)) {
        *value = fallback;
        return SEDD_OK;
    }
    if (item == NULL) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s lacks \"%s\"", file, path);
    }
    if (!read_number(item, &found)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: \"%s\" is not a number", file, path);
    }
    if (!(found >= low && found <= high)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: \"%s\" is %g; expected %g to %g", file,
                         path, found, low, high);
    }
    *value = found;
    return SEDD_OK;
}

enum sedd_status sedd_json_integer(const char *file, const cJSON *root, const char *path,
                                   int32_t low, int32_t high, int32_t fallback, int32_t *value,
                                   struct sedd_error *error)
{
    double number;
    enum sedd_status status = sedd_json_number(file, root, path, low, high,
                                               fallback < 0 ? NAN : fallback, &number, error);
    if (status == SEDD_OK && number != floor(number)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: \"%s\" is %g; expected a whole number",
                         file, path, number);
    }
    if (status == SEDD_OK) {
        *value = (int32_t)number;
    }
    return status;
}

enum sedd_status sedd_json_bool(const char *file, const cJSON *root, const char *path,
                                bool fallback, bool *value, struct sedd_error *error)
{
    const cJSON *item = sedd_json_find(root, path);
    if (item != NULL && !cJSON_IsBool(item)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: \"%s\" is invalid; expected true or false",
                         file, path);
    }
    *value = item == NULL ? fallback : cJSON_IsTrue(item) != 0;
    return SEDD_OK;
}

/* Writes "a, b or c" and returns it. */
static const char *list_words(char *bytes, size_t size, const char *const *words, int count)
{
    struct sedd_text text = {bytes, size, 0};
    for (int i = 0; i < count; i++) {
        sedd_text_put(&text, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", words[i]);
    }
    return bytes;
}

enum sedd_status sedd_json_word(const char *file, const cJSON *root, const char *path,
                                const char *const *words, int count, int *index,
                                struct sedd_error *error)
{
    const cJSON *item = sedd_json_find(root, path);
    char list[160];
    list_words(list, sizeof list, words, count);
    if (item == NULL) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s lacks the string \"%s\"", file, path);
    }
    if (!cJSON_IsString(item)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, "%s: \"%s\" is not a string; expected %s", file,
                         path, list);
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(item->valuestring, words[i]) == 0) {
            *index = i;
            return SEDD_OK;
        }
    }
    return sedd_fail(error, SEDD_ERROR_UNSUPPORTED, "%s: \"%s\" is \"%.40s\"; this engine runs %s",
                     file, path, item->valuestring, list);
}

/* ---- Text -------------------------------------------------------------------------------- */

void sedd_text_put_number(struct sedd_text *text, double value)
{
    char shorter[32];
    snprintf(shorter, sizeof shorter, "%.15g", value);
    sedd_text_put(text, strtod(shorter, NULL) == value ? "%.15g" : "%.17g", value);
}

/* Appends a string in quotes. Escapes quotes, backslashes and control characters. */
static void put_string(struct sedd_text *text, const char *string)
{
    sedd_text_put(text, "\"");
    for (const char *c = string; *c != '\0' && text->used < text->size; c++) {
        bool control = (unsigned char)*c < 0x20;
        const char *format = control ? "\\u%04x" : *c == '"' || *c == '\\' ? "\\%c" : "%c";
        sedd_text_put(text, format, *c);
    }
    sedd_text_put(text, "\"");
}

void sedd_text_put_json(struct sedd_text *text, const cJSON *item)
{
    bool object = cJSON_IsObject(item);
    if (cJSON_IsNumber(item)) {
        sedd_text_put_number(text, item->valuedouble);
    } else if (cJSON_IsString(item)) {
        put_string(text, item->valuestring);
    } else if (!object && !cJSON_IsArray(item)) {
        sedd_text_put(text, cJSON_IsNull(item) ? "null" : cJSON_IsTrue(item) ? "true" : "false");
    } else {
        sedd_text_put(text, object ? "{" : "[");
        /* Every level and every member adds at least one byte, so a full text ends the recursion.
         */
        for (const cJSON *child = item->child; child != NULL && text->used < text->size;
             child = child->next) {
            sedd_text_put(text, child == item->child ? "" : ",");
            if (object) {
                put_string(text, child->string);
                sedd_text_put(text, ":");
            }
            sedd_text_put_json(text, child);
        }
        sedd_text_put(text, object ? "}" : "]");
    }
}
