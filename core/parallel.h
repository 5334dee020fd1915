/*
 * parallel.h - runs a for-loop over a range on a fixed set of threads.
 *
 * A step consists of hundreds of short loops, so threads spin for some microseconds between loops
 * before they sleep. A loop waits only for the threads that joined it. In a build without threads,
 * or with one thread, loops run on the calling thread.
 */
#ifndef SEDD_PARALLEL_H
#define SEDD_PARALLEL_H

#include "common.h"

struct sedd_pool;

/* Processes indices begin..end-1. `thread`, in 0..threads-1, selects scratch memory that no other
 * thread uses at the same time. */
typedef void (*sedd_task)(void *context, int32_t begin, int32_t end, int32_t thread);

/* Creates a pool. Fails with SEDD_ERROR_UNSUPPORTED if threads > 1 in a build without threads. */
enum sedd_status sedd_pool_new(int32_t threads, struct sedd_pool **pool, struct sedd_error *error);
void sedd_pool_free(struct sedd_pool *pool);
int32_t sedd_pool_threads(const struct sedd_pool *pool);

/* Runs task over 0..count-1 and returns when all of it is done. The size of a piece is a multiple
 * of `grain` (>= 1), except for the last. Results must not depend on where pieces begin. */
void sedd_pool_run(struct sedd_pool *pool, int32_t count, int32_t grain, sedd_task task,
                   void *context);

#endif
