/*
 * relaxed16.c - wasm relaxed SIMD where engines make several instructions of the 32-bit int8 dot
 * product: x86 without AVX-VNNI, and Firefox everywhere on x86, have pmaddubsw, a dot of two
 * products in 16 bits. Said in those terms a step costs three instructions instead of five:
 *
 *   pairs = relaxed_dot_i16x8(w, x)     two products a lane, at most 2 * 127 * 128
 *   sum  += dot_i16x8(pairs, 1)
 *
 * and two steps share the second line where the weights allow it: four weights of one lane whose
 * positive ones sum to 258 at most, and so their negative ones, cannot leave 16 bits, as activations
 * are 0..127. Nearly all steps of trained matrices are like that; a scan of each panel finds the
 * others, which take the line apiece. Exact in either case.
 */
#include "kernels/wasm.h"
#include "kernels/math.h"
#include "kernels/relaxed.h"

#define TILE_ROWS_Q8 4

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

#include "kernels/vector.h"

/* ---- Two steps at a time ------------------------------------------------------------------- */

#define STEP (2 * SEDD_GROUP) /* inputs */
#define STEP_BYTES (STEP * SEDD_PANEL)
#define LANE_MAX 258 /* 127 * 258 < 2^15 */
#define MARKS 64      /* steps of a panel that can be remembered as too large */
#define PAIR_ROWS 4
#define GROUP_MAX 8  /* panels at a time */
#define SCAN_ROWS 32 /* fewer rows do not earn the scan */

/* Steps of a panel that cannot share, ascending; then the number of steps. count < 0: too many. */
struct marks {
    int32_t count, step[MARKS + 1];
};

/* Sums of four weights a lane, of weights that all have the same sign. */
static inline v128_t lane_sums(v128_t first, v128_t second)
{
    v128_t ones = wasm_i8x16_splat(1);
    return wasm_i16x8_add(wasm_i16x8_relaxed_dot_i8x16_i7x16(first, ones),
                          wasm_i16x8_relaxed_dot_i8x16_i7x16(second, ones));
}

/* first and second: 16 weights each of two steps that would share. */
static inline v128_t too_large(v128_t first, v128_t second)
{
    v128_t zero = wasm_i8x16_splat(0);
    v128_t above = lane_sums(wasm_i8x16_max(first, zero), wasm_i8x16_max(second, zero));
    v128_t below = lane_sums(wasm_i8x16_min(first, zero), wasm_i8x16_min(second, zero));
    return wasm_v128_or(wasm_i16x8_gt(above, wasm_i16x8_splat(LANE_MAX)),
                        wasm_i16x8_lt(below, wasm_i16x8_splat(-LANE_MAX)));
}

static void scan(struct marks *marks, const int8_t *w, int32_t steps)
{
    marks->count = 0;
    for (int32_t step = 0; step < steps; step++, w += STEP_BYTES) {
        v128_t low = too_large(wasm_v128_load(w), wasm_v128_load(w + 32));
        v128_t high = too_large(wasm_v128_load(w + 16), wasm_v128_load(w + 48));
        if (wasm_v128_any_true(wasm_v128_or(low, high))) {
            if (marks->count == MARKS || marks->count > steps / 8) {
                marks->count = -1;
                return;
            }
            marks->step[marks->count++] = step;
        }
    }
    marks->step[marks->count] = steps;
}

INLINE v128_t two_steps(v128_t sum, v128_t first, v128_t second, v128_t x0, v128_t x1)
{
    return add_pairs(sum, wasm_i16x8_add(wasm_i16x8_relaxed_dot_i8x16_i7x16(first, x0),
                                         wasm_i16x8_relaxed_dot_i8x16_i7x16(second, x1)));
}

/* Steps begin..end-1 of `rows` rows, shared. */
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

/* One step that cannot be shared. */
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

INLINE void tile_shared(const struct sedd_matmul *job, int32_t row, int32_t panel,
                        const struct marks *marks, const int rows)
{
    const uint8_t *x = job->xq + (size_t)row * job->x_stride;
    const int8_t *w = job->wq + (size_t)panel * (size_t)job->in_padded * SEDD_PANEL;
    qs sum[PAIR_ROWS];
    int32_t begin = 0, dots[LANES];
    for (int r = 0; r < rows; r++) {
        sum[r] = qs_zero();
    }
    for (int32_t i = 0;; i++) {
        add_steps(sum, x, job->x_stride, w, begin, marks->step[i], rows);
        if (i == marks->count) {
            break;
        }
        add_apart(sum, x, job->x_stride, w, marks->step[i], rows);
        begin = marks->step[i] + 1;
    }
    for (int r = 0; r < rows; r++) {
        qs_store(dots, sum[r]);
        finish_q8(job, row + r, panel, dots);
    }
}

static NOINLINE void full_shared(const struct sedd_matmul *job, int32_t row, int32_t panel,
                                 const struct marks *marks)
{
    tile_shared(job, row, panel, marks, PAIR_ROWS);
}

static void column_shared(const struct sedd_matmul *job, int32_t row, int32_t end, int32_t panel,
                          int32_t panel_end)
{
    struct marks marks[GROUP_MAX];
    for (int32_t p = panel; p < panel_end; p++) {
        scan(&marks[p - panel], job->wq + (size_t)p * (size_t)job->in_padded * SEDD_PANEL,
             job->in_padded / STEP);
    }
    while (row < end) {
        int32_t rows = tile_height(end - row, PAIR_ROWS);
        for (int32_t p = panel; p < panel_end; p++) {
            if (rows == PAIR_ROWS && marks[p - panel].count >= 0) {
                full_shared(job, row, p, &marks[p - panel]);
            } else {
                few_q8(job, row, rows, p, 1);
            }
        }
        row += rows;
    }
}

static void matmul_shared(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                          int32_t panel_begin, int32_t panel_end)
{
    if (row_end - row_begin < SCAN_ROWS) {
        matmul_q8(job, row_begin, row_end, panel_begin, panel_end);
        return;
    }
    int32_t group = sedd_min(GROUP_MAX, panel_group(job->in_padded * SEDD_PANEL, 1));
    for (int32_t row = row_begin; row < row_end; row += ROW_BLOCK) {
        int32_t end = sedd_min(row + ROW_BLOCK, row_end);
        for (int32_t panel = panel_begin; panel < panel_end; panel += group) {
            column_shared(job, row, end, panel, sedd_min(panel + group, panel_end));
        }
    }
}

/* ---- The table ----------------------------------------------------------------------------- */

/* What the 32-bit dot makes of a second operand past 127 tells which instructions it is made of:
 * pmaddubsw saturates its pairs, 2 * 255 * 127, at 32767. */
bool sedd_relaxed_dot_is_slow(void)
{
    volatile int8_t largest = 127, all = -1;
    v128_t sum = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(
        wasm_i8x16_splat(largest), wasm_i8x16_splat(all), wasm_i32x4_splat(0));
    return wasm_i32x4_extract_lane(sum, 0) == 2 * INT16_MAX;
}

const struct sedd_kernels sedd_kernels_relaxed16 =
    SEDD_VECTOR_TABLE_WITH("relaxed16", matmul_shared);
