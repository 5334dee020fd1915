/* weights.c - implements weights.h. */
#include "files/weights.h"

#include "model/linear.h"

#include <stdio.h>
#include <string.h>

/* ---- The list ---------------------------------------------------------------------------- */

static struct sedd_slot *add(struct sedd_slots *slots, enum sedd_slot_kind kind, int32_t rows,
                             int32_t columns, const char *prefix, const char *name)
{
    struct sedd_slot *slot = &slots->slots[slots->count++];
    *slot = (struct sedd_slot){.kind = kind, .rows = rows, .columns = columns};
    snprintf(slot->name, sizeof slot->name, "%s%s", prefix, name);
    return slot;
}

static void add_vector(struct sedd_slots *slots, float **vector, int32_t size, const char *prefix,
                       const char *name)
{
    add(slots, SEDD_SLOT_VECTOR, size, 1, prefix, name)->vector = vector;
}

/* Adds a matrix whose name is `name` followed by ".weight", its scale if it may be int8, and its
 * bias if it has one. */
static void add_linear(struct sedd_slots *slots, struct sedd_linear *linear,
                       enum sedd_slot_kind kind, int32_t out, int32_t in, const char *prefix,
                       const char *name, bool quantised, bool with_bias)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    struct sedd_slot *slot = add(slots, kind, out, in, prefix, full);
    slot->linear = linear;
    slot->quantised = quantised;
    if (quantised) {
        snprintf(full, sizeof full, "%s.weight_scale", name);
        add(slots, SEDD_SLOT_SCALE, out, 1, prefix, full)->linear = linear;
    }
    if (with_bias) {
        snprintf(full, sizeof full, "%s.bias", name);
        add_vector(slots, &linear->bias, out, prefix, full);
    }
}

/* Adds the tensors that turn the noise level into modulations. */
static void add_sigma_map(struct sedd_model *model, struct sedd_slots *slots)
{
    int32_t k = model->info.cond_dim;
    add_linear(slots, &model->sigma_in, SEDD_SLOT_LINEAR, k, SEDD_FREQUENCIES, "",
               "sigma_map.mlp.0", false, true);
    add_linear(slots, &model->sigma_out, SEDD_SLOT_LINEAR, k, k, "", "sigma_map.mlp.2", false,
               true);
}

/* Adds the weight of a norm, and its bias in a network without conditioning. */
static void add_norm(struct sedd_slots *slots, float **weight, float **bias, int32_t size,
                     const char *prefix, const char *name, bool with_bias)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    add_vector(slots, weight, size, prefix, full);
    if (with_bias) {
        snprintf(full, sizeof full, "%s.bias", name);
        add_vector(slots, bias, size, prefix, full);
    }
}

/* RADD, whose cond_dim is 0, has no conditioning; the norms' biases take its place. */
static void list_diffusion(struct sedd_model *model, struct sedd_slots *slots)
{
    const struct sedd_model_info *info = &model->info;
    int32_t h = info->hidden_size, k = info->cond_dim, n = info->states;
    bool plain = k == 0;
    struct sedd_slot *embedding = add(slots, SEDD_SLOT_TABLE, n, h, "", "vocab_embed.embedding");
    embedding->table = &model->embedding;
    embedding->quantised = true;
    add(slots, SEDD_SLOT_SCALE, n, 1, "", "vocab_embed.embedding_scale")->table = &model->embedding;
    if (!plain) {
        add_sigma_map(model, slots);
    }
    for (int32_t i = 0; i < info->n_blocks; i++) {
        struct sedd_block *b = &model->blocks[i];
        char prefix[32];
        snprintf(prefix, sizeof prefix, "blocks.%d.", (int)i);
        add_norm(slots, &b->norm1_weight, &b->norm1_bias, h, prefix, "norm1", plain);
        add_linear(slots, &b->qkv, SEDD_SLOT_LINEAR, 3 * h, h, prefix, "attn_qkv", true, false);
        add_linear(slots, &b->attn_out, SEDD_SLOT_LINEAR, h, h, prefix, "attn_out", true, false);
        add_norm(slots, &b->norm2_weight, &b->norm2_bias, h, prefix, "norm2", plain);
        add_linear(slots, &b->mlp_in, SEDD_SLOT_LINEAR, 4 * h, h, prefix, "mlp.0", true, true);
        add_linear(slots, &b->mlp_out, SEDD_SLOT_LINEAR, h, 4 * h, prefix, "mlp.2", true, true);
        if (!plain) {
            add_linear(slots, &b->modulation, SEDD_SLOT_LINEAR, 6 * h, k, prefix,
                       "adaLN_modulation", false, true);
        }
    }
    add_norm(slots, &model->norm_final_weight, &model->norm_final_bias, h, "",
             "output_layer.norm_final", plain);
    add_linear(slots, &model->head, SEDD_SLOT_LINEAR, n, h, "", "output_layer.linear", true, true);
    if (!plain) {
        add_linear(slots, &model->final_modulation, SEDD_SLOT_LINEAR, 2 * h, k, "",
                   "output_layer.adaLN_modulation", false, true);
    }
}

static void list_gpt2(struct sedd_model *model, struct sedd_slots *slots)
{
    const struct sedd_model_info *info = &model->info;
    int32_t h = info->hidden_size, inner = model->design.inner_size;
    if (model->design.untied) {
        struct sedd_slot *table = add(slots, SEDD_SLOT_TABLE, info->tokens, h, "", "wte.weight");
        table->table = &model->embedding;
        table->quantised = true;
        add(slots, SEDD_SLOT_SCALE, info->tokens, 1, "", "wte.weight_scale")->table =
            &model->embedding;
    }
    add_linear(slots, &model->head, SEDD_SLOT_LINEAR, info->tokens, h, "",
               model->design.untied ? "lm_head" : "wte", true, false);
    add(slots, SEDD_SLOT_TABLE, info->length, h, "", "wpe.weight")->table = &model->positions;
    for (int32_t i = 0; i < info->n_blocks; i++) {
        struct sedd_block *b = &model->blocks[i];
        char prefix[32];
        snprintf(prefix, sizeof prefix, "h.%d.", (int)i);
        add_vector(slots, &b->norm1_weight, h, prefix, "ln_1.weight");
        add_vector(slots, &b->norm1_bias, h, prefix, "ln_1.bias");
        add_linear(slots, &b->qkv, SEDD_SLOT_CONV1D, 3 * h, h, prefix, "attn.c_attn", true, true);
        add_linear(slots, &b->attn_out, SEDD_SLOT_CONV1D, h, h, prefix, "attn.c_proj", true, true);
        add_vector(slots, &b->norm2_weight, h, prefix, "ln_2.weight");
        add_vector(slots, &b->norm2_bias, h, prefix, "ln_2.bias");
        add_linear(slots, &b->mlp_in, SEDD_SLOT_CONV1D, inner, h, prefix, "mlp.c_fc", true, true);
        add_linear(slots, &b->mlp_out, SEDD_SLOT_CONV1D, h, inner, prefix, "mlp.c_proj", true,
                   true);
    }
    add_vector(slots, &model->norm_final_weight, h, "", "ln_f.weight");
    add_vector(slots, &model->norm_final_bias, h, "", "ln_f.bias");
}

#define SLOTS_A_BLOCK 16 /* upper bound of slots per block in either network, scales included */
#define SLOTS_BESIDE 16  /* upper bound of slots outside of the blocks */

enum sedd_status sedd_slots_list(struct sedd_model *model, struct sedd_slots *slots,
                                 struct sedd_error *error)
{
    uint64_t blocks = (uint64_t)model->info.n_blocks;
    if (model->blocks == NULL) {
        model->blocks = sedd_memory_new(blocks, sizeof *model->blocks);
    }
    slots->slots = sedd_memory_new(blocks * SLOTS_A_BLOCK + SLOTS_BESIDE, sizeof *slots->slots);
    slots->count = 0;
    if (model->blocks == NULL || slots->slots == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a model of %d blocks",
                         (int)model->info.n_blocks);
    }
    if (model->info.kind == SEDD_KIND_SEDD) {
        list_diffusion(model, slots);
    } else {
        list_gpt2(model, slots);
    }
    return SEDD_OK;
}

/* ---- Matching a file --------------------------------------------------------------------- */

/* Returns the name without the prefixes of the modules around the network: "transformer." in GPT-2
 * checkpoints, any run of "backbone." (Lightning modules) and "_orig_mod." (torch.compile) in the
 * others. */
static const char *plain_name(const struct sedd_model_info *info, const char *name)
{
    static const char *const prefixes[] = {"transformer.", "backbone.", "_orig_mod."};
    size_t first = info->kind == SEDD_KIND_GPT2 ? 0 : 1, end = first == 0 ? 1 : 3;
    for (size_t i = first; i < end; i++) {
        size_t size = strlen(prefixes[i]);
        if (strncmp(name, prefixes[i], size) == 0) {
            name += size;
            i = first == 0 ? end : first - 1;
        }
    }
    return name;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Returns true for buffers and copies in a checkpoint that hold no information of their own. */
static bool is_buffer(const struct sedd_model_info *info, const char *name)
{
    return info->kind == SEDD_KIND_GPT2
               ? strcmp(name, "lm_head.weight") == 0 || ends_with(name, ".attn.bias") ||
                     ends_with(name, ".attn.masked_bias")
               : strcmp(name, "rotary_emb.inv_freq") == 0 ||
                     strncmp(name, "sampling_eps", strlen("sampling_eps")) == 0;
}

static struct sedd_slot *find_name(struct sedd_slots *slots, const char *name)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (strcmp(slots->slots[i].name, name) == 0) {
            return &slots->slots[i];
        }
    }
    return NULL;
}

static bool shape_is(const struct sedd_tensor *tensor, int rank, uint64_t first, uint64_t second)
{
    return tensor->rank == rank && tensor->shape[0] == first &&
           (rank == 1 || tensor->shape[1] == second);
}

static bool shape_fits(const struct sedd_slot *slot, const struct sedd_tensor *tensor)
{
    uint64_t rows = (uint64_t)slot->rows, columns = (uint64_t)slot->columns;
    switch (slot->kind) {
    case SEDD_SLOT_VECTOR: return shape_is(tensor, 1, rows, 0);
    case SEDD_SLOT_CONV1D: return shape_is(tensor, 2, columns, rows);
    case SEDD_SLOT_SCALE:
        return shape_is(tensor, 1, rows, 0) || shape_is(tensor, 2, rows, 1) ||
               shape_is(tensor, 2, 1, rows);
    default: return shape_is(tensor, 2, rows, columns);
    }
}

/* Writes a shape as text, such as "[3, 4]". */
static void write_shape(char *text, size_t size, const uint64_t *shape, int rank)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < rank; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%llu", i > 0 ? ", " : "",
                                 (unsigned long long)shape[i]);
    }
    snprintf(text + used, size - used, "]");
}

static enum sedd_status fail_shape(const char *file, const struct sedd_slot *slot,
                                   const struct sedd_tensor *tensor, struct sedd_error *error)
{
    char found[96], expected[96]; /* fits SEDD_RANK_MAX sizes of at most 16 digits */
    uint64_t shape[2] = {(uint64_t)slot->rows, (uint64_t)slot->columns};
    if (slot->kind == SEDD_SLOT_CONV1D) {
        shape[0] = (uint64_t)slot->columns;
        shape[1] = (uint64_t)slot->rows;
    }
    write_shape(found, sizeof found, tensor->shape, tensor->rank);
    write_shape(expected, sizeof expected, shape, slot->kind == SEDD_SLOT_VECTOR ? 1 : 2);
    return sedd_fail(error, SEDD_ERROR_FORMAT,
                     "%s: tensor \"%.80s\" has shape %s; config.json requires %s", file,
                     tensor->name, found, expected);
}

static enum sedd_status check_tensor(const char *file, const struct sedd_slot *slot,
                                     const struct sedd_tensor *tensor, struct sedd_error *error)
{
    if (!shape_fits(slot, tensor)) {
        return fail_shape(file, slot, tensor, error);
    }
    bool readable = tensor->element != SEDD_ELEMENT_OTHER &&
                    (tensor->element != SEDD_ELEMENT_I8 || slot->quantised);
    if (!readable) {
        return sedd_fail(
            error, SEDD_ERROR_FORMAT,
            "%s: tensor \"%.80s\" has an unsupported element type; expected F32, F16%s", file,
            tensor->name, slot->quantised ? ", BF16 or I8" : " or BF16");
    }
    if (slot->tensor != NULL) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         "%s has tensor \"%.80s\" twice, with and without a prefix", file,
                         slot->name);
    }
    return SEDD_OK;
}

/* Checks that the tensors of a diffusion model all have the same prefix. `first` is any of them, or
 * NULL. */
static enum sedd_status check_prefix(const struct sedd_model_info *info, const char *file,
                                     const char *first, const char *name, struct sedd_error *error)
{
    size_t size = (size_t)(plain_name(info, name) - name);
    bool same =
        first == NULL || info->kind == SEDD_KIND_GPT2 ||
        ((size_t)(plain_name(info, first) - first) == size && strncmp(first, name, size) == 0);
    return same ? SEDD_OK
                : sedd_fail(error, SEDD_ERROR_FORMAT,
                            "%s: tensors \"%.80s\" and \"%.80s\" have different prefixes; expected "
                            "one network with one prefix",
                            file, first, name);
}

static enum sedd_status assign(struct sedd_slots *slots, const struct sedd_header *header,
                               struct sedd_model_info *info, struct sedd_error *error)
{
    const char *first = NULL;
    for (size_t i = 0; i < header->count; i++) {
        const struct sedd_tensor *tensor = &header->tensors[i];
        const char *name = plain_name(info, tensor->name);
        struct sedd_slot *slot = find_name(slots, name);
        if (slot == NULL && is_buffer(info, name)) {
            continue;
        }
        if (slot == NULL) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             "%s: tensor \"%.80s\" is not part of the model that config.json "
                             "describes (%s)",
                             slots->file, tensor->name,
                             info->kind == SEDD_KIND_GPT2 ? "GPT-2"
                                                          : sedd_family_name(info->family));
        }
        enum sedd_status status = check_tensor(slots->file, slot, tensor, error);
        if (status == SEDD_OK) {
            status = check_prefix(info, slots->file, first, tensor->name, error);
        }
        if (status != SEDD_OK) {
            return status;
        }
        first = tensor->name;
        slot->tensor = tensor;
        if (slot->kind != SEDD_SLOT_SCALE) {
            info->parameter_count += (uint64_t)slot->rows * (uint64_t)slot->columns;
        }
    }
    return SEDD_OK;
}

/* Returns true if the file must have the tensor of slot i. A scale, which follows its matrix in the
 * list, is required only if that matrix is int8. */
static bool is_wanted(const struct sedd_slots *slots, size_t i)
{
    return slots->slots[i].kind != SEDD_SLOT_SCALE ||
           (slots->slots[i - 1].tensor != NULL &&
            slots->slots[i - 1].tensor->element == SEDD_ELEMENT_I8);
}

static enum sedd_status check_complete(const struct sedd_slots *slots, struct sedd_error *error)
{
    size_t missing = 0;
    const char *first = NULL;
    for (size_t i = 0; i < slots->count; i++) {
        bool present = slots->slots[i].tensor != NULL;
        if (present && !is_wanted(slots, i)) {
            return sedd_fail(error, SEDD_ERROR_FORMAT,
                             "%s: \"%.80s\" is the scale of a matrix that is not I8", slots->file,
                             slots->slots[i].name);
        }
        if (!present && is_wanted(slots, i)) {
            first = missing++ == 0 ? slots->slots[i].name : first;
        }
    }
    return missing == 0
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_FORMAT, "%s lacks %zu tensor%s \"%.80s\"", slots->file,
                           missing, missing == 1 ? "" : "s; the first is", first);
}

/* Sets info->dtype. Fails unless all matrices that may be I8 are, or none is. */
static enum sedd_status choose_dtype(const struct sedd_slots *slots, enum sedd_dtype wanted,
                                     struct sedd_model_info *info, struct sedd_error *error)
{
    const struct sedd_slot *q8 = NULL, *other = NULL;
    for (size_t i = 0; i < slots->count; i++) {
        const struct sedd_slot *slot = &slots->slots[i];
        if (slot->quantised) {
            bool is_q8 = slot->tensor->element == SEDD_ELEMENT_I8;
            q8 = is_q8 ? slot : q8;
            other = is_q8 ? other : slot;
        }
    }
    if (q8 != NULL && other != NULL) {
        return sedd_fail(
            error, SEDD_ERROR_UNSUPPORTED,
            "%s: \"%.80s\" is I8 but \"%.80s\" is not; expected all matrices as I8, or none",
            slots->file, q8->name, other->name);
    }
    enum sedd_dtype stored = q8 != NULL ? SEDD_DTYPE_Q8 : SEDD_DTYPE_F32;
    info->dtype = wanted == SEDD_DTYPE_AUTO ? stored : wanted;
    return SEDD_OK;
}

enum sedd_status sedd_slots_match(struct sedd_slots *slots, const struct sedd_header *header,
                                  enum sedd_dtype wanted, struct sedd_model_info *info,
                                  struct sedd_error *error)
{
    info->parameter_count = 0;
    slots->file = header->file;
    enum sedd_status status = assign(slots, header, info, error);
    if (status == SEDD_OK) {
        status = check_complete(slots, error);
    }
    return status == SEDD_OK ? choose_dtype(slots, wanted, info, error) : status;
}

/* ---- Storage ----------------------------------------------------------------------------- */

#define Q8_IN_MAX 131072 /* 127 * 128 * Q8_IN_MAX fits in an int32 sum */

enum sedd_status sedd_slot_allocate(struct sedd_slot *slot, enum sedd_dtype dtype,
                                    struct sedd_error *error)
{
    slot -= slot->kind == SEDD_SLOT_SCALE ? 1 : 0; /* a scale follows its matrix in the list */
    if (slot->allocated) {
        return SEDD_OK;
    }
    slot->allocated = true;
    enum sedd_dtype held = slot->quantised ? dtype : SEDD_DTYPE_F32;
    switch (slot->kind) {
    case SEDD_SLOT_VECTOR:
        *slot->vector = sedd_memory_new((uint64_t)slot->rows + 8, sizeof(float));
        return *slot->vector != NULL
                   ? SEDD_OK
                   : sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for \"%s\"", slot->name);
    case SEDD_SLOT_LINEAR:
    case SEDD_SLOT_CONV1D:
        if (held == SEDD_DTYPE_Q8 && slot->columns > Q8_IN_MAX) {
            return sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                             "\"%s\" has %d inputs; an int8 matrix has at most %d", slot->name,
                             (int)slot->columns, Q8_IN_MAX);
        }
        return sedd_linear_init(slot->linear, slot->rows, slot->columns, held, error);
    case SEDD_SLOT_TABLE:
        return sedd_table_init(slot->table, slot->rows, slot->columns, held, error);
    case SEDD_SLOT_SCALE: return SEDD_OK;
    }
    return SEDD_OK;
}

static uint64_t slot_bytes(const struct sedd_slot *slot, enum sedd_dtype dtype)
{
    bool q8 = slot->quantised && dtype == SEDD_DTYPE_Q8;
    uint64_t elements = (uint64_t)slot->rows * (uint64_t)slot->columns;
    uint64_t beside = q8 ? (uint64_t)slot->rows * (slot->kind == SEDD_SLOT_TABLE ? 4 : 8) : 0;
    return slot->kind == SEDD_SLOT_SCALE ? 0 : elements * (q8 ? 1 : 4) + beside;
}

uint64_t sedd_slots_size(const struct sedd_slots *slots, enum sedd_dtype dtype)
{
    uint64_t size = 0;
    for (size_t i = 0; i < slots->count; i++) {
        size += slot_bytes(&slots->slots[i], dtype);
    }
    return size;
}

void sedd_slot_release(struct sedd_slot *slot)
{
    if (slot->kind == SEDD_SLOT_VECTOR) {
        sedd_memory_free(*slot->vector);
        *slot->vector = NULL;
    } else if (slot->kind == SEDD_SLOT_TABLE) {
        sedd_table_clear(slot->table);
    } else if (slot->kind != SEDD_SLOT_SCALE) {
        float *bias = slot->linear->bias; /* the bias has its own slot and stays */
        slot->linear->bias = NULL;
        sedd_linear_clear(slot->linear);
        slot->linear->bias = bias;
    }
}

struct sedd_slot *sedd_slots_find(const struct sedd_slots *slots, const struct sedd_tensor *tensor)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (slots->slots[i].tensor == tensor) {
            return &slots->slots[i];
        }
    }
    return NULL;
}
