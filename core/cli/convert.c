#define _POSIX_C_SOURCE 200809L /* stat, mkdir */
/* convert.c - sedd convert: reads weights of any supported format and writes a folder in the
 * engine's own format. */
#include "files/convert.h"
#include "files/open.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_LIMIT (64u << 20)

/* Files that are copied if they exist. */
static const char *const BESIDE[] = {"tokenizer.json", "vocab.json", "merges.txt",
                                     "added_tokens.json", "generation_config.json"};

struct paths {
    char folder[4096]; /* of the other files */
    char weights[4096 + 32];
};

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

/* Finds the weights of a folder, or the folder of a file of weights. */
static void find_weights(const char *input, struct paths *paths)
{
    snprintf(paths->folder, sizeof paths->folder, "%s", input);
    if (is_folder(input)) {
        snprintf(paths->weights, sizeof paths->weights, "%s/model.safetensors", paths->folder);
        if (!is_there(paths->weights)) {
            snprintf(paths->weights, sizeof paths->weights, "%s/pytorch_model.bin", paths->folder);
        }
        return;
    }
    snprintf(paths->weights, sizeof paths->weights, "%s", input);
    char *slash = strrchr(paths->folder, '/');
    snprintf(slash == NULL ? paths->folder : slash, 2, "%s", slash == NULL ? "." : "");
}

static enum sedd_status copy_beside(const char *from, const char *to, struct sedd_error *error)
{
    for (size_t i = 0; i < sizeof BESIDE / sizeof BESIDE[0]; i++) {
        char *text;
        size_t size;
        enum sedd_status status = sedd_file_read(from, BESIDE[i], TEXT_LIMIT, &text, &size, error);
        if (status == SEDD_ERROR_IO) {
            continue;
        }
        if (status == SEDD_OK) {
            status = sedd_file_write(to, BESIDE[i], text, size, error);
            sedd_memory_free(text);
        }
        if (status != SEDD_OK) {
            return status;
        }
    }
    return SEDD_OK;
}

static enum sedd_status convert(const struct paths *paths, const char *config_path, const char *out,
                                enum sedd_dtype dtype, struct sedd_error *error)
{
    char there[4096 + 32], *config;
    size_t size;
    enum sedd_status status;
    if (mkdir(out, 0777) != 0 && (errno != EEXIST || !is_folder(out))) {
        return sedd_fail(error, SEDD_ERROR_IO, "the folder %.300s cannot be made: %s", out,
                         strerror(errno));
    }
    snprintf(there, sizeof there, "%.4000s/model.safetensors", out);
    if (is_there(there)) {
        return sedd_fail(error, SEDD_ERROR_IO, "%.300s is there already; name another folder",
                         there);
    }
    if (config_path != NULL) {
        config = cli_file(config_path, &size);
    } else if ((status = sedd_file_read(paths->folder, "config.json", 1u << 20, &config, &size,
                                        error)) != SEDD_OK) {
        return status;
    }
    status = sedd_convert(config, size, paths->weights, out, dtype, error);
    if (status == SEDD_OK) {
        status = sedd_file_write(out, "config.json", config, size, error);
    }
    sedd_memory_free(config);
    return status == SEDD_OK ? copy_beside(paths->folder, out, error) : status;
}

int run_convert(struct cli *cli)
{
    struct sedd_error error;
    struct paths paths;
    const char *word = cli_text(cli, "--dtype"), *out = cli->output;
    if (out == NULL) {
        cli_usage(cli, "it needs a folder to write to", "");
    }
    enum sedd_dtype dtype = SEDD_DTYPE_Q8;
    if (word != NULL && strcmp(word, "f16") == 0) {
        dtype = SEDD_DTYPE_F16;
    } else if (word != NULL && strcmp(word, "f32") == 0) {
        dtype = SEDD_DTYPE_F32;
    } else if (word != NULL && strcmp(word, "q8") != 0) {
        cli_usage(cli, "--dtype is q8, f16 or f32, not ", word);
    }
    find_weights(cli->folder, &paths);
    if (convert(&paths, cli_text(cli, "--config"), out, dtype, &error) != SEDD_OK) {
        return cli_fail(&error);
    }
    printf("%s: written\n", out);
    return 0;
}
