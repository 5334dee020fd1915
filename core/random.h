/*
 * random.h - counter-based random numbers: a pure function of (seed, step, position, draw).
 *
 * The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
 * 3"). It has no state, so a number depends neither on the number of threads nor on other draws.
 * Editing one position of a run leaves the random numbers of all other positions unchanged.
 */
#ifndef SEDD_RANDOM_H
#define SEDD_RANDOM_H

#include <stdint.h>

/* Purpose of a number. Streams of one seed are independent of each other. */
enum sedd_stream {
    SEDD_STREAM_DRAW = 0, /* sampling; draw 0: fill in or stay masked, draw 1: the token */
    SEDD_STREAM_LIMIT,    /* the uniform graph's starting sequence */
    SEDD_STREAM_RACE,     /* official draws: one number per state */
    SEDD_STREAM_GENERATE, /* GPT-2's next token */
    SEDD_STREAM_MASK,     /* bound: the positions that are masked */
    SEDD_STREAM_TIME,     /* bound: stratified time or mask count */
    SEDD_STREAM_HIT,      /* first-hitting: the time of the next evaluation */
    SEDD_STREAM_TURN      /* spread order: its starting point */
};

/* Returns a uniform number in [0, 1) with 53 bits. */
double sedd_random_uniform(uint64_t seed, enum sedd_stream stream, uint32_t step, uint32_t position,
                           uint32_t draw);

/* Rounds such a number to float32, and to the largest float below 1 instead of to 1. */
float sedd_random_below_one(double uniform);

/* Fills values [count] with uniform numbers in [0, 1) of 24 bits, for draws 0..count-1. */
void sedd_random_floats(uint64_t seed, enum sedd_stream stream, uint32_t step, uint32_t position,
                        float *values, uint32_t count);

#endif
