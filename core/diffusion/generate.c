/* generate.c - draws GPT-2's next token with the same temperature and filters as the sampler. */
#include "diffusion/draw.h"
#include "diffusion/options.h"
#include "model/session.h"
#include "random.h"

#include <math.h>

static double uniform_of(const struct sedd_sample_options *options, int32_t step)
{
    return sedd_random_uniform(options->seed, SEDD_STREAM_GENERATE, (uint32_t)step, 0, 0);
}

void sedd_gpt2_uniforms(const struct sedd_sample_options *options, int32_t step, int32_t count,
                        float *uniforms)
{
    for (int32_t i = 0; i < count; i++) {
        uniforms[i] = sedd_random_below_one(uniform_of(options, step + i));
    }
}

enum sedd_status sedd_gpt2_draw(struct sedd_session *session,
                                const struct sedd_sample_options *given, int32_t step,
                                float *logits, int32_t *id, struct sedd_error *error)
{
    int32_t tokens = session->model->info.tokens;
    const struct sedd_kernels *kernels = session->engine->kernels;
    struct sedd_sample_options options = *given;
    enum sedd_status status = sedd_sample_fill(SEDD_KIND_GPT2, &options, error);
    if (status != SEDD_OK) {
        return status;
    }
    sedd_session_mute(session, logits);
    if (options.greedy) {
        *id = sedd_draw_likeliest(logits, tokens);
        return SEDD_OK;
    }
    float sum = kernels->exp_sum(logits, tokens, (float)(1.0 / options.temperature),
                                 kernels->max(logits, tokens));
    if (!isfinite(sum)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         "the network's output is not a number; the weights are damaged");
    }
    sedd_draw_filter(logits, tokens, options.top_k, options.top_p);
    *id = sedd_draw_exact(logits, tokens, uniform_of(&options, step));
    return SEDD_OK;
}
