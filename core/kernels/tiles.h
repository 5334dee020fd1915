/*
 * tiles.h - matrix products over the primitives of vector.h: register tiles of a few rows by one or
 * more panels of eight channels, every sum in one register lane from the first input to the last.
 *
 * The tile shapes are measured (NOTES.md): a tile that needs one register more than the engine has
 * left runs at half speed.
 */
#define TILE_ROWS_MAX 8
#define TILE_PANELS_MAX 4
#define UNROLL _Pragma("GCC unroll 8") /* a sum that is indexed in a loop lives in memory */
#define ROLLED _Pragma("GCC unroll 1") /* copies are small and rare: modules have 300 kB */
#define GROUP_BYTES 16384
#define ROW_BLOCK 192 /* rows whose activations stay in the second-level cache */

/* Bias, epilogue and store of one row's eight channels; the last panel may have fewer. */
INLINE void finish(const struct sedd_matmul *job, int32_t row, int32_t channel, vf v)
{
    float *y = job->y + (size_t)row * job->y_stride + channel, part[LANES];
    int32_t count = sedd_min(LANES, job->out - channel);
    v = job->bias != NULL ? vf_add(v, vf_load(job->bias + channel)) : v;
    if (job->epilogue == SEDD_EPILOGUE_GELU) {
        v = vf_gelu(v);
    }
    if (job->epilogue == SEDD_EPILOGUE_ADD && count == LANES) {
        v = job->gate != NULL ? vf_mul(vf_load(job->gate + channel), v) : v;
        v = vf_add(vf_load(y), v);
    }
    if (count == LANES) {
        vf_store(y, v);
        return;
    }
    vf_store(part, v);
    for (int32_t i = 0; i < count; i++) {
        float gated = job->gate != NULL ? job->gate[channel + i] * part[i] : part[i];
        y[i] = job->epilogue == SEDD_EPILOGUE_ADD ? y[i] + gated : part[i];
    }
}

/* sums[rows][panels * LANES] = products of `n` inputs, ascending. Input k of row r is at
 * x[r * row_step + k * k_step], input k of panel p at w[p * panel_step + k * LANES]; fused where
 * `fused` allows and the instruction set has it, else every product and sum is rounded. */
INLINE void multiply(float *sums, const float *x, size_t row_step, size_t k_step, const float *w,
                     size_t panel_step, int32_t n, const int rows, const int panels,
                     const bool fused)
{
    const int registers = panels * PANEL_REGISTERS;
    rf sum[TILE_ROWS_MAX][TILE_PANELS_MAX * PANEL_REGISTERS];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int c = 0; c < registers; c++) {
            sum[r][c] = rf_zero();
        }
    }
    for (int32_t k = 0; k < n; k++, x += k_step, w += LANES) {
        rf weight[TILE_PANELS_MAX * PANEL_REGISTERS];
        UNROLL
        for (int c = 0; c < registers; c++) {
            weight[c] = rf_load(w + (size_t)(c / PANEL_REGISTERS) * panel_step +
                                c % PANEL_REGISTERS * (LANES / PANEL_REGISTERS));
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            rf value = rf_splat(x + (size_t)r * row_step);
            UNROLL
            for (int c = 0; c < registers; c++) {
                sum[r][c] = fused ? rf_madd(value, weight[c], sum[r][c])
                                  : rf_add(rf_mul(value, weight[c]), sum[r][c]);
            }
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int c = 0; c < registers; c++) {
            rf_store(sums + (r * registers + c) * (LANES / PANEL_REGISTERS), sum[r][c]);
        }
    }
}

INLINE void tile_float(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                       const int panels, const bool fused)
{
    float sums[TILE_ROWS_MAX * TILE_PANELS_MAX * LANES];
    size_t panel_size = (size_t)job->in * SEDD_PANEL;
    multiply(sums, job->x + (size_t)row * job->x_stride, job->x_stride, 1,
             job->w + (size_t)panel * panel_size, panel_size, job->in, rows, panels, fused);
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < panels; p++) {
            finish(job, row + r, (panel + p) * SEDD_PANEL,
                   vf_load(sums + (r * panels + p) * LANES));
        }
    }
}

INLINE void tile_f32(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                     const int panels)
{
    tile_float(job, row, panel, rows, panels, true);
}

/* Rounds every product and sum by itself: the same bits in every table. */
INLINE void tile_plain(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                       const int panels)
{
    tile_float(job, row, panel, rows, panels, false);
}

/* Scales, bias, epilogue and store of the dot products of one row and panel. */
INLINE void finish_q8(const struct sedd_matmul *job, int32_t row, int32_t panel,
                      const int32_t *dots)
{
    int32_t channel = panel * SEDD_PANEL;
    struct sedd_row_scale xs = job->xs[row];
    vi whole = vi_sub(vi_load(dots), vi_mul(vi_set1(xs.zero), vi_load(job->w_sum + channel)));
    vf scale = vf_mul(vf_set1(xs.scale), vf_load(job->w_scale + channel));
    finish(job, row, channel, vf_mul(vf_from_vi(whole), scale));
}

/* dots [rows][panels * LANES], those of one part of each panel's channels. */
INLINE void dots_q8(int32_t *dots, const struct sedd_matmul *job, int32_t row, int32_t panel,
                    const int rows, const int panels, const int part)
{
    const uint8_t *x = job->xq + (size_t)row * job->x_stride;
    size_t panel_size = (size_t)job->in_padded * SEDD_PANEL;
    const int8_t *w = job->wq + (size_t)panel * panel_size;
    qs sum[TILE_ROWS_MAX][TILE_PANELS_MAX];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int p = 0; p < panels; p++) {
            sum[r][p] = qs_zero();
        }
    }
    for (int32_t k = 0; k < job->in_padded; k += SEDD_GROUP, w += SEDD_PANEL * SEDD_GROUP) {
        qw weight[TILE_PANELS_MAX];
        UNROLL
        for (int p = 0; p < panels; p++) {
            weight[p] = qw_load(w + (size_t)p * panel_size, part);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            qx value = qx_load(x + (size_t)r * job->x_stride + (size_t)k);
            UNROLL
            for (int p = 0; p < panels; p++) {
                sum[r][p] = qs_dot(sum[r][p], weight[p], value);
            }
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int p = 0; p < panels; p++) {
            qs_store(dots + (r * panels + p) * LANES + part * (LANES / Q8_PARTS), sum[r][p]);
        }
    }
}

INLINE void tile_q8(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                    const int panels)
{
    int32_t dots[TILE_ROWS_MAX * TILE_PANELS_MAX * LANES];
    for (int part = 0; part < Q8_PARTS; part++) {
        dots_q8(dots, job, row, panel, rows, panels, part);
    }
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < panels; p++) {
            finish_q8(job, row + r, panel + p, dots + (r * panels + p) * LANES);
        }
    }
}

/* Compilers move the epilogue's constants out of the loop over tiles, where they push sums out of
 * the registers, unless a tile is a function of its own: AVX2 f32 49 or 105 GFLOP/s. */
#define NOINLINE __attribute__((noinline))

#define ONE_GROUPS 4 /* groups of inputs whose sums of one row run side by side */

/* One row and one panel: weights are read in the order in which they lie, which memory likes best
 * (24 instead of 12 GB/s for four panels side by side), so the sums side by side are of one panel.
 */
static NOINLINE void row_q8(const struct sedd_matmul *job, int32_t row, int32_t panel)
{
    const uint8_t *x = job->xq + (size_t)row * job->x_stride;
    const int8_t *w = job->wq + (size_t)panel * (size_t)job->in_padded * SEDD_PANEL;
    int32_t dots[LANES], groups = job->in_padded / SEDD_GROUP;
    for (int part = 0; part < Q8_PARTS; part++) {
        qs sum[ONE_GROUPS];
        UNROLL
        for (int i = 0; i < ONE_GROUPS; i++) {
            sum[i] = qs_zero();
        }
        int32_t group = 0;
        for (; group + ONE_GROUPS <= groups; group += ONE_GROUPS) {
            UNROLL
            for (int i = 0; i < ONE_GROUPS; i++) {
                sum[i] = qs_dot(sum[i], qw_load(w + (group + i) * SEDD_GROUP * SEDD_PANEL, part),
                                qx_load(x + (group + i) * SEDD_GROUP));
            }
        }
        for (; group < groups; group++) {
            sum[0] = qs_dot(sum[0], qw_load(w + group * SEDD_GROUP * SEDD_PANEL, part),
                            qx_load(x + group * SEDD_GROUP));
        }
        sum[0] = qs_add(qs_add(sum[0], sum[1]), qs_add(sum[2], sum[3]));
        qs_store(dots + part * (LANES / Q8_PARTS), sum[0]);
    }
    finish_q8(job, row, panel, dots);
}

static void one_q8(const struct sedd_matmul *job, int32_t row, int32_t panel, int32_t end)
{
    for (; panel < end; panel++) {
        row_q8(job, row, panel);
    }
}

/* Float sums have to run from the first input to the last: four panels at once keep the adders
 * busy. */
#define DEFINE_ONE(NAME, TILE)                                                                     \
    static void one_##NAME(const struct sedd_matmul *job, int32_t row, int32_t panel, int32_t end) \
    {                                                                                              \
        for (; panel + 4 <= end; panel += 4) {                                                     \
            TILE(job, row, panel, 1, 4);                                                           \
        }                                                                                          \
        for (; panel < end; panel++) {                                                             \
            TILE(job, row, panel, 1, 1);                                                           \
        }                                                                                          \
    }

DEFINE_ONE(f32, tile_f32)
DEFINE_ONE(plain, tile_plain)

/* Rows of the next of some tiles: the last two share what is left, because low tiles are slow. */
static inline int32_t tile_height(int32_t left, int32_t rows)
{
    return left >= 2 * rows || left == rows ? rows : left > rows ? (left + 1) / 2 : left;
}

/* Panels that a row tile meets one after the other: few enough to stay in the first-level cache for
 * the next row tile, several so that whole cache lines of y are written at once. */
static inline int32_t panel_group(int32_t panel_bytes, int32_t panels)
{
    return sedd_max(1, GROUP_BYTES / sedd_max(1, panel_bytes) / panels) * panels;
}

/* matmul_NAME from a tile: groups of panels over a block of rows, what is left by smaller tiles. */
#define DEFINE_MATMUL(NAME, TILE, ROWS, PANELS, PANEL_BYTES)                                       \
    static NOINLINE void full_##NAME(const struct sedd_matmul *job, int32_t row, int32_t panel)    \
    {                                                                                              \
        TILE(job, row, panel, ROWS, PANELS);                                                       \
    }                                                                                              \
    static void few_##NAME(const struct sedd_matmul *job, int32_t row, int32_t rows,               \
                           int32_t panel, int32_t panels)                                          \
    {                                                                                              \
        bool all = PANELS > 1 && panels == PANELS;                                                 \
        for (int32_t p = panel; p < panel + panels; p += all ? PANELS : 1) {                       \
            switch (rows) {                                                                        \
            case 1: all ? TILE(job, row, p, 1, PANELS) : TILE(job, row, p, 1, 1); break;           \
            case 2: all ? TILE(job, row, p, 2, PANELS) : TILE(job, row, p, 2, 1); break;           \
            case 3: all ? TILE(job, row, p, 3, PANELS) : TILE(job, row, p, 3, 1); break;           \
            case 4: all ? TILE(job, row, p, 4, PANELS) : TILE(job, row, p, 4, 1); break;           \
            case 5: all ? TILE(job, row, p, 5, PANELS) : TILE(job, row, p, 5, 1); break;           \
            case 6: all ? TILE(job, row, p, 6, PANELS) : TILE(job, row, p, 6, 1); break;           \
            default: break;                                                                        \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void column_##NAME(const struct sedd_matmul *job, int32_t row, int32_t end,             \
                              int32_t panel, int32_t panel_end)                                    \
    {                                                                                              \
        while (row < end) {                                                                        \
            int32_t rows = tile_height(end - row, ROWS);                                           \
            for (int32_t p = panel; p < panel_end; p += PANELS) {                                  \
                int32_t panels = sedd_min(PANELS, panel_end - p);                                  \
                if (rows == ROWS && panels == PANELS) {                                            \
                    full_##NAME(job, row, p);                                                      \
                } else {                                                                           \
                    few_##NAME(job, row, rows, p, panels);                                         \
                }                                                                                  \
            }                                                                                      \
            row += rows;                                                                           \
        }                                                                                          \
    }                                                                                              \
    static void matmul_##NAME(const struct sedd_matmul *job, int32_t row_begin, int32_t row_end,   \
                              int32_t panel_begin, int32_t panel_end)                              \
    {                                                                                              \
        if (row_end - row_begin == 1) {                                                            \
            one_##NAME(job, row_begin, panel_begin, panel_end);                                    \
            return;                                                                                \
        }                                                                                          \
        int32_t group = panel_group(PANEL_BYTES, PANELS);                                          \
        for (int32_t row = row_begin; row < row_end; row += ROW_BLOCK) {                           \
            int32_t end = sedd_min(row + ROW_BLOCK, row_end);                                      \
            for (int32_t panel = panel_begin; panel < panel_end; panel += group) {                 \
                column_##NAME(job, row, end, panel, sedd_min(panel + group, panel_end));           \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_MATMUL(f32, tile_f32, TILE_ROWS_F32, TILE_PANELS, job->in *SEDD_PANEL * 4)
DEFINE_MATMUL(plain, tile_plain, TILE_ROWS_PLAIN, TILE_PANELS, job->in *SEDD_PANEL * 4)
#ifdef TILE_ROWS_Q8 /* else the file has a product of its own */
DEFINE_MATMUL(q8, tile_q8, TILE_ROWS_Q8, TILE_PANELS_Q8, job->in_padded *SEDD_PANEL)
#endif
