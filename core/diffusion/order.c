/* order.c - implements order.h. */
#include "diffusion/order.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const struct sedd_ranked *first = a, *second = b;
    if (first->rank != second->rank) {
        return first->rank < second->rank ? -1 : 1;
    }
    return first->place - second->place;
}

void sedd_order_sort(struct sedd_ranked *ranked, int32_t count)
{
    qsort(ranked, (size_t)count, sizeof *ranked, compare);
}

double sedd_order_spread(int32_t position, int32_t length, double turn)
{
    uint32_t x = (uint32_t)((position + (int32_t)(turn * length)) % length);
    double rank = 0.0;
    for (double bit = 0.5; x > 0; x >>= 1, bit *= 0.5) {
        rank += (x & 1) ? bit : 0.0;
    }
    return rank;
}

int32_t sedd_order_bounded(const struct sedd_ranked *ranked, int32_t count, double gamma)
{
    double sum = 0.0, largest = 0.0;
    int32_t open = 0;
    for (; open < count; open++) {
        sum += (double)ranked[open].entropy;
        largest = fmax(largest, (double)ranked[open].entropy);
        if (open > 0 && sum - largest > gamma) {
            break;
        }
    }
    return open;
}
