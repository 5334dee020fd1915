/*
 * fields.c - implements fields.h. The tables list the fields of the reference code's configuration,
 * of its relatives' (MDLM c112c52, SDTT 9172b86, RADD 60b772d, DUO 7c9b498), and of GPT2Config
 * (transformers 4.46, with its base class and older versions).
 */
#include "files/fields.h"

#include <string.h>

/* Treatment of a field: config.c applies it (APPLIED), or it has no effect here (CHANGES_NOTHING),
 * or it is a list of JSON values and every other value is refused. */
#define APPLIED NULL
#define CHANGES_NOTHING ""

struct field {
    const char *path; /* keys joined by dots; a group whose fields are treated alike is one entry */
    const char *use;  /* APPLIED, CHANGES_NOTHING, or accepted values separated by spaces */
};

/* Int8 weights with one scale per channel, as `convert` writes them, in the terms of
 * compressed-tensors. */
#define QUANTIZATION                                                                               \
    {"quantization_config.quant_method", "\"compressed-tensors\""},                                \
        {"quantization_config.format", "\"int-quantized\" \"naive-quantized\""},                   \
        {"quantization_config.weights.num_bits", "8"},                                             \
        {"quantization_config.weights.type", "\"int\""},                                           \
        {"quantization_config.weights.symmetric", "true"},                                         \
    {                                                                                              \
        "quantization_config.weights.strategy", "\"channel\""                                      \
    }

static const struct field GPT2[] = {
    {"vocab_size", APPLIED},
    {"n_positions", APPLIED},
    {"n_ctx", APPLIED}, /* if there is no n_positions */
    {"n_embd", APPLIED},
    {"n_layer", APPLIED},
    {"n_head", APPLIED},
    {"n_inner", APPLIED},
    {"activation_function", APPLIED},
    {"layer_norm_epsilon", APPLIED},
    {"scale_attn_weights", APPLIED},
    {"scale_attn_by_inverse_layer_idx", APPLIED},
    {"tie_word_embeddings", APPLIED},
    {"model_type", "\"gpt2\""},
    {"add_cross_attention", "false null"},
    {"is_encoder_decoder", "false null"},
    {"pruned_heads", "{} null"},
    {"bias", "true null"}, /* of nanoGPT; false removes every bias */
    {"chunk_size_feed_forward", "0 null"},
    QUANTIZATION,
    /* the same product in another order and in float32, as this engine computes it */
    {"reorder_and_upcast_attn", CHANGES_NOTHING},
    /* training */
    {"attn_pdrop", CHANGES_NOTHING},
    {"embd_pdrop", CHANGES_NOTHING},
    {"resid_pdrop", CHANGES_NOTHING},
    {"initializer_range", CHANGES_NOTHING},
    {"gradient_checkpointing", CHANGES_NOTHING},
    {"loss_type", CHANGES_NOTHING},
    /* heads of other tasks; their tensors are refused */
    {"summary_type", CHANGES_NOTHING},
    {"summary_use_proj", CHANGES_NOTHING},
    {"summary_activation", CHANGES_NOTHING},
    {"summary_proj_to_labels", CHANGES_NOTHING},
    {"summary_first_dropout", CHANGES_NOTHING},
    {"num_labels", CHANGES_NOTHING},
    {"id2label", CHANGES_NOTHING},
    {"label2id", CHANGES_NOTHING},
    {"problem_type", CHANGES_NOTHING},
    {"finetuning_task", CHANGES_NOTHING},
    /* how a program calls the network, or its defaults for generating text */
    {"use_cache", CHANGES_NOTHING},
    {"is_decoder", CHANGES_NOTHING},
    {"output_attentions", CHANGES_NOTHING},
    {"output_hidden_states", CHANGES_NOTHING},
    {"output_past", CHANGES_NOTHING},
    {"return_dict", CHANGES_NOTHING},
    {"torchscript", CHANGES_NOTHING},
    {"tie_encoder_decoder", CHANGES_NOTHING},
    {"cross_attention_hidden_size", CHANGES_NOTHING},
    {"task_specific_params", CHANGES_NOTHING},
    {"bos_token_id", CHANGES_NOTHING},
    {"eos_token_id", CHANGES_NOTHING},
    {"pad_token_id", CHANGES_NOTHING},
    {"sep_token_id", CHANGES_NOTHING},
    {"decoder_start_token_id", CHANGES_NOTHING},
    {"prefix", CHANGES_NOTHING},
    {"max_length", CHANGES_NOTHING},
    {"do_sample", CHANGES_NOTHING},
    {"temperature", CHANGES_NOTHING},
    {"top_k", CHANGES_NOTHING},
    {"top_p", CHANGES_NOTHING},
    /* origin, and the type of the weights, which the file of weights states itself */
    {"architectures", CHANGES_NOTHING},
    {"auto_map", CHANGES_NOTHING},
    {"_name_or_path", CHANGES_NOTHING},
    {"_attn_implementation", CHANGES_NOTHING},
    {"transformers_version", CHANGES_NOTHING},
    {"tokenizer_class", CHANGES_NOTHING},
    {"torch_dtype", CHANGES_NOTHING},
    {"dtype", CHANGES_NOTHING},
    {"use_bfloat16", CHANGES_NOTHING},
};

/* The fields of MDLM's and DUO's classes, and of their relatives, whose values would change the
 * network, its noise or its output. The others describe training and the classes' own code. */
#define FLAT                                                                                       \
    {"causal", "false null"}, {"backbone", "\"dit\" null"}, {"block_size", "null"},                \
        {"cross_attn", "false null"}, {"noise.type", "\"loglinear\""}, {"T", "0 null"},            \
        {"subs_masking", "false null"}, QUANTIZATION

static const struct field MDLM[] = {
    {"parameterization", "\"subs\" null"},
    {"diffusion", "\"absorbing_state\" null"},
    FLAT,
};

static const struct field DUO[] = {
    {"time_conditioning", "true null"}, /* always read */
    {"parameterization", "\"mean\" null"},
    {"diffusion", "\"uniform_state\" \"uniform\" null"},
    FLAT,
};

/* SDTT's configurations have `causal` and `scale_by_sigma`, but its network reads neither. */
static const struct field SDTT[] = {
    {"noise.type", "\"loglinear\""},
    {"T", "0 null"},
    {"subs_masking", "false null"},
    {"model.tie_word_embeddings", "false null"},
    QUANTIZATION,
};

static const struct field RADD[] = {
    {"graph.type", "\"absorb\""},
    {"model.scale_by_sigma", "false null"},
    QUANTIZATION,
};

static const struct field SEDD[] = {
    {"tokens", APPLIED},
    {"graph.type", APPLIED},
    {"noise.type", APPLIED},
    {"noise.sigma_min", APPLIED},
    {"noise.sigma_max", APPLIED},
    {"model.hidden_size", APPLIED},
    {"model.cond_dim", APPLIED},
    {"model.length", APPLIED},
    {"model.n_blocks", APPLIED},
    {"model.n_heads", APPLIED},
    {"model.scale_by_sigma", APPLIED},
    {"model.type", "\"ddit\""},
    QUANTIZATION,
    {"model.name", CHANGES_NOTHING},
    {"model.dropout", CHANGES_NOTHING},
    /* not read by any class of the reference code */
    {"graph.file", CHANGES_NOTHING},
    {"graph.report_all", CHANGES_NOTHING},
    /* training, and the samples that it writes */
    {"ngpus", CHANGES_NOTHING},
    {"training", CHANGES_NOTHING},
    {"data", CHANGES_NOTHING},
    {"sampling", CHANGES_NOTHING},
    {"eval", CHANGES_NOTHING},
    {"optim", CHANGES_NOTHING},
    {"hydra", CHANGES_NOTHING},
};

/* Returns true if `text` is one of the words of `list`. */
static bool is_listed(const char *list, const char *text)
{
    size_t length = strlen(text);
    for (const char *word = list; *word != '\0';) {
        size_t size = strcspn(word, " ");
        if (size == length && memcmp(word, text, size) == 0) {
            return true;
        }
        word += size + (word[size] == ' ');
    }
    return false;
}

static enum sedd_status check(const char *file, const cJSON *root, const struct field *field,
                              struct sedd_error *error)
{
    const cJSON *item = sedd_json_find(root, field->path);
    if (item == NULL || field->use == APPLIED || field->use[0] == '\0') {
        return SEDD_OK;
    }
    char value[128]; /* longer than any listed value, so that one that is cut off is not listed */
    struct sedd_text text = {value, sizeof value, 0};
    sedd_text_put_json(&text, item);
    return is_listed(field->use, value) ? SEDD_OK
                                        : sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                                                    "%s: \"%s\" is %.60s; this engine runs %s",
                                                    file, field->path, value, field->use);
}

static enum sedd_status check_all(const char *file, const cJSON *root, const struct field *fields,
                                  size_t count, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    for (size_t i = 0; i < count && status == SEDD_OK; i++) {
        status = check(file, root, &fields[i], error);
    }
    return status;
}

enum sedd_status sedd_config_check(const char *file, const cJSON *root, int model,
                                   struct sedd_error *error)
{
#define TABLE(fields)                                                                              \
    {                                                                                              \
        fields, sizeof fields / sizeof fields[0]                                                   \
    }
    static const struct {
        const struct field *fields;
        size_t count;
    } tables[] = {[SEDD_FAMILY_SEDD] = TABLE(SEDD), [SEDD_FAMILY_MDLM] = TABLE(MDLM),
                  [SEDD_FAMILY_SDTT] = TABLE(SDTT), [SEDD_FAMILY_RADD] = TABLE(RADD),
                  [SEDD_FAMILY_DUO] = TABLE(DUO),   [SEDD_FIELDS_GPT2] = TABLE(GPT2)};
    return check_all(file, root, tables[model].fields, tables[model].count, error);
}
