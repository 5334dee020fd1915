/*
 * fixture.h - opens an engine, a session of ROWS rows and the model of a golden folder, for tests
 * of passes and samplers. The model's windows have 32 tokens, and its network has two blocks and
 * STATES states.
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
};

static inline void open_fixture(struct fixture *fixture, enum sedd_dtype dtype, int32_t threads,
                                const char *kernels)
{
    struct sedd_error error = {SEDD_OK, ""};
    struct sedd_engine_options options = {.kernels = kernels, .threads = threads};
    if (!CHECK(sedd_model_open(TEST_DIR "/golden/absorb", dtype, &fixture->model, &error) ==
               SEDD_OK) ||
        !CHECK(sedd_engine_new(&options, &fixture->engine, &error) == SEDD_OK) ||
        !CHECK(sedd_session_new(fixture->engine, fixture->model, ROWS, &fixture->session, &error) ==
               SEDD_OK)) {
        fprintf(stderr, "%s\n", error.message);
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
