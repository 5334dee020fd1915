/*
 * parallel.h - a for-loop over a range, shared by a fixed set of threads.
 *
 * Threads spin for some microseconds between loops (a step is hundreds of short loops) and then
 * sleep; a loop waits for those that came to it, not for all. Without threads in the build, or with
 * one, loops run on the calling thread.
 */
#ifndef SEDD_PARALLEL_H
#define SEDD_PARALLEL_H

#include "common.h"

struct sedd_pool;

/* Works on begin..end-1; `thread` in 0..threads-1 names scratch nobody else uses meanwhile. */
typedef void (*sedd_task)(void *context, int32_t begin, int32_t end, int32_t thread);

/* SEDD_ERROR_UNSUPPORTED: more than one thread asked of a build without them. */
enum sedd_status sedd_pool_new(int32_t threads, struct sedd_pool **pool, struct sedd_error *error);
void sedd_pool_free(struct sedd_pool *pool);
int32_t sedd_pool_threads(const struct sedd_pool *pool);

/* Runs task over 0..count-1 in pieces of a multiple of `grain` (>= 1; the last may be smaller),
 * returns when all is done. What a task computes must not depend on where the pieces begin. */
void sedd_pool_run(struct sedd_pool *pool, int32_t count, int32_t grain, sedd_task task,
                   void *context);

#endif
