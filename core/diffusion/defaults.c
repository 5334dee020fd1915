/*
 * defaults.c - generation_config.json: how a model was trained to write. The file and its general
 * keys are Hugging Face's (temperature, top_k, top_p); the sampler's own have the names of its
 * options. The file is as untrusted as the weights.
 */
#include "diffusion/sampler.h"
#include "files/json.h"
#include "files/open.h"

#define FILE_NAME "generation_config.json"
#define SIZE_LIMIT (1 << 16) /* bytes; real ones have a few hundred */

/* Keys that are null count as absent: Hugging Face writes so what has no value. */
static bool given(const cJSON *root, const char *key)
{
    const cJSON *item = sedd_json_find(root, key);
    return item != NULL && !cJSON_IsNull(item);
}

static enum sedd_status read_words(const cJSON *root, struct sedd_sample_options *options,
                                   struct sedd_error *error)
{
    static const char *const POSITIONS[] = {"score", "normalised", "fixed", "bounded", "hitting"};
    static const char *const ORDERS[] = {"random", "spread", "confidence", "margin", "entropy"};
    static const char *const GRIDS[] = {"linear", "cosine"};
    static const char *const CONTEXTS[] = {"all", "known"};
    int positions = (int)options->positions, order = (int)options->order;
    int grid = (int)options->grid, context = (int)options->context;
    const struct {
        const char *key;
        const char *const *words;
        int count, *index;
    } keys[] = {{"positions", POSITIONS, 5, &positions},
                {"order", ORDERS, 5, &order},
                {"grid", GRIDS, 2, &grid},
                {"context", CONTEXTS, 2, &context}};
    enum sedd_status status = SEDD_OK;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && status == SEDD_OK; i++) {
        if (given(root, keys[i].key)) {
            status = sedd_json_word(FILE_NAME, root, keys[i].key, keys[i].words, keys[i].count,
                                    keys[i].index, error);
        }
    }
    options->positions = (enum sedd_positions)positions;
    options->order = (enum sedd_order)order;
    options->grid = (enum sedd_grid)grid;
    options->context = (enum sedd_context)context;
    return status;
}

static enum sedd_status read_numbers(const cJSON *root, struct sedd_sample_options *options,
                                     struct sedd_error *error)
{
    const struct {
        const char *key;
        double low, high, *value;
    } numbers[] = {{"gamma", 1e-9, 1e9, &options->gamma},
                   {"temperature", 0.01, 100.0, &options->temperature},
                   {"top_p", 1e-6, 1.0, &options->top_p}};
    enum sedd_status status = SEDD_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && status == SEDD_OK; i++) {
        if (given(root, numbers[i].key)) {
            status = sedd_json_number(FILE_NAME, root, numbers[i].key, numbers[i].low,
                                      numbers[i].high, 0.0, numbers[i].value, error);
        }
    }
    if (status == SEDD_OK && given(root, "steps")) {
        status = sedd_json_integer(FILE_NAME, root, "steps", 1, 1000000, 0, &options->steps, error);
    }
    if (status == SEDD_OK && given(root, "top_k")) {
        status =
            sedd_json_integer(FILE_NAME, root, "top_k", 0, INT32_MAX, 0, &options->top_k, error);
    }
    return status;
}

enum sedd_status sedd_sample_defaults(const char *json, size_t size,
                                      struct sedd_sample_options *options, struct sedd_error *error)
{
    struct sedd_sample_options read = *options;
    cJSON *root = NULL;
    if (size > SIZE_LIMIT) {
        return sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME " has %zu bytes; expected at most %d",
                         size, SIZE_LIMIT);
    }
    enum sedd_status status = sedd_json_parse(FILE_NAME, json, size, &root, error);
    if (status == SEDD_OK && !cJSON_IsObject(root)) {
        status =
            sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME " is JSON, but not an object of keys");
    }
    status = status == SEDD_OK ? read_words(root, &read, error) : status;
    status = status == SEDD_OK ? read_numbers(root, &read, error) : status;
    const char *conflict = status == SEDD_OK ? sedd_sample_conflict(&read) : NULL;
    if (conflict != NULL) {
        status = sedd_fail(error, SEDD_ERROR_FORMAT, FILE_NAME ": %s", conflict);
    }
    cJSON_Delete(root);
    if (status == SEDD_OK) {
        *options = read;
    }
    return status;
}

enum sedd_status sedd_sample_defaults_open(const char *folder, struct sedd_sample_options *options,
                                           struct sedd_error *error)
{
    char *json = NULL;
    size_t size = 0;
    enum sedd_status status = sedd_file_read(folder, FILE_NAME, SIZE_LIMIT, &json, &size, error);
    if (status == SEDD_ERROR_IO) {
        return SEDD_OK; /* few folders have one */
    }
    status = status == SEDD_OK ? sedd_sample_defaults(json, size, options, error) : status;
    sedd_memory_free(json);
    return status;
}
