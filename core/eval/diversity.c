/*
 * diversity.c - measures the diversity of a set of texts, and the divergence between the n-grams of
 * two sets.
 *
 * All measures count n-grams. An n-gram is a pointer to its first token. N-grams are sorted by
 * tokens and then by text, so that equal ones are adjacent. Without hashing, counts are exact.
 *
 * Self-BLEU (Zhu et al. 2018, Texygen) is BLEU-4 of each text with all others as references, with
 * clipped counts. A precision without any match counts as 0.1 / n-grams (smoothing method 1 of
 * Chen & Cherry 2014). The brevity penalty uses the closest reference length, and the shorter of
 * two equally close ones. A value of 1 means that all texts are alike.
 */
#include "common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct gram {
    const int32_t *tokens;
    int32_t n, text;
};

/* A run of equal n-grams, begin..end-1. */
struct run {
    size_t begin, end;
};

static int compare_tokens(const struct gram *a, const struct gram *b)
{
    for (int32_t i = 0; i < a->n; i++) {
        if (a->tokens[i] != b->tokens[i]) {
            return a->tokens[i] < b->tokens[i] ? -1 : 1;
        }
    }
    return 0;
}

static int compare_grams(const void *left, const void *right)
{
    const struct gram *a = left, *b = right;
    int order = compare_tokens(a, b);
    return order != 0 ? order : (a->text > b->text) - (a->text < b->text);
}

static size_t text_size(const struct sedd_texts *texts, int32_t text)
{
    return texts->begin[text + 1] - texts->begin[text];
}

static size_t grams_of(const struct sedd_texts *texts, int32_t text, int32_t n)
{
    size_t size = text_size(texts, text);
    return size >= (size_t)n ? size - (size_t)n + 1 : 0;
}

/* Appends the n-grams of all texts. If `apart`, texts are numbered from `number` on; otherwise all
 * get that number. */
static size_t list_grams(struct gram *grams, size_t count, const struct sedd_texts *texts,
                         int32_t n, int32_t number, bool apart)
{
    for (int32_t text = 0; text < texts->count; text++) {
        for (size_t i = 0; i < grams_of(texts, text, n); i++) {
            grams[count++] = (struct gram){texts->ids + texts->begin[text] + i, n,
                                           apart ? number + text : number};
        }
    }
    return count;
}

/* Moves *run to the next run of equal n-grams, which also share a text if same_text. Returns false
 * at the end. */
static bool next_run(const struct gram *grams, size_t count, bool same_text, struct run *run)
{
    run->begin = run->end;
    if (run->begin == count) {
        return false;
    }
    const struct gram *first = &grams[run->begin];
    while (run->end < count && compare_tokens(first, &grams[run->end]) == 0 &&
           (!same_text || first->text == grams[run->end].text)) {
        run->end++;
    }
    return true;
}

static enum sedd_status check_texts(const struct sedd_texts *texts, struct sedd_error *error)
{
    if (texts->count < 1) {
        return sedd_fail(error, SEDD_ERROR_ARGUMENT, "the set has no texts; expected at least one");
    }
    for (int32_t text = 0; text < texts->count; text++) {
        if (texts->begin[text + 1] <= texts->begin[text]) {
            return sedd_fail(error, SEDD_ERROR_ARGUMENT, "text %d is empty", (int)text);
        }
    }
    return SEDD_OK;
}

/* ---- One set ----------------------------------------------------------------------------- */

struct counting {
    const struct sedd_texts *texts;
    struct gram *grams; /* sorted n-grams of all texts */
    size_t count;
    int32_t n;
    double *per_text; /* [texts] */
    double *log_bleu; /* [texts] sum of ln precision */
};

/* Returns the number of distinct n-grams in the set; stores the number in each text in per_text. */
static size_t count_different(const struct counting *c)
{
    size_t different = 0;
    struct run run = {0, 0};
    memset(c->per_text, 0, (size_t)c->texts->count * sizeof *c->per_text);
    while (next_run(c->grams, c->count, true, &run)) {
        bool fresh =
            run.begin == 0 || compare_tokens(&c->grams[run.begin - 1], &c->grams[run.begin]);
        different += fresh;
        c->per_text[c->grams[run.begin].text] += 1.0;
    }
    return different;
}

/* Counts the matches of each text's n-grams, clipped by the largest count in any other text, into
 * per_text. */
static void count_matches(const struct counting *c)
{
    struct run same = {0, 0};
    memset(c->per_text, 0, (size_t)c->texts->count * sizeof *c->per_text);
    while (next_run(c->grams, c->count, false, &same)) {
        size_t most = 0, second = 0;
        int32_t owner = -1;
        struct run own = {same.begin, same.begin};
        while (next_run(c->grams, same.end, true, &own)) {
            size_t size = own.end - own.begin;
            if (size > most) {
                second = most;
                most = size;
                owner = c->grams[own.begin].text;
            } else if (size > second) {
                second = size;
            }
        }
        own = (struct run){same.begin, same.begin};
        while (next_run(c->grams, same.end, true, &own)) {
            int32_t text = c->grams[own.begin].text;
            size_t size = own.end - own.begin, others = text == owner ? second : most;
            c->per_text[text] += (double)(size < others ? size : others);
        }
    }
}

static void add_precisions(const struct counting *c)
{
    count_matches(c);
    for (int32_t text = 0; text < c->texts->count; text++) {
        double total = fmax(1.0, (double)grams_of(c->texts, text, c->n));
        c->log_bleu[text] += log(fmax(c->per_text[text], 0.1) / total) / SEDD_NGRAM_MAX;
    }
}

static double brevity(const struct sedd_texts *texts, int32_t text)
{
    double own = (double)text_size(texts, text), closest = 0.0;
    for (int32_t other = 0; other < texts->count; other++) {
        double size = (double)text_size(texts, other);
        double gain = fabs(closest - own) - fabs(size - own);
        if (other != text && (closest == 0.0 || gain > 0.0 || (gain == 0.0 && size < closest))) {
            closest = size;
        }
    }
    return own < closest ? 1.0 - closest / own : 0.0;
}

static void measure_entropy(const struct counting *c, struct sedd_diversity *out)
{
    struct run run = {0, 0};
    double sum = 0.0, squares = 0.0, texts = c->texts->count;
    memset(c->per_text, 0, (size_t)c->texts->count * sizeof *c->per_text);
    while (next_run(c->grams, c->count, true, &run)) {
        int32_t text = c->grams[run.begin].text;
        double share = (double)(run.end - run.begin) / (double)text_size(c->texts, text);
        c->per_text[text] -= share * log(share);
    }
    for (int32_t text = 0; text < c->texts->count; text++) {
        sum += c->per_text[text];
        squares += c->per_text[text] * c->per_text[text];
    }
    double mean = sum / texts, variance = fmax(0.0, squares / texts - mean * mean);
    out->entropy = mean;
    out->entropy_error = texts > 1 ? sqrt(variance / (texts - 1)) : NAN;
}

static void measure(struct counting *c, struct sedd_diversity *out)
{
    for (c->n = 1; c->n <= SEDD_NGRAM_MAX; c->n++) {
        double repetition = 0.0, counted = 0.0;
        c->count = list_grams(c->grams, 0, c->texts, c->n, 0, true);
        qsort(c->grams, c->count, sizeof *c->grams, compare_grams);
        if (c->n == 1) {
            measure_entropy(c, out);
        }
        size_t different = count_different(c);
        for (int32_t text = 0; text < c->texts->count; text++) {
            double total = (double)grams_of(c->texts, text, c->n);
            repetition += total > 0.0 ? 1.0 - c->per_text[text] / total : 0.0;
            counted += total > 0.0;
        }
        out->distinct[c->n - 1] = c->count > 0 ? (double)different / (double)c->count : 0.0;
        out->repetition[c->n - 1] = counted > 0.0 ? repetition / counted : 0.0;
        add_precisions(c);
    }
    for (int32_t text = 0; text < c->texts->count && c->texts->count > 1; text++) {
        out->self_bleu +=
            exp(c->log_bleu[text] + brevity(c->texts, text)) / (double)c->texts->count;
    }
}

enum sedd_status sedd_diversity(const struct sedd_texts *texts, struct sedd_diversity *diversity,
                                struct sedd_error *error)
{
    enum sedd_status status = check_texts(texts, error);
    if (status != SEDD_OK) {
        return status;
    }
    size_t tokens = texts->begin[texts->count] - texts->begin[0];
    struct counting c = {.texts = texts,
                         .grams = sedd_memory_new(tokens, sizeof *c.grams),
                         .per_text = sedd_memory_new((uint64_t)texts->count, sizeof(double)),
                         .log_bleu = sedd_memory_new((uint64_t)texts->count, sizeof(double))};
    if (c.grams == NULL || c.per_text == NULL || c.log_bleu == NULL) {
        status =
            sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the n-grams of %zu tokens", tokens);
    } else {
        *diversity = (struct sedd_diversity){0};
        measure(&c, diversity);
    }
    sedd_memory_free(c.grams);
    sedd_memory_free(c.per_text);
    sedd_memory_free(c.log_bleu);
    return status;
}

/* ---- Two sets ---------------------------------------------------------------------------- */

static double divergence_of(const struct gram *grams, size_t count, double total_a, double total_b)
{
    struct run same = {0, 0};
    double sum = 0.0;
    while (next_run(grams, count, false, &same)) {
        size_t of_a = 0;
        for (size_t i = same.begin; i < same.end; i++) {
            of_a += grams[i].text == 0;
        }
        double p = (double)of_a / total_a, q = (double)(same.end - same.begin - of_a) / total_b;
        double middle = 0.5 * (p + q);
        sum += p > 0.0 ? 0.5 * p * log(p / middle) : 0.0;
        sum += q > 0.0 ? 0.5 * q * log(q / middle) : 0.0;
    }
    return sum;
}

enum sedd_status sedd_ngram_divergence(const struct sedd_texts *a, const struct sedd_texts *b,
                                       int32_t n, double *divergence, struct sedd_error *error)
{
    enum sedd_status status = check_texts(a, error);
    status = status == SEDD_OK ? check_texts(b, error) : status;
    if (status == SEDD_OK && (n < 1 || n > SEDD_NGRAM_MAX)) {
        status = sedd_fail(error, SEDD_ERROR_ARGUMENT, "n is %d; expected 1 to %d", (int)n,
                           SEDD_NGRAM_MAX);
    }
    if (status != SEDD_OK) {
        return status;
    }
    size_t tokens = a->begin[a->count] - a->begin[0] + b->begin[b->count] - b->begin[0];
    struct gram *grams = sedd_memory_new(tokens, sizeof *grams);
    if (grams == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the n-grams of %zu tokens",
                         tokens);
    }
    size_t of_a = list_grams(grams, 0, a, n, 0, false);
    size_t all = list_grams(grams, of_a, b, n, 1, false);
    if (of_a == 0 || of_a == all) {
        status = sedd_fail(error, SEDD_ERROR_ARGUMENT, "no text of a set has %d tokens", (int)n);
    } else {
        qsort(grams, all, sizeof *grams, compare_grams);
        *divergence = divergence_of(grams, all, (double)of_a, (double)(all - of_a));
    }
    sedd_memory_free(grams);
    return status;
}
