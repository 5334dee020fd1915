/* parallel.c - see parallel.h. */
#include "parallel.h"

#if !defined(__EMSCRIPTEN__) || defined(__EMSCRIPTEN_PTHREADS__)
#define SEDD_HAVE_THREADS 1
#include <pthread.h>
#include <stdatomic.h>
#endif

#ifdef SEDD_HAVE_THREADS

/* About 20 microseconds of spinning, longer than the serial parts between two loops; less in wasm,
 * which has no pause. Spinning longer there hurts where other programs want the core (NOTES.md). */
#define SPIN_COUNT 4000

struct worker {
    struct sedd_pool *pool;
    pthread_t thread;
    int32_t index;
};

struct sedd_pool {
    int32_t threads;
    struct worker *workers; /* [threads - 1] */
    int32_t started;

    sedd_task task;
    void *context;
    int32_t count, grain;
    atomic_int next;     /* first index nobody has taken */
    atomic_int working;  /* workers still in the current loop */
    atomic_uint loop;    /* number of the current loop; a change wakes the workers */
    atomic_int sleepers; /* workers waiting on `wake` */
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_pieces(struct sedd_pool *pool, int32_t thread)
{
    for (;;) {
        int32_t begin = atomic_fetch_add(&pool->next, pool->grain);
        if (begin >= pool->count) {
            return;
        }
        int32_t end = pool->count - begin < pool->grain ? pool->count : begin + pool->grain;
        pool->task(pool->context, begin, end, thread);
    }
}

static void wait_for_loop(struct sedd_pool *pool, unsigned seen)
{
    for (int spin = 0; spin < SPIN_COUNT; spin++) {
        if (atomic_load(&pool->loop) != seen) {
            return;
        }
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->loop) == seen) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void announce_loop(struct sedd_pool *pool)
{
    atomic_fetch_add(&pool->loop, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct sedd_pool *pool = worker->pool;
    unsigned seen = 0;
    for (;;) {
        wait_for_loop(pool, seen);
        seen++;
        if (atomic_load(&pool->stop)) {
            return NULL;
        }
        take_pieces(pool, worker->index);
        atomic_fetch_sub(&pool->working, 1);
    }
}

enum sedd_status sedd_pool_new(int32_t threads, struct sedd_pool **out, struct sedd_error *error)
{
    struct sedd_pool *pool = sedd_memory_new(1, sizeof *pool);
    struct worker *workers = sedd_memory_new((uint64_t)threads, sizeof *workers);
    if (pool == NULL || workers == NULL) {
        sedd_memory_free(pool);
        sedd_memory_free(workers);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %d threads", (int)threads);
    }
    pool->threads = threads;
    pool->workers = workers;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (int32_t i = 0; i + 1 < threads; i++) {
        workers[i] = (struct worker){.pool = pool, .index = i + 1};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            sedd_pool_free(pool);
            return sedd_fail(error, SEDD_ERROR_MEMORY, "thread %d of %d could not be started",
                             (int)i + 2, (int)threads);
        }
        pool->started++;
    }
    *out = pool;
    return SEDD_OK;
}

void sedd_pool_free(struct sedd_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    atomic_store(&pool->stop, true);
    announce_loop(pool);
    for (int32_t i = 0; i < pool->started; i++) {
        pthread_join(pool->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    sedd_memory_free(pool->workers);
    sedd_memory_free(pool);
}

int32_t sedd_pool_threads(const struct sedd_pool *pool)
{
    return pool->threads;
}

void sedd_pool_run(struct sedd_pool *pool, int32_t count, int32_t grain, sedd_task task,
                   void *context)
{
    if (pool->threads == 1 || count <= grain) {
        if (count > 0) {
            task(context, 0, count, 0);
        }
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->count = count;
    pool->grain = grain;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->working, pool->threads - 1);
    announce_loop(pool);
    take_pieces(pool, 0);
    while (atomic_load(&pool->working) > 0) {
        relax();
    }
}

#else

struct sedd_pool {
    int32_t threads;
};

enum sedd_status sedd_pool_new(int32_t threads, struct sedd_pool **out, struct sedd_error *error)
{
    if (threads > 1) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         "%d threads were asked of a build that has one", (int)threads);
    }
    struct sedd_pool *pool = sedd_memory_new(1, sizeof *pool);
    if (pool == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the engine");
    }
    pool->threads = 1;
    *out = pool;
    return SEDD_OK;
}

void sedd_pool_free(struct sedd_pool *pool)
{
    sedd_memory_free(pool);
}

int32_t sedd_pool_threads(const struct sedd_pool *pool)
{
    return pool->threads;
}

void sedd_pool_run(struct sedd_pool *pool, int32_t count, int32_t grain, sedd_task task,
                   void *context)
{
    (void)pool;
    (void)grain;
    if (count > 0) {
        task(context, 0, count, 0);
    }
}

#endif
