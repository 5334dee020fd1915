/*
 * golden_sampler.c - starts the engine's sampler as a reference code ran (see golden_check.h): with
 * its kinds of steps and its uniforms.
 */
#include "golden/golden_check.h"

#include "diffusion/sampler.h"

#include <stdio.h>
#include <string.h>

enum sedd_move sedd_golden_move(const char *kind)
{
    static const char *const last[] = {"denoise", "denoiser", "final", "removal"};
    for (size_t i = 0; kind != NULL && i < sizeof last / sizeof *last; i++) {
        if (strcmp(kind, last[i]) == 0) {
            return SEDD_MOVE_DENOISER;
        }
    }
    return kind != NULL && strcmp(kind, "euler") == 0 ? SEDD_MOVE_EULER : SEDD_MOVE_ANALYTIC;
}

static void read_uniforms(void *user, float *values, size_t count)
{
    struct sedd_golden_uniforms *uniforms = user;
    char name[96];
    size_t found;
    snprintf(name, sizeof name, "%.80s.u%d", uniforms->name, (int)uniforms->draws++);
    const struct sedd_tensor *tensor = sedd_golden_find(uniforms->golden, name, &found);
    if (tensor == NULL || found != count) {
        uniforms->damaged = true;
        return;
    }
    sedd_element_read(SEDD_ELEMENT_F32, uniforms->golden->data + tensor->begin, count, values);
}

enum sedd_status sedd_golden_sampler(struct sedd_golden_uniforms *uniforms,
                                     const struct sedd_sample_options *options, double end,
                                     struct sedd_session **session, struct sedd_sampler **sampler)
{
    struct sedd_golden *golden = uniforms->golden;
    enum sedd_status status = sedd_session_new(
        golden->engine, golden->model, options->batch * options->length, session, golden->error);
    if (status == SEDD_OK) {
        status = sedd_sampler_new(*session, options, sampler, golden->error);
    }
    if (status == SEDD_OK) {
        status = sedd_sampler_feed(*sampler, read_uniforms, uniforms, end, golden->error);
    }
    return status;
}
