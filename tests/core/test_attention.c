/*
 * test_attention.c - tests attention in integers: every table gives the bits of the scalar one,
 * however the queries are split, and the scalar one is within its rounding errors of attention in
 * float64.
 */
#include "test.h"

#include "kernels/kernels.h"
#include "kernels/math.h"
#include "random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { QUERIES = 21, KEYS = 1024, SIZE = 80, STRIDE = 91, GUARD = 0x5A };

enum kind { PLAIN, ZEROS, WIDE, NOT_FINITE, PEAKED, FLAT, FULL, KINDS };

static const char *const NAMES[] = {"plain",  "zeros", "wide", "not finite",
                                    "peaked", "flat",  "full"};

static float q[QUERIES * STRIDE], k[KEYS * STRIDE], v[KEYS * STRIDE];
static float expected[QUERIES * STRIDE], got[QUERIES * STRIDE];

static void fill(float *x, size_t n, uint32_t stream, double spread)
{
    for (size_t i = 0; i < n; i++) {
        double uniform = sedd_random_uniform(3, SEDD_STREAM_DRAW, stream, (uint32_t)i, 0);
        x[i] = (float)(spread * (2.0 * uniform - 1.0));
    }
}

/* Replaces one value in eleven of x by one of the four. */
static void scatter(float *x, size_t n, const float values[4])
{
    for (size_t i = 3; i < n; i += 11) {
        x[i] = values[i / 11 % 4];
    }
}

static void scatter_all(const float values[4])
{
    scatter(q, QUERIES * STRIDE, values);
    scatter(k, KEYS * STRIDE, values);
    scatter(v, KEYS * STRIDE, values);
}

static void make(enum kind kind, int32_t keys)
{
    static const float wide[] = {FLT_MAX, -1e30f, 1e-40f, FLT_MIN};
    static const float odd[] = {NAN, INFINITY, -INFINITY, -FLT_MAX};
    fill(q, QUERIES * STRIDE, 0, kind == FLAT ? 1e-3 : 2.0);
    fill(k, KEYS * STRIDE, 1, 2.0);
    fill(v, KEYS * STRIDE, 2, 3.0);
    if (kind == ZEROS) {
        memset(q + STRIDE, 0, STRIDE * sizeof(float));
        memset(k + (size_t)(keys / 2) * STRIDE, 0, STRIDE * sizeof(float));
        for (int32_t j = 0; j < keys; j++) {
            v[j * STRIDE + 5] = 0.0f;
        }
    }
    if (kind == FULL) { /* values at their limits: the largest sums, and one lowest score */
        for (size_t i = 0; i < KEYS * STRIDE; i++) {
            k[i] = i < STRIDE && keys > 1 ? -1.0f : 1.0f;
            v[i] = 5.0f;
            q[i % (QUERIES * STRIDE)] = 1.0f;
        }
    }
    if (kind == WIDE) {
        scatter_all(wide);
    }
    if (kind == NOT_FINITE) {
        scatter_all(odd);
    }
    for (int32_t i = 0; i < SIZE && kind == PEAKED; i++) { /* all queries match one key */
        k[(size_t)(keys * 2 / 3) * STRIDE + (size_t)i] = 30.0f;
        for (int32_t row = 0; row < QUERIES; row++) {
            q[row * STRIDE + i] = fabsf(q[row * STRIDE + i]);
        }
    }
}

static struct sedd_attention job_of(int32_t size, int32_t keys, float *out)
{
    return (struct sedd_attention){.q = q,
                                   .k = k,
                                   .v = v,
                                   .q_stride = STRIDE,
                                   .kv_stride = STRIDE,
                                   .out = out,
                                   .out_stride = STRIDE,
                                   .head_size = size,
                                   .keys = keys,
                                   .causal_offset = -1,
                                   .scale = (float)(1.0 / sqrt((double)size))};
}

/* Computes attention in pieces that end at the given queries. */
static void attend(const struct sedd_kernels *table, const struct sedd_attention *job,
                   int32_t first, int32_t second)
{
    void *scratch = sedd_memory_new(table->attention_q8_scratch(job->head_size, job->keys), 1);
    table->attention_q8(job, 0, first, scratch);
    table->attention_q8(job, first, second, scratch);
    sedd_memory_free(scratch);
}

/* ---- Against float64 --------------------------------------------------------------------- */

static double largest(const float *x, size_t stride, int32_t n)
{
    double top = 0.0;
    for (int32_t i = 0; i < n; i++) {
        top = fmax(top, fabs((double)x[(size_t)i * stride]));
    }
    return top;
}

/* Writes the softmax of query `row` to p [keys]. Returns the sum of exp(score - largest score).
 * *error receives a bound on the error of a score that comes from rounding q and k by half a step,
 * with a small addition for the reciprocal. */
static double softmax(const struct sedd_attention *job, int32_t row, double *p, double *error)
{
    int32_t n = job->head_size;
    const float *query = q + row * STRIDE;
    double levels = floor(sqrt(0x1p30 / n)), top = -INFINITY, sum = 0.0, k_top = 0.0;
    for (int32_t j = 0; j < job->keys; j++) {
        k_top = fmax(k_top, largest(k + j * STRIDE, 1, n));
    }
    double q_half = 0.501 * largest(query, 1, n) / levels, k_half = 0.501 * k_top / levels;
    *error = 0.0;
    for (int32_t j = 0; j < job->keys; j++) {
        double dot = 0.0, change = 0.0;
        for (int32_t i = 0; i < n; i++) {
            double a = (double)query[i], b = (double)k[j * STRIDE + i];
            dot += a * b;
            change += fabs(a) * k_half + fabs(b) * q_half + q_half * k_half;
        }
        p[j] = dot * (double)job->scale;
        *error = fmax(*error, change * (double)job->scale + 8 * 0x1p-24 * fabs(p[j]));
        top = fmax(top, p[j]);
    }
    for (int32_t j = 0; j < job->keys; j++) {
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    for (int32_t j = 0; j < job->keys; j++) {
        p[j] /= sum;
    }
    return sum;
}

/*
 * Checks the outputs against a bound. Scores with errors of at most E change probabilities by at
 * most e^2E - 1 in total. Weights with errors of 0.6 of 32767 change them by 2 K 0.6 / 32767 over
 * their sum. Each change is multiplied by a value of at most max |v|. The values have errors of
 * half a step, and float sums of K / VALUE_KEYS parts and five more operations round.
 */
static void check_bound(const struct sedd_attention *job, enum kind kind)
{
    static double p[KEYS];
    int32_t keys = job->keys, outside = 0;
    double worst = 0.0;
    for (int32_t row = 0; row < QUERIES; row++) {
        double error, sum = softmax(job, row, p, &error);
        double moved = exp(2.0 * error) - 1.0 +
                       2.0 * keys * 0.6 / 32767.0 / fmax(1.0, sum * exp(-2.0 * error));
        for (int32_t i = 0; i < job->head_size; i++) {
            double exact = 0.0, top = largest(v + i, STRIDE, keys);
            double rounding = 2.0 * (keys / 64 + 6) * 0x1p-24 * top;
            for (int32_t j = 0; j < keys; j++) {
                exact += p[j] * (double)v[j * STRIDE + i];
            }
            double off = fabs((double)job->out[row * STRIDE + i] - exact);
            outside += !(off <= moved * top + 0.501 * top / 1023.0 + rounding);
            worst = fmax(worst, off / fmax(top, 1e-30));
        }
    }
    CHECK(outside == 0);
    if (outside > 0 || keys == KEYS) {
        printf("%s, %d keys of %d: off by at most %.2g of the largest value\n", NAMES[kind],
               (int)keys, (int)job->head_size, worst);
    }
}

/* Every output is a weighted mean, so apart from rounding it is at most the largest value. */
static void check_finite(const struct sedd_attention *job)
{
    int32_t outside = 0;
    for (int32_t row = 0; row < QUERIES; row++) {
        for (int32_t i = 0; i < job->head_size; i++) {
            outside += !(fabsf(job->out[row * STRIDE + i]) <= FLT_MAX / 4 * 1.00001f);
        }
    }
    CHECK(outside == 0);
}

/* ---- The cases --------------------------------------------------------------------------- */

static void test_case(enum kind kind, int32_t size, int32_t keys)
{
    make(kind, keys);
    struct sedd_attention job = job_of(size, keys, expected);
    memset(expected, GUARD, sizeof expected);
    attend(sedd_kernels_at(0), &job, 3, QUERIES);
    if (kind == WIDE || kind == NOT_FINITE) {
        check_finite(&job);
    } else {
        check_bound(&job, kind);
    }
    for (size_t i = 0; sedd_kernels_at(i) != NULL; i++) {
        static const int32_t splits[] = {0, 1, 13};
        job.out = got;
        for (size_t split = 0; split < 3; split++) {
            memset(got, GUARD, sizeof got); /* also fills the gaps between the rows */
            attend(sedd_kernels_at(i), &job, splits[split], QUERIES);
            if (!CHECK(memcmp(got, expected, sizeof got) == 0)) {
                fprintf(stderr, "    table %s, %s, %d keys of %d\n", sedd_kernels_at(i)->name,
                        NAMES[kind], (int)keys, (int)size);
            }
        }
    }
}

static void test_weight(void)
{
    double worst = 0.0;
    for (int32_t i = 0; i <= 3000000; i++) {
        float t = -(float)i * 1e-5f;
        worst = fmax(worst, fabs((double)sedd_weight(t) - 32767.0 * exp2((double)t)));
    }
    CHECK(worst < 0.6);
    CHECK(sedd_weight(0.0f) == 32767 && sedd_weight(-1.0f) == 16384);
    CHECK(sedd_weight(-1e30f) == 0 && sedd_weight(-INFINITY) == 0);
}

int main(void)
{
    static const int32_t sizes[] = {24, 32, 64, 80, 1, 7}, lengths[] = {1, 7, 8, 127, 128};
    test_weight();
    for (size_t i = 0; sedd_kernels_at(i) != NULL; i++) {
        printf("table %s\n", sedd_kernels_at(i)->name);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < 6 * 5; i++) {
            test_case((enum kind)kind, sizes[i % 6], lengths[i / 6]);
        }
        test_case((enum kind)kind, kind == PLAIN ? 80 : 64, KEYS);
    }
    return test_report("attention");
}
