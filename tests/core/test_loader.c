/*
 * test_loader.c - tests that models hold what their checkpoints say: for every type, both networks
 * and pieces of any size. Packing is compared with the formulas of kernels.h, values with the file,
 * and quantisation with its definition.
 */
#include "checkpoint.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

static struct sedd_error error;

/* ---- Comparing models -------------------------------------------------------------------- */

static bool same(const void *a, const void *b, size_t size)
{
    return (a == NULL) == (b == NULL) && (a == NULL || memcmp(a, b, size) == 0);
}

static bool same_linear(const struct sedd_linear *a, const struct sedd_linear *b)
{
    size_t channels = (size_t)a->panels * 8;
    return a->in == b->in && a->out == b->out && a->panels == b->panels &&
           same(a->w, b->w, channels * (size_t)a->in * 4) &&
           same(a->wq, b->wq, channels * (size_t)a->in_padded) &&
           same(a->w_scale, b->w_scale, channels * 4) && same(a->w_sum, b->w_sum, channels * 4) &&
           same(a->w_wide, b->w_wide, channels / 8 * (size_t)sedd_wide_words(a->in_padded) * 4) &&
           same(a->bias, b->bias, channels * 4);
}

static bool same_table(const struct sedd_table *a, const struct sedd_table *b)
{
    size_t count = (size_t)a->rows * (size_t)a->columns;
    return a->rows == b->rows && a->columns == b->columns &&
           same(a->values, b->values, count * 4) && same(a->q, b->q, count) &&
           same(a->scale, b->scale, (size_t)a->rows * 4);
}

static bool same_model(const struct sedd_model *a, const struct sedd_model *b)
{
    size_t h = (size_t)a->info.hidden_size * 4;
    bool equal = memcmp(&a->info, &b->info, sizeof a->info) == 0 &&
                 same_table(&a->embedding, &b->embedding) &&
                 same_table(&a->positions, &b->positions) &&
                 same_linear(&a->sigma_in, &b->sigma_in) &&
                 same_linear(&a->sigma_out, &b->sigma_out) && same_linear(&a->head, &b->head) &&
                 same_linear(&a->final_modulation, &b->final_modulation) &&
                 same(a->norm_final_weight, b->norm_final_weight, h) &&
                 same(a->norm_final_bias, b->norm_final_bias, h);
    for (int32_t i = 0; equal && i < a->info.n_blocks; i++) {
        const struct sedd_block *x = &a->blocks[i], *y = &b->blocks[i];
        equal = same_linear(&x->qkv, &y->qkv) && same_linear(&x->attn_out, &y->attn_out) &&
                same_linear(&x->mlp_in, &y->mlp_in) && same_linear(&x->mlp_out, &y->mlp_out) &&
                same_linear(&x->modulation, &y->modulation) &&
                same(x->norm1_weight, y->norm1_weight, h) &&
                same(x->norm1_bias, y->norm1_bias, h) &&
                same(x->norm2_weight, y->norm2_weight, h) && same(x->norm2_bias, y->norm2_bias, h);
    }
    return equal;
}

/* ---- Values ------------------------------------------------------------------------------ */

/* Checks the order of kernels.h: panel, input, channel. Channels past `out` and inputs past `in`
 * are 0. */
static bool packed_f32(const struct sedd_linear *linear, const float *values, bool conv1d)
{
    for (int p = 0; p < linear->panels; p++) {
        for (int k = 0; k < linear->in; k++) {
            for (int c = 0; c < 8; c++) {
                int row = p * 8 + c;
                float expected = row >= linear->out ? 0.0f
                                 : conv1d           ? values[k * linear->out + row]
                                                    : values[row * linear->in + k];
                if (linear->w[(p * linear->in + k) * 8 + c] != expected) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool packed_q8(const struct sedd_linear *linear, const float *values, bool conv1d)
{
    for (int row = 0; row < linear->panels * 8; row++) {
        int sum = 0;
        for (int k = 0; k < linear->in_padded; k++) {
            int at = ((row / 8 * (linear->in_padded / 4) + k / 4) * 8 + row % 8) * 4 + k % 4;
            int expected = row >= linear->out || k >= linear->in ? 0
                           : conv1d ? (int)values[k * linear->out + row]
                                    : (int)values[row * linear->in + k];
            sum += expected;
            if (linear->wq[at] != expected) {
                return false;
            }
        }
        if (linear->w_sum[row] != sum ||
            (row < linear->out && linear->w_scale[row] != (float)(row + 1) / 32.0f)) {
            return false;
        }
    }
    return true;
}

static struct sedd_model *load(const struct checkpoint *checkpoint, const char *config,
                               enum sedd_dtype dtype)
{
    struct sedd_model *model = NULL;
    error.message[0] = '\0';
    if (!CHECK(checkpoint_load_all(checkpoint, config, dtype, &model, &error) == SEDD_OK)) {
        fprintf(stderr, "    %s\n", error.message);
        exit(test_report("loader"));
    }
    return model;
}

static const float *values_of(struct checkpoint *checkpoint, const char *name)
{
    return checkpoint_find(checkpoint, name)->values;
}

static void check_vector(struct checkpoint *checkpoint, const char *name, const float *vector)
{
    const struct entry *entry = checkpoint_find(checkpoint, name);
    if (!CHECK(memcmp(vector, entry->values, entry->count * sizeof(float)) == 0)) {
        fprintf(stderr, "    %s\n", name);
    }
}

static void test_sedd_f32(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    struct sedd_model *model = load(&c, SEDD_CONFIG, SEDD_DTYPE_AUTO);
    const struct sedd_block *block = &model->blocks[0];
    CHECK(model->info.kind == SEDD_KIND_SEDD && model->info.dtype == SEDD_DTYPE_F32);
    CHECK(model->info.tokens == 5 && model->info.states == 6 && model->info.mask_id == 5);
    CHECK(model->info.scale_by_sigma && model->info.length == 8 && model->design.inner_size == 24);
    check_vector(&c, "vocab_embed.embedding", model->embedding.values);
    check_vector(&c, "sigma_map.mlp.0.bias", model->sigma_in.bias);
    check_vector(&c, "sigma_map.mlp.2.bias", model->sigma_out.bias);
    check_vector(&c, "blocks.0.norm1.weight", block->norm1_weight);
    check_vector(&c, "blocks.0.norm2.weight", block->norm2_weight);
    check_vector(&c, "blocks.0.mlp.0.bias", block->mlp_in.bias);
    check_vector(&c, "blocks.0.mlp.2.bias", block->mlp_out.bias);
    check_vector(&c, "blocks.0.adaLN_modulation.bias", block->modulation.bias);
    check_vector(&c, "output_layer.norm_final.weight", model->norm_final_weight);
    check_vector(&c, "output_layer.linear.bias", model->head.bias);
    check_vector(&c, "output_layer.adaLN_modulation.bias", model->final_modulation.bias);
    const struct {
        const char *name;
        const struct sedd_linear *linear;
    } matrices[] = {
        {"sigma_map.mlp.0.weight", &model->sigma_in},
        {"sigma_map.mlp.2.weight", &model->sigma_out},
        {"blocks.0.attn_qkv.weight", &block->qkv},
        {"blocks.0.attn_out.weight", &block->attn_out},
        {"blocks.0.mlp.0.weight", &block->mlp_in},
        {"blocks.0.mlp.2.weight", &block->mlp_out},
        {"blocks.0.adaLN_modulation.weight", &block->modulation},
        {"output_layer.linear.weight", &model->head},
        {"output_layer.adaLN_modulation.weight", &model->final_modulation},
    };
    for (size_t i = 0; i < sizeof matrices / sizeof matrices[0]; i++) {
        CHECK(packed_f32(matrices[i].linear, values_of(&c, matrices[i].name), false));
    }
    CHECK(block->norm1_bias == NULL && block->qkv.bias == NULL && block->attn_out.bias == NULL);
    sedd_model_free(model);
    checkpoint_clear(&c);
}

static void test_gpt2_f32(void)
{
    struct checkpoint c;
    checkpoint_gpt2(&c, "");
    struct sedd_model *model = load(&c, GPT2_CONFIG, SEDD_DTYPE_AUTO);
    const struct sedd_block *block = &model->blocks[0];
    CHECK(model->info.kind == SEDD_KIND_GPT2 && model->info.states == 5 &&
          model->info.mask_id == -1);
    CHECK(packed_f32(&model->head, values_of(&c, "wte.weight"), false));
    check_vector(&c, "wpe.weight", model->positions.values);
    CHECK(packed_f32(&block->qkv, values_of(&c, "h.0.attn.c_attn.weight"), true));
    CHECK(packed_f32(&block->attn_out, values_of(&c, "h.0.attn.c_proj.weight"), true));
    CHECK(packed_f32(&block->mlp_in, values_of(&c, "h.0.mlp.c_fc.weight"), true));
    CHECK(packed_f32(&block->mlp_out, values_of(&c, "h.0.mlp.c_proj.weight"), true));
    check_vector(&c, "h.0.attn.c_attn.bias", block->qkv.bias);
    check_vector(&c, "h.0.attn.c_proj.bias", block->attn_out.bias);
    check_vector(&c, "h.0.mlp.c_fc.bias", block->mlp_in.bias);
    check_vector(&c, "h.0.mlp.c_proj.bias", block->mlp_out.bias);
    check_vector(&c, "h.0.ln_1.weight", block->norm1_weight);
    check_vector(&c, "h.0.ln_1.bias", block->norm1_bias);
    check_vector(&c, "h.0.ln_2.weight", block->norm2_weight);
    check_vector(&c, "h.0.ln_2.bias", block->norm2_bias);
    check_vector(&c, "ln_f.weight", model->norm_final_weight);
    check_vector(&c, "ln_f.bias", model->norm_final_bias);

    struct checkpoint prefixed;
    checkpoint_gpt2(&prefixed, "transformer.");
    checkpoint_remove(&prefixed, "lm_head.weight");
    struct sedd_model *other = load(&prefixed, GPT2_CONFIG, SEDD_DTYPE_AUTO);
    CHECK(same_model(model, other));
    sedd_model_free(other);
    sedd_model_free(model);
    checkpoint_clear(&prefixed);
    checkpoint_clear(&c);
}

/* The values of checkpoint.c are exact in 16 bits, so these models have equal bits. */
static void test_narrow_types(void)
{
    static const char *const types[] = {"F16", "BF16"};
    struct checkpoint c;
    checkpoint_sedd(&c);
    struct sedd_model *model = load(&c, SEDD_CONFIG, SEDD_DTYPE_AUTO);
    for (int i = 0; i < 2; i++) {
        checkpoint_retype(&c, i == 0 ? "F32" : types[0], types[i]);
        struct sedd_model *other = load(&c, SEDD_CONFIG, SEDD_DTYPE_AUTO);
        CHECK(same_model(model, other));
        sedd_model_free(other);
    }
    sedd_model_free(model);
    checkpoint_clear(&c);
}

/* ---- int8 -------------------------------------------------------------------------------- */

static void test_sedd_q8(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    checkpoint_quantise_sedd(&c);
    struct entry *qkv = checkpoint_find(&c, "blocks.0.attn_qkv.weight");
    qkv->values[0] = -128.0f; /* allowed: 127 * 128 * 2 still fits the dot products' 16 bits */
    struct sedd_model *model = load(&c, SEDD_CONFIG, SEDD_DTYPE_AUTO);
    const struct sedd_block *block = &model->blocks[0];
    CHECK(model->info.dtype == SEDD_DTYPE_Q8);
    CHECK(packed_q8(&block->qkv, qkv->values, false));
    CHECK(packed_q8(&block->attn_out, values_of(&c, "blocks.0.attn_out.weight"), false));
    CHECK(packed_q8(&block->mlp_in, values_of(&c, "blocks.0.mlp.0.weight"), false));
    CHECK(packed_q8(&block->mlp_out, values_of(&c, "blocks.0.mlp.2.weight"), false));
    CHECK(packed_q8(&model->head, values_of(&c, "output_layer.linear.weight"), false));
    CHECK(block->modulation.w != NULL && block->modulation.wq == NULL);
    const float *embedding = values_of(&c, "vocab_embed.embedding");
    for (int i = 0; i < 36; i++) {
        CHECK(model->embedding.q[i] == (int)embedding[i]);
        CHECK(model->embedding.scale[i / 6] == (float)(i / 6 + 1) / 32.0f);
    }

    struct sedd_model *wide = load(&c, SEDD_CONFIG, SEDD_DTYPE_F32);
    CHECK(wide->info.dtype == SEDD_DTYPE_F32 && wide->blocks[0].qkv.w_scale == NULL);
    CHECK(wide->embedding.scale == NULL);
    for (int i = 0; i < 18 * 6; i++) {
        qkv->values[i] *= (float)(i / 6 + 1) / 32.0f;
    }
    CHECK(packed_f32(&wide->blocks[0].qkv, qkv->values, false));
    sedd_model_free(wide);
    sedd_model_free(model);
    checkpoint_clear(&c);
}

static void test_gpt2_q8(void)
{
    struct checkpoint c;
    checkpoint_gpt2(&c, "transformer.");
    checkpoint_quantise_gpt2(&c, "transformer.");
    struct sedd_model *model = load(&c, GPT2_CONFIG, SEDD_DTYPE_AUTO);
    const struct sedd_block *block = &model->blocks[0];
    CHECK(packed_q8(&model->head, values_of(&c, "transformer.wte.weight"), false));
    CHECK(packed_q8(&block->qkv, values_of(&c, "transformer.h.0.attn.c_attn.weight"), true));
    CHECK(packed_q8(&block->mlp_in, values_of(&c, "transformer.h.0.mlp.c_fc.weight"), true));
    CHECK(packed_q8(&block->mlp_out, values_of(&c, "transformer.h.0.mlp.c_proj.weight"), true));
    CHECK(model->positions.values != NULL && model->positions.q == NULL);

    /* the scales precede their matrices */
    struct checkpoint turned = {.count = c.count};
    for (int i = 0; i < c.count; i++) {
        turned.entries[i] = c.entries[c.count - 1 - i];
    }
    struct sedd_model *other = load(&turned, GPT2_CONFIG, SEDD_DTYPE_AUTO);
    CHECK(same_model(model, other));
    sedd_model_free(other);
    sedd_model_free(model);
    checkpoint_clear(&c);
}

/* With scale = max|x| / 127 and rounding to nearest even, errors are at most half a step, and the
 * largest value becomes exactly 127. */
static void test_quantise_on_load(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    struct entry *entry = checkpoint_find(&c, "blocks.0.mlp.0.weight");
    memset(entry->values + 6, 0, 6 * sizeof(float)); /* a channel of zeros */
    struct sedd_model *model = load(&c, SEDD_CONFIG, SEDD_DTYPE_Q8);
    const struct sedd_linear *linear = &model->blocks[0].mlp_in;
    CHECK(model->info.dtype == SEDD_DTYPE_Q8 && linear->w == NULL && model->embedding.q != NULL);
    for (int row = 0; row < 24; row++) {
        float largest = 0.0f, back[6];
        int sum = 0, peak = 0;
        sedd_linear_get_row(linear, row, back);
        for (int k = 0; k < 6; k++) {
            largest = fmaxf(largest, fabsf(entry->values[row * 6 + k]));
        }
        CHECK(linear->w_scale[row] == largest / 127.0f);
        for (int k = 0; k < 6; k++) {
            int q = linear->wq[((row / 8 * 2 + k / 4) * 8 + row % 8) * 4 + k % 4];
            sum += q;
            peak = abs(q) > peak ? abs(q) : peak;
            CHECK(fabsf(back[k] - entry->values[row * 6 + k]) <= 0.5001f * linear->w_scale[row]);
        }
        CHECK(linear->w_sum[row] == sum && peak == (largest > 0.0f ? 127 : 0));
    }
    sedd_model_free(model);
    checkpoint_clear(&c);
}

/* ---- Pieces, sizes, files ---------------------------------------------------------------- */

static void test_pieces(void)
{
    static const size_t pieces[] = {1, 7, 1000};
    for (int which = 0; which < 4; which++) {
        struct checkpoint c;
        const char *config = which < 2 ? SEDD_CONFIG : GPT2_CONFIG;
        which < 2 ? checkpoint_sedd(&c) : checkpoint_gpt2(&c, "");
        if (which % 2 == 1) {
            which < 2 ? checkpoint_quantise_sedd(&c) : checkpoint_quantise_gpt2(&c, "");
        }
        struct sedd_model *whole = load(&c, config, SEDD_DTYPE_AUTO);
        size_t size;
        uint8_t *bytes = checkpoint_write(&c, &size);
        for (int i = 0; i < 3; i++) {
            struct sedd_model *model = NULL;
            CHECK(checkpoint_load(config, bytes, size, pieces[i], SEDD_DTYPE_AUTO, &model,
                                  &error) == SEDD_OK);
            CHECK(model != NULL && same_model(whole, model));
            sedd_model_free(model);
        }
        free(bytes);
        sedd_model_free(whole);
        checkpoint_clear(&c);
    }
}

/* Opens the golden models by their folders; sizes come from golden.json and the reference's count.
 */
static void test_folders(void)
{
    static const struct {
        const char *folder;
        enum sedd_kind kind;
        int states, hidden, blocks, heads;
        uint64_t parameters; /* n_params of golden.json */
    } cases[] = {{"absorb", SEDD_KIND_SEDD, 98, 64, 2, 4, 150754},
                 {"uniform", SEDD_KIND_SEDD, 97, 64, 2, 4, 150625},
                 {"gpt2", SEDD_KIND_GPT2, 101, 48, 2, 4, 63024}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char folder[512];
        struct sedd_model *model = NULL;
        struct sedd_model_info info;
        snprintf(folder, sizeof folder, "%s/golden/%s", TEST_DIR, cases[i].folder);
        if (!CHECK(sedd_model_open(folder, SEDD_DTYPE_AUTO, &model, &error) == SEDD_OK)) {
            fprintf(stderr, "    %s\n", error.message);
            continue;
        }
        sedd_model_describe(model, &info);
        CHECK(info.kind == cases[i].kind && info.states == cases[i].states);
        CHECK(info.hidden_size == cases[i].hidden && info.n_blocks == cases[i].blocks);
        CHECK(info.n_heads == cases[i].heads);
        CHECK(info.parameter_count == cases[i].parameters);
        sedd_model_free(model);
    }
    struct sedd_model *none = NULL;
    CHECK(sedd_model_open(TEST_DIR "/no such folder", SEDD_DTYPE_AUTO, &none, &error) ==
          SEDD_ERROR_IO);
    CHECK_TEXT(error.message, "config.json cannot be opened");
    CHECK(none == NULL);
}

int main(void)
{
    test_sedd_f32();
    test_gpt2_f32();
    test_narrow_types();
    test_sedd_q8();
    test_gpt2_q8();
    test_quantise_on_load();
    test_pieces();
    test_folders();
    return test_report("loader");
}
