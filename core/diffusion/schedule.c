/* schedule.c - implements schedule.h. */
#include "diffusion/schedule.h"

#include "random.h"

#include <math.h>

#define TIME_END 1e-5 /* end of the grid, where the denoiser follows */
#define HALF_PI 1.57079632679489661923

double sedd_grid_time(enum sedd_grid grid, int32_t steps, int32_t i)
{
    if (grid == SEDD_GRID_COSINE) {
        return TIME_END + (1.0 - TIME_END) * cos(HALF_PI * i / steps);
    }
    float step = ((float)TIME_END - 1.0f) / (float)steps;
    bool first_half = i < (steps + 1) / 2; /* counted from both ends, as torch.linspace does */
    return (double)(first_half ? 1.0f + step * (float)i
                               : (float)TIME_END - step * (float)(steps - i));
}

double sedd_grid_delta(enum sedd_grid grid, int32_t steps, int32_t i)
{
    if (grid == SEDD_GRID_COSINE) {
        return sedd_grid_time(grid, steps, i) - sedd_grid_time(grid, steps, i + 1);
    }
    return (1.0 - TIME_END) / steps;
}

int32_t sedd_schedule_count(enum sedd_grid grid, int32_t steps, int32_t i, int32_t masked)
{
    double share = sedd_grid_delta(grid, steps, i) / sedd_grid_time(grid, steps, i);
    int32_t count = (int32_t)lround(share * masked);
    return i + 1 >= steps ? masked : sedd_min(sedd_max(count, 1), masked);
}

double sedd_schedule_time(const struct sedd_model_info *info, double share)
{
    double t = sedd_noise_time(info, -log1p(-fmin(share, 1.0 - 1e-12)));
    return fmin(fmax(t, TIME_END), 1.0);
}

double sedd_schedule_hit(const struct sedd_model_info *info, uint64_t seed, int32_t position,
                         int32_t masked)
{
    double sigma, dsigma;
    sedd_noise_at(info, 1.0, &sigma, &dsigma);
    double share = -expm1(-sigma);
    for (int32_t i = 0; i <= position; i++) {
        double u = 1.0 - sedd_random_uniform(seed, SEDD_STREAM_HIT, (uint32_t)i, 0, 0); /* > 0 */
        share *= pow(u, 1.0 / (masked + position - i));
    }
    return sedd_schedule_time(info, share);
}
