/* open.c - opens and closes the tokenizer, model, engine and session of a command. */
#include "options.h"

struct sedd_model *cli_model(const struct cli *cli, const char *folder)
{
    struct sedd_model *model = NULL;
    struct sedd_error error;
    enum sedd_dtype dtype = SEDD_DTYPE_AUTO;
    if (cli_has(cli, "--dtype")) {
        dtype = cli_word(cli, "--dtype", "f32 q8") == 1 ? SEDD_DTYPE_Q8 : SEDD_DTYPE_F32;
    }
    if (sedd_model_open(folder, dtype, &model, &error) != SEDD_OK) {
        cli_fail(&error);
    }
    return model;
}

static bool open_tokenizer(const struct cli *cli, bool needed, struct opened *opened)
{
    struct sedd_error error;
    enum sedd_status status = sedd_tokenizer_open(cli->folder, &opened->tokenizer, &error);
    if (status != SEDD_OK && (needed || status != SEDD_ERROR_IO)) {
        cli_fail(&error);
        return false;
    }
    return true;
}

static bool open_engine(const struct cli *cli, struct opened *opened)
{
    struct sedd_error error;
    struct sedd_engine_options options = {
        .kernels = cli_text(cli, "--kernels"),
        .threads = cli_integer(cli, "--threads", 1, 1, SEDD_THREADS_MAX),
    };
    if (sedd_engine_new(&options, &opened->engine, &error) != SEDD_OK) {
        cli_fail(&error);
        return false;
    }
    return true;
}

bool cli_open(const struct cli *cli, unsigned parts, struct opened *opened)
{
    *opened = (struct opened){0};
    bool needed = (parts & CLI_NEEDS_TOKENIZER) == CLI_NEEDS_TOKENIZER;
    bool done = (parts & CLI_TOKENIZER) == 0 || open_tokenizer(cli, needed, opened);
    if (done && (parts & CLI_MODEL) != 0) {
        opened->model = cli_model(cli, cli->folder);
        done = opened->model != NULL;
    }
    if (done && opened->model != NULL) {
        sedd_model_describe(opened->model, &opened->info);
    }
    done = done && ((parts & CLI_ENGINE) == 0 || open_engine(cli, opened));
    if (!done) {
        cli_close(opened);
    }
    return done;
}

bool cli_open_session(struct opened *opened, int32_t rows)
{
    struct sedd_error error;
    enum sedd_status status =
        sedd_session_new(opened->engine, opened->model, rows, &opened->session, &error);
    if (status == SEDD_OK && opened->tokenizer != NULL) {
        status = sedd_session_limit(opened->session, opened->tokenizer, &error);
    }
    if (status != SEDD_OK) {
        cli_fail(&error);
    }
    return status == SEDD_OK;
}

void cli_close(struct opened *opened)
{
    sedd_session_free(opened->session);
    sedd_engine_free(opened->engine);
    sedd_model_free(opened->model);
    sedd_tokenizer_free(opened->tokenizer);
    *opened = (struct opened){0};
}
