/* kernels.c - selects among the compiled tables those that this processor can run, and marks the
 * wide steps of packed weights. */
#include "kernels/kernels.h"

#include <string.h>

extern const struct sedd_kernels sedd_kernels_simd128, sedd_kernels_relaxed, sedd_kernels_relaxed16,
    sedd_kernels_avx2, sedd_kernels_avxvnni, sedd_kernels_avx512vnni;

#if defined(SEDD_HAVE_RELAXED)
bool sedd_relaxed_dot_is_slow(void);
#endif

#if defined(SEDD_HAVE_AVX2)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

#if defined(SEDD_HAVE_AVXVNNI)
#include <cpuid.h>

/* Returns true if the processor has VPDPBUSD in its VEX encoding: CPUID leaf 7, subleaf 1, EAX bit
 * 4. Older compilers have no name for this feature. */
static bool has_avxvnni(void)
{
    unsigned eax = 0, ebx, ecx, edx;
    return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 4) != 0;
}
#endif

#if defined(SEDD_HAVE_AVX512VNNI)
static bool has_avx512vnni(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl");
}
#endif

#define WIDE 258 /* largest sum of weights that fits in 16 bits: 127 * 258 < 2^15 */

static bool is_wide(const int8_t *first, const int8_t *second)
{
    int32_t weights[] = {first[0], first[1], second[0], second[1]}, above = 0, below = 0;
    for (int i = 0; i < 4; i++) {
        above += sedd_max(weights[i], 0);
        below += sedd_min(weights[i], 0);
    }
    return above > WIDE || below < -WIDE;
}

void sedd_wide_add(uint32_t *words, const int8_t *panel, int32_t channel, int32_t in_padded)
{
    for (int32_t step = 0; step < in_padded / SEDD_INPUTS; step++) {
        const int8_t *first = panel + (2 * step * SEDD_PANEL + channel) * SEDD_GROUP;
        const int8_t *second = first + SEDD_PANEL * SEDD_GROUP;
        bool wide = is_wide(first, second) || is_wide(first + 2, second + 2);
        words[step / SEDD_WIDE_STEPS] |= (uint32_t)wide << step % SEDD_WIDE_STEPS;
    }
}

/* Tries the tables from the slowest to the fastest. A wasm module with unknown instructions does
 * not compile; there the table was chosen together with the module. */
const struct sedd_kernels *sedd_kernels_at(size_t index)
{
    const struct sedd_kernels *present[6] = {&sedd_kernels_scalar};
    size_t count = 1;
#if defined(SEDD_HAVE_SIMD128)
    present[count++] = &sedd_kernels_simd128;
#endif
#if defined(SEDD_HAVE_RELAXED)
    bool slow = sedd_relaxed_dot_is_slow();
    present[count++] = slow ? &sedd_kernels_relaxed : &sedd_kernels_relaxed16;
    present[count++] = slow ? &sedd_kernels_relaxed16 : &sedd_kernels_relaxed;
#endif
#if defined(SEDD_HAVE_AVX2)
    if (has_avx2()) {
        present[count++] = &sedd_kernels_avx2;
    }
#endif
#if defined(SEDD_HAVE_AVX512VNNI)
    if (has_avx512vnni()) {
        present[count++] = &sedd_kernels_avx512vnni;
    }
#endif
#if defined(SEDD_HAVE_AVXVNNI)
    if (has_avxvnni()) {
        present[count++] = &sedd_kernels_avxvnni;
    }
#endif
    return index < count ? present[index] : NULL;
}

const struct sedd_kernels *sedd_kernels_find(const char *name)
{
    const struct sedd_kernels *found = NULL;
    for (size_t i = 0; sedd_kernels_at(i) != NULL; i++) {
        if (name == NULL || strcmp(name, sedd_kernels_at(i)->name) == 0) {
            found = sedd_kernels_at(i);
        }
    }
    return found;
}
