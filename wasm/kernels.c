/*
 * kernels.c - exports entries of a kernel table to the test modules, so that tests can compare the
 * WebGPU kernels with them. Visitors never download it. kernels.h describes the arguments.
 */
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stdlib.h>

static const struct sedd_kernels *scalar(void)
{
    return sedd_kernels_find("scalar");
}

void wasm_kernel_norm(float *y, const float *x, const float *a, const float *b, int32_t n,
                      float eps)
{
    scalar()->norm(y, x, a, b, n, eps);
}

/* Stores the step and the zero in scale[0..1], the latter as an integer. */
void wasm_kernel_quantize(uint8_t *q, struct sedd_row_scale *scale, const float *x, int32_t n,
                          int32_t padded)
{
    scalar()->quantize_row(q, scale, x, n, padded);
}

/* Computes y [rows, out] of float inputs x [rows, in] and packed weights w. */
void wasm_kernel_matmul_f32(float *y, const float *x, const float *w, const float *bias,
                            const float *gate, int32_t rows, int32_t in, int32_t out,
                            int32_t epilogue)
{
    struct sedd_matmul job = {.rows = rows,
                              .in = in,
                              .out = out,
                              .x = x,
                              .w = w,
                              .x_stride = (size_t)in,
                              .bias = bias,
                              .y = y,
                              .y_stride = (size_t)out,
                              .epilogue = (enum sedd_epilogue)epilogue,
                              .gate = gate,
                              .gate_rows = 1};
    scalar()->matmul_f32(&job, 0, rows, 0, (out + SEDD_PANEL - 1) / SEDD_PANEL);
}

/* Computes y [rows, out] of rounded inputs xq [rows, padded] and packed int8 weights wq. */
void wasm_kernel_matmul_q8(float *y, const uint8_t *xq, const struct sedd_row_scale *xs,
                           const int8_t *wq, const float *w_scale, const int32_t *w_sum,
                           const float *bias, const float *gate, int32_t rows, int32_t padded,
                           int32_t out, int32_t epilogue)
{
    struct sedd_matmul job = {.rows = rows,
                              .in = padded,
                              .out = out,
                              .xq = xq,
                              .xs = xs,
                              .wq = wq,
                              .w_scale = w_scale,
                              .w_sum = w_sum,
                              .in_padded = padded,
                              .x_stride = (size_t)padded,
                              .bias = bias,
                              .y = y,
                              .y_stride = (size_t)out,
                              .epilogue = (enum sedd_epilogue)epilogue,
                              .gate = gate,
                              .gate_rows = 1};
    scalar()->matmul_q8(&job, 0, rows, 0, (out + SEDD_PANEL - 1) / SEDD_PANEL);
}

void wasm_kernel_rotate(float *x, const float *cosine, const float *sine, int32_t half)
{
    scalar()->rotate(x, cosine, sine, half);
}

/* Computes one head, in floats or in integers: queries q [queries, q_stride] over keys and values
 * [keys, kv_stride]. Returns false if there is no memory for its scratch. */
bool wasm_kernel_attention(float *out, const float *q, const float *k, const float *v,
                           int32_t out_stride, int32_t q_stride, int32_t kv_stride,
                           int32_t head_size, int32_t queries, int32_t keys, int32_t causal_offset,
                           float scale, bool whole)
{
    struct sedd_attention job = {.q = q,
                                 .k = k,
                                 .v = v,
                                 .q_stride = (size_t)q_stride,
                                 .kv_stride = (size_t)kv_stride,
                                 .out = out,
                                 .out_stride = (size_t)out_stride,
                                 .head_size = head_size,
                                 .keys = keys,
                                 .causal_offset = causal_offset,
                                 .scale = scale};
    void *scratch = malloc(whole ? scalar()->attention_q8_scratch(head_size, keys)
                                 : scalar()->attention_scratch(head_size, keys));
    if (scratch == NULL) {
        return false;
    }
    (whole ? scalar()->attention_q8 : scalar()->attention)(&job, 0, queries, scratch);
    free(scratch);
    return true;
}

float wasm_kernel_exp_sum(float *x, int32_t n, float scale, float shift)
{
    return scalar()->exp_sum(x, n, scale, shift);
}
