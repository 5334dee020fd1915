/*
 * engine.h - how to compute: one kernel table and a pool of threads.
 */
#ifndef SEDD_ENGINE_H
#define SEDD_ENGINE_H

#include "kernels/kernels.h"
#include "parallel.h"

struct sedd_engine {
    const struct sedd_kernels *kernels;
    struct sedd_pool *pool;
};

#endif
