/* peak_x86.c - measures the limits of an x86 processor with AVX2 and FMA, and with VNNI where it is
 * available. */
#include "peak_x86.h"

#include "kernels/kernels.h"

#include <immintrin.h>
#include <stdint.h>

enum { CHAINS = 12, ROUNDS = 4096, BYTES = 16384 };

/* These are not static, so that the compiler can neither predict the reads nor drop the writes. */
float sedd_peak_f32[8] = {0.999f};
int32_t sedd_peak_i32[8];
uint8_t sedd_peak_bytes[BYTES];

/* Twelve independent sums hide the latency. */
static void f32(void)
{
    __m256 sum[CHAINS], x = _mm256_set1_ps(sedd_peak_f32[0]), total = _mm256_setzero_ps();
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = _mm256_set1_ps((float)i);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = _mm256_fmadd_ps(sum[i], x, x);
        }
    }
    for (int i = 0; i < CHAINS; i++) {
        total = _mm256_add_ps(total, sum[i]);
    }
    _mm256_storeu_ps(sedd_peak_f32, total);
}

/* VPDPBUSD has two encodings, and some processors support only one. A compiler that may use either
 * chooses VEX. */
#define INT8(NAME, DOT, TARGET)                                                                    \
    __attribute__((target(TARGET))) static void NAME(void)                                         \
    {                                                                                              \
        __m256i sum[CHAINS], total = _mm256_setzero_si256();                                       \
        __m256i x = _mm256_loadu_si256((const __m256i *)sedd_peak_bytes);                          \
        for (int i = 0; i < CHAINS; i++) {                                                         \
            sum[i] = _mm256_set1_epi32(i);                                                         \
        }                                                                                          \
        for (int round = 0; round < ROUNDS; round++) {                                             \
            for (int i = 0; i < CHAINS; i++) {                                                     \
                sum[i] = DOT(sum[i], x, x);                                                        \
            }                                                                                      \
        }                                                                                          \
        for (int i = 0; i < CHAINS; i++) {                                                         \
            total = _mm256_add_epi32(total, sum[i]);                                               \
        }                                                                                          \
        _mm256_storeu_si256((__m256i *)sedd_peak_i32, total);                                      \
    }

INT8(int8_vex, _mm256_dpbusd_avx_epi32, "avxvnni")
INT8(int8_evex, _mm256_dpbusd_epi32, "avx512vl,avx512vnni")

static void rows(void)
{
    __m256i sum[4] = {_mm256_setzero_si256()};
    for (int i = 1; i < 4; i++) {
        sum[i] = sum[0];
    }
    for (int at = 0; at < BYTES; at += 128) {
        for (int i = 0; i < 4; i++) {
            const uint8_t *bytes = sedd_peak_bytes + at + 32 * i;
            sum[i] = _mm256_add_epi32(sum[i], _mm256_loadu_si256((const __m256i *)bytes));
        }
    }
    sum[0] = _mm256_add_epi32(_mm256_add_epi32(sum[0], sum[1]), _mm256_add_epi32(sum[2], sum[3]));
    _mm256_storeu_si256((__m256i *)sedd_peak_i32, sum[0]);
}

const struct bench_peak *bench_peaks(void)
{
    static struct bench_peak peaks[] = {
        {"f32", 16.0 * CHAINS * ROUNDS, f32}, {"rows", BYTES, rows}, {0, 0.0, 0}, {0, 0.0, 0}};
    static const struct bench_peak NONE[] = {{0, 0.0, 0}};
    bool vex = sedd_kernels_find("avxvnni") != NULL, evex = sedd_kernels_find("avx512vnni") != NULL;
    if (vex || evex) {
        peaks[2] = (struct bench_peak){"int8", 64.0 * CHAINS * ROUNDS, vex ? int8_vex : int8_evex};
    }
    return sedd_kernels_find("avx2") != NULL ? peaks : NONE;
}
