/* checkpoint.c - see checkpoint.h. */
#include "checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char SEDD_CONFIG[] =
    "{\"tokens\": 5, \"graph\": {\"type\": \"absorb\"}, \"noise\": {\"type\": \"loglinear\"},"
    " \"model\": {\"hidden_size\": 6, \"cond_dim\": 3, \"length\": 8, \"n_blocks\": 1,"
    " \"n_heads\": 3, \"scale_by_sigma\": true}}";
const char MDLM_CONFIG[] =
    "{\"model_type\": \"mdlm\", \"vocab_size\": 6, \"hidden_dim\": 6, \"cond_dim\": 3,"
    " \"model_length\": 8, \"n_blocks\": 1, \"n_heads\": 3, \"time_conditioning\": false}";
const char RADD_CONFIG[] =
    "{\"tokens\": 5, \"noise\": {\"type\": \"loglinear\"}, \"model\": {\"type\": \"ddit_wot\","
    " \"hidden_size\": 6, \"length\": 8, \"n_blocks\": 1, \"n_heads\": 3}}";
const char GPT2_CONFIG[] =
    "{\"vocab_size\": 5, \"n_embd\": 6, \"n_head\": 3, \"n_layer\": 1, \"n_positions\": 4,"
    " \"layer_norm_epsilon\": 1e-5, \"activation_function\": \"gelu_new\"}";

/* Returns a whole number in -127..127 that depends on the tensor (with or without prefix) and the
 * index. */
static float value_at(const char *name, size_t i)
{
    uint32_t hash = 2166136261u;
    name += strncmp(name, "transformer.", 12) == 0 ? 12 : 0;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    }
    hash = (hash ^ (uint32_t)i) * 2654435761u;
    return (float)((int)((hash >> 8) % 255u) - 127);
}

struct entry *checkpoint_add(struct checkpoint *checkpoint, const char *name, const char *dtype,
                             long long first, long long second)
{
    struct entry *entry = &checkpoint->entries[checkpoint->count++];
    *entry = (struct entry){.rank = second == 0 ? 1 : 2, .shape = {first, second}};
    snprintf(entry->name, sizeof entry->name, "%s", name);
    snprintf(entry->dtype, sizeof entry->dtype, "%s", dtype);
    entry->count = (size_t)(first * (second == 0 ? 1 : second));
    entry->values = calloc(entry->count, sizeof(float));
    for (size_t i = 0; i < entry->count; i++) {
        entry->values[i] = value_at(name, i) / (strcmp(dtype, "I8") == 0 ? 1.0f : 64.0f);
    }
    return entry;
}

static void add_list(struct checkpoint *checkpoint, const char *prefix, size_t count,
                     const char *const *names, const int (*shapes)[2])
{
    char name[80];
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        checkpoint_add(checkpoint, name, "F32", shapes[i][0], shapes[i][1]);
    }
}

void checkpoint_prefixed(struct checkpoint *checkpoint, const char *prefix)
{
    static const char *const names[] = {"vocab_embed.embedding",
                                        "sigma_map.mlp.0.weight",
                                        "sigma_map.mlp.0.bias",
                                        "sigma_map.mlp.2.weight",
                                        "sigma_map.mlp.2.bias",
                                        "rotary_emb.inv_freq",
                                        "blocks.0.norm1.weight",
                                        "blocks.0.attn_qkv.weight",
                                        "blocks.0.attn_out.weight",
                                        "blocks.0.norm2.weight",
                                        "blocks.0.mlp.0.weight",
                                        "blocks.0.mlp.0.bias",
                                        "blocks.0.mlp.2.weight",
                                        "blocks.0.mlp.2.bias",
                                        "blocks.0.adaLN_modulation.weight",
                                        "blocks.0.adaLN_modulation.bias",
                                        "output_layer.norm_final.weight",
                                        "output_layer.linear.weight",
                                        "output_layer.linear.bias",
                                        "output_layer.adaLN_modulation.weight",
                                        "output_layer.adaLN_modulation.bias"};
    static const int shapes[][2] = {{6, 6},  {3, 256}, {3, 0}, {3, 3},  {3, 0},  {1, 0},  {6, 0},
                                    {18, 6}, {6, 6},   {6, 0}, {24, 6}, {24, 0}, {6, 24}, {6, 0},
                                    {36, 3}, {36, 0},  {6, 0}, {6, 6},  {6, 0},  {12, 3}, {12, 0}};
    *checkpoint = (struct checkpoint){0};
    add_list(checkpoint, prefix, sizeof names / sizeof names[0], names, shapes);
}

void checkpoint_sedd(struct checkpoint *checkpoint)
{
    checkpoint_prefixed(checkpoint, "");
}

void checkpoint_radd(struct checkpoint *checkpoint)
{
    static const char *const conditioning[] = {"sigma_map.mlp.0.weight",
                                               "sigma_map.mlp.0.bias",
                                               "sigma_map.mlp.2.weight",
                                               "sigma_map.mlp.2.bias",
                                               "blocks.0.adaLN_modulation.weight",
                                               "blocks.0.adaLN_modulation.bias",
                                               "output_layer.adaLN_modulation.weight",
                                               "output_layer.adaLN_modulation.bias"};
    checkpoint_sedd(checkpoint);
    for (size_t i = 0; i < sizeof conditioning / sizeof conditioning[0]; i++) {
        checkpoint_remove(checkpoint, conditioning[i]);
    }
    checkpoint_add(checkpoint, "blocks.0.norm1.bias", "F32", 6, 0);
    checkpoint_add(checkpoint, "blocks.0.norm2.bias", "F32", 6, 0);
    checkpoint_add(checkpoint, "output_layer.norm_final.bias", "F32", 6, 0);
}

void checkpoint_gpt2(struct checkpoint *checkpoint, const char *prefix)
{
    static const char *const names[] = {"wte.weight",
                                        "wpe.weight",
                                        "h.0.ln_1.weight",
                                        "h.0.ln_1.bias",
                                        "h.0.attn.bias",
                                        "h.0.attn.masked_bias",
                                        "h.0.attn.c_attn.weight",
                                        "h.0.attn.c_attn.bias",
                                        "h.0.attn.c_proj.weight",
                                        "h.0.attn.c_proj.bias",
                                        "h.0.ln_2.weight",
                                        "h.0.ln_2.bias",
                                        "h.0.mlp.c_fc.weight",
                                        "h.0.mlp.c_fc.bias",
                                        "h.0.mlp.c_proj.weight",
                                        "h.0.mlp.c_proj.bias",
                                        "ln_f.weight",
                                        "ln_f.bias"};
    static const int shapes[][2] = {{5, 6},  {4, 6},  {6, 0},  {6, 0}, {4, 4}, {1, 0},
                                    {6, 18}, {18, 0}, {6, 6},  {6, 0}, {6, 0}, {6, 0},
                                    {6, 24}, {24, 0}, {24, 6}, {6, 0}, {6, 0}, {6, 0}};
    *checkpoint = (struct checkpoint){0};
    add_list(checkpoint, prefix, sizeof names / sizeof names[0], names, shapes);
    checkpoint_add(checkpoint, "lm_head.weight", "F32", 5, 6);
}

struct entry *checkpoint_find(struct checkpoint *checkpoint, const char *name)
{
    for (int i = 0; i < checkpoint->count; i++) {
        if (strcmp(checkpoint->entries[i].name, name) == 0) {
            return &checkpoint->entries[i];
        }
    }
    fprintf(stderr, "the test asks for a tensor %s that its checkpoint lacks\n", name);
    abort();
}

void checkpoint_remove(struct checkpoint *checkpoint, const char *name)
{
    struct entry *entry = checkpoint_find(checkpoint, name);
    free(entry->values);
    struct entry *end = &checkpoint->entries[--checkpoint->count];
    memmove(entry, entry + 1, (size_t)(end - entry) * sizeof *entry);
}

void checkpoint_retype(struct checkpoint *checkpoint, const char *from, const char *to)
{
    for (int i = 0; i < checkpoint->count; i++) {
        struct entry *entry = &checkpoint->entries[i];
        if (strcmp(entry->dtype, from) == 0) {
            snprintf(entry->dtype, sizeof entry->dtype, "%s", to);
        }
    }
}

void checkpoint_quantise(struct checkpoint *checkpoint, const char *name, long long first,
                         long long second)
{
    char scale_name[90];
    struct entry *entry = checkpoint_find(checkpoint, name);
    snprintf(entry->dtype, sizeof entry->dtype, "I8");
    for (size_t i = 0; i < entry->count; i++) {
        entry->values[i] *= 64.0f;
    }
    snprintf(scale_name, sizeof scale_name, "%s_scale", name);
    struct entry *scale = checkpoint_add(checkpoint, scale_name, "F32", first, second);
    for (size_t i = 0; i < scale->count; i++) {
        scale->values[i] = (float)(i + 1) / 32.0f;
    }
}

void checkpoint_quantise_sedd(struct checkpoint *checkpoint)
{
    checkpoint_quantise(checkpoint, "vocab_embed.embedding", 6, 1);
    checkpoint_quantise(checkpoint, "blocks.0.attn_qkv.weight", 18, 1);
    checkpoint_quantise(checkpoint, "blocks.0.attn_out.weight", 6, 0);
    checkpoint_quantise(checkpoint, "blocks.0.mlp.0.weight", 24, 1);
    checkpoint_quantise(checkpoint, "blocks.0.mlp.2.weight", 6, 1);
    checkpoint_quantise(checkpoint, "output_layer.linear.weight", 6, 1);
}

void checkpoint_quantise_gpt2(struct checkpoint *checkpoint, const char *prefix)
{
    static const char *const names[] = {"wte", "h.0.attn.c_attn", "h.0.attn.c_proj", "h.0.mlp.c_fc",
                                        "h.0.mlp.c_proj"};
    static const int shapes[][2] = {{5, 1}, {1, 18}, {1, 6}, {24, 0}, {1, 6}};
    char name[80];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s%s.weight", prefix, names[i]);
        checkpoint_quantise(checkpoint, name, shapes[i][0], shapes[i][1]);
    }
}

/* ---- Writing ----------------------------------------------------------------------------- */

static size_t element_size(const char *dtype)
{
    return strcmp(dtype, "F32") == 0                                 ? 4
           : strcmp(dtype, "F16") == 0 || strcmp(dtype, "BF16") == 0 ? 2
           : strcmp(dtype, "I8") == 0                                ? 1
                                                                     : 0;
}

/* Converts a normal number that the 16-bit type holds exactly. */
static uint16_t narrow(float value, const char *dtype)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (dtype[0] == 'B') {
        return (uint16_t)(bits >> 16);
    }
    uint32_t rest = bits & 0x7FFFFFFFu;
    return (uint16_t)(bits >> 16 & 0x8000u) |
           (uint16_t)(rest == 0 ? 0 : (rest - (112u << 23)) >> 13);
}

static void write_values(const struct entry *entry, uint8_t *bytes)
{
    size_t size = element_size(entry->dtype);
    for (size_t i = 0; i < entry->count; i++) {
        if (size == 4) {
            memcpy(bytes + 4 * i, &entry->values[i], 4);
        } else if (size == 2) {
            uint16_t half = narrow(entry->values[i], entry->dtype);
            memcpy(bytes + 2 * i, &half, 2);
        } else if (size == 1) {
            bytes[i] = (uint8_t)(int8_t)entry->values[i];
        }
    }
}

static size_t write_header(const struct checkpoint *checkpoint, char *text, size_t capacity)
{
    size_t used = (size_t)snprintf(text, capacity, "{\"__metadata__\": {\"format\": \"pt\"}");
    long long place = 0;
    for (int i = 0; i < checkpoint->count; i++) {
        const struct entry *entry = &checkpoint->entries[i];
        long long size = (long long)(entry->count * element_size(entry->dtype));
        used += (size_t)snprintf(text + used, capacity - used,
                                 ", \"%s\": {\"dtype\": \"%s\", \"shape\": [", entry->name,
                                 entry->dtype);
        for (int k = 0; k < entry->rank; k++) {
            used += (size_t)snprintf(text + used, capacity - used, "%s%lld", k > 0 ? ", " : "",
                                     entry->shape[k]);
        }
        used += (size_t)snprintf(text + used, capacity - used, "], \"data_offsets\": [%lld, %lld]}",
                                 place + entry->shift, place + size + entry->shift);
        place += size;
    }
    return used + (size_t)snprintf(text + used, capacity - used, "}");
}

uint8_t *checkpoint_write(const struct checkpoint *checkpoint, size_t *size)
{
    size_t capacity = 256 * (size_t)(checkpoint->count + 1), data = 0;
    for (int i = 0; i < checkpoint->count; i++) {
        data += checkpoint->entries[i].count * element_size(checkpoint->entries[i].dtype);
    }
    uint8_t *bytes = calloc(8 + capacity + data, 1);
    uint64_t header = write_header(checkpoint, (char *)bytes + 8, capacity);
    memcpy(bytes, &header, 8);
    *size = 8 + (size_t)header;
    for (int i = 0; i < checkpoint->count; i++) {
        const struct entry *entry = &checkpoint->entries[i];
        write_values(entry, bytes + *size);
        *size += entry->count * element_size(entry->dtype);
    }
    return bytes;
}

void checkpoint_clear(struct checkpoint *checkpoint)
{
    for (int i = 0; i < checkpoint->count; i++) {
        free(checkpoint->entries[i].values);
    }
    checkpoint->count = 0;
}

/* ---- Loading ----------------------------------------------------------------------------- */

enum sedd_status checkpoint_load(const char *config, const uint8_t *bytes, size_t size,
                                 size_t piece, enum sedd_dtype dtype, struct sedd_model **model,
                                 struct sedd_error *error)
{
    struct sedd_loader *loader = NULL;
    enum sedd_status status = sedd_loader_new(config, strlen(config), dtype, &loader, error);
    size_t step = piece == 0 ? size : piece;
    for (size_t at = 0; status == SEDD_OK && at < size; at += step) {
        /* a separate copy, so that a sanitizer detects reads past the piece */
        size_t count = size - at < step ? size - at : step;
        uint8_t *copy = malloc(count);
        memcpy(copy, bytes + at, count);
        status = sedd_loader_push(loader, at, copy, count, error);
        free(copy);
    }
    if (status == SEDD_OK) {
        status = sedd_loader_finish(loader, model, error);
    }
    sedd_loader_free(loader);
    return status;
}

enum sedd_status checkpoint_load_all(const struct checkpoint *checkpoint, const char *config,
                                     enum sedd_dtype dtype, struct sedd_model **model,
                                     struct sedd_error *error)
{
    size_t size;
    uint8_t *bytes = checkpoint_write(checkpoint, &size);
    enum sedd_status status = checkpoint_load(config, bytes, size, 0, dtype, model, error);
    free(bytes);
    return status;
}
