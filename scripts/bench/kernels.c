/*
 * kernels.c - times every entry of every kernel table that runs on this processor, on one thread,
 * and prints one JSON object a line: {"table", "entry", "shape", "kind", "rate"}. The rate is in
 * giga-operations a second for the kinds f32 and int8, and in gigabytes read and written a second
 * for the kind rows. The table "peak" holds the processor's limits, where peak_x86.c measures them.
 *
 * The shapes are those of SEDD-small: 768 and 3072 inputs, 128 rows or one, heads of 64.
 */
#include "kernels/kernels.h"
#include "peak_x86.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICES 7
#define SLICE_MS 8.0

struct shape {
    const char *name;
    int32_t rows, in, out;
};

static const struct shape SHAPES[] = {
    {"128x768x768", 128, 768, 768},   {"128x768x3072", 128, 768, 3072},
    {"128x3072x768", 128, 3072, 768}, {"16x768x3072", 16, 768, 3072},
    {"1x768x3072", 1, 768, 3072},
};

/* Operands, large enough for every shape. */
struct bench {
    const struct sedd_kernels *table;
    struct sedd_matmul job;
    struct sedd_attention attention;
    void *scratch;
    float *row, *other; /* [3072] */
    uint8_t *quantised;
    uint32_t *wide; /* [384, 12] */
    int32_t n;
    const struct bench_peak *peak;
};

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time); /* TIME_UTC counts whole milliseconds in wasm */
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* Returns the highest rate of several slices, in units a nanosecond; each call does `units`. */
static double fastest(void (*call)(struct bench *bench), struct bench *bench, double units)
{
    double best = 0.0;
    int32_t calls = 1;
    for (int slice = 0; slice < SLICES;) {
        double begin = now_ms();
        for (int32_t i = 0; i < calls; i++) {
            call(bench);
        }
        double took = now_ms() - begin;
        if (took < SLICE_MS / 2) {
            calls = took < SLICE_MS / 16 ? calls * 8 : calls * 2;
            continue;
        }
        double rate = calls * units / took * 1e-6;
        best = rate > best ? rate : best;
        slice++;
    }
    return best;
}

static void print(const char *table, const char *entry, const char *shape, const char *kind,
                  double rate)
{
    printf("{\"table\": \"%s\", \"entry\": \"%s\", \"shape\": \"%s\", \"kind\": \"%s\", "
           "\"rate\": %.5g}\n",
           table, entry, shape, kind, rate);
    fflush(stdout);
}

/* ---- Entries ------------------------------------------------------------------------------- */

static int32_t panels(const struct bench *bench)
{
    return bench->job.out / SEDD_PANEL;
}

static void call_f32(struct bench *bench)
{
    bench->table->matmul_f32(&bench->job, 0, bench->job.rows, 0, panels(bench));
}

static void call_plain(struct bench *bench)
{
    bench->table->matmul_plain(&bench->job, 0, bench->job.rows, 0, panels(bench));
}

static void call_q8(struct bench *bench)
{
    bench->table->matmul_q8(&bench->job, 0, bench->job.rows, 0, panels(bench));
}

static void call_attention(struct bench *bench)
{
    bench->table->attention(&bench->attention, 0, bench->n, bench->scratch);
}

static void call_attention_q8(struct bench *bench)
{
    bench->table->attention_q8(&bench->attention, 0, bench->n, bench->scratch);
}

static void call_quantize(struct bench *bench)
{
    struct sedd_row_scale scale;
    bench->table->quantize_row(bench->quantised, &scale, bench->row, bench->n, bench->n);
}

static void call_norm(struct bench *bench)
{
    bench->table->norm(bench->other, bench->row, bench->row, bench->row, bench->n, 1e-5f);
}

static void call_rotate(struct bench *bench)
{
    bench->table->rotate(bench->other, bench->row, bench->row + bench->n / 2, bench->n / 2);
}

static void call_max(struct bench *bench)
{
    bench->row[0] += bench->table->max(bench->row, bench->n) > 1e9f ? 1.0f : 0.0f;
}

static void call_exp_sum(struct bench *bench)
{
    float sum = bench->table->exp_sum(bench->other, bench->n, 0.5f, 1.0f);
    bench->other[0] = sum > 0.0f ? 0.5f : 0.25f;
}

static void call_peak(struct bench *bench)
{
    bench->peak->call();
}

/* ---- One table ----------------------------------------------------------------------------- */

static void mark_wide(struct bench *bench)
{
    int32_t in = bench->job.in, words = sedd_wide_words(in);
    memset(bench->wide, 0, (size_t)(panels(bench) * words) * sizeof *bench->wide);
    for (int32_t row = 0; row < bench->job.out; row++) {
        int32_t panel = row / SEDD_PANEL;
        sedd_wide_add(bench->wide + panel * words,
                      bench->job.wq + (size_t)(panel * SEDD_PANEL * in), row % SEDD_PANEL, in);
    }
    bench->job.w_wide = bench->wide;
}

static void run_products(struct bench *bench, const struct sedd_matmul *operands)
{
    const char *name = bench->table->name;
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        const struct shape *shape = &SHAPES[i];
        double operations = 2.0 * shape->rows * shape->in * shape->out;
        bench->job = *operands;
        bench->job.rows = shape->rows;
        bench->job.in = bench->job.in_padded = shape->in;
        bench->job.out = shape->out;
        bench->job.x_stride = (size_t)shape->in;
        bench->job.y_stride = (size_t)shape->out;
        mark_wide(bench);
        print(name, "matmul_f32", shape->name, "f32", fastest(call_f32, bench, operations));
        print(name, "matmul_plain", shape->name, "f32", fastest(call_plain, bench, operations));
        print(name, "matmul_q8", shape->name, "int8", fastest(call_q8, bench, operations));
    }
}

static void run_attention(struct bench *bench, float *values, float *out)
{
    static const struct {
        const char *name;
        int32_t queries, keys;
    } CASES[] = {{"128 of 128", 128, 128}, {"128 of 1024", 128, 1024}, {"1 of 128", 1, 128}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int32_t keys = CASES[i].keys;
        bench->n = CASES[i].queries;
        bench->attention = (struct sedd_attention){.q = values,
                                                   .k = values + 64,
                                                   .v = values + 128,
                                                   .q_stride = 192,
                                                   .kv_stride = 192,
                                                   .out = out,
                                                   .out_stride = 64,
                                                   .head_size = 64,
                                                   .keys = keys,
                                                   .causal_offset = -1,
                                                   .scale = 0.125f};
        double operations = 4.0 * bench->n * keys * 64;
        bench->scratch = calloc(1, bench->table->attention_scratch(64, keys) + 64);
        print(bench->table->name, "attention", CASES[i].name, "f32",
              fastest(call_attention, bench, operations));
        free(bench->scratch);
        bench->scratch = calloc(1, bench->table->attention_q8_scratch(64, keys) + 64);
        print(bench->table->name, "attention_q8", CASES[i].name, "int8",
              fastest(call_attention_q8, bench, operations));
        free(bench->scratch);
    }
}

static void run_rows(struct bench *bench)
{
    const char *name = bench->table->name;
    bench->n = 768;
    print(name, "quantize_row", "768", "rows", fastest(call_quantize, bench, 768 * 5.0));
    print(name, "norm", "768", "rows", fastest(call_norm, bench, 768 * 8.0));
    print(name, "max", "768", "rows", fastest(call_max, bench, 768 * 4.0));
    print(name, "exp_sum", "768", "rows", fastest(call_exp_sum, bench, 768 * 8.0));
    bench->n = 64;
    print(name, "rotate", "64", "rows", fastest(call_rotate, bench, 64 * 8.0));
}

/* ---- Operands ------------------------------------------------------------------------------ */

enum { IN_MAX = 3072, OUT_MAX = 3072, ROWS_MAX = 128, KEYS_MAX = 1024, WEIGHTS = 768 * 3072 };

static float *floats(size_t count, float spread)
{
    float *values = sedd_memory_new(count, sizeof *values);
    for (size_t i = 0; values != NULL && i < count; i++) {
        values[i] = spread * ((float)(i * 7919 % 1021) / 510.0f - 1.0f);
    }
    return values;
}

/* Fills in weights with the distribution of a trained row that is scaled to its largest value: a
 * sum of four draws, with a standard deviation of 37 of 126. */
static int8_t bell(size_t i)
{
    int32_t sum = -126;
    for (uint32_t j = 0, state = (uint32_t)i * 2654435761u + 1; j < 4; j++) {
        state = state * 1664525u + 1013904223u;
        sum += (int32_t)(state >> 26);
    }
    return (int8_t)sum;
}

int main(void)
{
    size_t rows = (size_t)ROWS_MAX * IN_MAX;
    float *x = floats(rows, 1.0f), *w = floats(WEIGHTS, 0.05f), *y = floats(rows, 0.0f);
    float *scales = floats(OUT_MAX, 0.01f), *heads = floats((size_t)KEYS_MAX * 192, 1.0f);
    uint8_t *xq = sedd_memory_new(rows, 1);
    int8_t *wq = sedd_memory_new(WEIGHTS, 1);
    int32_t *sums = sedd_memory_new(OUT_MAX, sizeof *sums);
    struct sedd_row_scale *xs = sedd_memory_new(ROWS_MAX, sizeof *xs);
    struct bench bench = {.row = floats(IN_MAX, 1.0f),
                          .other = floats(IN_MAX, 1.0f),
                          .quantised = sedd_memory_new(IN_MAX, 1),
                          .wide =
                              sedd_memory_new((OUT_MAX / SEDD_PANEL) * sedd_wide_words(IN_MAX), 4)};
    if (!x || !w || !y || !scales || !heads || !xq || !wq || !sums || !xs || !bench.row ||
        !bench.other || !bench.quantised || !bench.wide) {
        fprintf(stderr, "bench_kernels: no memory for the operands\n");
        return 1;
    }
    for (size_t i = 0; i < rows; i++) {
        xq[i] = (uint8_t)(i * 31 % 128);
    }
    for (size_t i = 0; i < WEIGHTS; i++) {
        wq[i] = bell(i);
    }
    for (size_t i = 0; i < ROWS_MAX; i++) {
        xs[i] = (struct sedd_row_scale){0.01f, 64};
    }
    struct sedd_matmul operands = {
        .x = x, .w = w, .xq = xq, .xs = xs, .wq = wq, .w_scale = scales, .w_sum = sums, .y = y};
    for (bench.peak = bench_peaks(); bench.peak->name != NULL; bench.peak++) {
        print("peak", bench.peak->name, "", bench.peak->name,
              fastest(call_peak, &bench, bench.peak->units));
    }
    for (size_t i = 0; (bench.table = sedd_kernels_at(i)) != NULL; i++) {
        run_products(&bench, &operands);
        run_attention(&bench, heads, y);
        run_rows(&bench);
    }
    return 0;
}
