/*
 * rows_template.h - quantisation, norm, rotary embedding and sum of exponentials of one row, over
 * the primitives of vector_template.h, which includes this file.
 */

/* Loads the eight values from x[i] on; elements past n are replaced by `fill`. */
INLINE vf load_part(const float *x, int32_t i, int32_t n, float fill)
{
    float part[LANES];
    if (i + LANES <= n) {
        return vf_load(x + i);
    }
    ROLLED
    for (int32_t lane = 0; lane < LANES; lane++) {
        part[lane] = i + lane < n ? x[i + lane] : fill;
    }
    return vf_load(part);
}

INLINE void store_part(float *y, int32_t i, int32_t n, vf value)
{
    float part[LANES];
    if (i + LANES <= n) {
        vf_store(y + i, value);
        return;
    }
    vf_store(part, value);
    memcpy(y + i, part, (size_t)(n - i) * sizeof(float));
}

/* Replaces NaNs by 0 and clamps to +-FLT_MAX / 4. */
INLINE vf tame(vf x)
{
    vf limit = vf_splat(&sedd_math.tame);
    x = vf_smaller(vf_zero_nan(x), limit);
    return vf_larger(x, vf_sub(vf_set1(0.0f), limit));
}

/* Returns round(x * inverse) + zero, given offset = zero - (the bits of SEDD_EXP_ROUND). Requires
 * |x * inverse| < 2^22. */
INLINE vi quantize(vf x, float inverse, vi offset)
{
    vf v = vf_mul(x, vf_set1(inverse));
    return vi_add(vi_bits(vf_add(v, vf_splat(&sedd_math.round))), offset);
}

/* Stores the smallest and the largest of 0 and x [n]. Returns false if a value is a NaN or exceeds
 * +-FLT_MAX / 4. The bits of floats are compared as integers, because that orders NaNs, too: signed
 * comparison orders the positive floats, unsigned comparison puts the negative ones last, and NaNs
 * come after the infinities. */
INLINE bool find_range(const float *x, int32_t n, float *low, float *high)
{
    vi lows = vi_set1(0), highs = lows;
    int32_t lane[LANES], lowest = 0, highest = 0;
    for (int32_t i = 0; i < n; i += LANES) {
        vi bits = vi_bits(load_part(x, i, n, 0.0f));
        lows = vi_larger_unsigned(bits, lows);
        highs = vi_larger(bits, highs);
    }
    vi_store(lane, lows);
    for (int i = 0; i < LANES; i++) {
        lowest = (uint32_t)lane[i] > (uint32_t)lowest ? lane[i] : lowest;
    }
    lowest = lowest < 0 ? lowest : 0;
    vi_store(lane, highs);
    for (int i = 0; i < LANES; i++) {
        highest = lane[i] > highest ? lane[i] : highest;
    }
    memcpy(low, &lowest, sizeof *low);
    memcpy(high, &highest, sizeof *high);
    return *low >= -sedd_math.tame && *high <= sedd_math.tame;
}

static void quantize_row(uint8_t *q, struct sedd_row_scale *scale, const float *x, int32_t n,
                         int32_t padded)
{
    float low, high, inverse;
    if (!find_range(x, n, &low, &high)) { /* no network in order computes such values */
        sedd_kernels_scalar.quantize_row(q, scale, x, n, padded);
        return;
    }
    scale->scale = sedd_step(high - low, 127, &inverse);
    scale->zero = (int32_t)((-low * inverse + SEDD_EXP_ROUND) - SEDD_EXP_ROUND);
    /* v + SEDD_EXP_ROUND holds round(v) in its low bits. One integer addition of `offset` subtracts
     * the constant's bits and adds `zero`. */
    vi offset = vi_sub(vi_set1(scale->zero), vi_bits(vf_set1(SEDD_EXP_ROUND)));
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vi_store_q7(q + i, quantize(vf_load(x + i), inverse, offset));
    }
    if (i < n) {
        uint8_t bytes[LANES];
        vi_store_q7(bytes, quantize(load_part(x, i, n, 0.0f), inverse, offset));
        memcpy(q + i, bytes, (size_t)(n - i));
    }
    memset(q + n, scale->zero, (size_t)(padded - n));
}

static void norm(float *y, const float *x, const float *a, const float *b, int32_t n, float eps)
{
    float lane[LANES];
    vf sum = vf_set1(0.0f), square = sum;
    for (int32_t i = 0; i < n; i += LANES) {
        sum = vf_add(sum, load_part(x, i, n, 0.0f));
    }
    vf_store(lane, sum);
    float mean = lanes_sum(lane) / (float)n;
    for (int32_t i = 0; i < n; i += LANES) {
        vf centred = vf_sub(load_part(x, i, n, mean), vf_set1(mean));
        square = vf_add(square, vf_mul(centred, centred));
    }
    vf_store(lane, square);
    float inverse = 1.0f / sqrtf(lanes_sum(lane) / (float)n + eps);
    for (int32_t i = 0; i < n; i += LANES) {
        vf v = vf_mul(vf_sub(load_part(x, i, n, 0.0f), vf_set1(mean)), vf_set1(inverse));
        v = vf_mul(v, load_part(a, i, n, 0.0f));
        v = b != NULL ? vf_add(v, load_part(b, i, n, 0.0f)) : v;
        store_part(y, i, n, v);
    }
}

static void rotate(float *x, const float *cosine, const float *sine, int32_t half)
{
    for (int32_t j = 0; j < half; j += LANES) {
        vf first = load_part(x, j, half, 0.0f), second = load_part(x + half, j, half, 0.0f);
        vf c = load_part(cosine, j, half, 0.0f), s = load_part(sine, j, half, 0.0f);
        store_part(x, j, half, vf_sub(vf_mul(first, c), vf_mul(second, s)));
        store_part(x + half, j, half, vf_add(vf_mul(second, c), vf_mul(first, s)));
    }
}

static float max(const float *x, int32_t n)
{
    float lane[LANES], largest = x[0];
    vf highs = vf_set1(x[0]);
    for (int32_t i = 0; i < n; i += LANES) {
        highs = vf_larger(load_part(x, i, n, x[0]), highs);
    }
    vf_store(lane, highs);
    for (int i = 0; i < LANES; i++) {
        largest = lane[i] > largest ? lane[i] : largest;
    }
    return largest;
}

static float exp_sum(float *x, int32_t n, float scale, float shift)
{
    float lane[LANES];
    vf sum = vf_set1(0.0f);
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vf v = vf_exp(vf_mul(vf_set1(scale), vf_sub(vf_load(x + i), vf_set1(shift))));
        vf_store(x + i, v);
        sum = vf_add(sum, v);
    }
    vf_store(lane, sum);
    for (; i < n; i++) {
        x[i] = sedd_exp(scale * (x[i] - shift));
        lane[i % LANES] += x[i];
    }
    return lanes_sum(lane);
}
