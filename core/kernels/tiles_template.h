/*
 * tiles_template.h - matrix products over the primitives of vector_template.h, which includes this
 * file. A register tile covers a few rows and one or more panels of eight channels. Each sum stays
 * in one register lane from the first input to the last.
 *
 * The tile shapes are measured (NOTES.md). A tile that needs one register too many runs at half
 * speed.
 */
#define TILE_ROWS_MAX 8   /* bounds of the sum arrays, over all tables */
#define TILE_PANELS_MAX 4 /* DEFINE_ONE uses four panels in every table */

/* Unrolls a loop over sums: sums that are indexed in a real loop are kept in memory. */
#define UNROLL _Pragma("GCC unroll 8")

/* Keeps a loop rolled: short copies are rare, and a module may have at most 300 kB. */
#define ROLLED _Pragma("GCC unroll 1")

#define GROUP_BYTES 16384 /* bytes of weights that stay in the first-level cache (panel_group) */
#define ROW_BLOCK 192     /* rows whose activations stay in the second-level cache */

/* Applies bias and epilogue to eight channels of one row and stores them. The last panel may have
 * fewer than eight channels. */
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

/* Computes sums [rows][panels * LANES] over n inputs, in ascending order. Input k of row r is at
 * x[r * row_step + k * k_step]; input k of panel p is at w[p * panel_step + k * LANES]. If `fused`,
 * multiply-add is fused where the instruction set has it; otherwise every product and every sum is
 * rounded. */
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

/* Computes a float tile with fused multiply-add where the instruction set has it. */
INLINE void tile_f32(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                     const int panels)
{
    tile_float(job, row, panel, rows, panels, true);
}

/* Computes a float tile that has the same bits in every table: products and sums are rounded
 * separately. */
INLINE void tile_plain(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                       const int panels)
{
    tile_float(job, row, panel, rows, panels, false);
}

/* Scales the dot products of one row and panel, applies bias and epilogue and stores the result. */
INLINE void finish_q8(const struct sedd_matmul *job, int32_t row, int32_t panel,
                      const int32_t *dots)
{
    int32_t channel = panel * SEDD_PANEL;
    struct sedd_row_scale xs = job->xs[row];
    vi whole = vi_sub(vi_load(dots), vi_mul(vi_set1(xs.zero), vi_load(job->w_sum + channel)));
    vf scale = vf_mul(vf_set1(xs.scale), vf_load(job->w_scale + channel));
    finish(job, row, channel, vf_mul(vf_from_vi(whole), scale));
}

/* Computes the dot products [rows][panels * LANES] for Q8_TOGETHER parts of each panel's channels,
 * from `part` on. */
INLINE void dots_q8(int32_t *dots, const struct sedd_matmul *job, int32_t row, int32_t panel,
                    const int rows, const int panels, const int part)
{
    const uint8_t *x = job->xq + (size_t)row * job->x_stride;
    const int registers = panels * Q8_TOGETHER;
    size_t panel_size = (size_t)job->in_padded * SEDD_PANEL;
    const int8_t *w = job->wq + (size_t)panel * panel_size;
    qs sum[TILE_ROWS_MAX][TILE_PANELS_MAX * Q8_TOGETHER];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int c = 0; c < registers; c++) {
            sum[r][c] = qs_zero();
        }
    }
    for (int32_t k = 0; k < job->in_padded; k += SEDD_GROUP, w += SEDD_PANEL * SEDD_GROUP) {
        qw weight[TILE_PANELS_MAX * Q8_TOGETHER];
        UNROLL
        for (int c = 0; c < registers; c++) {
            weight[c] = qw_load(w + (size_t)(c / Q8_TOGETHER) * panel_size, part + c % Q8_TOGETHER);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            qx value = qx_load(x + (size_t)r * job->x_stride + (size_t)k);
            UNROLL
            for (int c = 0; c < registers; c++) {
                sum[r][c] = qs_dot(sum[r][c], weight[c], value);
            }
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int c = 0; c < registers; c++) {
            qs_store(dots + (r * panels + c / Q8_TOGETHER) * LANES +
                         (part + c % Q8_TOGETHER) * (LANES / Q8_PARTS),
                     sum[r][c]);
        }
    }
}

INLINE void tile_q8(const struct sedd_matmul *job, int32_t row, int32_t panel, const int rows,
                    const int panels)
{
    int32_t dots[TILE_ROWS_MAX * TILE_PANELS_MAX * LANES];
    for (int part = 0; part < Q8_PARTS; part += Q8_TOGETHER) {
        dots_q8(dots, job, row, panel, rows, panels, part);
    }
    for (int r = 0; r < rows; r++) {
        for (int p = 0; p < panels; p++) {
            finish_q8(job, row + r, panel + p, dots + (r * panels + p) * LANES);
        }
    }
}

/* Makes a tile a function of its own. Otherwise compilers hoist the epilogue's constants out of the
 * loop over tiles, and the constants push sums out of registers: AVX2 f32 ran at 49 instead of 105
 * GFLOP/s. */
#define NOINLINE __attribute__((noinline))

#define ONE_GROUPS 4 /* groups of inputs that row_q8 adds in independent sums */

/* Adds the products of one group of inputs to the sums of Q8_TOGETHER parts of a panel. */
INLINE void add_group(qs *sum, const uint8_t *x, const int8_t *w, int32_t group, const int part)
{
    qx value = qx_load(x + (size_t)group * SEDD_GROUP);
    UNROLL
    for (int c = 0; c < Q8_TOGETHER; c++) {
        const int8_t *weights = w + (size_t)group * SEDD_GROUP * SEDD_PANEL;
        sum[c] = qs_dot(sum[c], qw_load(weights, part + c), value);
    }
}

/* Computes one row and one panel. The independent sums run over groups of one panel, so that
 * weights are read in memory order: 24 GB/s, instead of 12 with four panels at once. */
static NOINLINE void row_q8(const struct sedd_matmul *job, int32_t row, int32_t panel)
{
    const uint8_t *x = job->xq + (size_t)row * job->x_stride;
    const int8_t *w = job->wq + (size_t)panel * (size_t)job->in_padded * SEDD_PANEL;
    int32_t dots[LANES], groups = job->in_padded / SEDD_GROUP;
    for (int part = 0; part < Q8_PARTS; part += Q8_TOGETHER) {
        qs sum[ONE_GROUPS][Q8_TOGETHER];
        UNROLL
        for (int i = 0; i < ONE_GROUPS; i++) {
            UNROLL
            for (int c = 0; c < Q8_TOGETHER; c++) {
                sum[i][c] = qs_zero();
            }
        }
        int32_t group = 0;
        for (; group + ONE_GROUPS <= groups; group += ONE_GROUPS) {
            UNROLL
            for (int i = 0; i < ONE_GROUPS; i++) {
                add_group(sum[i], x, w, group + i, part);
            }
        }
        for (; group < groups; group++) {
            add_group(sum[0], x, w, group, part);
        }
        UNROLL
        for (int c = 0; c < Q8_TOGETHER; c++) {
            sum[0][c] = qs_add(qs_add(sum[0][c], sum[1][c]), qs_add(sum[2][c], sum[3][c]));
            qs_store(dots + (part + c) * (LANES / Q8_PARTS), sum[0][c]);
        }
    }
    finish_q8(job, row, panel, dots);
}

static void one_q8(const struct sedd_matmul *job, int32_t row, int32_t panel, int32_t end)
{
    for (; panel < end; panel++) {
        row_q8(job, row, panel);
    }
}

/* Defines one_NAME, the product of a single row. A float sum must run from the first input to the
 * last, so four panels at once keep the adders busy. */
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

/* Returns the number of rows of the next tile when `left` rows remain. The last two tiles share
 * their rows evenly, because tiles of few rows are slow. */
static inline int32_t tile_height(int32_t left, int32_t rows)
{
    return left >= 2 * rows || left == rows ? rows : left > rows ? (left + 1) / 2 : left;
}

/* Returns the number of panels that a tile of rows visits before the next tile starts. They are few
 * enough to stay in the first-level cache, and several, so that whole cache lines of y are written
 * at once. */
static inline int32_t panel_group(int32_t panel_bytes, int32_t panels)
{
    return sedd_max(1, GROUP_BYTES / sedd_max(1, panel_bytes) / panels) * panels;
}

/* Defines matmul_NAME from a tile function. It loops over blocks of rows and over groups of panels;
 * smaller tiles compute what remains at the edges. */
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
#ifdef TILE_ROWS_Q8 /* relaxed16.c leaves it undefined and defines its own int8 product */
DEFINE_MATMUL(q8, tile_q8, TILE_ROWS_Q8, TILE_PANELS_Q8, job->in_padded *SEDD_PANEL)
#endif
