/* schedule.c - implements schedule.h. */
#include "diffusion/schedule.h"

#include "random.h"

#include <math.h>

#define HALF_PI 1.57079632679489661923

double sedd_grid_time(enum sedd_grid grid, int32_t steps, int32_t i, double end)
{
    if (grid == SEDD_GRID_COSINE) {
        return end + (1.0 - end) * cos(HALF_PI * i / steps);
    }
    float step = ((float)end - 1.0f) / (float)steps;
    bool first_half = i < (steps + 1) / 2; /* counted from both ends, as torch.linspace does */
    return (double)(first_half ? 1.0f + step * (float)i : (float)end - step * (float)(steps - i));
}

double sedd_grid_delta(enum sedd_grid grid, int32_t steps, int32_t i, double end)
{
    if (grid == SEDD_GRID_COSINE) {
        return sedd_grid_time(grid, steps, i, end) - sedd_grid_time(grid, steps, i + 1, end);
    }
    return (1.0 - end) / steps;
}

int32_t sedd_schedule_count(enum sedd_grid grid, int32_t steps, int32_t i, int32_t masked)
{
    double share = sedd_grid_delta(grid, steps, i, SEDD_GRID_END) /
                   sedd_grid_time(grid, steps, i, SEDD_GRID_END);
    int32_t count = (int32_t)lround(share * masked);
    return i + 1 >= steps ? masked : sedd_min(sedd_max(count, 1), masked);
}

double sedd_schedule_time(const struct sedd_model_info *info, double share)
{
    double t = sedd_noise_time(info, -log1p(-fmin(share, 1.0 - 1e-12)));
    return fmin(fmax(t, SEDD_GRID_END), 1.0);
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
