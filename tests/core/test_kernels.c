/*
 * test_kernels.c - compares every table with the scalar one: equal bits wherever kernels.h promises
 * them, a derived error bound for matmul_f32, and equal bits however a job is split.
 */
#include "test.h"

#include "kernels/kernels.h"
#include "random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define LENGTH_MAX 70
#define GUARD 0x5A

static uint32_t drawn;

/* Returns a number around 0 that is sometimes denormal or large. */
static float random_float(void)
{
    double u = sedd_random_uniform(1, SEDD_STREAM_DRAW, 0, drawn, 0);
    double kind = sedd_random_uniform(1, SEDD_STREAM_DRAW, 0, drawn++, 1);
    return (float)((u - 0.5) * (kind < 0.02 ? 1e-40 : kind > 0.98 ? 1e4 : 4.0));
}

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = random_float();
    }
}

static int same(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* ---- Rows -------------------------------------------------------------------------------- */

static void test_rows(const struct sedd_kernels *k, const struct sedd_kernels *scalar)
{
    float x[LENGTH_MAX + 3], a[LENGTH_MAX], b[LENGTH_MAX], got[LENGTH_MAX], expected[LENGTH_MAX];
    for (int32_t n = 1; n <= LENGTH_MAX; n++) {
        float *odd = x + n % 3; /* unaligned */
        size_t size = (size_t)n * sizeof(float);
        fill(x, LENGTH_MAX + 3);
        fill(a, LENGTH_MAX);
        fill(b, LENGTH_MAX);
        k->norm(got, odd, a, n % 2 ? b : NULL, n, 1e-5f);
        scalar->norm(expected, odd, a, n % 2 ? b : NULL, n, 1e-5f);
        CHECK(same(got, expected, size));
        CHECK(k->max(odd, n) == scalar->max(odd, n));
        memcpy(got, odd, size);
        memcpy(expected, odd, size);
        float top = scalar->max(odd, n);
        CHECK(k->exp_sum(got, n, 0.7f, top) == scalar->exp_sum(expected, n, 0.7f, top));
        CHECK(same(got, expected, size));
        memcpy(got, odd, size);
        memcpy(expected, odd, size);
        k->rotate(got, a, b, n / 2);
        scalar->rotate(expected, a, b, n / 2);
        CHECK(same(got, expected, size));
    }
}

static void test_exp(const struct sedd_kernels *k)
{
    double worst = 0.0;
    for (int i = 0; i <= 8700; i++) {
        float x[8], shift = 0.0f;
        for (int j = 0; j < 8; j++) {
            x[j] = (float)(-i - j / 8.0) / 100.0f;
        }
        double expected = exp((double)x[3]);
        k->exp_sum(x, 8, 1.0f, shift);
        worst = fmax(worst, fabs((double)x[3] / expected - 1.0));
    }
    CHECK(worst < 3e-7);
    float far[] = {-1e30f, -INFINITY, -87.4f};
    k->exp_sum(far, 3, 1.0f, 0.0f);
    CHECK(far[0] == 0.0f && far[1] == 0.0f && far[2] == 0.0f);
}

/* Puts a value that quantisation treats specially at two places of x [n], or makes all signs equal.
 */
static void make_special(float *x, int32_t n)
{
    static const float VALUES[] = {NAN,          -NAN,        INFINITY,     -INFINITY, FLT_MAX / 3,
                                   -FLT_MAX / 3, FLT_MAX / 4, -FLT_MAX / 4, -0.0f,     FLT_MIN / 2};
    int32_t count = sizeof VALUES / sizeof VALUES[0], kind = n / 3 % (count + 2);
    for (int32_t i = 0; i < n; i++) {
        x[i] = kind == count ? fabsf(x[i]) : kind == count + 1 ? -fabsf(x[i]) : x[i];
    }
    if (kind < count) {
        x[n - 1] = x[n / 2] = VALUES[kind];
    }
}

static void test_quantize(const struct sedd_kernels *k, const struct sedd_kernels *scalar)
{
    float x[LENGTH_MAX];
    uint8_t got[LENGTH_MAX + 8], expected[LENGTH_MAX + 8];
    struct sedd_row_scale got_scale, expected_scale;
    for (int32_t n = 1; n <= LENGTH_MAX; n++) {
        int32_t padded = sedd_round_up(n, SEDD_INPUTS);
        fill(x, LENGTH_MAX);
        if (n % 3 == 0) {
            make_special(x, n);
        }
        if (n % 7 == 0) {
            x[n / 2] = NAN;
            x[0] = n % 2 ? INFINITY : -INFINITY;
        }
        if (n % 11 == 0) {
            memset(x, 0, sizeof x);
        }
        memset(got, GUARD, sizeof got);
        memset(expected, GUARD, sizeof expected);
        k->quantize_row(got, &got_scale, x, n, padded);
        scalar->quantize_row(expected, &expected_scale, x, n, padded);
        CHECK(same(got, expected, sizeof got)); /* also compares the guard after the row */
        CHECK(same(&got_scale, &expected_scale, sizeof got_scale));
        double error = 0.0;
        for (int32_t i = 0; i < n && n % 3 != 0 && n % 7 != 0; i++) {
            double back = (double)got_scale.scale * (got[i] - got_scale.zero);
            error = fmax(error, fabs(back - (double)x[i]));
        }
        /* half a step, and another half if rounding of zero moves the ends out of range */
        CHECK(error <= 1.001 * (double)got_scale.scale);
    }
}

/* ---- Products ---------------------------------------------------------------------------- */

struct problem {
    struct sedd_matmul job;
    float *x, *w, *bias, *gate, *y, *expected;
    uint8_t *xq;
    int8_t *wq;
    struct sedd_row_scale *xs;
    float *w_scale;
    int32_t *w_sum;
    uint32_t *w_wide;
    size_t y_size;
};

/* Marks the wide steps again; call it after a change of weights. */
static void mark_wide(struct problem *p)
{
    int32_t words = sedd_wide_words(p->job.in_padded), panels = sedd_round_up(p->job.out, 8) / 8;
    memset(p->w_wide, 0, (size_t)(panels * words) * 4);
    for (int32_t row = 0; row < panels * SEDD_PANEL; row++) {
        sedd_wide_add(p->w_wide + row / SEDD_PANEL * words,
                      p->wq + (size_t)(row / SEDD_PANEL * SEDD_PANEL * p->job.in_padded),
                      row % SEDD_PANEL, p->job.in_padded);
    }
}

static void make_problem(struct problem *p, int32_t rows, int32_t in, int32_t out,
                         enum sedd_epilogue epilogue)
{
    int32_t panels = sedd_round_up(out, SEDD_PANEL) / SEDD_PANEL,
            padded = sedd_round_up(in, SEDD_INPUTS);
    size_t channels = (size_t)panels * SEDD_PANEL, stride = (size_t)out + 3;
    p->y_size = (size_t)rows * stride;
    p->x = sedd_memory_new((uint64_t)rows * (uint64_t)padded, 4);
    p->w = sedd_memory_new(channels * (uint64_t)in, 4);
    p->bias = sedd_memory_new(channels, 4);
    p->gate = sedd_memory_new(channels, 4);
    p->y = sedd_memory_new(p->y_size, 4);
    p->expected = sedd_memory_new(p->y_size, 4);
    p->xq = sedd_memory_new((uint64_t)rows * (uint64_t)padded, 1);
    p->wq = sedd_memory_new(channels * (uint64_t)padded, 1);
    p->xs = sedd_memory_new((uint64_t)rows, sizeof *p->xs);
    p->w_scale = sedd_memory_new(channels, 4);
    p->w_sum = sedd_memory_new(channels, 4);
    p->w_wide = sedd_memory_new((uint64_t)panels * (uint64_t)sedd_wide_words(padded), 4);
    fill(p->x, (size_t)rows * (size_t)padded);
    fill(p->w, channels * (size_t)in);
    fill(p->bias, channels);
    fill(p->gate, channels);
    fill(p->w_scale, channels);
    for (size_t i = 0; i < (size_t)rows * (size_t)padded; i++) {
        p->xq[i] = (uint8_t)(i % 5 == 0 ? 127 : drawn++ * 37 % 128);
    }
    for (size_t i = 0; i < channels * (size_t)padded; i++) {
        p->wq[i] = (int8_t)(i % 5 == 0 ? -128 : (int)(drawn++ * 41 % 256) - 128);
        p->w_sum[i / ((size_t)padded * SEDD_PANEL) * SEDD_PANEL + i / 4 % SEDD_PANEL] += p->wq[i];
    }
    for (int32_t r = 0; r < rows; r++) {
        p->xs[r] = (struct sedd_row_scale){0.01f * (float)(r + 1), r * 13 % 128};
    }
    fill(p->y, p->y_size);
    memcpy(p->expected, p->y, p->y_size * sizeof(float));
    p->job =
        (struct sedd_matmul){.rows = rows,
                             .in = in,
                             .out = out,
                             .x = p->x,
                             .w = p->w,
                             .xq = p->xq,
                             .xs = p->xs,
                             .wq = p->wq,
                             .w_scale = p->w_scale,
                             .w_sum = p->w_sum,
                             .w_wide = p->w_wide,
                             .in_padded = padded,
                             .x_stride = (size_t)padded,
                             .bias = out % 2 ? p->bias : NULL,
                             .y = p->y,
                             .y_stride = stride,
                             .epilogue = epilogue,
                             .gate = epilogue == SEDD_EPILOGUE_ADD && rows % 2 ? p->gate : NULL,
                             .gate_rows = 1};
    mark_wide(p);
}

static void free_problem(struct problem *p)
{
    void *owned[] = {p->x,  p->w,  p->bias, p->gate,    p->y,     p->expected,
                     p->xq, p->wq, p->xs,   p->w_scale, p->w_sum, p->w_wide};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        sedd_memory_free(owned[i]);
    }
}

typedef void (*matmul)(const struct sedd_matmul *, int32_t, int32_t, int32_t, int32_t);

/* Runs the job in one piece by `expected` and in two pieces by `got`. Returns whether all of y is
 * equal, gaps included. */
static int agree(struct problem *p, matmul got, matmul expected)
{
    struct sedd_matmul reference = p->job;
    int32_t panels = sedd_round_up(p->job.out, SEDD_PANEL) / SEDD_PANEL, half = panels / 2;
    reference.y = p->expected;
    expected(&reference, 0, p->job.rows, 0, panels);
    got(&p->job, 0, p->job.rows, 0, half);
    got(&p->job, 0, p->job.rows, half, panels);
    return same(p->y, p->expected, p->y_size * sizeof(float));
}

/* Returns whether the results differ by at most twice the bound (in + 2) u sum |x w|, which holds
 * for either order of summation and includes the rounding of the bias. */
static int within_bound(struct problem *p, matmul got, matmul expected)
{
    if (agree(p, got, expected)) {
        return 1;
    }
    for (int32_t r = 0; r < p->job.rows; r++) {
        for (int32_t c = 0; c < p->job.out; c++) {
            double magnitude = fabs((double)p->bias[c]);
            for (int32_t i = 0; i < p->job.in; i++) {
                size_t w = ((size_t)(c / 8) * (size_t)p->job.in + (size_t)i) * 8 + (size_t)(c % 8);
                magnitude +=
                    fabs((double)p->x[(size_t)r * p->job.x_stride + (size_t)i] * (double)p->w[w]);
            }
            size_t place = (size_t)r * p->job.y_stride + (size_t)c;
            double difference = fabs((double)p->y[place] - (double)p->expected[place]);
            if (!(difference <= 2 * (p->job.in + 2) * 0x1p-24 * magnitude)) {
                return 0;
            }
        }
    }
    return 1;
}

enum {
    BEHIND_BLOCK = 193
}; /* one row past the block whose activations stay in the cache (ROW_BLOCK, tiles_template.h) */

static void test_products(const struct sedd_kernels *k, const struct sedd_kernels *scalar)
{
    static const int32_t rows[] = {1, 2, 3, 5, 6, 7, 13}, ins[] = {1, 3, 4, 17, 64};
    static const int32_t outs[] = {1, 7, 8, 9, 33, 40};
    for (size_t i = 0; i < 7 * 5 * 6 * 3; i++) {
        struct problem p;
        enum sedd_epilogue epilogue = (enum sedd_epilogue)(i % 3);
        int32_t row_count = rows[i / 3 % 7], in = ins[i / 21 % 5], out = outs[i / 105 % 6];
        make_problem(&p, row_count, in, out, epilogue);
        CHECK(agree(&p, k->matmul_q8, scalar->matmul_q8));
        free_problem(&p);
        make_problem(&p, row_count, in, out, epilogue);
        CHECK(agree(&p, k->matmul_plain, scalar->matmul_plain));
        free_problem(&p);
        make_problem(&p, row_count, in, out, SEDD_EPILOGUE_STORE);
        CHECK(within_bound(&p, k->matmul_f32, scalar->matmul_f32));
        CHECK(agree(&p, k->matmul_f32, k->matmul_f32));
        free_problem(&p);
    }
    struct problem p;
    make_problem(&p, BEHIND_BLOCK, 17, 9, SEDD_EPILOGUE_STORE);
    CHECK(agree(&p, k->matmul_plain, scalar->matmul_plain));
    CHECK(within_bound(&p, k->matmul_f32, scalar->matmul_f32));
    free_problem(&p);
}

/* Sets the weights of step `step` (eight inputs) and channel c of panel 0 so that they add up to
 * `sum` in one 16-bit lane of relaxed16, which holds inputs 0, 1, 4 and 5. */
static void set_lane(struct problem *p, int32_t step, int32_t c, int32_t sum)
{
    static const int32_t inputs[] = {0, 1, 32, 33};
    for (int i = 0; i < 4; i++) {
        int32_t weight = sum > 127 ? 127 : sum < -127 ? -127 : sum;
        p->wq[(step * 2 * SEDD_PANEL + c) * SEDD_GROUP + inputs[i]] = (int8_t)weight;
        sum -= weight;
    }
}

/* Tests small weights with steps that just fit, or just do not fit, into the 16 bits that four
 * products share, with all activations at their largest value. */
static void test_shared(const struct sedd_kernels *k, const struct sedd_kernels *scalar)
{
    static const int32_t lanes[] = {258, 259, -258, -259, 508, -508};
    for (int32_t i = 0; i < 48; i++) {
        struct problem p;
        int32_t rows = i % 2 == 0 ? 33 + i % 5 : 2 + i % 9, steps = 20 + 8 * (i % 4);
        rows = i == 47 ? BEHIND_BLOCK : rows;
        make_problem(&p, rows, steps * 8, 16, SEDD_EPILOGUE_STORE);
        for (int32_t w = 0; w < steps * 8 * 16; w++) {
            p.wq[w] = (int8_t)(w * 37 % 64 - 32);
        }
        for (int32_t lane = 0; lane <= i % 8; lane++) {
            set_lane(&p, (i + 5 * lane) % steps, (i + lane) % 8, lanes[(i + lane) % 6]);
        }
        mark_wide(&p);
        memset(p.xq, 127, (size_t)rows * (size_t)steps * 8);
        CHECK(agree(&p, k->matmul_q8, scalar->matmul_q8));
        free_problem(&p);
    }
}

/* ---- Attention --------------------------------------------------------------------------- */

static void test_attention(const struct sedd_kernels *k, const struct sedd_kernels *scalar)
{
    enum { KEYS = 21, STRIDE = 40 };
    static float q[KEYS * STRIDE], key[KEYS * STRIDE], value[KEYS * STRIDE];
    static float got[KEYS * STRIDE], expected[KEYS * STRIDE];
    static const int32_t sizes[] = {2, 6, 8, 12, 32, 34};
    fill(q, KEYS * STRIDE);
    fill(key, KEYS * STRIDE);
    fill(value, KEYS * STRIDE);
    for (size_t i = 0; i < 6 * 21 * 2; i++) {
        int32_t size = sizes[i % 6], keys = (int32_t)(i / 6 % 21) + 1;
        bool causal = i / 126 == 1;
        struct sedd_attention job = {.q = q,
                                     .k = key,
                                     .v = value,
                                     .q_stride = STRIDE,
                                     .kv_stride = STRIDE,
                                     .out = got,
                                     .out_stride = STRIDE,
                                     .head_size = size,
                                     .keys = keys,
                                     .causal_offset = causal ? 0 : -1,
                                     .scale = 0.3f};
        struct sedd_attention reference = job;
        void *scratch = sedd_memory_new(k->attention_scratch(size, keys), 1);
        void *other = sedd_memory_new(scalar->attention_scratch(size, keys), 1);
        reference.out = expected;
        memset(got, GUARD, sizeof got);
        memset(expected, GUARD, sizeof expected);
        k->attention(&job, 0, keys, scratch);
        scalar->attention(&reference, 0, keys, other);
        CHECK(same(got, expected, sizeof got));
        sedd_memory_free(scratch);
        sedd_memory_free(other);
    }
}

int main(void)
{
    const struct sedd_kernels *scalar = sedd_kernels_at(0);
    CHECK(strcmp(scalar->name, "scalar") == 0);
    CHECK(sedd_kernels_find("none") == NULL);
    for (size_t i = 0; sedd_kernels_at(i) != NULL; i++) {
        const struct sedd_kernels *k = sedd_kernels_at(i);
        printf("table %s\n", k->name);
        test_rows(k, scalar);
        test_exp(k);
        test_quantize(k, scalar);
        test_products(k, scalar);
        test_shared(k, scalar);
        test_attention(k, scalar);
    }
    return test_report("kernels");
}
