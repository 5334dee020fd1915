/*
 * order.h - which of the masks open: a rank for each, and how many from the front.
 */
#ifndef SEDD_ORDER_H
#define SEDD_ORDER_H

#include "common.h"

struct sedd_ranked {
    double rank; /* the lowest opens first; the earlier place where two are equal */
    int32_t place;
    float entropy; /* nats, of the distribution its token was drawn from; bounded only */
};

void sedd_order_sort(struct sedd_ranked *ranked, int32_t count);

/* Rank by which any first few of `length` positions lie far apart: the position's bits reversed,
 * counted from a start that `turn` in [0, 1) picks. */
double sedd_order_spread(int32_t position, int32_t length, double turn);

/* The longest front of sorted masks whose tokens may be drawn independently: (sum of entropies)
 * - (the largest) bounds how far the joint distribution is from the product, and has to stay within
 * gamma (Ben-Hamu et al. 2025, arXiv 2505.24857). At least one of them. */
int32_t sedd_order_bounded(const struct sedd_ranked *ranked, int32_t count, double gamma);

#endif
