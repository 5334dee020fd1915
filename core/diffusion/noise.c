/*
 * noise.c - the schedules sigma(t), t in [0, 1], in double (SEDD, section 5.1 and appendix C).
 *
 *   loglinear  sigma = -ln(1 - (1 - eps) t), eps = 1e-3: a fraction (1 - eps) t is masked at t
 *   geometric  sigma = sigma_min^(1-t) sigma_max^t
 */
#include "common.h"

#include <math.h>

#define LOGLINEAR_RATE (1.0 - 1e-3)

void sedd_noise_at(const struct sedd_model_info *info, double t, double *sigma, double *dsigma)
{
    if (info->noise == SEDD_NOISE_LOGLINEAR) {
        *sigma = -log1p(-LOGLINEAR_RATE * t);
        *dsigma = LOGLINEAR_RATE / (1.0 - LOGLINEAR_RATE * t);
    } else {
        double log_ratio = log(info->sigma_max) - log(info->sigma_min);
        *sigma = info->sigma_min * exp(t * log_ratio);
        *dsigma = *sigma * log_ratio;
    }
}

double sedd_noise_time(const struct sedd_model_info *info, double sigma)
{
    double t = info->noise == SEDD_NOISE_LOGLINEAR
                   ? -expm1(-sigma) / LOGLINEAR_RATE
                   : log(sigma / info->sigma_min) / log(info->sigma_max / info->sigma_min);
    return t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
}
