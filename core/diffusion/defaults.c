/*
 * defaults.c - reads a model's sampling options from its generation_config.json. Hugging Face
 * defines the file and its general keys (temperature, top_k, top_p). The other keys are the names
 * of this sampler's options. The file is as untrusted as the weights.
 */
#include "diffusion/options.h"
#include "files/config.h"
#include "files/open.h"

#define FILE_NAME "generation_config.json"
#define SIZE_LIMIT (1 << 16) /* bytes; real ones have a few hundred */

/* A key that is null counts as absent, because Hugging Face writes keys without a value that
 * way. */
static const struct sedd_field_source SOURCE = {.where = FILE_NAME ": ",
                                                .call = SEDD_CALL_BY_KEY,
                                                .uses = SEDD_FIELD_OF_FILE,
                                                .is_file = true,
                                                .status = SEDD_ERROR_FORMAT};

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
    status = status == SEDD_OK ? sedd_sample_read_from(&SOURCE, root, &read, error) : status;
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

/* Applies the family that the folder's config.json names. Opening the model reports its errors. */
static void apply_family(const char *folder, struct sedd_sample_options *options)
{
    struct sedd_model_info info;
    struct sedd_design design;
    char *json = NULL;
    size_t size = 0;
    if (sedd_file_read(folder, "config.json", SIZE_LIMIT, &json, &size, NULL) == SEDD_OK &&
        sedd_config_read(json, size, &info, &design, NULL) == SEDD_OK) {
        sedd_sample_family(&info, options);
    }
    sedd_memory_free(json);
}

enum sedd_status sedd_sample_defaults_open(const char *folder, struct sedd_sample_options *options,
                                           struct sedd_error *error)
{
    char *json = NULL;
    size_t size = 0;
    apply_family(folder, options);
    enum sedd_status status = sedd_file_read(folder, FILE_NAME, SIZE_LIMIT, &json, &size, error);
    if (status == SEDD_ERROR_IO) {
        return SEDD_OK; /* few folders have one */
    }
    status = status == SEDD_OK ? sedd_sample_defaults(json, size, options, error) : status;
    sedd_memory_free(json);
    return status;
}
