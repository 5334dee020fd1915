/*
 * golden.c - implements golden.h: runs the checks of a model's kind for the keys in golden.json and
 * counts the failures.
 */
#include "golden/golden_check.h"

#include "model/model.h"

#include <stdio.h>

struct check {
    const char *key;
    bool each; /* once for every element of the key's array */
    enum sedd_status (*run)(struct sedd_golden *golden, const cJSON *item);
};

static const struct check SEDD_CHECKS[] = {
    {"noise", false, sedd_golden_noise},
    {"grid", false, sedd_golden_grid},
    {"timestep_embedding", false, sedd_golden_embedding},
    {"forward", true, sedd_golden_score},
    {"steps", true, sedd_golden_step},
    {"score_entropy", true, sedd_golden_entropy},
    {"sample_categorical", false, sedd_golden_categorical},
    {"trajectories", true, sedd_golden_trajectory},
};

/* MDLM, SDTT, RADD and DUO. */
static const struct check FAMILY_CHECKS[] = {
    {"noise", false, sedd_golden_noise},
    {"grid", false, sedd_golden_grid},
    {"timestep_embedding", false, sedd_golden_embedding},
    {"forward", true, sedd_golden_logprob},
    {"steps", true, sedd_golden_distribution},
    {"update_rate", true, sedd_golden_rate},
    {"nelbo", true, sedd_golden_nelbo},
    {"loss", true, sedd_golden_radd_loss},
    {"trajectories", true, sedd_golden_family_run},
};

static const struct check GPT2_CHECKS[] = {
    {"forward", true, sedd_golden_logits},
    {"greedy", true, sedd_golden_greedy},
};

static enum sedd_status run_check(struct sedd_golden *golden, const struct check *check)
{
    const cJSON *value = sedd_json_find(golden->root, check->key);
    enum sedd_status status = SEDD_OK;
    if (value != NULL && !check->each) {
        snprintf(golden->name, sizeof golden->name, "%s", check->key);
        status = check->run(golden, value);
        sedd_golden_forget(golden);
    }
    int index = 0;
    for (const cJSON *item = check->each && cJSON_IsArray(value) ? value->child : NULL;
         item != NULL && status == SEDD_OK; item = item->next) {
        snprintf(golden->name, sizeof golden->name, "%s[%d]", check->key, index++);
        status = check->run(golden, item);
        sedd_golden_forget(golden);
    }
    return status;
}

enum sedd_status sedd_golden_run(struct sedd_engine *engine, const struct sedd_model *model,
                                 const char *json, size_t json_size, const uint8_t *tensors,
                                 size_t tensors_size, sedd_golden_report report, void *user,
                                 int32_t *failed, struct sedd_error *error)
{
    struct sedd_golden golden = {.engine = engine,
                                 .model = model,
                                 .info = &model->info,
                                 .report = report,
                                 .user = user,
                                 .error = error};
    const struct check *checks = SEDD_CHECKS;
    size_t count = sizeof SEDD_CHECKS / sizeof *checks;
    if (model->info.kind == SEDD_KIND_GPT2) {
        checks = GPT2_CHECKS;
        count = sizeof GPT2_CHECKS / sizeof *checks;
    } else if (model->info.normalised) {
        checks = FAMILY_CHECKS;
        count = sizeof FAMILY_CHECKS / sizeof *checks;
    }
    enum sedd_status status = sedd_golden_open(&golden, json, json_size, tensors, tensors_size);
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        status = run_check(&golden, &checks[i]);
    }
    if (status == SEDD_OK && golden.compared == 0) {
        snprintf(golden.name, sizeof golden.name, "golden.json: nothing to compare");
        status = sedd_golden_damaged(&golden);
    }
    sedd_golden_close(&golden);
    if (status == SEDD_OK) {
        *failed = golden.failed;
    }
    return status;
}
