/* clock.c - see clock.h. */
#include "clock.h"

#include <time.h>

double cli_now_ms(void)
{
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}
