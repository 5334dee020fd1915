/* quality.c - see quality.h. */
#include "quality.h"

#include <math.h>
#include <stdlib.h>

static int compare_ids(const void *a, const void *b)
{
    int32_t first = *(const int32_t *)a, second = *(const int32_t *)b;
    return (first > second) - (first < second);
}

/* Entropy of the tokens of a text, in nats; sorts it. */
static double text_entropy(int32_t *ids, int32_t count)
{
    double sum = 0.0;
    qsort(ids, (size_t)count, sizeof *ids, compare_ids);
    for (int32_t i = 0, run; i < count; i += run) {
        for (run = 1; i + run < count && ids[i + run] == ids[i]; run++) {
        }
        double share = (double)run / count;
        sum -= share * log(share);
    }
    return sum;
}

void quality_add(struct quality *quality, double nats, int32_t *ids, int32_t count)
{
    quality->nats += nats;
    quality->nats_squares += nats * nats;
    quality->entropy += text_entropy(ids, count);
    quality->texts++;
}

double quality_nats(const struct quality *quality)
{
    return quality->nats / quality->texts;
}

double quality_nats_error(const struct quality *quality)
{
    double n = quality->texts, mean = quality->nats / n;
    double variance = (quality->nats_squares - n * mean * mean) / (n - 1.0);
    return n > 1.0 ? sqrt(fmax(variance, 0.0) / n) : NAN;
}

double quality_entropy(const struct quality *quality)
{
    return quality->entropy / quality->texts;
}

double quality_on_curve(const struct quality *curve, int32_t points, double entropy)
{
    const struct quality *below = NULL, *above = NULL; /* the nearest on either side */
    for (int32_t i = 0; i < points; i++) {
        double here = quality_entropy(&curve[i]);
        if (here <= entropy && (below == NULL || here > quality_entropy(below))) {
            below = &curve[i];
        }
        if (here >= entropy && (above == NULL || here < quality_entropy(above))) {
            above = &curve[i];
        }
    }
    if (below == NULL || above == NULL) {
        return NAN;
    }
    double width = quality_entropy(above) - quality_entropy(below);
    double share = width > 0.0 ? (entropy - quality_entropy(below)) / width : 0.0;
    return quality_nats(below) + share * (quality_nats(above) - quality_nats(below));
}
