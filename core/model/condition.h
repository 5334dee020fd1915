/*
 * condition.h - the noise conditioning: what the network makes of sigma alone. It is the same for
 * every token, so a run's noise levels are worked out several at a time, and the session keeps the
 * latest.
 */
#ifndef SEDD_CONDITION_H
#define SEDD_CONDITION_H

#include "model/session.h"

/* Order of the six vectors of a block's modulation; the scales are ready: weight (1 + scale). */
enum { SEDD_SHIFT1, SEDD_SCALE1, SEDD_GATE1, SEDD_SHIFT2, SEDD_SCALE2, SEDD_GATE2 };

/* Makes the modulations of `sigma` the session's, computing them unless they are kept. */
void sedd_condition(struct sedd_session *session, double sigma);

/* Whether they are kept. */
bool sedd_condition_kept(const struct sedd_session *session, double sigma);
/* Works out `count` noise levels, at most SEDD_CONDITIONS, reading each matrix once. The bits are
 * those of single ones. */
void sedd_condition_prepare(struct sedd_session *session, const double *sigmas, int32_t count);

#endif
