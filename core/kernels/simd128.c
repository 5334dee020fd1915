/*
 * simd128.c - the table for wasm SIMD128, which every current browser has. The int8 product widens
 * its operands to 16 bits and keeps two partial sums per channel, which are added at the end. A
 * tile covers a panel in two passes of four channels, because four rows of eight channels would
 * need too many registers.
 */
#include "kernels/wasm.h"

#define TILE_ROWS_F32 TILE_ROWS_PLAIN
#define TILE_ROWS_Q8 4
#define Q8_PARTS 2
#define Q8_TOGETHER 1

typedef struct {
    v128_t pair[2]; /* channels 0-1 and 2-3, two partial sums each */
} qs;
typedef qs qw;
typedef v128_t qx;

static inline rf rf_madd(rf a, rf b, rf c)
{
    return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
}

static inline qs qs_zero(void)
{
    v128_t zero = wasm_i32x4_splat(0);
    return (qs){{zero, zero}};
}

static inline qs qs_add(qs a, qs b)
{
    return (qs){{wasm_i32x4_add(a.pair[0], b.pair[0]), wasm_i32x4_add(a.pair[1], b.pair[1])}};
}

static inline void qs_store(int32_t *dots, qs sum)
{
    v128_t even = wasm_i32x4_shuffle(sum.pair[0], sum.pair[1], 0, 2, 4, 6);
    v128_t odd = wasm_i32x4_shuffle(sum.pair[0], sum.pair[1], 1, 3, 5, 7);
    wasm_v128_store(dots, wasm_i32x4_add(even, odd));
}

static inline qw qw_load(const int8_t *p, int part)
{
    p += 16 * part;
    return (qw){{wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8)}};
}

static inline qx qx_load(const uint8_t *p)
{
    return wasm_u16x8_extend_low_u8x16(wasm_v128_load32_splat(p));
}

static inline qs qs_dot(qs sum, qw w, qx x)
{
    return (qs){{wasm_i32x4_add(sum.pair[0], wasm_i32x4_dot_i16x8(w.pair[0], x)),
                 wasm_i32x4_add(sum.pair[1], wasm_i32x4_dot_i16x8(w.pair[1], x))}};
}

#include "kernels/vector_template.h"

/* ---- Many rows: activations widened once for several panels ---------------------------------- */

#define WIDE_ROWS 4   /* rows of a tile that is widened in advance */
#define WIDE_MAX 4096 /* inputs that fit in the buffer; longer rows are widened in the loop */
#define WIDE_PANELS 8 /* panels that use a widened tile before the next is widened */

/* Widens the rows of a tile into wide [in_padded / 4][WIDE_ROWS][4]. */
static void widen(int16_t *wide, const struct sedd_matmul *job, int32_t row)
{
    for (int r = 0; r < WIDE_ROWS; r++) {
        const uint8_t *x = job->xq + (size_t)(row + r) * job->x_stride;
        int16_t *to = wide + r * SEDD_GROUP;
        for (int32_t k = 0; k < job->in_padded;
             k += SEDD_INPUTS, to += 2 * WIDE_ROWS * SEDD_GROUP) {
            v128_t eight = wasm_u16x8_load8x8(x + k);
            wasm_v128_store64_lane(to, eight, 0);
            wasm_v128_store64_lane(to + WIDE_ROWS * SEDD_GROUP, eight, 1);
        }
    }
}

static NOINLINE void tile_wide(const struct sedd_matmul *job, int32_t row, int32_t panel,
                               const int16_t *wide)
{
    const int8_t *w = job->wq + (size_t)panel * (size_t)job->in_padded * SEDD_PANEL;
    int32_t dots[WIDE_ROWS * LANES];
    for (int part = 0; part < Q8_PARTS; part++) {
        qs sum[WIDE_ROWS];
        UNROLL
        for (int r = 0; r < WIDE_ROWS; r++) {
            sum[r] = qs_zero();
        }
        const int16_t *x = wide;
        for (int32_t k = 0; k < job->in_padded; k += SEDD_GROUP, x += WIDE_ROWS * SEDD_GROUP) {
            qw weight = qw_load(w + k * SEDD_PANEL, part);
            UNROLL
            for (int r = 0; r < WIDE_ROWS; r++) {
                sum[r] = qs_dot(sum[r], weight, wasm_v128_load64_splat(x + r * SEDD_GROUP));
            }
        }
        UNROLL
        for (int r = 0; r < WIDE_ROWS; r++) {
            qs_store(dots + r * LANES + part * (LANES / Q8_PARTS), sum[r]);
        }
    }
    for (int r = 0; r < WIDE_ROWS; r++) {
        finish_q8(job, row + r, panel, dots + r * LANES);
    }
}

static void matmul_wide(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,
                        int32_t panel_begin, int32_t panel_end)
{
    int32_t end = row_end - (row_end - row_begin) % WIDE_ROWS;
    if (job->in_padded > WIDE_MAX) {
        end = row_begin;
    }
    for (int32_t panel = panel_begin; panel < panel_end && end > row_begin; panel += WIDE_PANELS) {
        int16_t wide[WIDE_ROWS * WIDE_MAX];
        for (int32_t row = row_begin; row < end; row += WIDE_ROWS) {
            widen(wide, job, row);
            for (int32_t p = panel; p < sedd_min(panel + WIDE_PANELS, panel_end); p++) {
                tile_wide(job, row, p, wide);
            }
        }
    }
    if (end < row_end) {
        matmul_q8(job, end, row_end, panel_begin, panel_end);
    }
}

const struct sedd_kernels sedd_kernels_simd128 = SEDD_VECTOR_TABLE_WITH("simd128", matmul_wide);
