/*
 * quality.h - what texts are worth: a judge's nats a token and the entropy of the tokens within
 * each text (Deschenaux & Gulcehre 2024). Low perplexity by repetition shows as low entropy, so
 * that texts are compared where their entropies are equal.
 */
#ifndef SEDD_CLI_QUALITY_H
#define SEDD_CLI_QUALITY_H

#include <stdint.h>

struct quality {
    double nats, nats_squares, entropy; /* sums over texts */
    int32_t texts;
};

/* Counts a text of `count` ids (which are sorted) that the judge gives `nats` a token. */
void quality_add(struct quality *quality, double nats, int32_t *ids, int32_t count);

double quality_nats(const struct quality *quality);
/* Standard error of quality_nats over texts; NaN for a single one. */
double quality_nats_error(const struct quality *quality);
double quality_entropy(const struct quality *quality);

/* Nats a token at `entropy` on the line through a curve's points, which may come in any order; NaN
 * outside of them. */
double quality_on_curve(const struct quality *curve, int32_t points, double entropy);

#endif
