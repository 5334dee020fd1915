/*
 * config.c - implements config.h. SEDD, SDTT and RADD have the nested training configuration of
 * their reference code; MDLM, DUO and GPT-2 have a flat configuration of the Hugging Face hub.
 */
#include "files/config.h"

#include "files/fields.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define FILE_NAME "config.json"

/* Limits far above any published model. They are low enough that a product of two fits in 63
 * bits. */
#define TOKENS_MAX (1 << 24)
#define HIDDEN_MAX (1 << 16)
#define BLOCKS_MAX 1024
#define LENGTH_MAX (1 << 20)

#define GPT2_TOKENS 50257 /* of the tokenizer "gpt2" */

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

/* ---- Diffusion models -------------------------------------------------------------------- */

/* Reads the sizes. `tokens` is a key of the configuration's layout: the flat one of the Hugging
 * Face classes of MDLM and DUO, or the nested training configuration of all others. */
static enum sedd_status read_diffusion_sizes(const cJSON *root, struct sedd_model_info *info,
                                             struct sedd_error *error)
{
    const struct size flat[] = {
        {"vocab_size", TOKENS_MAX, &info->tokens},   {"hidden_dim", HIDDEN_MAX, &info->hidden_size},
        {"model_length", LENGTH_MAX, &info->length}, {"n_blocks", BLOCKS_MAX, &info->n_blocks},
        {"n_heads", HIDDEN_MAX, &info->n_heads},     {"cond_dim", HIDDEN_MAX, &info->cond_dim},
    };
    const struct size nested[] = {
        {"tokens", TOKENS_MAX, &info->tokens},
        {"model.hidden_size", HIDDEN_MAX, &info->hidden_size},
        {"model.length", LENGTH_MAX, &info->length},
        {"model.n_blocks", BLOCKS_MAX, &info->n_blocks},
        {"model.n_heads", HIDDEN_MAX, &info->n_heads},
        {"model.cond_dim", HIDDEN_MAX, &info->cond_dim},
    };
    bool is_flat = info->family == SEDD_FAMILY_MDLM || info->family == SEDD_FAMILY_DUO;
    const struct size *sizes = is_flat ? flat : nested;
    size_t first = 0, count = sizeof flat / sizeof flat[0];
    const cJSON *tokenizer = sedd_json_find(root, "tokenizer.name");
    if (info->family == SEDD_FAMILY_SDTT && sedd_json_find(root, "tokens") == NULL &&
        cJSON_IsString(tokenizer) && strcmp(tokenizer->valuestring, "gpt2") == 0) {
        info->tokens = GPT2_TOKENS; /* this configuration states no number of tokens */
        first = 1;
    }
    count -= info->family == SEDD_FAMILY_RADD ? 1 : 0; /* cond_dim is not used */
    enum sedd_status status = read_sizes(root, sizes + first, count - first, error);
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

/* Reads the graph and the noise of a SEDD. */
static enum sedd_status read_graph(const cJSON *root, struct sedd_model_info *info,
                                   struct sedd_error *error)
{
    static const char *const graphs[] = {"absorb", "uniform"};
    int graph = 0;
    enum sedd_status status =
        sedd_json_word(FILE_NAME, root, "graph.type", graphs, 2, &graph, error);
    if (status != SEDD_OK) {
        return status;
    }
    const cJSON *scale = sedd_json_find(root, "model.scale_by_sigma");
    if (!cJSON_IsBool(scale)) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME " lacks \"model.scale_by_sigma\"; expected true or false");
    }
    info->graph = (enum sedd_graph)graph;
    info->scale_by_sigma = cJSON_IsTrue(scale);
    if (info->scale_by_sigma && info->graph == SEDD_GRAPH_UNIFORM) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME
                         ": scale_by_sigma requires the absorb graph; found the uniform graph");
    }
    return SEDD_OK;
}

/* Checks that SDTT's network predicts x0 given the masks (SUBS). */
static enum sedd_status check_parameterization(const cJSON *root, struct sedd_error *error)
{
    static const char *const names[] = {"multi-round-sdtt", "subs"};
    bool word = cJSON_IsString(sedd_json_find(root, "parameterization"));
    int index = 0;
    return sedd_json_word(FILE_NAME, root, word ? "parameterization" : "parameterization.name",
                          names, 2, &index, error);
}

/* Reads the fields that differ between the families. */
static enum sedd_status read_family(const cJSON *root, struct sedd_model_info *info,
                                    struct sedd_error *error)
{
    bool timed = info->family == SEDD_FAMILY_DUO;
    enum sedd_status status = SEDD_OK;
    info->normalised = info->family != SEDD_FAMILY_SEDD;
    if (info->family == SEDD_FAMILY_SEDD || info->family == SEDD_FAMILY_RADD) {
        status = read_noise(root, info, error);
    }
    switch (info->family) {
    case SEDD_FAMILY_SEDD: return status == SEDD_OK ? read_graph(root, info, error) : status;
    case SEDD_FAMILY_SDTT:
        status = check_parameterization(root, error);
        if (status != SEDD_OK) {
            return status;
        }
        /* fallthrough */
    case SEDD_FAMILY_MDLM:
        status = sedd_json_bool(FILE_NAME, root, "time_conditioning", false, &timed, error);
        break;
    case SEDD_FAMILY_DUO: info->graph = SEDD_GRAPH_UNIFORM; break;
    case SEDD_FAMILY_RADD: break;
    }
    info->time_free = !timed;
    return status;
}

static enum sedd_status read_diffusion(const cJSON *root, enum sedd_family family,
                                       struct sedd_model_info *info, struct sedd_error *error)
{
    info->kind = SEDD_KIND_SEDD;
    info->family = family;
    info->norm_eps = 1e-5f;
    enum sedd_status status = sedd_config_check(FILE_NAME, root, family, error);
    if (status == SEDD_OK) {
        status = read_diffusion_sizes(root, info, error);
    }
    if (status == SEDD_OK) {
        status = read_family(root, info, error);
    }
    if (status != SEDD_OK) {
        return status;
    }
    bool absorb = info->graph == SEDD_GRAPH_ABSORB;
    info->tokens -= family == SEDD_FAMILY_MDLM ? 1 : 0; /* vocab_size counts the mask */
    if (info->tokens < 1) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         FILE_NAME ": \"vocab_size\" is 1; expected the tokens and the mask");
    }
    info->states = info->tokens + (absorb ? 1 : 0);
    info->mask_id = absorb ? info->tokens : -1;
    return SEDD_OK;
}

/* ---- GPT-2 ------------------------------------------------------------------------------- */

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
    enum sedd_status status = sedd_config_check(FILE_NAME, root, SEDD_FIELDS_GPT2, error);
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

/* ---- Choosing the model ------------------------------------------------------------------ */

#define RUNS                                                                                       \
    "this engine runs SEDD, SDTT and RADD (model.type ddit, ddit-orig, ddit_wot), MDLM and DUO "   \
    "(model_type mdlm, duo) and GPT-2"

/* Networks that the engine does not support, although their configurations resemble those above. */
static const char *const OTHERS[][2] = {
    {"ar", "an autoregressive transformer"},
    {"ar_orig", "an autoregressive transformer"},
    {"bd3lm", "a block diffusion model (BD3-LM)"},
    {"dimamba", "a diffusion Mamba"},
    {"llada", "a LLaDA"},
    {"udlm", "a uniform diffusion model (UDLM)"},
};

static bool is_word(const char *text, const char *word)
{
    while (*word != '\0' && tolower((unsigned char)*text) == *word) {
        text++;
        word++;
    }
    return *text == *word;
}

static enum sedd_status refuse(const char *key, const char *value, struct sedd_error *error)
{
    const char *what = "an unknown network";
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        what = is_word(value, OTHERS[i][0]) ? OTHERS[i][1] : what;
    }
    return sedd_fail(error, SEDD_ERROR_UNSUPPORTED, FILE_NAME ": \"%s\" is \"%.40s\", %s; " RUNS,
                     key, value, what);
}

/* Finds the family of a nested configuration by its model.type, without which it is a SEDD. */
static enum sedd_status find_nested(const cJSON *root, enum sedd_family *family,
                                    struct sedd_error *error)
{
    const cJSON *type = sedd_json_find(root, "model.type");
    const char *name = cJSON_IsString(type) ? type->valuestring : "ddit";
    bool ddit = strcmp(name, "ddit") == 0;
    *family = strcmp(name, "ddit-orig") == 0  ? SEDD_FAMILY_SDTT
              : strcmp(name, "ddit_wot") == 0 ? SEDD_FAMILY_RADD
                                              : SEDD_FAMILY_SEDD;
    if (ddit && sedd_json_find(root, "parameterization") != NULL) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME ": a parameterization without \"model.type\" ddit-orig is of "
                                   "another network of SDTT's code, or of MDLM's training code; "
                                   "this engine runs ddit-orig, and MDLM's \"model_type\" mdlm");
    }
    return ddit || *family != SEDD_FAMILY_SEDD ? SEDD_OK : refuse("model.type", name, error);
}

/* Finds the family of a flat configuration by its model_type. */
static enum sedd_status find_flat(const cJSON *root, enum sedd_family *family,
                                  struct sedd_error *error)
{
    const cJSON *type = sedd_json_find(root, "model_type");
    if (!cJSON_IsString(type)) {
        return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                         FILE_NAME " describes neither a diffusion model (\"model\", "
                                   "\"model_type\") nor a GPT-2 (\"n_embd\"); " RUNS);
    }
    bool duo = is_word(type->valuestring, "duo");
    *family = duo ? SEDD_FAMILY_DUO : SEDD_FAMILY_MDLM;
    return duo || is_word(type->valuestring, "mdlm")
               ? SEDD_OK
               : refuse("model_type", type->valuestring, error);
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
    } else {
        enum sedd_family family = SEDD_FAMILY_SEDD;
        bool nested =
            sedd_json_find(root, "model") != NULL || sedd_json_find(root, "graph") != NULL;
        status = nested ? find_nested(root, &family, error) : find_flat(root, &family, error);
        status = status == SEDD_OK ? read_diffusion(root, family, &found, error) : status;
        decided.inner_size = 4 * found.hidden_size;
    }
    cJSON_Delete(root);
    if (status == SEDD_OK) {
        *info = found;
        *design = decided;
    }
    return status;
}
