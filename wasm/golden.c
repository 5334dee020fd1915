/*
 * golden.c - exports the golden checks to the test modules. A test module is a published module
 * plus this file and golden.txt. Visitors never download it.
 */
#include "golden/golden.h"

#include <stdio.h>

struct report {
    char text[16384];
    size_t used;
};

static struct report report;

static void write_line(const char *mark, const char *name, double error, double tolerance)
{
    size_t left = sizeof report.text - report.used;
    int size = snprintf(report.text + report.used, left, "%s %-36s error %.3g, tolerance %.3g\n",
                        mark, name, error, tolerance);
    report.used += size > 0 && (size_t)size < left ? (size_t)size : 0;
}

static void write_check(void *user, const char *name, double error, double tolerance)
{
    (void)user;
    write_line(error <= tolerance ? "ok  " : "FAIL", name, error, tolerance);
}

/* Compares a model with the two files of a golden folder. Returns the number of failed checks, or
 * -1 if they could not run. wasm_golden_report() returns one line per check, or the reason. */
int32_t wasm_golden(struct sedd_engine *engine, const struct sedd_model *model, const char *json,
                    size_t json_size, const uint8_t *tensors, size_t tensors_size)
{
    int32_t failed = 0;
    struct sedd_error error;
    report.used = 0;
    report.text[0] = '\0';
    if (sedd_golden_run(engine, model, json, json_size, tensors, tensors_size, write_check, NULL,
                        &failed, &error) == SEDD_OK) {
        return failed;
    }
    snprintf(report.text, sizeof report.text, "%s", error.message);
    return -1;
}

const char *wasm_golden_report(void)
{
    return report.text;
}
