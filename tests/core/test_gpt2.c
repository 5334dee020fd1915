/*
 * test_gpt2.c - compares GPT-2's fields that change numbers with logits of the reference
 * implementation and with the formula in double precision, and checks that a converted model
 * computes the same.
 */
#include "files/convert.h"
#include "files/json.h"
#include "files/open.h"
#include "model/model.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CASES TEST_DIR "/cases/gpt2-fields"
#define COUNT 5
#define TOKENS 257
#define H 16

static const int32_t IDS[COUNT] = {5, 9, 200, 31, 7};

struct bytes {
    char *text;
    size_t size;
};

static struct bytes read_file(const char *folder, const char *name)
{
    struct bytes file = {NULL, 0};
    struct sedd_error error = {0};
    if (!CHECK(sedd_file_read(folder, name, 1 << 24, &file.text, &file.size, &error) == SEDD_OK)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return file;
}

/* ---- The formula ------------------------------------------------------------------------- */

static void multiply(const struct sedd_linear *linear, const double *x, double *y)
{
    float row[4 * H];
    for (int32_t i = 0; i < linear->out; i++) {
        sedd_linear_get_row(linear, i, row);
        y[i] = linear->bias == NULL ? 0.0 : (double)linear->bias[i];
        for (int32_t k = 0; k < linear->in; k++) {
            y[i] += (double)row[k] * x[k];
        }
    }
}

static void norm(const double *x, const float *weight, const float *bias, double *y)
{
    double mean = 0.0, variance = 0.0;
    for (int i = 0; i < H; i++) {
        mean += x[i] / H;
    }
    for (int i = 0; i < H; i++) {
        variance += (x[i] - mean) * (x[i] - mean) / H;
    }
    for (int i = 0; i < H; i++) {
        y[i] = (x[i] - mean) / sqrt(variance + 1e-5) * (double)weight[i] + (double)bias[i];
    }
}

static double activate(const char *name, double v)
{
    return strcmp(name, "relu") == 0   ? fmax(v, 0.0)
           : strcmp(name, "silu") == 0 ? v / (1.0 + exp(-v))
           : strcmp(name, "gelu") == 0
               ? 0.5 * v * erfc(-v / sqrt(2.0))
               : 0.5 * v * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (v + 0.044715 * v * v * v)));
}

struct variant {
    const char *fields, *activation;
    bool scaled, by_layer;
};

/* Computes the attention out [H] of row `at`: two heads of eight, over the rows up to it. */
static void attend(double qkv[COUNT][3 * H], int at, double divisor, double *out)
{
    for (int head = 0; head < H; head += 8) {
        double p[COUNT], sum = 0.0;
        for (int row = 0; row <= at; row++) {
            p[row] = 0.0;
            for (int i = head; i < head + 8; i++) {
                p[row] += qkv[at][i] * qkv[row][H + i] / divisor;
            }
            sum += p[row] = exp(p[row]);
        }
        for (int i = head; i < head + 8; i++) {
            out[i] = 0.0;
            for (int row = 0; row <= at; row++) {
                out[i] += p[row] / sum * qkv[row][2 * H + i];
            }
        }
    }
}

static void formula(const struct sedd_model *model, const struct variant *variant,
                    double logits[COUNT][TOKENS])
{
    double x[COUNT][H], y[H], z[H], inner[4 * H], qkv[COUNT][3 * H];
    for (int row = 0; row < COUNT; row++) {
        float token[H], place[H];
        if (model->embedding.rows > 0) {
            sedd_table_get_row(&model->embedding, IDS[row], token);
        } else {
            sedd_linear_get_row(&model->head, IDS[row], token);
        }
        sedd_table_get_row(&model->positions, row, place);
        for (int i = 0; i < H; i++) {
            x[row][i] = (double)token[i] + (double)place[i];
        }
    }
    for (int b = 0; b < model->info.n_blocks; b++) {
        const struct sedd_block *block = &model->blocks[b];
        double divisor = (variant->scaled ? sqrt(8.0) : 1.0) * (variant->by_layer ? b + 1 : 1);
        for (int row = 0; row < COUNT; row++) {
            norm(x[row], block->norm1_weight, block->norm1_bias, y);
            multiply(&block->qkv, y, qkv[row]);
        }
        for (int row = 0; row < COUNT; row++) {
            attend(qkv, row, divisor, y);
            multiply(&block->attn_out, y, z);
            for (int i = 0; i < H; i++) {
                x[row][i] += z[i];
            }
            norm(x[row], block->norm2_weight, block->norm2_bias, y);
            multiply(&block->mlp_in, y, inner);
            for (int i = 0; i < 4 * H; i++) {
                inner[i] = activate(variant->activation, inner[i]);
            }
            multiply(&block->mlp_out, inner, z);
            for (int i = 0; i < H; i++) {
                x[row][i] += z[i];
            }
        }
    }
    for (int row = 0; row < COUNT; row++) {
        norm(x[row], model->norm_final_weight, model->norm_final_bias, y);
        multiply(&model->head, y, logits[row]);
    }
}

/* ---- The engine -------------------------------------------------------------------------- */

static struct sedd_model *load(const char *config, const struct bytes *weights)
{
    struct sedd_loader *loader = NULL;
    struct sedd_model *model = NULL;
    struct sedd_error error = {0};
    enum sedd_status status =
        sedd_loader_new(config, strlen(config), SEDD_DTYPE_F32, &loader, &error);
    if (status == SEDD_OK) {
        status = sedd_loader_push(loader, 0, weights->text, weights->size, &error);
    }
    if (status == SEDD_OK) {
        status = sedd_loader_finish(loader, &model, &error);
    }
    if (!CHECK(status == SEDD_OK)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    sedd_loader_free(loader);
    return model;
}

static void compute(const struct sedd_model *model, const char *kernels, float *logits)
{
    struct sedd_engine_options options = {.kernels = kernels};
    struct sedd_engine *engine = NULL;
    struct sedd_session *session = NULL;
    CHECK(sedd_engine_new(&options, &engine, NULL) == SEDD_OK &&
          sedd_session_new(engine, model, COUNT, &session, NULL) == SEDD_OK &&
          sedd_gpt2_append(session, IDS, COUNT, true, logits, NULL) == SEDD_OK);
    sedd_session_free(session);
    sedd_engine_free(engine);
}

/* Checks a variant with every table, to 2e-5 of the largest logit as in the golden sets. */
static void check_variant(const struct variant *variant, const struct bytes *config,
                          const struct bytes *weights)
{
    char text[2048];
    snprintf(text, sizeof text, "{%s, %s", variant->fields, strchr(config->text, '{') + 1);
    struct sedd_model *model = load(text, weights);
    static double expected[COUNT][TOKENS];
    static float logits[COUNT][TOKENS];
    formula(model, variant, expected);
    for (size_t table = 0; sedd_kernels_name(table) != NULL; table++) {
        double worst = 0.0, largest = 0.0;
        compute(model, sedd_kernels_name(table), logits[0]);
        for (int i = 0; i < COUNT * TOKENS; i++) {
            double right = expected[i / TOKENS][i % TOKENS];
            worst = fmax(worst, fabs((double)logits[i / TOKENS][i % TOKENS] - right));
            largest = fmax(largest, fabs(right));
        }
        if (!CHECK(worst <= 2e-5 * largest)) {
            fprintf(stderr, "    %s, %s: %g of %g\n", variant->fields, sedd_kernels_name(table),
                    worst, largest);
        }
    }
    sedd_model_free(model);
}

/* Returns the file with one more tensor, lm_head.weight: the embedding's rows in reverse order,
 * negated. */
static struct bytes with_head(const struct bytes *weights)
{
    uint64_t header = 0, data, size = TOKENS * H * sizeof(float), begin, end;
    for (int i = 0; i < 8; i++) {
        header |= (uint64_t)(uint8_t)weights->text[i] << 8 * i;
    }
    data = weights->size - 8 - header;
    const char *wte = strstr(weights->text + 8, "wte.weight\"");
    sscanf(strstr(wte, "data_offsets"), "data_offsets\" : [ %llu , %llu ]",
           (unsigned long long *)&begin, (unsigned long long *)&end);
    CHECK(end - begin == size);
    char entry[160];
    int added = snprintf(entry, sizeof entry,
                         ",\"lm_head.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],"
                         "\"data_offsets\":[%llu,%llu]}}",
                         TOKENS, H, (unsigned long long)data, (unsigned long long)(data + size));
    const char *close = weights->text + 8 + header - 1;
    while (*close != '}') {
        close--;
    }
    size_t kept = (size_t)(close - weights->text) - 8, fresh = kept + (size_t)added;
    struct bytes out = {malloc(8 + fresh + data + size), 8 + fresh + data + size};
    for (int i = 0; i < 8; i++) {
        out.text[i] = (char)((uint64_t)fresh >> 8 * i & 255);
    }
    memcpy(out.text + 8, weights->text + 8, kept);
    memcpy(out.text + 8 + kept, entry, (size_t)added);
    memcpy(out.text + 8 + fresh, weights->text + 8 + header, data);
    float *head = (float *)malloc(size), *rows = (float *)malloc(size);
    memcpy(rows, weights->text + 8 + header + begin, size);
    for (int row = 0; row < TOKENS; row++) {
        for (int i = 0; i < H; i++) {
            head[row * H + i] = -rows[(TOKENS - 1 - row) * H + i];
        }
    }
    memcpy(out.text + 8 + fresh + data, head, size);
    free(head);
    free(rows);
    return out;
}

static void test_formula(void)
{
    static const struct variant variants[] = {
        {"\"use_cache\": true", "gelu_new", true, false},
        {"\"reorder_and_upcast_attn\": true", "gelu_new", true, false},
        {"\"scale_attn_weights\": false", "gelu_new", false, false},
        {"\"scale_attn_by_inverse_layer_idx\": true", "gelu_new", true, true},
        {"\"scale_attn_weights\": false, \"scale_attn_by_inverse_layer_idx\": true", "gelu_new",
         false, true},
    };
    static const char *const activations[] = {
        "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu", "relu", "silu"};
    struct bytes config = read_file(CASES "/plain", "config.json");
    struct bytes weights = read_file(CASES "/plain", "model.safetensors");
    struct bytes untied = with_head(&weights);
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        check_variant(&variants[i], &config, &weights);
    }
    struct variant own = {"\"tie_word_embeddings\": false", "gelu_new", true, false};
    check_variant(&own, &config, &untied);
    struct variant tied = {"\"tie_word_embeddings\": true", "gelu_new", true, false};
    check_variant(&tied, &config, &untied);
    /* the configuration already names gelu_new, and the first of two equal keys counts */
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        char field[64];
        snprintf(field, sizeof field, "\"activation_function\": \"%s\"", activations[i]);
        struct variant variant = {field, activations[i], true, false};
        check_variant(&variant, &config, &weights);
    }
    struct sedd_loader *loader = NULL;
    struct sedd_error error = {0};
    const char *alone = "{\"tie_word_embeddings\": false, \"n_embd\": 16, \"n_head\": 2, "
                        "\"n_layer\": 2, \"n_positions\": 32, \"vocab_size\": 257}";
    CHECK(sedd_loader_new(alone, strlen(alone), SEDD_DTYPE_F32, &loader, &error) == SEDD_OK);
    CHECK(sedd_loader_push(loader, 0, weights.text, weights.size, &error) == SEDD_ERROR_FORMAT);
    CHECK_TEXT(error.message, "lm_head.weight");
    sedd_loader_free(loader);
    free(config.text);
    free(weights.text);
    free(untied.text);
}

/* ---- The reference ----------------------------------------------------------------------- */

static void check_expected(const char *folder, const struct sedd_model *model)
{
    struct bytes file = read_file(folder, "expected.json");
    cJSON *root = cJSON_ParseWithLength(file.text, file.size);
    static float logits[COUNT][TOKENS];
    compute(model, NULL, logits[0]);
    const cJSON *row = sedd_json_find(root, "logits_row_by_row")->child;
    for (int r = 0; r < COUNT; r++, row = row->next) {
        int column = 0;
        for (const cJSON *value = row->child; value != NULL; value = value->next, column++) {
            CHECK(fabs((double)logits[r][column] - value->valuedouble) <= 1e-5);
        }
        CHECK(column == 6);
    }
    cJSON_Delete(root);
    free(file.text);
}

/* Tests the model as it is, and as `convert` writes it. */
static void test_expected(void)
{
    const char *folder = CASES "/inverse-layer";
    struct sedd_model *model = NULL;
    struct sedd_error error = {0};
    CHECK(sedd_model_open(folder, SEDD_DTYPE_F32, &model, &error) == SEDD_OK);
    check_expected(folder, model);
    struct bytes config = read_file(folder, "config.json");
    CHECK(sedd_convert(config.text, config.size, CASES "/inverse-layer/model.safetensors", ".",
                       SEDD_DTYPE_F32, &error) == SEDD_OK);
    struct bytes weights = read_file(".", "model.safetensors");
    remove("model.safetensors");
    struct sedd_model *converted = load(config.text, &weights);
    check_expected(folder, converted);
    sedd_model_free(converted);
    sedd_model_free(model);
    free(config.text);
    free(weights.text);
}

int main(void)
{
    test_formula();
    test_expected();
    return test_report("gpt2");
}
