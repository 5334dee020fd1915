/* option_table.c - implements option_table.h. */
#include "files/option_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_LIMIT 18446744073709551616.0 /* 2^64 */

/* ---- Words -------------------------------------------------------------------------------- */

const char *sedd_field_called(const struct sedd_field *field,
                              const struct sedd_field_source *source, char *text, size_t size)
{
    if (source->call != SEDD_CALL_BY_FLAG) {
        snprintf(text, size, "%s", source->call == SEDD_CALL_BY_KEY ? field->key : field->name);
        return text;
    }
    snprintf(text, size, "--%s%s", field->type == SEDD_FIELD_OFF ? "no-" : "", field->key);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    return text;
}

/* Returns the size of a word in a list of words, without its old name. */
static size_t word_size(const char *word)
{
    return strcspn(word, " |");
}

static const char *next_word(const char *word)
{
    word += strcspn(word, " ");
    return *word == '\0' ? NULL : word + 1;
}

static int32_t count_words(const char *words)
{
    int32_t count = 0;
    for (const char *word = words; word != NULL; word = next_word(word)) {
        count++;
    }
    return count;
}

static const char *word_at(const char *words, int32_t index)
{
    for (; index > 0; index--) {
        words = next_word(words);
    }
    return words;
}

/* Appends "a, b or c". */
static void put_words(struct sedd_text *text, const char *words)
{
    for (const char *word = words; word != NULL; word = next_word(word)) {
        const char *between = word == words ? "" : next_word(word) == NULL ? " or " : ", ";
        sedd_text_put(text, "%s%.*s", between, (int)word_size(word), word);
    }
}

const char *sedd_field_expects(const struct sedd_field *field, char *bytes, size_t size)
{
    struct sedd_text text = {bytes, size, 0};
    bytes[0] = '\0';
    if (field->expects != NULL) {
        sedd_text_put(&text, "%s", field->expects);
    } else if (field->type == SEDD_FIELD_WORD) {
        put_words(&text, field->words);
    } else if (field->type == SEDD_FIELD_SEED) {
        sedd_text_put(&text, "a whole number from 0 to 18446744073709551615");
    } else if (field->type == SEDD_FIELD_SWITCH || field->type == SEDD_FIELD_OFF) {
        sedd_text_put(&text, "true or false");
    } else {
        sedd_text_put(&text, "a %snumber from %.10g to %.10g",
                      field->type == SEDD_FIELD_INTEGER ? "whole " : "", field->low, field->high);
    }
    return bytes;
}

/* Appends the given value. JSON lacks NaN and Infinity, so JavaScript sends them as these words. */
static void put_value(struct sedd_text *text, const cJSON *item)
{
    if (cJSON_IsNumber(item)) {
        sedd_text_put_number(text, item->valuedouble);
    } else if (cJSON_IsString(item)) {
        const char *word = item->valuestring, *digits = word + (*word == '-');
        bool bare = strcmp(word, "NaN") == 0 || strcmp(digits, "Infinity") == 0;
        sedd_text_put(text, bare ? "%.40s" : "\"%.40s\"", word);
    } else if (cJSON_IsArray(item)) {
        sedd_text_put(text, item->child != NULL ? "a list" : "[]");
    } else if (cJSON_IsObject(item)) {
        sedd_text_put(text, item->child != NULL ? "an object" : "{}");
    } else {
        sedd_text_put(text, cJSON_IsNull(item) ? "null" : cJSON_IsTrue(item) ? "true" : "false");
    }
}

static enum sedd_status refuse(const struct sedd_field *field,
                               const struct sedd_field_source *source, const cJSON *item,
                               struct sedd_error *error)
{
    char value[80], expects[160], called[40];
    struct sedd_text text = {value, sizeof value, 0};
    put_value(&text, item);
    return sedd_fail(error, source->status, "%s%s is %s; expected %s", source->where,
                     sedd_field_called(field, source, called, sizeof called), value,
                     sedd_field_expects(field, expects, sizeof expects));
}

/* ---- Reading ----------------------------------------------------------------------------- */

static void *place_of(const struct sedd_field *field, void *options)
{
    return (char *)options + field->offset;
}

static bool read_seed(const cJSON *item, uint64_t *seed)
{
    if (cJSON_IsNumber(item)) {
        double value = item->valuedouble;
        bool fits = value >= 0.0 && value < SEED_LIMIT && value == floor(value);
        *seed = fits ? (uint64_t)value : 0;
        return fits;
    }
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0') {
        return false;
    }
    uint64_t value = 0;
    for (const char *digit = item->valuestring; *digit != '\0'; digit++) {
        uint64_t next = (uint64_t)(*digit - '0');
        if (*digit < '0' || *digit > '9' || value > (UINT64_MAX - next) / 10) {
            return false;
        }
        value = 10 * value + next;
    }
    *seed = value;
    return true;
}

static bool read_word(const cJSON *item, const char *words, int32_t *index)
{
    int32_t number = 0;
    for (const char *word = words; cJSON_IsString(item) && word != NULL; number++) {
        size_t own = word_size(word), whole = strcspn(word, " ");
        size_t size = strlen(item->valuestring);
        bool old = whole > own && size == whole - own - 1 &&
                   memcmp(word + own + 1, item->valuestring, size) == 0;
        if (old || (size == own && memcmp(word, item->valuestring, size) == 0)) {
            *index = number;
            return true;
        }
        word = next_word(word);
    }
    return false;
}

static bool in_range(const struct sedd_field *field, double value)
{
    bool whole = field->type != SEDD_FIELD_INTEGER || value == floor(value);
    bool zero = field->zero_offset != 0 && value == 0.0;
    return whole && (zero || (value >= field->low && value <= field->high));
}

/* Returns the flag that marks a number as 0 on purpose, or NULL. */
static bool *zero_flag(const struct sedd_field *field, void *options)
{
    return field->zero_offset == 0 ? NULL : (bool *)((char *)options + field->zero_offset);
}

static bool store_number(const struct sedd_field *field, double value, void *options)
{
    bool *zero = zero_flag(field, options);
    if (!in_range(field, value)) {
        return false;
    }
    *(double *)place_of(field, options) = value + 0.0; /* -0 is 0 */
    if (zero != NULL) {
        *zero = value == 0.0;
    }
    return true;
}

static bool store(const struct sedd_field *field, const cJSON *item, void *options)
{
    void *place = place_of(field, options);
    int32_t index;
    switch (field->type) {
    case SEDD_FIELD_INTEGER:
        if (!cJSON_IsNumber(item) || !in_range(field, item->valuedouble)) {
            return false;
        }
        *(int32_t *)place = (int32_t)item->valuedouble;
        return true;
    case SEDD_FIELD_NUMBER:
        return cJSON_IsNumber(item) && store_number(field, item->valuedouble, options);
    case SEDD_FIELD_SEED: return read_seed(item, place);
    case SEDD_FIELD_WORD:
        if (!read_word(item, field->words, &index)) {
            return false;
        }
        memcpy(place, &index, sizeof index);
        return true;
    default:
        if (!cJSON_IsBool(item)) {
            return false;
        }
        *(bool *)place = cJSON_IsTrue(item) == (field->type == SEDD_FIELD_SWITCH);
        return true;
    }
}

const cJSON *sedd_field_given(const struct sedd_field *field,
                              const struct sedd_field_source *source, const cJSON *root)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(
        root, source->call == SEDD_CALL_BY_KEY ? field->key : field->name);
    bool named = (field->uses & source->uses) != 0;
    return !named || (source->is_file && cJSON_IsNull(item)) ? NULL : item;
}

enum sedd_status sedd_field_read(const struct sedd_field *field,
                                 const struct sedd_field_source *source, const cJSON *root,
                                 void *options, struct sedd_error *error)
{
    const cJSON *item = sedd_field_given(field, source, root);
    return item == NULL || store(field, item, options) ? SEDD_OK
                                                       : refuse(field, source, item, error);
}

const struct sedd_field *sedd_fields_find(struct sedd_fields fields, const char *name)
{
    for (size_t i = 0; i < fields.count; i++) {
        if (strcmp(fields.rows[i].name, name) == 0) {
            return &fields.rows[i];
        }
    }
    return NULL;
}

/* Returns true if the name is one of `names`, each between spaces. */
static bool lists(const char *names, const char *name)
{
    char spaced[48];
    snprintf(spaced, sizeof spaced, " %.40s ", name);
    return names != NULL && strstr(names, spaced) != NULL;
}

static enum sedd_status check_names(struct sedd_fields fields,
                                    const struct sedd_field_source *source, const cJSON *root,
                                    struct sedd_error *error)
{
    for (const cJSON *item = root->child; item != NULL && !source->is_file; item = item->next) {
        const struct sedd_field *field = sedd_fields_find(fields, item->string);
        bool known = field != NULL && (field->uses & source->uses) != 0;
        if (!known && !lists(source->others, item->string)) {
            return sedd_fail(error, source->status, "%sunknown option \"%.40s\"", source->where,
                             item->string);
        }
    }
    return SEDD_OK;
}

enum sedd_status sedd_fields_read(struct sedd_fields fields, const struct sedd_field_source *source,
                                  const cJSON *root, void *options, struct sedd_error *error)
{
    enum sedd_status status = check_names(fields, source, root, error);
    for (size_t i = 0; i < fields.count && status == SEDD_OK; i++) {
        status = sedd_field_read(&fields.rows[i], source, root, options, error);
    }
    return status;
}

enum sedd_status sedd_call_parse(const char *json, size_t size, cJSON **root,
                                 struct sedd_error *error)
{
    enum sedd_status status = sedd_json_parse("the options", json, size, root, error);
    if (status == SEDD_OK && !cJSON_IsObject(*root)) {
        cJSON_Delete(*root);
        *root = NULL;
        status = sedd_fail(error, SEDD_ERROR_ARGUMENT, "the options are not a JSON object");
    }
    return status;
}

enum sedd_status sedd_fields_parse(struct sedd_fields fields, unsigned uses, const char *json,
                                   size_t size, void *options, struct sedd_error *error)
{
    const struct sedd_field_source source = {
        .where = "", .uses = uses, .status = SEDD_ERROR_ARGUMENT};
    cJSON *root = NULL;
    enum sedd_status status = sedd_call_parse(json, size, &root, error);
    status = status == SEDD_OK ? sedd_fields_read(fields, &source, root, options, error) : status;
    cJSON_Delete(root);
    return status;
}

/* ---- Checking and writing ---------------------------------------------------------------- */

/* Returns the value in the struct as a number. */
static double value_of(const struct sedd_field *field, const void *options)
{
    const void *place = (const char *)options + field->offset;
    int32_t index;
    switch (field->type) {
    case SEDD_FIELD_NUMBER: return *(const double *)place;
    case SEDD_FIELD_SEED: return (double)*(const uint64_t *)place;
    case SEDD_FIELD_INTEGER:
    case SEDD_FIELD_WORD: memcpy(&index, place, sizeof index); return index;
    default: return *(const bool *)place;
    }
}

static enum sedd_status check(const struct sedd_field *field, double value,
                              struct sedd_error *error)
{
    char expects[160];
    if (field->type == SEDD_FIELD_WORD) {
        int32_t last = count_words(field->words) - 1;
        return value >= 0.0 && value <= last
                   ? SEDD_OK
                   : sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s is %g; expected 0 to %d", field->key,
                               value, (int)last);
    }
    bool number = field->type == SEDD_FIELD_INTEGER || field->type == SEDD_FIELD_NUMBER;
    return !number || value == 0.0 || in_range(field, value)
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s is %.10g; expected %s", field->key,
                           value, sedd_field_expects(field, expects, sizeof expects));
}

enum sedd_status sedd_fields_check(struct sedd_fields fields, unsigned uses, void *options,
                                   struct sedd_error *error)
{
    for (size_t i = 0; i < fields.count; i++) {
        const struct sedd_field *field = &fields.rows[i];
        double value = value_of(field, options);
        if ((field->uses & uses) == 0 && value != 0.0) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s does not apply here", field->key);
        }
        enum sedd_status status = check(field, value, error);
        if (status != SEDD_OK) {
            return status;
        }
        if (value == 0.0 && field->type == SEDD_FIELD_INTEGER) {
            *(int32_t *)place_of(field, options) = (int32_t)field->fallback;
        } else if (value == 0.0 && field->type == SEDD_FIELD_NUMBER) {
            *(double *)place_of(field, options) = field->fallback;
        }
    }
    return SEDD_OK;
}

size_t sedd_fields_write(struct sedd_fields fields, const void *options, bool all, char *bytes,
                         size_t size)
{
    struct sedd_text text = {bytes, size, 0};
    bytes[0] = '\0';
    for (size_t i = 0; i < fields.count; i++) {
        const struct sedd_field *field = &fields.rows[i];
        double value = value_of(field, options);
        bool number = field->type == SEDD_FIELD_INTEGER || field->type == SEDD_FIELD_NUMBER;
        bool zero = field->zero_offset != 0 && *((const bool *)options + field->zero_offset);
        double shown = zero ? 0.0 : value == 0.0 && number ? field->fallback : value;
        bool named = zero || value != 0.0, told = (field->uses & SEDD_FIELD_TOLD) != 0 && all;
        if (!told && !(named && (field->uses & (SEDD_FIELD_TOLD | SEDD_FIELD_NAMED)) != 0)) {
            continue;
        }
        sedd_text_put(&text, "%s\"%s\":", text.used > 0 ? "," : "", field->name);
        if (field->type == SEDD_FIELD_WORD) {
            const char *word = word_at(field->words, (int32_t)value);
            sedd_text_put(&text, "\"%.*s\"", (int)word_size(word), word);
        } else if (field->type == SEDD_FIELD_SEED) {
            const void *place = (const char *)options + field->offset;
            sedd_text_put(&text, "\"%llu\"", (unsigned long long)*(const uint64_t *)place);
        } else if (number) {
            sedd_text_put_number(&text, shown);
        } else {
            sedd_text_put(&text,
                          (value != 0.0) == (field->type == SEDD_FIELD_SWITCH) ? "true" : "false");
        }
    }
    return text.used;
}
