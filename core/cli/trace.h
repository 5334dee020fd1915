/*
 * trace.h - recorded runs (`sedd sample --trace`), in the format that web/client/trace.js reads and
 * documents.
 */
#ifndef SEDD_CLI_TRACE_H
#define SEDD_CLI_TRACE_H

#include "sedd.h"

#include <stdio.h>

/* Zeroed except for the first two fields. A trace that was not opened may be closed. */
struct trace {
    const struct sedd_tokenizer *tokenizer; /* borrowed; NULL: no texts */
    struct sedd_model_info info;
    const char *path;
    FILE *out;
    bool *seen; /* [states]: ids whose texts the trace needs */
};

/* Opens the file. On failure it prints the error and returns false. */
bool trace_open(struct trace *trace, const char *path);
/* Writes the options and the run's first state; `folder` names the model. */
void trace_begin(struct trace *trace, const struct sedd_sample_options *options, const char *folder,
                 const int32_t *ids);
void trace_step(struct trace *trace, const struct sedd_step *step);
void trace_end(struct trace *trace);
/* Closes the file. If a write has failed, it prints the error and returns false. */
bool trace_close(struct trace *trace);

#endif
