/*
 * condition.h - the noise conditioning: the modulations that the network computes from sigma alone.
 * They are the same for every token. A run therefore computes several noise levels at once, and the
 * session caches the latest ones.
 *
 * A time-free network has constant modulations: those of sigma 0 (MDLM, SDTT), or its norms' own
 * weights and biases with gates of 1 (RADD). A session computes them once.
 */
#ifndef SEDD_CONDITION_H
#define SEDD_CONDITION_H

#include "model/session.h"

/* Order of the six vectors of a block's modulation. Each scale is stored as weight (1 + scale). */
enum { SEDD_SHIFT1, SEDD_SCALE1, SEDD_GATE1, SEDD_SHIFT2, SEDD_SCALE2, SEDD_GATE2 };

/* Sets session->modulation to the modulations of `sigma`. Computes them unless they are cached. */
void sedd_condition(struct sedd_session *session, double sigma);

/* Returns true if the modulations of `sigma` are cached. */
bool sedd_condition_kept(const struct sedd_session *session, double sigma);
/* Computes and caches the modulations of `count` noise levels, at most SEDD_CONDITIONS. Each matrix
 * is read once. The bits are the same as when levels are computed one at a time. */
void sedd_condition_prepare(struct sedd_session *session, const double *sigmas, int32_t count);
/* Computes the features of `count` noise levels, at most condition_count, and what sigma_map makes
 * of them, into session->condition. The model has a sigma_map. */
void sedd_condition_embed(struct sedd_session *session, const double *sigmas, int32_t count);

#endif
