/* options.c - implements options.h. */
#include "eval/options.h"

#define SEED(structure)                                                                            \
    {                                                                                              \
        .name = "seed", .key = "seed", .type = SEDD_FIELD_SEED, .uses = SEDD_FIELD_OF_SEDD,        \
        .offset = offsetof(structure, seed), .help = "of the random masks"                         \
    }

static const struct sedd_field BOUND_ROWS[] = {
    {.name = "estimator",
     .key = "estimator",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD_FIELD_OF_SEDD,
     .offset = offsetof(struct sedd_bound_options, estimator),
     .words = "kmask reference lambda",
     .help = "of the bound; the uniform graph has no masks and needs reference"},
    {.name = "samples",
     .key = "samples",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD_FIELD_OF_SEDD,
     .offset = offsetof(struct sedd_bound_options, samples),
     .low = 1,
     .high = 1000000,
     .fallback = 64,
     .help = "network evaluations a window"},
    SEED(struct sedd_bound_options),
};

static const struct sedd_field CHOICE_ROWS[] = {
    {.name = "scoring",
     .key = "scoring",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD_FIELD_OF_SEDD,
     .offset = offsetof(struct sedd_choice_options, scoring),
     .words = "bound chain",
     .help = "an upper bound, or the chain rule from left to right"},
    {.name = "samples",
     .key = "samples",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD_FIELD_OF_SEDD,
     .offset = offsetof(struct sedd_choice_options, samples),
     .low = 1,
     .high = 1000000,
     .fallback = 16,
     .help = "network evaluations an option"},
    SEED(struct sedd_choice_options),
};

const struct sedd_fields SEDD_BOUND_FIELDS = {BOUND_ROWS, sizeof BOUND_ROWS / sizeof BOUND_ROWS[0]};
const struct sedd_fields SEDD_CHOICE_FIELDS = {CHOICE_ROWS,
                                               sizeof CHOICE_ROWS / sizeof CHOICE_ROWS[0]};
