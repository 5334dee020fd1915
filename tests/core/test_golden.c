/*
 * test_golden.c - runs every golden set with every kernel table of this processor, on one thread
 * and on two, and checks that a wrong model fails its set.
 */
#include "files/open.h"
#include "golden/golden.h"
#include "test.h"

#include <stdlib.h>

static const char *const SETS[] = {"absorb",
                                   "uniform",
                                   "gpt2",
                                   "absorb-geometric",
                                   "absorb-unscaled",
                                   "uniform-loglinear",
                                   "one-token",
                                   "two-tokens",
                                   "length-one",
                                   "absorb-geometric-official",
                                   "mdlm",
                                   "mdlm-time",
                                   "sdtt",
                                   "radd",
                                   "duo"};

static void report(void *user, const char *name, double error, double tolerance)
{
    int32_t *compared = user;
    (*compared)++;
    if (!(error <= tolerance)) {
        fprintf(stderr, "    %s: error %g, tolerance %g\n", name, error, tolerance);
    }
}

/* Returns the number of checks over tolerance, or -1 if a file cannot be read or nothing is
 * compared. */
static int32_t run_set(const char *model_set, const char *golden_set,
                       const struct sedd_engine_options *options)
{
    char model_folder[512], folder[512];
    struct sedd_error error = {0};
    struct sedd_model *model = NULL;
    struct sedd_engine *engine = NULL;
    char *json = NULL, *tensors = NULL;
    size_t json_size, tensors_size;
    int32_t failed = -1, compared = 0;
    snprintf(model_folder, sizeof model_folder, "%s/golden/%s", TEST_DIR, model_set);
    snprintf(folder, sizeof folder, "%s/golden/%s", TEST_DIR, golden_set);
    if (sedd_model_open(model_folder, SEDD_DTYPE_AUTO, &model, &error) != SEDD_OK ||
        sedd_engine_new(options, &engine, &error) != SEDD_OK ||
        sedd_file_read(folder, "golden.json", 1 << 24, &json, &json_size, &error) != SEDD_OK ||
        sedd_file_read(folder, "golden.safetensors", 1 << 24, &tensors, &tensors_size, &error) !=
            SEDD_OK ||
        sedd_golden_run(engine, model, json, json_size, (const uint8_t *)tensors, tensors_size,
                        report, &compared, &failed, &error) != SEDD_OK) {
        fprintf(stderr, "    %s: %s\n", golden_set, error.message);
        failed = -1;
    }
    sedd_memory_free(json);
    sedd_memory_free(tensors);
    sedd_engine_free(engine);
    sedd_model_free(model);
    return compared > 0 ? failed : -1;
}

int main(void)
{
    for (size_t table = 0; sedd_kernels_name(table) != NULL; table++) {
        for (int32_t threads = 1; threads <= 2; threads++) {
            struct sedd_engine_options options = {sedd_kernels_name(table), threads};
            for (size_t i = 0; i < sizeof SETS / sizeof SETS[0]; i++) {
                if (!CHECK(run_set(SETS[i], SETS[i], &options) == 0)) {
                    fprintf(stderr, "    set %s, kernels %s, %d threads\n", SETS[i],
                            options.kernels, (int)threads);
                }
            }
        }
    }
    fprintf(stderr, "the model of another set (failing lines are expected):\n");
    struct sedd_engine_options options = {0};
    CHECK(run_set("two-tokens", "one-token", &options) != 0);
    CHECK(run_set("absorb", "uniform", &options) != 0);
    CHECK(run_set("absorb", "gpt2", &options) != 0);
    CHECK(run_set("mdlm", "mdlm-time", &options) != 0);
    CHECK(run_set("absorb", "radd", &options) != 0);
    return test_report("golden");
}
