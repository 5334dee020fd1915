/*
 * peak_x86.h - this processor's limits with AVX2, for bench_kernels: products that stay in
 * registers, and a read of memory that stays in the level-1 cache. The list is empty where the
 * processor or the build is another.
 */
#ifndef SEDD_PEAK_X86_H
#define SEDD_PEAK_X86_H

struct bench_peak {
    const char *name; /* the kind of entry it limits: f32, int8, rows */
    double units;     /* operations or bytes of one call */
    void (*call)(void);
};

/* Ends with a NULL name. */
const struct bench_peak *bench_peaks(void);

#endif
