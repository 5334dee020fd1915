/*
 * random.h - counter-based random numbers: a pure function of (seed, step, position, draw).
 *
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). There is no
 * state to carry, so a number depends neither on the number of threads nor on what was drawn before
 * or elsewhere: editing one position of a run leaves the randomness of all others as it was.
 */
#ifndef SEDD_RANDOM_H
#define SEDD_RANDOM_H

#include <stdint.h>

/* What a number is for; keeps the streams of one seed apart. */
enum sedd_stream {
    SEDD_STREAM_DRAW = 0, /* sampling; draw 0: open or stay, 1: which token */
    SEDD_STREAM_LIMIT,    /* the uniform graph's starting sequence */
    SEDD_STREAM_RACE,     /* official draws: one number a state */
    SEDD_STREAM_GENERATE, /* GPT-2's next token */
    SEDD_STREAM_MASK,     /* bound: which positions are masked */
    SEDD_STREAM_TIME,     /* bound: stratified time or mask count */
    SEDD_STREAM_HIT,      /* first-hitting: the time of the next evaluation */
    SEDD_STREAM_TURN      /* spread order: where it starts */
};

/* Uniform in [0, 1) with 53 bits. */
double sedd_random_uniform(uint64_t seed, enum sedd_stream stream, uint32_t step, uint32_t position,
                           uint32_t draw);

/* `count` uniforms in [0, 1) with 24 bits each, draws 0..count-1. */
void sedd_random_floats(uint64_t seed, enum sedd_stream stream, uint32_t step, uint32_t position,
                        float *values, uint32_t count);

#endif
