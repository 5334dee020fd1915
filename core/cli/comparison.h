/*
 * comparison.h - a comparison of a SEDD with its twin, as compare.c fills it and comparison.c
 * prints it.
 */
#ifndef SEDD_CLI_COMPARISON_H
#define SEDD_CLI_COMPARISON_H

#include "compare.h"
#include "quality.h"

#define COMPARE_TEMPERATURE_COUNT 9
extern const double COMPARE_TEMPERATURES[COMPARE_TEMPERATURE_COUNT];

/* One way to write: a number of steps, or, the last, the twin. */
struct column {
    int32_t steps; /* 0: the twin */
    struct quality quality;
    struct quality sweep[COMPARE_TEMPERATURE_COUNT];
    double evaluations; /* sum over texts */
};

struct comparison {
    struct cli *cli;
    struct sedd_session *sedd, *twin, *judge; /* judge may be NULL */
    struct sedd_model_info sedd_info, twin_info;
    struct sedd_sample_options sampling;  /* temperature and filters are the twin's, too */
    int32_t length, rounds, texts, begin; /* begin: the id texts start behind */
    struct column *columns;               /* [column_count], the twin last */
    int32_t column_count;
    double *ms; /* [rounds, column_count] */
    bool sweep;
    int32_t *real; /* [real_count, length] windows of real text, or NULL */
    int32_t real_count;
    int32_t hole, first; /* > 0: only `hole` tokens from `first` on are written, the rest is real */
    struct quality real_quality;
    int32_t *ids;  /* [length] the text just written */
    double *parts; /* [length] what the judge gives each token */
    float *logits; /* [V] */
};

/* Prints the table, or JSON. `work` [rounds] may be used. */
void comparison_print(const struct comparison *c, const struct sedd_engine *engine, double *work);

#endif
