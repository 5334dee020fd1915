/*
 * choose.c - chooses the masks that the current step fills in, by random numbers or by rank. Ranks
 * that depend on the network's distributions are known only after it has run. Every mask is drawn
 * then, and those that are not chosen are masked again.
 */
#include "diffusion/options.h"
#include "diffusion/sampler.h"
#include "diffusion/schedule.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>

/* Returns the rank of a place in an order that does not depend on the network. */
static double rank_ahead(const struct sedd_sampler *sampler, int32_t place)
{
    int32_t length = sampler->options.length;
    if (sampler->options.order != SEDD_ORDER_SPREAD) {
        return sedd_sampler_random(sampler, place, 0);
    }
    double turn = sedd_random_uniform(sampler->options.seed, SEDD_STREAM_TURN, 0,
                                      (uint32_t)(place / length), 0);
    return sedd_order_spread(place % length, length, turn);
}

/* Returns how many of a sequence's sorted masks are filled in. */
static int32_t open_count(const struct sedd_sampler *sampler, int32_t masked)
{
    const struct sedd_sample_options *options = &sampler->options;
    switch (sampler->rest ? SEDD_POSITIONS_SCORE : options->positions) {
    case SEDD_POSITIONS_PLANNED:
        return sedd_schedule_count(options->grid, options->steps, sampler->steps_done, masked);
    case SEDD_POSITIONS_BOUNDED: return sedd_order_bounded(sampler->ranked, masked, options->gamma);
    case SEDD_POSITIONS_HITTING: return sedd_min(masked, 1);
    default: return masked;
    }
}

/* Sorts the masks of sequence b by rank. Returns how many of them are filled in. */
static int32_t sort_masks(struct sedd_sampler *sampler, int32_t b, int32_t *masked)
{
    int32_t first = b * sampler->options.length, count = 0;
    for (int32_t place = first; place < first + sampler->options.length; place++) {
        if (sampler->ids[place] == sampler->session->model->info.mask_id) {
            sampler->ranked[count++] =
                (struct sedd_ranked){sampler->rank[place], place, sampler->entropy[place]};
        }
    }
    sedd_order_sort(sampler->ranked, count);
    *masked = count;
    return open_count(sampler, count);
}

static int compare_places(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

/* Lists the chosen masks of every sequence before the network runs. Returns their number. */
static int32_t rows_by_order(struct sedd_sampler *sampler)
{
    int32_t *drawn = sampler->drawn, count = 0, masked;
    for (int32_t b = 0; b < sampler->options.batch; b++) {
        int32_t open = sort_masks(sampler, b, &masked);
        for (int32_t i = 0; i < open; i++) {
            drawn[count + i] = sampler->ranked[i].place;
        }
        qsort(drawn + count, (size_t)open, sizeof *drawn, compare_places);
        count += open;
    }
    return count;
}

void sedd_sampler_remask(struct sedd_sampler *sampler)
{
    if (sedd_sample_by_coin(&sampler->options) || sedd_sample_known_ahead(&sampler->options)) {
        return;
    }
    int32_t masked;
    for (int32_t b = 0; b < sampler->options.batch; b++) {
        for (int32_t i = sort_masks(sampler, b, &masked); i < masked; i++) {
            int32_t place = sampler->ranked[i].place;
            sampler->next[place] = sampler->ids[place];
        }
    }
}

int32_t sedd_sampler_choose(struct sedd_sampler *sampler)
{
    const struct sedd_model_info *info = &sampler->session->model->info;
    bool normalised = sampler->options.positions == SEDD_POSITIONS_NORMALISED ||
                      (info->normalised && sampler->options.draw == SEDD_DRAW_EXACT &&
                       sampler->options.positions == SEDD_POSITIONS_SCORE);
    double score_sum = 1.0 / expm1(sampler->sigma); /* of normalised scores */
    int32_t count = 0;
    for (int32_t place = 0; place < sampler->rows; place++) {
        sampler->rank[place] = rank_ahead(sampler, place);
        bool masked = sampler->ids[place] == info->mask_id;
        if (info->graph == SEDD_GRAPH_UNIFORM ||
            (masked && (!normalised || sedd_sampler_opens(sampler, place, score_sum)))) {
            sampler->drawn[count++] = place;
        }
    }
    bool ordered = sedd_sample_known_ahead(&sampler->options) && !normalised;
    return ordered ? rows_by_order(sampler) : count;
}

int32_t sedd_sampler_known(struct sedd_sampler *sampler, int32_t rows)
{
    int32_t mask = sampler->session->model->info.mask_id, count = 0, open = 0;
    for (int32_t place = 0; place < sampler->rows; place++) {
        bool opens = open < rows && sampler->drawn[open] == place;
        open += opens;
        if (opens || sampler->ids[place] != mask) {
            sampler->known[count++] = place;
        }
    }
    return count;
}
