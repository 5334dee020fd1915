/* eval_sets.c - the operations on sets of texts: diversity and divergence. */
#include "eval.h"

#include <stdio.h>

struct set {
    int32_t *ids;
    size_t *begin;
    struct sedd_texts texts;
};

static void clear_set(struct set *set)
{
    sedd_memory_free(set->ids);
    sedd_memory_free(set->begin);
}

static enum sedd_status set_of(const cJSON *request, const char *name, struct set *set,
                               struct sedd_error *error)
{
    const cJSON *list = sedd_json_find(request, name);
    size_t count = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0, tokens = 0, text = 0;
    for (const cJSON *item = count > 0 ? list->child : NULL; item != NULL; item = item->next) {
        if (!cJSON_IsArray(item)) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT, "%s is no list of lists of ids", name);
        }
        tokens += (size_t)cJSON_GetArraySize(item);
    }
    set->ids = sedd_memory_new(tokens, sizeof *set->ids);
    set->begin = sedd_memory_new(count + 1, sizeof *set->begin);
    if (set->ids == NULL || set->begin == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for %zu tokens", tokens);
    }
    enum sedd_status status = SEDD_OK;
    for (const cJSON *item = count > 0 ? list->child : NULL; item != NULL && status == SEDD_OK;
         item = item->next, text++) {
        status = eval_fill_ids(item, name, set->ids + set->begin[text], error);
        set->begin[text + 1] = set->begin[text] + (size_t)cJSON_GetArraySize(item);
    }
    set->texts = (struct sedd_texts){set->ids, set->begin, (int32_t)count};
    return status;
}

enum sedd_status eval_diversity(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    struct set set = {0};
    struct sedd_diversity found;
    enum sedd_status status = set_of(request, "texts", &set, error);
    (void)e;
    status = status == SEDD_OK ? sedd_diversity(&set.texts, &found, error) : status;
    if (status == SEDD_OK) {
        printf("\"entropy\": %.9g, \"selfBleu\": %.9g, ", found.entropy, found.self_bleu);
        eval_print_error("entropyError", found.entropy_error);
        printf(", ");
        eval_print_numbers("distinct", found.distinct, SEDD_NGRAM_MAX);
        printf(", ");
        eval_print_numbers("repetition", found.repetition, SEDD_NGRAM_MAX);
    }
    clear_set(&set);
    return status;
}

enum sedd_status eval_divergence(struct opened *e, const cJSON *request, struct sedd_error *error)
{
    struct set a = {0}, b = {0};
    double found[SEDD_NGRAM_MAX] = {0};
    enum sedd_status status = set_of(request, "a", &a, error);
    (void)e;
    status = status == SEDD_OK ? set_of(request, "b", &b, error) : status;
    for (int32_t n = 1; n <= SEDD_NGRAM_MAX && status == SEDD_OK; n++) {
        status = sedd_ngram_divergence(&a.texts, &b.texts, n, &found[n - 1], error);
    }
    if (status == SEDD_OK) {
        eval_print_numbers("divergence", found, SEDD_NGRAM_MAX);
    }
    clear_set(&a);
    clear_set(&b);
    return status;
}
