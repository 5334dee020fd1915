/*
 * order.h - the order in which masks are filled in: a rank for each, and how many of the first
 * ones.
 */
#ifndef SEDD_ORDER_H
#define SEDD_ORDER_H

#include "common.h"

struct sedd_ranked {
    double rank; /* the lowest is filled in first; of equal ones, the earlier place */
    int32_t place;
    float entropy; /* nats, of the distribution of its token; for bounded only */
};

void sedd_order_sort(struct sedd_ranked *ranked, int32_t count);

/* Returns a rank by which the first positions of `length`, however many, are far apart: the bits of
 * the position in reverse, counted from a start that `turn` in [0, 1) selects. */
double sedd_order_spread(int32_t position, int32_t length, double turn);

/* Returns how many of the first sorted masks may be drawn independently, at least one. The sum of
 * entropies less the largest one bounds the distance between the joint distribution and the
 * product, and must be at most gamma (Ben-Hamu et al. 2025, arXiv 2505.24857). */
int32_t sedd_order_bounded(const struct sedd_ranked *ranked, int32_t count, double gamma);

#endif
