/* cross_entropy.c - implements cross_entropy.h. */
#include "eval/cross_entropy.h"

#include "model/score.h"

#include <math.h>

double sedd_cross_entropy(const struct sedd_session *session, float *logits, int32_t target)
{
    double wanted = (double)logits[target];
    return sedd_score_log_sum(session, logits) - wanted;
}

void sedd_targets_visit(void *user, int32_t row, int32_t place, float *logits, float *work)
{
    const struct sedd_targets *targets = user;
    (void)place;
    (void)work;
    targets->value[row] = sedd_cross_entropy(targets->session, logits, targets->target[row]);
}

double sedd_masked_sigma(double share)
{
    return -log1p(-fmin(share, 1.0 - 1e-3));
}
