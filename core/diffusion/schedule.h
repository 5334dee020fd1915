/*
 * schedule.h - when: the times of a run's evaluations, and how many masks each should open.
 */
#ifndef SEDD_SCHEDULE_H
#define SEDD_SCHEDULE_H

#include "common.h"

#define SEDD_GRID_END 1e-5 /* where a grid ends, and the denoiser takes over */

/* Time i of the sampler's grid, i in 0..steps: from 1 down to `end`. Linear: evenly, in float32, as
 * the reference code has it. Cosine: cos(pi/2 i / steps), so that steps are short at first. */
double sedd_grid_time(enum sedd_grid grid, int32_t steps, int32_t i, double end);
/* How far it is from time i to the next. */
double sedd_grid_delta(enum sedd_grid grid, int32_t steps, int32_t i, double end);

/* The planned number of masks to open of `masked` in step i: the share (t - s) / t of them,
 * rounded, but at least one; all in the last step. Depends on the state alone, so that a run may
 * continue from any state. */
int32_t sedd_schedule_count(enum sedd_grid grid, int32_t steps, int32_t i, int32_t masked);

/* The time at which a token is masked with probability `share`, kept inside the grid's range. */
double sedd_schedule_time(const struct sedd_model_info *info, double share);

/* First-hitting: the time of the evaluation number `position` that finds `masked` masks, when each
 * evaluation before it opened one. The largest of n times that are independent and uniform in mask
 * probability is u^(1/n) of the one before (Zheng et al. 2024, arXiv 2409.02908). */
double sedd_schedule_hit(const struct sedd_model_info *info, uint64_t seed, int32_t position,
                         int32_t masked);

#endif
