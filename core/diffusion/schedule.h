/*
 * schedule.h - the times of a run's evaluations, and how many masks each fills in.
 */
#ifndef SEDD_SCHEDULE_H
#define SEDD_SCHEDULE_H

#include "common.h"

#define SEDD_GRID_END 1e-5 /* end of the grid, where the denoiser follows */

/* Returns time i of the sampler's grid, i in 0..steps, from 1 down to `end`. Linear: even steps, in
 * float32, as in the reference code. Cosine: cos(pi/2 i / steps), so that the first steps are
 * short. */
double sedd_grid_time(enum sedd_grid grid, int32_t steps, int32_t i, double end);
/* Returns the distance from time i to the next. */
double sedd_grid_delta(enum sedd_grid grid, int32_t steps, int32_t i, double end);

/* Returns how many of `masked` masks step i fills in: the share (t - s) / t of them, rounded, but
 * at least one, and all in the last step. It depends on the state alone, so a run may continue from
 * any state. */
int32_t sedd_schedule_count(enum sedd_grid grid, int32_t steps, int32_t i, int32_t masked);

/* Returns the time at which a token is masked with probability `share`, clamped to the grid. */
double sedd_schedule_time(const struct sedd_model_info *info, double share);

/* Returns the time of evaluation number `position` of first-hitting, which finds `masked` masks,
 * after each evaluation before it filled in one. The largest of n times that are independent and
 * uniform in mask probability is u^(1/n) of the one before (Zheng et al. 2024, arXiv 2409.02908).
 */
double sedd_schedule_hit(const struct sedd_model_info *info, uint64_t seed, int32_t position,
                         int32_t masked);

#endif
