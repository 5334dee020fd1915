/* engine.c - implements the engine calls of sedd.h. */
#include "engine.h"

const char *sedd_kernels_name(size_t index)
{
    const struct sedd_kernels *kernels = sedd_kernels_at(index);
    return kernels == NULL ? NULL : kernels->name;
}

static enum sedd_status fail_kernels(const char *name, struct sedd_error *error)
{
    char list[160] = "";
    struct sedd_text text = {list, sizeof list, 0};
    for (size_t i = 0; sedd_kernels_name(i) != NULL; i++) {
        sedd_text_put(&text, "%s%s", i == 0 ? "" : ", ", sedd_kernels_name(i));
    }
    return sedd_fail(error, SEDD_ERROR_ARGUMENT,
                     "unknown or unsupported kernel table \"%.40s\"; this processor can run: %s",
                     name, list);
}

enum sedd_status sedd_engine_new(const struct sedd_engine_options *options,
                                 struct sedd_engine **out, struct sedd_error *error)
{
    int32_t threads = options->threads == 0 ? 1 : options->threads;
    if (threads < 1 || threads > SEDD_THREADS_MAX) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "threads is %d; expected 1 to %d",
                         (int)threads, SEDD_THREADS_MAX);
    }
    const struct sedd_kernels *kernels = sedd_kernels_find(options->kernels);
    if (kernels == NULL) {
        return fail_kernels(options->kernels, error);
    }
    struct sedd_engine *engine = sedd_memory_new(1, sizeof *engine);
    if (engine == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the engine");
    }
    engine->kernels = kernels;
    enum sedd_status status = sedd_pool_new(threads, &engine->pool, error);
    if (status != SEDD_OK) {
        sedd_memory_free(engine);
        return status;
    }
    *out = engine;
    return SEDD_OK;
}

void sedd_engine_free(struct sedd_engine *engine)
{
    if (engine != NULL) {
        sedd_pool_free(engine->pool);
        sedd_memory_free(engine);
    }
}

const char *sedd_engine_kernels(const struct sedd_engine *engine)
{
    return engine->kernels->name;
}

void sedd_engine_cancel(struct sedd_engine *engine, bool cancel)
{
    atomic_store(&engine->cancel, cancel ? 1 : 0);
}

int32_t sedd_engine_threads(const struct sedd_engine *engine)
{
    return sedd_pool_threads(engine->pool);
}
