/*
 * test_hostile.c - tests damaged and hostile checkpoints: each is refused with one sentence that
 * names the tensor, and nothing crashes or leaks (run it under the sanitizers).
 */
#include "checkpoint.h"
#include "files/open.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct sedd_error error;

/* Checks that the checkpoint is refused with `name` and `words` in the sentence. */
static void refuses(const struct checkpoint *checkpoint, const char *config, const char *name,
                    const char *words)
{
    struct sedd_model *model = NULL;
    error = (struct sedd_error){0};
    enum sedd_status status =
        checkpoint_load_all(checkpoint, config, SEDD_DTYPE_AUTO, &model, &error);
    if (CHECK(status == SEDD_ERROR_FORMAT || status == SEDD_ERROR_UNSUPPORTED)) {
        CHECK(model == NULL && error.status == status);
        CHECK_TEXT(error.message, name);
        CHECK_TEXT(error.message, words);
    } else {
        fprintf(stderr, "    expected: %s\n", words);
        sedd_model_free(model);
    }
}

/* ---- Tensors that differ from config.json ------------------------------------------------ */

static void test_shapes(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    struct entry *qkv = checkpoint_find(&c, "blocks.0.attn_qkv.weight");
    qkv->shape[0] = 6, qkv->shape[1] = 18;
    refuses(&c, SEDD_CONFIG, "blocks.0.attn_qkv.weight", "[6, 18]; config.json requires [18, 6]");
    qkv->rank = 4, qkv->shape[0] = 3, qkv->shape[1] = 6, qkv->shape[2] = 2, qkv->shape[3] = 3;
    refuses(&c, SEDD_CONFIG, "blocks.0.attn_qkv.weight", "[3, 6, 2, 3]");
    qkv->rank = 1, qkv->shape[0] = 108;
    refuses(&c, SEDD_CONFIG, "blocks.0.attn_qkv.weight", "[108]; config.json requires [18, 6]");
    checkpoint_clear(&c);

    checkpoint_sedd(&c);
    struct entry *norm = checkpoint_find(&c, "blocks.0.norm1.weight");
    norm->rank = 2, norm->shape[1] = 1;
    refuses(&c, SEDD_CONFIG, "blocks.0.norm1.weight", "[6, 1]; config.json requires [6]");
    checkpoint_clear(&c);

    checkpoint_gpt2(&c, "");
    struct entry *attn = checkpoint_find(&c, "h.0.attn.c_attn.weight");
    attn->shape[0] = 18, attn->shape[1] = 6;
    refuses(&c, GPT2_CONFIG, "h.0.attn.c_attn.weight", "requires [6, 18]");
    checkpoint_clear(&c);
}

static void test_missing(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    checkpoint_remove(&c, "blocks.0.mlp.0.bias");
    refuses(&c, SEDD_CONFIG, "blocks.0.mlp.0.bias", "lacks 1 tensor");
    checkpoint_remove(&c, "output_layer.linear.bias");
    refuses(&c, SEDD_CONFIG, "blocks.0.mlp.0.bias", "lacks 2 tensors; the first is");
    checkpoint_clear(&c);
    refuses(&c, SEDD_CONFIG, "vocab_embed.embedding", "lacks 20 tensors");

    checkpoint_sedd(&c); /* the buffer is not needed */
    checkpoint_remove(&c, "rotary_emb.inv_freq");
    struct sedd_model *model = NULL;
    CHECK(checkpoint_load_all(&c, SEDD_CONFIG, SEDD_DTYPE_AUTO, &model, &error) == SEDD_OK);
    sedd_model_free(model);
    checkpoint_add(&c, "blocks.1.norm1.weight", "F32", 6, 0);
    refuses(&c, SEDD_CONFIG, "blocks.1.norm1.weight", "not part of the model");
    checkpoint_clear(&c);

    checkpoint_sedd(&c); /* another network's configuration */
    refuses(&c, GPT2_CONFIG, "vocab_embed.embedding", "not part of the model");
    checkpoint_clear(&c);

    checkpoint_gpt2(&c, "");
    checkpoint_add(&c, "transformer.wte.weight", "F32", 5, 6);
    refuses(&c, GPT2_CONFIG, "wte.weight", "with and without");
    checkpoint_clear(&c);
}

static void loads(const struct checkpoint *checkpoint, const char *config)
{
    struct sedd_model *model = NULL;
    if (!CHECK(checkpoint_load_all(checkpoint, config, SEDD_DTYPE_AUTO, &model, &error) ==
               SEDD_OK)) {
        fprintf(stderr, "    %s\n", error.message);
    }
    sedd_model_free(model);
}

/* Tests the prefixes of MDLM's relatives, and tensors of one family in a file of another. */
static void test_families(void)
{
    static const char *const prefixes[] = {
        "",           "backbone.",           "backbone.backbone.",
        "_orig_mod.", "_orig_mod.backbone.", "backbone._orig_mod."};
    struct checkpoint c;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        checkpoint_prefixed(&c, prefixes[i]);
        checkpoint_add(&c, "sampling_eps_min", "F32", 1, 0);
        loads(&c, MDLM_CONFIG);
        checkpoint_clear(&c);
    }
    checkpoint_prefixed(&c, "module.");
    refuses(&c, MDLM_CONFIG, "module.vocab_embed.embedding", "not part of the model");
    checkpoint_clear(&c);

    checkpoint_prefixed(&c, "backbone.");
    struct entry *norm = checkpoint_find(&c, "backbone.blocks.0.norm1.weight");
    snprintf(norm->name, sizeof norm->name, "blocks.0.norm1.weight");
    refuses(&c, MDLM_CONFIG, "\"blocks.0.norm1.weight\" have different prefixes",
            "one network with one prefix");
    checkpoint_clear(&c);

    checkpoint_prefixed(&c, "backbone.");
    checkpoint_add(&c, "vocab_embed.embedding", "F32", 6, 6); /* a second network's */
    refuses(&c, MDLM_CONFIG, "vocab_embed.embedding", "with and without a prefix");
    checkpoint_clear(&c);

    checkpoint_radd(&c);
    loads(&c, RADD_CONFIG);
    refuses(&c, MDLM_CONFIG, "blocks.0.norm1.bias", "describes (MDLM)");
    checkpoint_remove(&c, "blocks.0.norm2.bias");
    refuses(&c, RADD_CONFIG, "blocks.0.norm2.bias", "lacks 1 tensor");
    checkpoint_clear(&c);

    checkpoint_sedd(&c);
    refuses(&c, RADD_CONFIG, "sigma_map.mlp.0.weight", "describes (RADD)");
    checkpoint_add(&c, "lm_head.weight", "F32", 6, 6);
    refuses(&c, MDLM_CONFIG, "lm_head.weight", "describes (MDLM)");
    checkpoint_remove(&c, "lm_head.weight");
    checkpoint_remove(&c, "output_layer.linear.weight");
    checkpoint_add(&c, "output_layer.linear.weight", "F32", 5, 6);
    refuses(&c, MDLM_CONFIG, "output_layer.linear.weight", "[5, 6]; config.json requires [6, 6]");
    checkpoint_clear(&c);
}

static void test_types(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    struct entry *norm = checkpoint_find(&c, "blocks.0.norm2.weight");
    strcpy(norm->dtype, "I8");
    refuses(&c, SEDD_CONFIG, "blocks.0.norm2.weight", "expected F32, F16 or BF16");
    strcpy(norm->dtype, "F8");
    refuses(&c, SEDD_CONFIG, "blocks.0.norm2.weight", "type \"F8\"");
    checkpoint_clear(&c);

    checkpoint_sedd(&c);
    checkpoint_quantise_sedd(&c);
    checkpoint_remove(&c, "blocks.0.attn_out.weight_scale");
    refuses(&c, SEDD_CONFIG, "blocks.0.attn_out.weight_scale", "lacks 1 tensor");
    checkpoint_clear(&c);

    checkpoint_sedd(&c);
    checkpoint_quantise(&c, "blocks.0.mlp.2.weight", 6, 1);
    refuses(&c, SEDD_CONFIG, "blocks.0.mlp.2.weight", "is I8 but");
    strcpy(checkpoint_find(&c, "blocks.0.mlp.2.weight")->dtype, "F32");
    refuses(&c, SEDD_CONFIG, "blocks.0.mlp.2.weight_scale",
            "is the scale of a matrix that is not I8");
    checkpoint_clear(&c);

    checkpoint_gpt2(&c, "");
    checkpoint_quantise_gpt2(&c, "");
    checkpoint_find(&c, "h.0.attn.c_attn.weight_scale")->shape[1] = 6;
    checkpoint_find(&c, "h.0.attn.c_attn.weight_scale")->shape[0] = 3;
    refuses(&c, GPT2_CONFIG, "h.0.attn.c_attn.weight_scale",
            "[3, 6]; config.json requires [18, 1]");
    checkpoint_clear(&c);
}

static void test_values(void)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    static const char *const names[] = {"vocab_embed.embedding", "blocks.0.mlp.2.weight",
                                        "blocks.0.mlp.2.bias",   "output_layer.norm_final.weight",
                                        "h.0.mlp.c_fc.weight",   "wpe.weight"};
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 3; k++) {
            struct checkpoint c;
            i < 4 ? checkpoint_sedd(&c) : checkpoint_gpt2(&c, "");
            struct entry *entry = checkpoint_find(&c, names[i]);
            entry->values[entry->count - 1] = bad[k];
            refuses(&c, i < 4 ? SEDD_CONFIG : GPT2_CONFIG, names[i], "non-finite value");
            checkpoint_clear(&c);
        }
    }
    static const float scales[] = {NAN, -1.0f, 3e38f};
    for (int k = 0; k < 3; k++) {
        struct checkpoint c;
        checkpoint_sedd(&c);
        checkpoint_quantise_sedd(&c);
        checkpoint_find(&c, "blocks.0.mlp.0.weight_scale")->values[3] = scales[k];
        refuses(&c, SEDD_CONFIG, "blocks.0.mlp.0.weight_scale",
                k == 0 ? "non-finite value" : "scale 3");
        checkpoint_clear(&c);
    }
}

static void test_layout(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    c.entries[4].shift = -4;
    refuses(&c, SEDD_CONFIG, c.entries[4].name, "overlap or leave a gap");
    c.entries[4].shift = 4;
    refuses(&c, SEDD_CONFIG, c.entries[4].name, "overlap or leave a gap");
    c.entries[4].shift = 0;
    strcpy(c.entries[5].name, c.entries[4].name);
    refuses(&c, SEDD_CONFIG, c.entries[4].name, "appears twice");
    checkpoint_clear(&c);
}

/* ---- Damaged bytes ----------------------------------------------------------------------- */

static void test_truncated(void)
{
    struct checkpoint c;
    checkpoint_gpt2(&c, "");
    size_t size;
    uint8_t *bytes = checkpoint_write(&c, &size);
    for (size_t kept = 0; kept < size; kept++) {
        struct sedd_model *model = NULL;
        CHECK(checkpoint_load(GPT2_CONFIG, bytes, kept, 0, SEDD_DTYPE_AUTO, &model, &error) ==
              SEDD_ERROR_FORMAT);
        CHECK_TEXT(error.message, "ends early");
    }
    uint8_t *longer = malloc(size + 1);
    memcpy(longer, bytes, size);
    longer[size] = 0;
    struct sedd_model *model = NULL;
    CHECK(checkpoint_load(GPT2_CONFIG, longer, size + 1, 0, SEDD_DTYPE_AUTO, &model, &error) ==
          SEDD_ERROR_FORMAT);
    CHECK_TEXT(error.message, "bytes after its last tensor");
    free(longer);
    free(bytes);
    checkpoint_clear(&c);
}

/* Flips every bit of the length and the header. The file is refused with a sentence, or the bit is
 * harmless (such as one of a name inside the metadata); the sanitizers detect everything else. */
static void test_flipped(void)
{
    struct checkpoint c;
    checkpoint_gpt2(&c, "");
    size_t size, loaded = 0;
    uint8_t *bytes = checkpoint_write(&c, &size);
    size_t header = 8 + (size_t)bytes[0] + 256 * (size_t)bytes[1];
    for (size_t at = 0; at < header; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct sedd_model *model = NULL;
            error.message[0] = '\0';
            bytes[at] ^= (uint8_t)(1 << bit);
            enum sedd_status status =
                checkpoint_load(GPT2_CONFIG, bytes, size, 0, SEDD_DTYPE_AUTO, &model, &error);
            bytes[at] ^= (uint8_t)(1 << bit);
            CHECK((status == SEDD_OK) == (model != NULL));
            CHECK(status == SEDD_OK || error.message[0] != '\0');
            loaded += status == SEDD_OK ? 1 : 0;
            sedd_model_free(model);
        }
    }
    /* Flips that pass are in the value of "__metadata__", in white space, or in the names of
     * buffers. More of them would mean that the header is not read. */
    CHECK(loaded < header);
    free(bytes);
    checkpoint_clear(&c);
}

static void test_length_field(void)
{
    static const uint64_t lengths[] = {0, 1, (16u << 20) + 1, 1ull << 32, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct sedd_model *model = NULL;
        uint8_t bytes[64] = {0};
        memcpy(bytes, &lengths[i], 8);
        CHECK(checkpoint_load(SEDD_CONFIG, bytes, sizeof bytes, 3, SEDD_DTYPE_AUTO, &model,
                              &error) == SEDD_ERROR_FORMAT);
        CHECK_TEXT(error.message, "a header size of 2 to");
    }
    const char *page = "<!DOCTYPE html><html><head><title>Not found</title></head></html>";
    struct sedd_model *model = NULL;
    CHECK(checkpoint_load(SEDD_CONFIG, (const uint8_t *)page, strlen(page), 0, SEDD_DTYPE_AUTO,
                          &model, &error) == SEDD_ERROR_FORMAT);
    CHECK_TEXT(error.message, "another kind of file");
}

/* Files that a server or a person may put in place of weights are named in the error. */
static void test_other_kinds(void)
{
    static const struct {
        const char *bytes, *words;
    } cases[] = {
        {"<!DOCTYPE html><html>", "a web page"},
        {"<!Doctype html>", "a web page"},
        {"<html lang=en><head>", "a web page"},
        {"\n\n  <HTML>", "a web page"},
        {"\xEF\xBB\xBF<html><body>", "a web page"},
        {"<?xml version=\"1.0\"?>", "a web page"},
        {"{\"error\": \"gated\"}", "text, such as"},
        {"Entry not found", "text, such as"},
        {"version https://git-lfs.github.com/spec/v1\n", "Git LFS"},
        {"\x80\x04\x95\x10\x01\x02\x03\x04", "a pickle"},
        {"\x93NUMPY\x01\x02", "a numpy file"},
        {"\x89HDF\r\n\x1a\n", "an HDF5 file"},
        {"\x1f\x8b\x08\x01\x02\x03\x04\x05", "a gzip file"},
        {"\x01\x02\x03\x04\x05\x06\x07\x08", "neither a torch file nor a safetensors file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sedd_model *model = NULL;
        uint8_t bytes[64] = {0};
        memcpy(bytes, cases[i].bytes, strlen(cases[i].bytes));
        CHECK(checkpoint_load(SEDD_CONFIG, bytes, sizeof bytes, 0, SEDD_DTYPE_AUTO, &model,
                              &error) == SEDD_ERROR_FORMAT);
        CHECK_TEXT(error.message, cases[i].words);
        CHECK(strstr(error.message, "model.safetensors has") == NULL);
    }
    /* Eight bytes that form a plausible size, longer and shorter than the file. */
    for (uint64_t length = 16; length <= 1 << 20; length <<= 16) {
        struct sedd_model *model = NULL;
        uint8_t bytes[64] = {0};
        memcpy(bytes, &length, sizeof length);
        memset(bytes + 8, 0xA7, sizeof bytes - 8);
        for (size_t part = 3; part <= sizeof bytes; part += 61) {
            CHECK(checkpoint_load(SEDD_CONFIG, bytes, sizeof bytes, part, SEDD_DTYPE_AUTO, &model,
                                  &error) == SEDD_ERROR_FORMAT);
            CHECK_TEXT(error.message, "neither a torch file nor a safetensors file");
            CHECK(strstr(error.message, "model.safetensors") == NULL);
        }
    }
}

/* Calls out of order are refused, and do not change the model that was returned. */
static void test_order(void)
{
    struct checkpoint c;
    checkpoint_sedd(&c);
    size_t size;
    uint8_t *bytes = checkpoint_write(&c, &size);
    struct sedd_loader *loader = NULL;
    struct sedd_model *model = NULL, *again = NULL;
    CHECK(sedd_loader_new(SEDD_CONFIG, strlen(SEDD_CONFIG), (enum sedd_dtype)7, &loader, &error) ==
          SEDD_ERROR_ARGUMENT);
    CHECK(loader == NULL);
    CHECK(sedd_loader_new(SEDD_CONFIG, strlen(SEDD_CONFIG), SEDD_DTYPE_AUTO, &loader, &error) ==
          SEDD_OK);
    CHECK(sedd_loader_finish(loader, &model, &error) == SEDD_ERROR_FORMAT && model == NULL);
    CHECK(sedd_loader_push(loader, 0, bytes, size, &error) == SEDD_OK);
    CHECK(sedd_loader_finish(loader, &model, &error) == SEDD_OK && model != NULL);
    CHECK(sedd_loader_finish(loader, &again, &error) == SEDD_ERROR_ARGUMENT && again == NULL);
    CHECK_TEXT(error.message, "finished");
    CHECK(sedd_loader_push(loader, 0, bytes, 1, &error) == SEDD_ERROR_ARGUMENT);
    sedd_loader_free(loader);
    sedd_model_free(model);
    sedd_loader_free(NULL);
    sedd_model_free(NULL);
    free(bytes);
    checkpoint_clear(&c);
}

/* ---- Sizes ------------------------------------------------------------------------------- */

/* Configuration and header agree on 64 GiB, which a file of a few bytes cannot hold. The file is
 * refused by its size, before the memory is allocated. */
static void test_huge_claim(void)
{
    char header[512], *config = strdup(SEDD_CONFIG);
    int length =
        snprintf(header, sizeof header,
                 "{\"vocab_embed.embedding\": {\"dtype\": \"F32\", \"shape\": [16777216, 1024],"
                 " \"data_offsets\": [0, 68719476736]}}");
    uint64_t header_size = (uint64_t)length;
    uint8_t bytes[600];
    memcpy(bytes, &header_size, 8);
    memcpy(bytes + 8, header, header_size);
    struct sedd_loader *loader = NULL;
    CHECK(sedd_loader_new(config, strlen(config), SEDD_DTYPE_AUTO, &loader, &error) == SEDD_OK);
    sedd_loader_expect(loader, 8 + header_size + 100);
    CHECK(sedd_loader_push(loader, 0, bytes, 8 + header_size, &error) == SEDD_ERROR_FORMAT);
    CHECK_TEXT(error.message, "it is truncated");
    CHECK(sedd_loader_push(loader, 0, bytes, 1, &error) == SEDD_ERROR_ARGUMENT);
    sedd_loader_free(loader);
    free(config);
}

/* An int8 embedding whose rows are too long for exact sums is refused; sums do not overflow. */
static void test_q8_width(void)
{
    static const char config[] =
        "{\"vocab_size\": 1, \"n_embd\": 2, \"n_head\": 1, \"n_layer\": 1, \"n_ctx\": 1,"
        " \"n_inner\": 131080}";
    static const struct {
        const char *name;
        int shape[2];
    } tensors[] = {{"wte.weight", {1, 2}},
                   {"wpe.weight", {1, 2}},
                   {"h.0.ln_1.weight", {2, 0}},
                   {"h.0.ln_1.bias", {2, 0}},
                   {"h.0.ln_2.weight", {2, 0}},
                   {"h.0.ln_2.bias", {2, 0}},
                   {"h.0.attn.c_attn.weight", {2, 6}},
                   {"h.0.attn.c_attn.bias", {6, 0}},
                   {"h.0.attn.c_proj.weight", {2, 2}},
                   {"h.0.attn.c_proj.bias", {2, 0}},
                   {"h.0.mlp.c_fc.weight", {2, 131080}},
                   {"h.0.mlp.c_fc.bias", {131080, 0}},
                   {"h.0.mlp.c_proj.weight", {131080, 2}},
                   {"h.0.mlp.c_proj.bias", {2, 0}},
                   {"ln_f.weight", {2, 0}},
                   {"ln_f.bias", {2, 0}}};
    struct checkpoint c = {0};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        checkpoint_add(&c, tensors[i].name, "F32", tensors[i].shape[0], tensors[i].shape[1]);
    }
    struct sedd_model *model = NULL;
    CHECK(checkpoint_load_all(&c, config, SEDD_DTYPE_F32, &model, &error) == SEDD_OK);
    sedd_model_free(model);
    model = NULL;
    CHECK(checkpoint_load_all(&c, config, SEDD_DTYPE_Q8, &model, &error) == SEDD_ERROR_UNSUPPORTED);
    CHECK_TEXT(error.message, "h.0.mlp.c_proj.weight");
    CHECK_TEXT(error.message, "131080 inputs");
    checkpoint_clear(&c);
}

/* ---- Folders ----------------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (CHECK(file != NULL)) {
        fwrite(bytes, 1, size, file);
        fclose(file);
    }
}

static void open_refuses(const char *folder, enum sedd_status status, const char *words)
{
    struct sedd_model *model = NULL;
    CHECK(sedd_model_open(folder, SEDD_DTYPE_AUTO, &model, &error) == status);
    CHECK_TEXT(error.message, words);
    CHECK(model == NULL);
}

static void test_limit(void)
{
    char *text = NULL;
    size_t size;
    struct sedd_error error = {0};
    CHECK(sedd_file_read(TEST_DIR "/golden/absorb", "config.json", 100, &text, &size, &error) ==
          SEDD_ERROR_FORMAT);
    CHECK_TEXT(error.message, "config.json has more than 100 bytes");
    CHECK(text == NULL);
}

static void test_folder(void)
{
    char folder[] = "/tmp/sedd-test-XXXXXX", path[600];
    struct checkpoint c;
    if (!CHECK(mkdtemp(folder) != NULL)) {
        return;
    }
    checkpoint_sedd(&c);
    size_t size;
    uint8_t *bytes = checkpoint_write(&c, &size);
    open_refuses(folder, SEDD_ERROR_IO, "config.json cannot be opened");
    write_file(folder, "config.json", SEDD_CONFIG, strlen(SEDD_CONFIG));
    open_refuses(folder, SEDD_ERROR_IO, "model.safetensors cannot be opened");
    write_file(folder, "model.safetensors", bytes, 0);
    open_refuses(folder, SEDD_ERROR_FORMAT, "ends early");
    write_file(folder, "model.safetensors", bytes, size - 1);
    open_refuses(folder, SEDD_ERROR_FORMAT, "it is truncated");
    const char *pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    write_file(folder, "model.safetensors", pointer, strlen(pointer));
    open_refuses(folder, SEDD_ERROR_FORMAT, "another kind of file");
    write_file(folder, "model.safetensors", bytes, size);
    struct sedd_model *model = NULL;
    CHECK(sedd_model_open(folder, SEDD_DTYPE_AUTO, &model, &error) == SEDD_OK);
    sedd_model_free(model);
    char *large = calloc(3 << 20, 1);
    memset(large, ' ', 3 << 20);
    write_file(folder, "config.json", large, 3 << 20);
    open_refuses(folder, SEDD_ERROR_FORMAT, "config.json has more than");
    free(large);
    snprintf(path, sizeof path, "%s/config.json", folder);
    remove(path);
    CHECK(mkdir(path, 0700) == 0);
    open_refuses(folder, SEDD_ERROR_IO, "config.json cannot be read");
    remove(path);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    remove(path);
    CHECK(remove(folder) == 0);
    free(bytes);
    checkpoint_clear(&c);
}

int main(void)
{
    test_shapes();
    test_missing();
    test_families();
    test_types();
    test_values();
    test_layout();
    test_truncated();
    test_flipped();
    test_length_field();
    test_other_kinds();
    test_order();
    test_huge_claim();
    test_q8_width();
    test_limit();
    test_folder();
    return test_report("hostile");
}
