/* clock.h - the clock of the benchmarks and of `sedd eval`. */
#ifndef SEDD_CLI_CLOCK_H
#define SEDD_CLI_CLOCK_H

/* Returns milliseconds since an arbitrary moment. */
double cli_now_ms(void);

#endif
