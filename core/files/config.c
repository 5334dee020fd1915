/*
 * config.c - implements config.h. A SEDD has the nested training configuration of the reference
 * code; a GPT-2 has the flat configuration of the Hugging Face hub.
 */
#include "files/config.h"

#include "files/fields.h"

#include <math.h>

#define FILE_NAME "config.json"

/* Limits far above any published model. They are low enough that a product of two fits in 63
 * bits. */
#define TOKENS_MAX (1 << 24)
#define HIDDEN_MAX (1 << 16)
#define BLOCKS_MAX 1024
#define LENGTH_MAX (1 << 20)

static enum sedd_status check_heads(const struct sedd_model_info *info, bool rotary,
                                    struct sedd_error *error)
{
    if (info->hidden_size % info->n_heads != 0) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME ": the hidden size %d is not divisible by %d heads",
                         (int)info->hidden_size, (int)info->n_heads);
    }
    if (rotary && info->hidden_size / info->n_heads % 2 != 0) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME ": the head size %d is odd; rotary embeddings need an even one",
                         (int)(info->hidden_size / info->n_heads));
    }
    return SEDD_OK;
}

/* A required integer in 1..high. */
struct size {
    const char *path;
    int32_t high, *value;
};

static enum sedd_status read_sizes(const cJSON *root, const struct size *sizes, size_t count,
                                   struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        status = sedd_json_integer(FILE_NAME, root, sizes[i].path, 1, sizes[i].high, -1,
                                   sizes[i].value, error);
    }
    return status;
}

static enum sedd_status read_sedd_sizes(const cJSON *root, struct sedd_model_info *info,
                                        struct sedd_error *error)
{
    const struct size sizes[] = {
        {"tokens", TOKENS_MAX, &info->tokens},
        {"model.hidden_size", HIDDEN_MAX, &info->hidden_size},
        {"model.cond_dim", HIDDEN_MAX, &info->cond_dim},
        {"model.length", LENGTH_MAX, &info->length},
        {"model.n_blocks", BLOCKS_MAX, &info->n_blocks},
        {"model.n_heads", HIDDEN_MAX, &info->n_heads},
    };
    enum sedd_status status = read_sizes(root, sizes, sizeof sizes / sizeof sizes[0], error);
    return status == SEDD_OK ? check_heads(info, true, error) : status;
}

static enum sedd_status read_noise(const cJSON *root, struct sedd_model_info *info,
                                   struct sedd_error *error)
{
    static const char *const noises[] = {"loglinear", "geometric"};
    int noise = 0;
    enum sedd_status status =
        sedd_json_word(FILE_NAME, root, "noise.type", noises, 2, &noise, error);
    info->noise = (enum sedd_noise)noise;
    if (status == SEDD_OK && info->noise == SEDD_NOISE_GEOMETRIC) {
        status = sedd_json_number(FILE_NAME, root, "noise.sigma_min", 1e-12, SEDD_SIGMA_MAX, NAN,
                                  &info->sigma_min, error);
        if (status == SEDD_OK) {
            status = sedd_json_number(FILE_NAME, root, "noise.sigma_max", info->sigma_min,
                                      SEDD_SIGMA_MAX, NAN, &info->sigma_max, error);
        }
    }
    return status;
}

static enum sedd_status read_sedd(const cJSON *root, struct sedd_model_info *info,
                                  struct sedd_error *error)
{
    static const char *const graphs[] = {"absorb", "uniform"};
    int graph = 0;
    enum sedd_status status = sedd_fields_check_sedd(FILE_NAME, root, error);
    if (status == SEDD_OK) {
        status = read_sedd_sizes(root, info, error);
    }
    if (status == SEDD_OK) {
        status = sedd_json_word(FILE_NAME, root, "graph.type", graphs, 2, &graph, error);
    }
    if (status == SEDD_OK) {
        status = read_noise(root, info, error);
    }
    if (status != SEDD_OK) {
        return status;
    }
    const cJSON *scale = sedd_json_find(root, "model.scale_by_sigma");
    if (!cJSON_IsBool(scale)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME " lacks \"model.scale_by_sigma\"; expected true or false");
    }
    info->kind = SEDD_KIND_SEDD;
    info->graph = (enum sedd_graph)graph;
    info->scale_by_sigma = cJSON_IsTrue(scale);
    if (info->scale_by_sigma && info->graph == SEDD_GRAPH_UNIFORM) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME
                         ": scale_by_sigma requires the absorb graph; found the uniform graph");
    }
    bool absorb = info->graph == SEDD_GRAPH_ABSORB;
    info->states = info->tokens + (absorb ? 1 : 0);
    info->mask_id = absorb ? info->tokens : -1;
    info->norm_eps = 1e-5f;
    return SEDD_OK;
}

/* Reads n_inner. A null value means 4H. */
static enum sedd_status read_inner_size(const cJSON *root, const struct sedd_model_info *info,
                                        int32_t *inner_size, struct sedd_error *error)
{
    *inner_size = 4 * info->hidden_size;
    return cJSON_IsNull(sedd_json_find(root, "n_inner"))
               ? SEDD_OK
               : sedd_json_integer(FILE_NAME, root, "n_inner", 1, 4 * HIDDEN_MAX, *inner_size,
                                   inner_size, error);
}

static enum sedd_status read_activation(const cJSON *root, enum sedd_activation *activation,
                                        struct sedd_error *error)
{
    /* The first four names mean the same formula. */
    static const char *const names[] = {
        "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate",
        "gelu",     "gelu_python",       "relu",      "silu",
        "swish"};
    static const enum sedd_activation meanings[] = {
        SEDD_ACTIVATION_GELU_TANH, SEDD_ACTIVATION_GELU_TANH, SEDD_ACTIVATION_GELU_TANH,
        SEDD_ACTIVATION_GELU_TANH, SEDD_ACTIVATION_GELU,      SEDD_ACTIVATION_GELU,
        SEDD_ACTIVATION_RELU,      SEDD_ACTIVATION_SILU,      SEDD_ACTIVATION_SILU};
    int index = 0;
    if (sedd_json_find(root, "activation_function") == NULL) {
        return SEDD_OK;
    }
    enum sedd_status status = sedd_json_word(FILE_NAME, root, "activation_function", names,
                                             sizeof names / sizeof names[0], &index, error);
    *activation = meanings[index];
    return status;
}

static enum sedd_status read_attention(const cJSON *root, struct sedd_design *design,
                                       struct sedd_error *error)
{
    bool scaled = true, tied = true;
    enum sedd_status status =
        sedd_json_bool(FILE_NAME, root, "scale_attn_weights", true, &scaled, error);
    if (status == SEDD_OK) {
        status = sedd_json_bool(FILE_NAME, root, "scale_attn_by_inverse_layer_idx", false,
                                &design->scaled_by_layer, error);
    }
    if (status == SEDD_OK) {
        status = sedd_json_bool(FILE_NAME, root, "tie_word_embeddings", true, &tied, error);
    }
    design->unscaled = !scaled;
    design->untied = !tied;
    return status;
}

static enum sedd_status read_gpt2(const cJSON *root, struct sedd_model_info *info,
                                  struct sedd_design *design, struct sedd_error *error)
{
    double eps = 0.0;
    const char *length_key = sedd_json_find(root, "n_positions") != NULL ? "n_positions" : "n_ctx";
    const struct size sizes[] = {
        {"vocab_size", TOKENS_MAX, &info->tokens}, {"n_embd", HIDDEN_MAX, &info->hidden_size},
        {"n_layer", BLOCKS_MAX, &info->n_blocks},  {"n_head", HIDDEN_MAX, &info->n_heads},
        {length_key, LENGTH_MAX, &info->length},
    };
    enum sedd_status status = sedd_fields_check_gpt2(FILE_NAME, root, error);
    if (status == SEDD_OK) {
        status = read_sizes(root, sizes, sizeof sizes / sizeof sizes[0], error);
    }
    if (status == SEDD_OK) {
        status = read_inner_size(root, info, &design->inner_size, error);
    }
    if (status == SEDD_OK) {
        status =
            sedd_json_number(FILE_NAME, root, "layer_norm_epsilon", 1e-12, 1.0, 1e-5, &eps, error);
    }
    if (status == SEDD_OK) {
        status = read_activation(root, &design->activation, error);
    }
    if (status == SEDD_OK) {
        status = read_attention(root, design, error);
    }
    info->kind = SEDD_KIND_GPT2;
    info->norm_eps = (float)eps;
    info->states = info->tokens;
    info->mask_id = -1;
    return status == SEDD_OK ? check_heads(info, false, error) : status;
}

enum sedd_status sedd_config_read(const char *text, size_t size, struct sedd_model_info *info,
                                  struct sedd_design *design, struct sedd_error *error)
{
    cJSON *root;
    enum sedd_status status = sedd_json_parse(FILE_NAME, text, size, &root, error);
    if (status != SEDD_OK) {
        return status;
    }
    struct sedd_model_info found = {0};
    struct sedd_design decided = {0};
    if (sedd_json_find(root, "n_embd") != NULL) {
        status = read_gpt2(root, &found, &decided, error);
    } else if (sedd_json_find(root, "model") != NULL || sedd_json_find(root, "graph") != NULL) {
        status = read_sedd(root, &found, error);
        decided.inner_size = 4 * found.hidden_size;
    } else {
        status = sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                           FILE_NAME " describes neither a SEDD (\"model\", \"graph\", \"noise\") "
                                     "nor a GPT-2 (\"n_embd\")");
    }
    cJSON_Delete(root);
    if (status == SEDD_OK) {
        *info = found;
        *design = decided;
    }
    return status;
}
