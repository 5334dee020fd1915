/*
 * engine.h - the engine: a kernel table, a pool of threads and a flag that cancels a computation.
 */
#ifndef SEDD_ENGINE_H
#define SEDD_ENGINE_H

#include "kernels/kernels.h"
#include "parallel.h"

#include <stdatomic.h>

struct sedd_engine {
    const struct sedd_kernels *kernels;
    struct sedd_pool *pool;
    _Atomic int32_t cancel;
};

#endif
