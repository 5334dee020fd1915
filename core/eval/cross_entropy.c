/* cross_entropy.c - implements cross_entropy.h. */
#include "eval/cross_entropy.h"

#include <math.h>

double sedd_cross_entropy(const struct sedd_session *session, float *logits, int32_t target)
{
    const struct sedd_kernels *kernels = session->engine->kernels;
    int32_t tokens = session->model->info.tokens;
    double wanted = (double)logits[target];
    float largest = kernels->max(logits, tokens);
    return log((double)kernels->exp_sum(logits, tokens, 1.0f, largest)) + (double)largest - wanted;
}

void sedd_targets_visit(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    const struct sedd_targets *targets = user;
    (void)place;
    (void)work;
    targets->value[row] = sedd_cross_entropy(targets->session, logits, targets->target[row]);
}

double sedd_masked_sigma(int32_t masked, int32_t count)
{
    return -log1p(-fmin((double)masked / count, 1.0 - 1e-3));
}
