/* trace.c - writes a run as JSON: its options, the texts of its tokens, and each step's changes. */
#include "trace.h"

#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void note_ids(struct trace *trace, const int32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        trace->seen[ids[i]] = true;
    }
}

/* Returns the last part of the path of the model's folder. */
static void print_model(FILE *out, const char *folder)
{
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && folder[begin - 1] != '/') {
        begin--;
    }
    fprintf(out, "\"model\":{\"name\":");
    json_string(out, folder + begin, end - begin);
    fputc('}', out);
}

void trace_begin(struct trace *trace, const struct sedd_sample_options *options, const char *folder,
                 const int32_t *ids)
{
    char settings[512];
    sedd_sample_write(options, true, settings, sizeof settings);
    fprintf(trace->out, "{\"format\":\"sedd-trace\",\"version\":1,%s,\"maskId\":%d,", settings,
            (int)trace->info.mask_id);
    print_model(trace->out, folder);
    fprintf(trace->out, ",\n\"held\":");
    json_ids(trace->out, options->held_positions, options->held_count);
    fprintf(trace->out, ",\n\"initial\":");
    json_ids(trace->out, ids, (size_t)options->length);
    fprintf(trace->out, ",\n\"events\":[");
    note_ids(trace, ids, (size_t)options->length);
}

void trace_step(struct trace *trace, const struct sedd_step *step)
{
    FILE *out = trace->out;
    size_t count = (size_t)step->changed_count;
    fprintf(out, "%s{\"step\":%d,\"sigma\":%.7g,\"masked\":%d,\"changed\":",
            step->step == 1 ? "\n" : ",\n", (int)step->step, step->sigma, (int)step->masked);
    json_ids(out, step->changed, count);
    fprintf(out, ",\"ids\":");
    json_ids(out, step->changed_ids, count);
    for (size_t i = 0; i < count && step->confidence != NULL; i++) {
        fprintf(out, "%s%.4g", i == 0 ? ",\"confidence\":[" : ",", step->confidence[i]);
    }
    fputs(count > 0 && step->confidence != NULL ? "]}" : "}", out);
    note_ids(trace, step->changed_ids, count);
}

void trace_end(struct trace *trace)
{
    bool first = true;
    fprintf(trace->out, "\n],\n\"texts\":{");
    for (int32_t id = 0; trace->tokenizer != NULL && id < trace->info.states; id++) {
        char *text = NULL;
        size_t size;
        if (!trace->seen[id] || id == trace->info.mask_id ||
            sedd_tokenizer_decode(trace->tokenizer, &id, 1, &text, &size, NULL) != SEDD_OK) {
            continue;
        }
        fprintf(trace->out, "%s\"%d\":", first ? "" : ",", (int)id);
        json_string(trace->out, text, size);
        sedd_memory_free(text);
        first = false;
    }
    fprintf(trace->out, "}}\n");
}

static void print_failure(const struct trace *trace, int reason)
{
    fprintf(stderr, "sedd: the trace %s cannot be written%s%s\n", trace->path,
            reason == 0 ? "" : ": ", reason == 0 ? "" : strerror(reason));
}

bool trace_open(struct trace *trace, const char *path)
{
    trace->path = path;
    trace->seen = calloc((size_t)trace->info.states, sizeof *trace->seen);
    trace->out = trace->seen == NULL ? NULL : fopen(path, "wb");
    if (trace->out == NULL) {
        print_failure(trace, errno);
        free(trace->seen);
        return false;
    }
    return true;
}

bool trace_close(struct trace *trace)
{
    if (trace->out == NULL) {
        return true;
    }
    bool failed = ferror(trace->out) != 0;
    int reason = 0;
    if (fclose(trace->out) != 0) {
        failed = true;
        reason = errno;
    }
    free(trace->seen);
    if (failed) {
        print_failure(trace, reason);
    }
    return !failed;
}
