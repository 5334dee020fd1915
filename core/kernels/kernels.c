/* kernels.c - which tables are compiled in, and which of them run here. */
#include "kernels/kernels.h"

#include <string.h>

extern const struct sedd_kernels sedd_kernels_scalar, sedd_kernels_simd128, sedd_kernels_relaxed,
    sedd_kernels_relaxed16, sedd_kernels_avx2, sedd_kernels_avxvnni, sedd_kernels_avx512vnni;

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

/* Leaf 7, subleaf 1, EAX bit 4: VPDPBUSD in its VEX encoding (older compilers cannot name it). */
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

/* Slowest first. A wasm module with unknown instructions does not compile, so there the choice was
 * made when the module was picked. */
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
