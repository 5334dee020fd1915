/*
 * peak.c - micro-kernels that measure this processor's limits in wasm. One register tile for each
 * way to multiply runs over operands that stay in the level-1 and level-2 caches, and sums over
 * memory measure bandwidth.
 *
 * A tile has 4, 5 or 6 rows and 8 channels over 768 inputs, with weights packed as core/kernels
 * packs them. The best of the three heights is the limit, because wasm engines differ in the
 * registers they have free: with 6 rows (12 accumulators, 2 weights, 1 input) V8 spills on some
 * processors, which halves the rate. A call does 2 * rows * 8 * 768 operations `rounds` times.
 */
#include <stdint.h>
#include <wasm_simd128.h>

enum { ROWS_MAX = 6, CHANNELS = 8, INPUTS = 768, PANELS = 16, BUFFER = 256 << 20 };

static float weights_f32[PANELS * CHANNELS * INPUTS] __attribute__((aligned(16)));
static int8_t weights_q8[PANELS * CHANNELS * INPUTS] __attribute__((aligned(16)));
static float rows_f32[ROWS_MAX * INPUTS] __attribute__((aligned(16)));
static uint8_t rows_q8[ROWS_MAX * INPUTS] __attribute__((aligned(16)));
static int16_t rows_i16[ROWS_MAX * INPUTS] __attribute__((aligned(16)));
static uint8_t buffer[BUFFER] __attribute__((aligned(16)));
static v128_t sink, ones;

/* Writes every operand, so that every page has its own memory instead of the shared zero page. */
__attribute__((export_name("fill"))) void fill(void)
{
    for (int i = 0; i < PANELS * CHANNELS * INPUTS; i++) {
        weights_f32[i] = (float)(i % 7) * 0.125f;
        weights_q8[i] = (int8_t)(i % 255 - 127);
    }
    for (int i = 0; i < ROWS_MAX * INPUTS; i++) {
        rows_f32[i] = (float)(i % 5) * 0.25f;
        rows_q8[i] = (uint8_t)(i % 128);
        rows_i16[i] = (int16_t)(i % 128);
    }
    ones = wasm_i16x8_splat(1);
    for (int i = 0; i < BUFFER; i += 64) {
        buffer[i] = (uint8_t)i;
    }
}

#define TILE_OF(NAME, FUNCTION, ROWS, START, STEP, INPUT, LOADS, PRODUCT)                          \
    __attribute__((export_name(NAME))) void FUNCTION(int32_t rounds)                               \
    {                                                                                              \
        for (int32_t round = 0; round < rounds; round++) {                                         \
            int32_t panel = round % PANELS * CHANNELS * INPUTS;                                    \
            v128_t sum[ROWS][2];                                                                   \
            for (int row = 0; row < ROWS; row++) {                                                 \
                sum[row][0] = sum[row][1] = START;                                                 \
            }                                                                                      \
            for (int32_t k = 0; k < INPUTS; k += STEP) {                                           \
                LOADS;                                                                             \
                _Pragma("clang loop unroll(full)") for (int row = 0; row < ROWS; row++)            \
                {                                                                                  \
                    v128_t x = wasm_v128_load32_splat(&INPUT[row * INPUTS + k]);                   \
                    sum[row][0] = PRODUCT(x, low, sum[row][0]);                                    \
                    sum[row][1] = PRODUCT(x, high, sum[row][1]);                                   \
                }                                                                                  \
            }                                                                                      \
            for (int row = 0; row < ROWS; row++) {                                                 \
                sink = wasm_v128_xor(sink, wasm_v128_xor(sum[row][0], sum[row][1]));               \
            }                                                                                      \
        }                                                                                          \
    }

#define TILES(NAME, FUNCTION, ...)                                                                 \
    TILE_OF(NAME "_4", FUNCTION##_4, 4, __VA_ARGS__)                                               \
    TILE_OF(NAME "_5", FUNCTION##_5, 5, __VA_ARGS__)                                               \
    TILE_OF(NAME "_6", FUNCTION##_6, 6, __VA_ARGS__)

#define ZERO_F32 wasm_f32x4_splat(0.0f)
#define ZERO_I32 wasm_i32x4_splat(0)
#define LOAD_F32                                                                                   \
    const float *w = weights_f32 + panel + k * CHANNELS;                                           \
    v128_t low = wasm_v128_load(w);                                                                \
    v128_t high = wasm_v128_load(w + 4)
#define LOAD_Q8                                                                                    \
    const int8_t *w = weights_q8 + panel + k * CHANNELS;                                           \
    v128_t low = wasm_v128_load(w);                                                                \
    v128_t high = wasm_v128_load(w + 16)
#define LOAD_WIDENED                                                                               \
    const int8_t *w = weights_q8 + panel + k * CHANNELS;                                           \
    v128_t low = wasm_i16x8_load8x8(w);                                                            \
    v128_t high = wasm_i16x8_load8x8(w + 8)
#define MUL_ADD(x, w, sum) wasm_f32x4_add(wasm_f32x4_mul(x, w), sum)
#define MADD(x, w, sum) wasm_f32x4_relaxed_madd(x, w, sum)
#define DOT_I16(x, w, sum) wasm_i32x4_add(wasm_i32x4_dot_i16x8(x, w), sum)
#define LOAD_TWO                                                                                   \
    LOAD_Q8;                                                                                       \
    v128_t low_next = wasm_v128_load(w + 32);                                                      \
    v128_t high_next = wasm_v128_load(w + 48)
#define NEXT_X wasm_v128_load32_splat(&rows_q8[row * INPUTS + k + 4])
#define SHARED(x, w, sum)                                                                          \
    wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(                                                      \
                            wasm_i16x8_add(wasm_i16x8_relaxed_dot_i8x16_i7x16(w, x),               \
                                           wasm_i16x8_relaxed_dot_i8x16_i7x16(w##_next, NEXT_X)),  \
                            ones))
#define DOT_I7(x, w, sum) wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w, x, sum)

TILES("f32_simd128", mul_add, ZERO_F32, 1, rows_f32, LOAD_F32, MUL_ADD)
TILES("f32_relaxed", relaxed_madd, ZERO_F32, 1, rows_f32, LOAD_F32, MADD)
TILES("int8_simd128", widened_dot, ZERO_I32, 2, rows_i16, LOAD_WIDENED, DOT_I16)
TILES("int8_relaxed16", shared_pairs, ZERO_I32, 8, rows_q8, LOAD_TWO, SHARED)
TILES("int8_relaxed", relaxed_dot, ZERO_I32, 4, rows_q8, LOAD_Q8, DOT_I7)

/* Reads `size` bytes (a multiple of 128) `rounds` times. */
__attribute__((export_name("read"))) void read_memory(int32_t rounds, int32_t size)
{
    v128_t sum[8];
    for (int i = 0; i < 8; i++) {
        sum[i] = sink;
    }
    for (int32_t round = 0; round < rounds; round++) {
        for (int32_t at = 0; at < size; at += 128) {
            _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++)
            {
                sum[i] = wasm_i32x4_add(sum[i], wasm_v128_load(buffer + at + 16 * i));
            }
        }
    }
    for (int i = 0; i < 8; i++) {
        sink = wasm_v128_xor(sink, sum[i]);
    }
}
