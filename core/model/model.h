/*
 * model.h - both networks as plain data. The loader fills it; the forward passes read it.
 *
 * A model owns all its memory and never changes after loading. Both networks have the same
 * structure: an embedding, blocks of attention and MLP on a residual stream, a final norm and a
 * head. SEDD and its family add the noise conditioning (sigma_map, adaLN modulations), except RADD,
 * whose norms have biases instead. GPT-2 adds biases and learned positions, and its head is also
 * its embedding.
 */
#ifndef SEDD_MODEL_H
#define SEDD_MODEL_H

#include "model/linear.h"

struct sedd_block {
    float *norm1_weight, *norm1_bias; /* [H]; biases are GPT-2's and RADD's, otherwise NULL */
    struct sedd_linear qkv;           /* [3H, H] */
    struct sedd_linear attn_out;      /* [H, H] */
    float *norm2_weight, *norm2_bias; /* [H] */
    struct sedd_linear mlp_in;        /* [4H, H]; GPT-2: [n_inner, H] */
    struct sedd_linear mlp_out;       /* [H, 4H] */
    struct sedd_linear modulation;    /* adaLN [6H, K], always f32; empty in GPT-2 and RADD */
};

enum sedd_activation {
    SEDD_ACTIVATION_GELU_TANH = 0, /* gelu_new; the kernels compute it in the product's epilogue */
    SEDD_ACTIVATION_GELU,          /* v Phi(v), with the exact erf */
    SEDD_ACTIVATION_RELU,
    SEDD_ACTIVATION_SILU /* v / (1 + exp(-v)) */
};

/* The settings of config.json that change the computation, other than the sizes of
 * sedd_model_info. */
struct sedd_design {
    int32_t inner_size; /* width of the MLP: 4H, or GPT-2's n_inner */
    enum sedd_activation activation;
    bool unscaled;        /* GPT-2: attention scores are not divided by sqrt(D) */
    bool scaled_by_layer; /* GPT-2: attention scores of block i are divided by i + 1 */
    bool untied;          /* GPT-2: the head is lm_head instead of the embedding */
};

struct sedd_model {
    struct sedd_model_info info;
    struct sedd_design design;
    struct sedd_table embedding;  /* [N, H]; empty in a tied GPT-2 (the head's rows) */
    struct sedd_table positions;  /* GPT-2: wpe [n_positions, H], always f32 */
    struct sedd_linear sigma_in;  /* [K, 256]; empty in GPT-2 and RADD */
    struct sedd_linear sigma_out; /* [K, K] */
    struct sedd_block *blocks;    /* [n_blocks] */
    float *norm_final_weight, *norm_final_bias; /* [H] */
    struct sedd_linear final_modulation;        /* [2H, K], always f32; empty in GPT-2 and RADD */
    struct sedd_linear head;                    /* [N, H]; GPT-2: wte, or lm_head if untied */
};

/* Returns true if attention runs in integers, which is the case for int8 diffusion models. GPT-2
 * keeps floats, because its cache grows token by token. */
static inline bool sedd_model_attends_q8(const struct sedd_model *model)
{
    return model->info.dtype == SEDD_DTYPE_Q8 && model->info.kind == SEDD_KIND_SEDD;
}

/* Returns the factor of the attention scores in block `index`. */
float sedd_model_attention_scale(const struct sedd_model *model, int32_t index);

#define SEDD_FREQUENCIES 256 /* features of sigma: 128 cosines, then 128 sines */

#endif
