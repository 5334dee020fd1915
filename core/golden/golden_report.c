/*
 * golden_report.c - measures and reports errors, and fails with the error of a damaged folder (see
 * golden_check.h).
 */
#include "golden/golden_check.h"

#include <math.h>
#include <stdio.h>

void sedd_golden_check(struct sedd_golden *golden, const char *part, double error, double tolerance)
{
    char name[128];
    bool passed = error <= tolerance; /* false for a NaN */
    snprintf(name, sizeof name, "%s%s", golden->name, part);
    golden->compared++;
    golden->failed += !passed;
    golden->report(golden->user, name, error, tolerance);
}

enum sedd_status sedd_golden_damaged(struct sedd_golden *golden)
{
    if (golden->starved) {
        return sedd_fail(golden->error, SEDD_ERROR_MEMORY, "no memory to compare %s", golden->name);
    }
    return sedd_fail(golden->error, SEDD_ERROR_FORMAT,
                     "the golden files are damaged or do not fit the model, at %s", golden->name);
}

double sedd_golden_worse(double a, double b)
{
    return b > a || isnan(b) ? b : a;
}

double sedd_golden_error(const float *got, const float *expected, size_t count)
{
    double largest = 0.0, error = 0.0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)expected[i]));
        error = sedd_golden_worse(error, fabs((double)got[i] - (double)expected[i]));
    }
    return largest > 0.0 ? error / largest : error;
}
