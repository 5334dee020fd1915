/*
 * fixture.h - opens an engine, the model of a golden folder and a session, for tests of passes and
 * samplers. The model of golden/absorb has windows of 32 tokens, two blocks and STATES states.
 */
#ifndef SEDD_TEST_FIXTURE_H
#define SEDD_TEST_FIXTURE_H

#include "test.h"

#include "sedd.h"

#include <stdlib.h>

#define ROWS 64 /* two sequences */
#define STATES 98

struct fixture {
    struct sedd_engine *engine;
    struct sedd_model *model;
    struct sedd_session *session;
    struct sedd_model_info info;
};

/* Opens golden/NAME with a session of `rows` rows. Returns false, after a failed check with the
 * reason, if it cannot be opened.
 */
static inline bool open_golden(struct fixture *fixture, const char *name, int32_t rows,
                               enum sedd_dtype dtype, const struct sedd_engine_options *options)
{
    char folder[512];
    struct sedd_error error = {SEDD_OK, ""};
    *fixture = (struct fixture){0};
    snprintf(folder, sizeof folder, "%s/golden/%s", TEST_DIR, name);
    bool ok = sedd_engine_new(options, &fixture->engine, &error) == SEDD_OK &&
              sedd_model_open(folder, dtype, &fixture->model, &error) == SEDD_OK &&
              sedd_session_new(fixture->engine, fixture->model, rows, &fixture->session, &error) ==
                  SEDD_OK;
    if (!CHECK(ok)) {
        fprintf(stderr, "    %s: %s\n", name, error.message);
        return false;
    }
    sedd_model_describe(fixture->model, &fixture->info);
    return true;
}

/* Opens golden/absorb with a session of ROWS rows, or ends the test. */
static inline void open_fixture(struct fixture *fixture, enum sedd_dtype dtype, int32_t threads,
                                const char *kernels)
{
    struct sedd_engine_options options = {.kernels = kernels, .threads = threads};
    if (!open_golden(fixture, "absorb", ROWS, dtype, &options)) {
        exit(1);
    }
}

static inline void close_fixture(struct fixture *fixture)
{
    sedd_session_free(fixture->session);
    sedd_engine_free(fixture->engine);
    sedd_model_free(fixture->model);
}

#endif
