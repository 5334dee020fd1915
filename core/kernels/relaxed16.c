/*
 * relaxed16.c - the table for wasm relaxed SIMD where engines compile the 32-bit int8 dot product
 * to several instructions. That is the case on x86 without AVX-VNNI, and on all of x86 in Firefox.
 * These have pmaddubsw, which adds two products in 16 bits. Written in its terms, a step costs
 * three instructions instead of five:
 *
 *   pairs = relaxed_dot_i16x8(w, x)     two products per lane, at most 2 * 127 * 128
 *   sum  += dot_i16x8(pairs, 1)
 *
 * Two groups share the second line where the weights allow it. Activations are in 0..127, so the
 * products of four weights fit in 16 bits if the positive weights sum to at most 258, and the
 * negative ones to at least -258. Nearly all steps of trained matrices satisfy this. The others,
 * which w_wide marks, run the second line once per group. The result is exact in both cases.
 */
#include "kernels/wasm.h"
#include "kernels/math.h"
#include "kernels/relaxed.h"

#define Q8_PARTS 1
#define Q8_TOGETHER 1

typedef vi qs, qw;
typedef v128_t qx;

#define qs_add vi_add

static inline qs qs_zero(void)
{
    return vi_set1(0);
}

static inline void qs_store(int32_t *dots, qs sum)
{
    wasm_v128_store(dots, sum.low);
    wasm_v128_store(dots + 4, sum.high);
}

static inline qw qw_load(const int8_t *p, int part)
{
    (void)part;
    return (qw){wasm_v128_load(p), wasm_v128_load(p + 16)};
}

static inline qx qx_load(const uint8_t *p)
{
    return wasm_v128_load32_splat(p);
}

static inline v128_t add_pairs(v128_t sum, v128_t pairs)
{
    v128_t ones = wasm_v128_load32_splat(sedd_math.ones);
    return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(pairs, ones));
}

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return (qs){add_pairs(sum.low, wasm_i16x8_relaxed_dot_i8x16_i7x16(w.low, x)),
                add_pairs(sum.high, wasm_i16x8_relaxed_dot_i8x16_i7x16(w.high, x))};
}

#include "kernels/vector_template.h"

/* ---- Two steps at a time ------------------------------------------------------------------- */

#define STEP SEDD_INPUTS /* inputs of a step: two groups */
#define STEP_BYTES (STEP * SEDD_PANEL)
#define BLOCK_INPUTS (SEDD_WIDE_STEPS * STEP) /* inputs that one word of w_wide describes */
#define PAIR_ROWS 4                           /* rows of a full tile */
#define FEW_ROWS 32 /* largest number of rows for which weights are read only once */

INLINE v128_t two_steps(v128_t sum, v128_t first, v128_t second, v128_t x0, v128_t x1)
{
    return add_pairs(sum, wasm_i16x8_add(wasm_i16x8_relaxed_dot_i8x16_i7x16(first, x0),
                                         wasm_i16x8_relaxed_dot_i8x16_i7x16(second, x1)));
}

/* Adds steps begin..end-1 for `rows` rows; the two groups of a step share one widening. */
INLINE void add_steps(qs *sum, const uint8_t *x, size_t x_stride, const int8_t *w, int32_t begin,
                      int32_t end, const int rows)
{
    x += begin * STEP;
    w += (size_t)begin * STEP_BYTES;
    for (int32_t step = begin; step < end; step++, x += STEP, w += STEP_BYTES) {
        v128_t low0 = wasm_v128_load(w), high0 = wasm_v128_load(w + 16);
        v128_t low1 = wasm_v128_load(w + 32), high1 = wasm_v128_load(w + 48);
        for (int r = 0; r < rows; r++) {
            v128_t x0 = wasm_v128_load32_splat(x + (size_t)r * x_stride);
            v128_t x1 = wasm_v128_load32_splat(x + (size_t)r * x_stride + SEDD_GROUP);
            sum[r].low = two_steps(sum[r].low, low0, low1, x0, x1);
            sum[r].high = two_steps(sum[r].high, high0, high1, x0, x1);
        }
    }
}

/* Adds one wide step for `rows` rows; each of its groups is widened separately. */
INLINE void add_apart(qs *sum, const uint8_t *x, size_t x_stride, const int8_t *w, int32_t step,
                      const int rows)
{
    for (int32_t group = 2 * step; group < 2 * step + 2; group++) {
        qw weight = qw_load(w + (size_t)group * (STEP_BYTES / 2), 0);
        for (int r = 0; r < rows; r++) {
            sum[r] = qs_dot(sum[r], weight,
                            qx_load(x + (size_t)r * x_stride + (size_t)group * SEDD_GROUP));
        }
    }
}

/* Adds the inputs described by word `block` of w_wide, for `rows` rows. */
INLINE void add_block(qs *sum, const struct sedd_matmul *job, int32_t row, int32_t panel,
                      int32_t block, const int rows)
{
    int32_t first = block * BLOCK_INPUTS, begin = 0;
    int32_t steps = sedd_min(job->in_padded - first, BLOCK_INPUTS) / STEP;
    const uint8_t *x = job->xq + (size_t)row * job->x_stride + (size_t)first;
    const int8_t *w =
        job->wq + ((size_t)panel * (size_t)job->in_padded + (size_t)first) * SEDD_PANEL;
    uint32_t wide = job->w_wide[panel * sedd_wide_words(job->in_padded) + block];
    for (; wide != 0; wide &= wide - 1) {
        int32_t step = __builtin_ctz(wide);
        add_steps(sum, x, job->x_stride, w, begin, step, rows);
        add_apart(sum, x, job->x_stride, w, step, rows);
        begin = step + 1;
    }
    add_steps(sum, x, job->x_stride, w, begin, steps, rows);
}

/* Computes a full tile; its sums stay in registers over all blocks. */
static NOINLINE void tile_shared(const struct sedd_matmul *job, int32_t row, int32_t panel)
{
    qs sum[PAIR_ROWS];
    int32_t dots[LANES];
    for (int r = 0; r < PAIR_ROWS; r++) {
        sum[r] = qs_zero();
    }
    for (int32_t block = 0; block < sedd_wide_words(job->in_padded); block++) {
        add_block(sum, job, row, panel, block, PAIR_ROWS);
    }
    for (int r = 0; r < PAIR_ROWS; r++) {
        qs_store(dots, sum[r]);
        finish_q8(job, row + r, panel, dots);
    }
}

/* Adds one block to sums [rows, LANES], for two to four rows. */
INLINE void add_to(int32_t *sums, const struct sedd_matmul *job, int32_t row, int32_t panel,
                   int32_t block, const int rows)
{
    qs sum[PAIR_ROWS];
    for (int r = 0; r < rows; r++) {
        sum[r] = vi_load(sums + r * LANES);
    }
    add_block(sum, job, row, panel, block, rows);
    for (int r = 0; r < rows; r++) {
        qs_store(sums + r * LANES, sum[r]);
    }
}

static NOINLINE void add_tile(int32_t *sums, const struct sedd_matmul *job, int32_t row,
                              int32_t panel, int32_t block, int32_t rows)
{
    switch (rows) {
    case 2: add_to(sums, job, row, panel, block, 2); break;
    case 3: add_to(sums, job, row, panel, block, 3); break;
    default: add_to(sums, job, row, panel, block, PAIR_ROWS); break;
    }
}

/* Computes one panel for at most FEW_ROWS rows. Here memory limits the speed: all rows use a block
 * of 2 kB of weights before the next block is read, so that reading overlaps with multiplying. */
static void panel_few(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                      int32_t panel)
{
    int32_t sums[FEW_ROWS * LANES] = {0};
    for (int32_t block = 0; block < sedd_wide_words(job->in_padded); block++) {
        for (int32_t row = row_begin, rows; row < row_end; row += rows) {
            rows = tile_height(row_end - row, PAIR_ROWS);
            add_tile(sums + (row - row_begin) * LANES, job, row, panel, block, rows);
        }
    }
    for (int32_t row = row_begin; row < row_end; row++) {
        finish_q8(job, row, panel, sums + (row - row_begin) * LANES);
    }
}

static void column_shared(const struct sedd_matmul *job, int32_t row, int32_t end, int32_t panel,
                          int32_t panel_end)
{
    while (row < end) {
        int32_t rows = tile_height(end - row, PAIR_ROWS);
        for (int32_t p = panel; p < panel_end; p++) {
            if (rows == PAIR_ROWS) {
                tile_shared(job, row, p);
            } else if (rows == 1) { /* one row is left after a full ROW_BLOCK */
                row_q8(job, row, p);
            } else {
                panel_few(job, row, row + rows, p);
            }
        }
        row += rows;
    }
}

static void matmul_shared(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                          int32_t panel_begin, int32_t panel_end)
{
    if (row_end - row_begin == 1) {
        one_q8(job, row_begin, panel_begin, panel_end);
        return;
    }
    if (row_end - row_begin <= FEW_ROWS) {
        for (int32_t panel = panel_begin; panel < panel_end; panel++) {
            panel_few(job, row_begin, row_end, panel);
        }
        return;
    }
    int32_t group = panel_group(job->in_padded * SEDD_PANEL, 1);
    for (int32_t row = row_begin; row < row_end; row += ROW_BLOCK) {
        int32_t end = sedd_min(row + ROW_BLOCK, row_end);
        for (int32_t panel = panel_begin; panel < panel_end; panel += group) {
            column_shared(job, row, end, panel, sedd_min(panel + group, panel_end));
        }
    }
}

/* ---- The table ----------------------------------------------------------------------------- */

/* Returns true if the engine compiles the 32-bit dot to pmaddubsw. A second operand above 127 shows
 * it: pmaddubsw saturates each pair's sum, 2 * 255 * 127, at 32767. */
bool sedd_relaxed_dot_is_slow(void)
{
    volatile int8_t largest = 127, all = -1;
    v128_t sum = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_i8x16_splat(largest),
                                                        wasm_i8x16_splat(all), wasm_i32x4_splat(0));
    return wasm_i32x4_extract_lane(sum, 0) == 2 * INT16_MAX;
}

const struct sedd_kernels sedd_kernels_relaxed16 =
    SEDD_VECTOR_TABLE_WITH("relaxed16", matmul_shared);
