/* parallel.c - implements parallel.h. */
#include "parallel.h"

#if !defined(__EMSCRIPTEN__) || defined(__EMSCRIPTEN_PTHREADS__)
#define SEDD_HAVE_THREADS 1
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#endif

#ifdef SEDD_HAVE_THREADS

/* Number of times a waiting thread polls before it sleeps. Polling lasts some tens of microseconds,
 * which is longer than the serial parts of a step and about as long as waking a thread takes. Wasm
 * has no pause instruction, so a poll there is a single load. */
#ifdef __EMSCRIPTEN__
#define SPIN_COUNT 60000
#else
#define SPIN_COUNT 4000
#endif

/* Gives a variable its own cache line, so that threads that write different variables do not
 * contend. */
#define LINE _Alignas(SEDD_ALIGNMENT)

struct worker {
    struct sedd_pool *pool;
    pthread_t thread;
    int32_t index;
};

/*
 * A loop is open from its start until the caller finds no piece left to take. Workers join while it
 * is open. The caller waits only for workers that have joined, so a thread that still sleeps or
 * does not get a core causes no delay.
 */
struct sedd_pool {
    int32_t threads, spins;
    struct worker *workers; /* [threads - 1] */
    int32_t started;
    bool stop;

    sedd_task task; /* these four change only while no loop is open and no worker is inside */
    void *context;
    int32_t count, grain;

    LINE atomic_uint loop;     /* odd while a loop is open; grows by two per loop */
    LINE atomic_int next;      /* first index that no thread has taken */
    LINE atomic_int inside;    /* workers that have joined or are about to check */
    LINE atomic_int sleepers;  /* upper bound of the workers waiting on `wake` */
    atomic_bool caller_sleeps; /* the caller waits on `left` */
    pthread_mutex_t mutex;
    pthread_cond_t wake, left;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Returns the size of the next piece. Pieces shrink towards the end of a loop, so that all threads
 * finish at about the same time. */
static int32_t piece_size(const struct sedd_pool *pool, int32_t left)
{
    int32_t share = left / (2 * pool->threads) / pool->grain * pool->grain;
    return sedd_min(left, sedd_max(share, pool->grain));
}

static void take_pieces(struct sedd_pool *pool, int32_t thread)
{
    int32_t begin = atomic_load(&pool->next);
    while (begin < pool->count) {
        int32_t end = begin + piece_size(pool, pool->count - begin);
        if (atomic_compare_exchange_weak(&pool->next, &begin, end)) {
            pool->task(pool->context, begin, end, thread);
            begin = atomic_load(&pool->next);
        }
    }
}

static bool is_open(unsigned loop, unsigned seen)
{
    return loop % 2 == 1 && loop != seen;
}

/* Sleeps until a loop other than `seen` opens. Returns at once if one has opened already. The
 * worker counts itself before every wait: open_loop sets the count to 0, and it may wake a worker
 * that has finished that very loop and waits for the next one. */
static void sleep_until_loop(struct sedd_pool *pool, unsigned seen)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    unsigned loop = atomic_load(&pool->loop);
    while (!is_open(loop, seen) && atomic_load(&pool->loop) == loop) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
        atomic_fetch_add(&pool->sleepers, 1);
    }
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_for_loop(struct sedd_pool *pool, unsigned seen)
{
    for (;;) {
        for (int32_t spin = 0; spin < pool->spins; spin++) {
            if (is_open(atomic_load(&pool->loop), seen)) {
                return;
            }
            relax();
        }
        sleep_until_loop(pool, seen);
        if (is_open(atomic_load(&pool->loop), seen)) {
            return;
        }
    }
}

static void open_loop(struct sedd_pool *pool)
{
    atomic_fetch_add(&pool->loop, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        atomic_store(&pool->sleepers, 0);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void close_loop(struct sedd_pool *pool)
{
    atomic_fetch_add(&pool->loop, 1);
    for (int32_t spin = 0; atomic_load(&pool->inside) > 0; spin++) {
        if (spin < pool->spins) {
            relax();
            continue;
        }
        pthread_mutex_lock(&pool->mutex);
        atomic_store(&pool->caller_sleeps, true);
        while (atomic_load(&pool->inside) > 0) {
            pthread_cond_wait(&pool->left, &pool->mutex);
        }
        atomic_store(&pool->caller_sleeps, false);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void leave_loop(struct sedd_pool *pool)
{
    if (atomic_fetch_sub(&pool->inside, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->left);
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
        atomic_fetch_add(&pool->inside, 1);
        unsigned loop = atomic_load(&pool->loop);
        bool open = is_open(loop, seen), stop = open && pool->stop;
        if (open && !stop) {
            take_pieces(pool, worker->index);
            seen = loop;
        }
        leave_loop(pool);
        if (stop) {
            return NULL;
        }
    }
}

/* Returns SPIN_COUNT, or 0 if there are more threads than cores: a thread that spins would then
 * keep another from working. */
static int32_t spins_for(int32_t threads)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores >= threads ? SPIN_COUNT : 0;
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
    pool->spins = spins_for(threads);
    pool->workers = workers;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->left, NULL);
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
    pool->stop = true;
    open_loop(pool);
    for (int32_t i = 0; i < pool->started; i++) {
        pthread_join(pool->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->left);
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
    open_loop(pool);
    take_pieces(pool, 0);
    close_loop(pool);
}

#else

struct sedd_pool {
    int32_t threads;
};

enum sedd_status sedd_pool_new(int32_t threads, struct sedd_pool **out, struct sedd_error *error)
{
    if (threads > 1) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         "this build runs on one thread; found threads = %d", (int)threads);
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
