/*
 * comparison.c - the statistics of a comparison, and how they are printed. T* of one round lies on
 * the line through (0, 0) and the measured (steps, ms), drawn on beyond the last; intervals are
 * between order statistics of the rounds, which holds for any distribution. Perplexity is exp of
 * the judge's exact nats a token.
 */
#include "comparison.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Statistics ---------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* Steps at which this round's SEDD takes as long as its twin. */
static double break_even(const struct comparison *c, const double *ms)
{
    double steps = 0.0, time = 0.0, slope = 0.0, twin = ms[c->column_count - 1];
    for (int32_t i = 0; i + 1 < c->column_count; i++) {
        slope = (ms[i] - time) / (c->columns[i].steps - steps);
        if (ms[i] >= twin || i + 2 == c->column_count) {
            break;
        }
        steps = c->columns[i].steps;
        time = ms[i];
    }
    return steps + (twin - time) / fmax(slope, 1e-9);
}

/* How many values to leave out at each end so that the rest spans the median with 95 %: one less
 * than the heads that n throws of a coin fall below with probability 2.5 %. 0 for n below 9. */
static int32_t left_out(int32_t n)
{
    double term = pow(0.5, n), sum = 0.0;
    int32_t k = 0;
    for (; k < n; k++) {
        sum += term;
        if (sum > 0.025) {
            break;
        }
        term *= (double)(n - k) / (k + 1);
    }
    return k > 0 ? k - 1 : 0;
}

struct spread {
    double median, low, high;
};

static struct spread spread_of(double *values, int32_t n)
{
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    int32_t out = left_out(n);
    double median = 0.5 * (values[(n - 1) / 2] + values[n / 2]);
    return (struct spread){median, values[out], values[n - 1 - out]};
}

/* Of a column's times; `column` = column_count: of T*. */
static struct spread column_spread(const struct comparison *c, int32_t column, double *work)
{
    for (int32_t i = 0; i < c->rounds; i++) {
        const double *ms = c->ms + (size_t)i * (size_t)c->column_count;
        work[i] = column < c->column_count ? ms[column] : break_even(c, ms);
    }
    return spread_of(work, c->rounds);
}

/* The twin's perplexity where its entropy is that of `quality`; NaN where its curve does not
 * reach. */
static double twin_there(const struct comparison *c, const struct quality *quality)
{
    const struct column *twin = &c->columns[c->column_count - 1];
    return c->sweep && c->judge != NULL
               ? exp(quality_on_curve(twin->sweep, COMPARE_TEMPERATURE_COUNT,
                                      quality_entropy(quality)))
               : NAN;
}

/* ---- Output -------------------------------------------------------------------------------- */

/* A number, or what stands for none. */
static const char *number(char *text, size_t size, double value, const char *none)
{
    if (isnan(value)) {
        return none;
    }
    snprintf(text, size, "%.2f", value);
    return text;
}

static const char *column_name(const struct column *column, char *text, size_t size)
{
    if (column->steps == 0) {
        snprintf(text, size, "twin");
    } else {
        snprintf(text, size, "%d steps", (int)column->steps);
    }
    return text;
}

static void print_quality_json(const struct comparison *c, const struct column *column,
                               const struct quality *quality)
{
    char steps[16] = "null", judged[32], error[32], there[32];
    bool none = c->judge == NULL;
    double nats = quality_nats(quality), nats_error = quality_nats_error(quality);
    if (column->steps > 0) {
        snprintf(steps, sizeof steps, "%d", (int)column->steps);
    }
    printf("\"steps\": %s, \"perplexity\": %s, \"perplexity_error\": %s, \"entropy\": %.6g, "
           "\"twin_perplexity\": %s",
           steps, number(judged, sizeof judged, none ? NAN : exp(nats), "null"),
           number(error, sizeof error, none ? NAN : exp(nats) * nats_error, "null"),
           quality_entropy(quality), number(there, sizeof there, twin_there(c, quality), "null"));
}

static void print_row(const struct comparison *c, int32_t at, double *work, bool json)
{
    const struct column *column = &c->columns[at];
    const struct quality *quality = &column->quality;
    struct spread ms = column_spread(c, at, work);
    double evaluations = column->steps == 0 ? (double)c->hole : column->evaluations / c->texts;
    char name[32], judged[32], there[32];
    if (json) {
        printf("{\"ms\": %.5g, \"interval\": [%.5g, %.5g], \"evaluations\": %.6g, ", ms.median,
               ms.low, ms.high, evaluations);
        print_quality_json(c, column, quality);
        printf("}");
        return;
    }
    printf("%-10s %10.1f   %8.1f to %-8.1f %8.1f %12s %10.2f %12s\n",
           column_name(column, name, sizeof name), ms.median, ms.low, ms.high, evaluations,
           number(judged, sizeof judged, c->judge == NULL ? NAN : exp(quality_nats(quality)), "-"),
           quality_entropy(quality), number(there, sizeof there, twin_there(c, quality), "-"));
}

static void print_sweep(const struct comparison *c, bool json)
{
    char name[32], judged[32], there[32];
    printf(json ? ", \"sweep\": [" : "\n%-10s %12s %12s %10s %12s\n", "", "temperature",
           "perplexity", "entropy", "twin there");
    for (int32_t i = 0; i < c->column_count * COMPARE_TEMPERATURE_COUNT; i++) {
        const struct column *column = &c->columns[i / COMPARE_TEMPERATURE_COUNT];
        const struct quality *quality = &column->sweep[i % COMPARE_TEMPERATURE_COUNT];
        double temperature = COMPARE_TEMPERATURES[i % COMPARE_TEMPERATURE_COUNT];
        if (json) {
            printf("%s{\"temperature\": %g, ", i == 0 ? "" : ", ", temperature);
            print_quality_json(c, column, quality);
            printf("}");
        } else {
            printf("%-10s %12.1f %12s %10.2f %12s\n", column_name(column, name, sizeof name),
                   temperature,
                   number(judged, sizeof judged,
                          c->judge == NULL ? NAN : exp(quality_nats(quality)), "-"),
                   quality_entropy(quality),
                   number(there, sizeof there, twin_there(c, quality), "-"));
        }
    }
    printf(json ? "]" : "\n");
}

static void print_real(const struct comparison *c, bool json)
{
    char judged[32];
    const struct quality *quality = &c->real_quality;
    double perplexity = c->judge == NULL ? NAN : exp(quality_nats(quality));
    if (c->real == NULL) {
        return;
    }
    printf(json ? ", \"hole\": %d, \"real\": {\"perplexity\": %s, \"entropy\": %.6g}"
                : "real text (hole of %d): perplexity %s, entropy %.2f\n",
           (int)c->hole, number(judged, sizeof judged, perplexity, json ? "null" : "-"),
           quality_entropy(quality));
}

static void print_break_even(const struct comparison *c, double *work, bool json)
{
    /* steps say how long it takes */
    bool counted = c->sampling.positions != SEDD_POSITIONS_BOUNDED &&
                   c->sampling.positions != SEDD_POSITIONS_HITTING;
    struct spread star = column_spread(c, c->column_count, work);
    if (counted) {
        printf(json ? ", \"break_even_steps\": %.4g, \"break_even_interval\": [%.4g, %.4g]"
                    : "break-even: %.2f steps, 95 %% interval %.2f to %.2f\n",
               star.median, star.low, star.high);
    } else if (json) {
        printf(", \"break_even_steps\": null, \"break_even_interval\": null");
    }
}

void comparison_print(const struct comparison *c, const struct sedd_engine *engine, double *work)
{
    bool json = cli_has(c->cli, "--json");
    if (json) {
        printf("{\"length\": %d, \"rounds\": %d, \"texts\": %d, \"kernels\": \"%s\", "
               "\"threads\": %d, \"rows\": [",
               (int)c->length, (int)c->rounds, (int)c->texts, sedd_engine_kernels(engine),
               (int)sedd_engine_threads(engine));
    } else {
        printf("%d tokens, %d rounds, %d texts, kernels %s, %d threads\n", (int)c->length,
               (int)c->rounds, (int)c->texts, sedd_engine_kernels(engine),
               (int)sedd_engine_threads(engine));
        printf("%-10s %10s   %-20s %8s %12s %10s %12s\n", "", "ms", "95 % interval", "runs",
               "perplexity", "entropy", "twin there");
    }
    for (int32_t column = 0; column < c->column_count; column++) {
        print_row(c, column, work, json);
        printf(json && column + 1 < c->column_count ? ", " : "");
    }
    printf(json ? "]" : "");
    print_real(c, json);
    print_break_even(c, work, json);
    if (c->sweep) {
        print_sweep(c, json);
    }
    printf(json ? "}\n" : "");
}
