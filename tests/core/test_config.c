/*
 * test_config.c - tests config.json: the meaning of every model's configuration, and that every
 * invalid one is refused with a sentence that names the key.
 */
#include "files/config.h"
#include "test.h"

#include <stdlib.h>

/* Returns a SEDD configuration with these parts. */
static const char *sedd(const char *tokens, const char *graph, const char *noise, const char *model)
{
    static char text[1024];
    snprintf(text, sizeof text, "{\"tokens\": %s, \"graph\": %s, \"noise\": %s, \"model\": %s}",
             tokens, graph, noise, model);
    return text;
}

#define ABSORB "{\"type\": \"absorb\"}"
#define UNIFORM "{\"type\": \"uniform\"}"
#define LOGLINEAR "{\"type\": \"loglinear\"}"
#define MODEL(hidden, heads, scale)                                                                \
    "{\"hidden_size\": " hidden ", \"cond_dim\": 32, \"length\": 16, \"n_blocks\": 2, "            \
    "\"n_heads\": " heads ", \"scale_by_sigma\": " scale "}"
#define USUAL MODEL("64", "4", "true")

static enum sedd_status read(const char *text, struct sedd_model_info *info,
                             struct sedd_design *design, struct sedd_error *error)
{
    /* an exact copy without a final zero, so that a sanitizer detects reads past it */
    size_t size = strlen(text);
    char *copy = malloc(size + 1);
    memcpy(copy, text, size);
    char *exact = realloc(copy, size > 0 ? size : 1);
    enum sedd_status status = sedd_config_read(exact, size, info, design, error);
    free(exact);
    return status;
}

static void accepts(const char *text, struct sedd_model_info *info, struct sedd_design *design)
{
    struct sedd_error error = {0};
    if (!CHECK(read(text, info, design, &error) == SEDD_OK)) {
        fprintf(stderr, "    %s\n    %s\n", text, error.message);
    }
}

/* Checks that the text is refused with `words` in the sentence, and that the out parameters keep
 * their values. */
static void refuses(const char *text, const char *words)
{
    struct sedd_error error = {0};
    struct sedd_model_info info = {.tokens = 12345};
    struct sedd_design design = {.inner_size = 54321};
    enum sedd_status status = read(text, &info, &design, &error);
    if (!CHECK(status == SEDD_ERROR_FORMAT || status == SEDD_ERROR_UNSUPPORTED)) {
        fprintf(stderr, "    accepted: %s\n", text);
        return;
    }
    CHECK(error.status == status && info.tokens == 12345 && design.inner_size == 54321);
    CHECK_TEXT(error.message, "config.json");
    if (!CHECK_TEXT(error.message, words)) {
        fprintf(stderr, "    input: %s\n", text);
    }
}

static void test_meaning(void)
{
    struct sedd_model_info info;
    struct sedd_design design;
    accepts(sedd("97", ABSORB, LOGLINEAR, USUAL), &info, &design);
    CHECK(info.kind == SEDD_KIND_SEDD && info.graph == SEDD_GRAPH_ABSORB);
    CHECK(info.tokens == 97 && info.states == 98 && info.mask_id == 97 && design.inner_size == 256);
    CHECK(info.noise == SEDD_NOISE_LOGLINEAR && info.scale_by_sigma && info.norm_eps == 1e-5f);
    accepts(sedd("97", UNIFORM,
                 "{\"type\": \"geometric\", \"sigma_min\": \"1e-4\", \"sigma_max\": 20}",
                 MODEL("64", "4", "false")),
            &info, &design);
    CHECK(info.graph == SEDD_GRAPH_UNIFORM && info.states == 97 && info.mask_id == -1);
    CHECK(info.noise == SEDD_NOISE_GEOMETRIC && info.sigma_min == 1e-4 && info.sigma_max == 20.0);
    accepts(sedd("\"97\"", ABSORB, LOGLINEAR, MODEL("\"64\"", "\"4\"", "true")), &info, &design);
    CHECK(info.tokens == 97 && info.hidden_size == 64 && info.n_heads == 4);

    accepts("{\"n_embd\": 48, \"n_head\": 3, \"n_layer\": 2, \"n_ctx\": 32, \"vocab_size\": 101,"
            " \"layer_norm_epsilon\": \"1e-06\", \"n_inner\": null}",
            &info, &design);
    CHECK(info.kind == SEDD_KIND_GPT2 && info.tokens == 101 && info.states == 101 &&
          design.inner_size == 192);
    CHECK(info.length == 32 && info.mask_id == -1 && info.norm_eps == 1e-6f);
    accepts("{\"n_embd\": 48, \"n_head\": 3, \"n_layer\": 2, \"n_positions\": 64, \"n_ctx\": 32,"
            " \"vocab_size\": 101, \"n_inner\": 50}",
            &info, &design);
    CHECK(info.length == 64 && design.inner_size == 50 && info.norm_eps == 1e-5f);
}

static void test_absurd_sizes(void)
{
    static const char *const bad[] = {"0",       "-1",       "1e9",        "1e300",
                                      "2.5",     "\"many\"", "\"\"",       "null",
                                      "true",    "[64]",     "{}",         "\"nan\"",
                                      "\"inf\"", "-0.5",     "4294967360", "18446744073709551680"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char model[512];
        refuses(sedd(bad[i], ABSORB, LOGLINEAR, USUAL), "\"tokens\"");
        static const char *const keys[] = {"hidden_size", "cond_dim", "length", "n_blocks",
                                           "n_heads"};
        for (size_t k = 0; k < 5; k++) {
            const char *values[] = {"64", "32", "16", "2", "4"};
            values[k] = bad[i];
            snprintf(model, sizeof model,
                     "{\"hidden_size\": %s, \"cond_dim\": %s, \"length\": %s, \"n_blocks\": %s, "
                     "\"n_heads\": %s, \"scale_by_sigma\": true}",
                     values[0], values[1], values[2], values[3], values[4]);
            refuses(sedd("97", ABSORB, LOGLINEAR, model), keys[k]);
        }
        char gpt2[512];
        static const char *const names[] = {"n_embd", "n_head", "n_layer", "n_positions",
                                            "vocab_size"};
        for (size_t k = 0; k < 5; k++) {
            const char *values[] = {"48", "4", "2", "32", "101"};
            values[k] = bad[i];
            snprintf(gpt2, sizeof gpt2,
                     "{\"n_embd\": %s, \"n_head\": %s, \"n_layer\": %s, \"n_positions\": %s, "
                     "\"vocab_size\": %s}",
                     values[0], values[1], values[2], values[3], values[4]);
            refuses(gpt2, names[k]);
        }
    }
}

static void test_refusals(void)
{
    refuses(sedd("97", ABSORB, LOGLINEAR, MODEL("64", "5", "true")),
            "64 is not divisible by 5 heads");
    refuses(sedd("97", ABSORB, LOGLINEAR, MODEL("15", "5", "true")), "head size 3 is odd");
    refuses(sedd("97", ABSORB, LOGLINEAR, MODEL("64", "128", "true")), "not divisible");
    refuses(sedd("97", UNIFORM, LOGLINEAR, USUAL), "scale_by_sigma");
    refuses(sedd("97", ABSORB, LOGLINEAR, MODEL("64", "4", "\"yes\"")), "scale_by_sigma");
    refuses(sedd("97", "{\"type\": \"ring\"}", LOGLINEAR, USUAL), "\"ring\"");
    refuses(sedd("97", "{}", LOGLINEAR, USUAL), "graph.type");
    refuses(sedd("97", "3", LOGLINEAR, USUAL), "graph.type");
    refuses(sedd("97", ABSORB, "{\"type\": \"cosine\"}", USUAL), "\"cosine\"");
    refuses(sedd("97", ABSORB, "{\"type\": 7}", USUAL), "noise.type");
    refuses(sedd("97", ABSORB, "{\"type\": \"geometric\"}", USUAL), "sigma_min");
    refuses(
        sedd("97", ABSORB, "{\"type\": \"geometric\", \"sigma_min\": 0, \"sigma_max\": 1}", USUAL),
        "sigma_min");
    refuses(
        sedd("97", ABSORB, "{\"type\": \"geometric\", \"sigma_min\": 2, \"sigma_max\": 1}", USUAL),
        "sigma_max");
    refuses(sedd("97", ABSORB, LOGLINEAR, "null"), "model.hidden_size");
    refuses(sedd("97", ABSORB, LOGLINEAR, "{}"), "lacks \"model.hidden_size\"");
    refuses("{}", "neither a diffusion model");
    refuses("[]", "neither a diffusion model");
    refuses("3", "neither a diffusion model");
    refuses("", "not valid JSON");
    refuses("{\"tokens\": 97", "not valid JSON");
    refuses("<!DOCTYPE html>", "not valid JSON");
    refuses("{} {}", "after its JSON");
    refuses("{\"n_embd\": 48, \"n_head\": 5, \"n_layer\": 2, \"n_ctx\": 32, \"vocab_size\": 101}",
            "48 is not divisible by 5 heads");
    refuses("{\"n_embd\": 48, \"n_head\": 4, \"n_layer\": 2, \"vocab_size\": 101}", "n_ctx");
    refuses("{\"n_embd\": 48, \"n_head\": 4, \"n_layer\": 2, \"n_ctx\": 32, \"vocab_size\": 101,"
            " \"activation_function\": \"quick_gelu\"}",
            "\"quick_gelu\"");
    refuses("{\"n_embd\": 48, \"n_head\": 4, \"n_layer\": 2, \"n_ctx\": 32, \"vocab_size\": 101,"
            " \"layer_norm_epsilon\": -1}",
            "layer_norm_epsilon");
    refuses("{\"n_embd\": 48, \"n_head\": 4, \"n_layer\": 2, \"n_ctx\": 32, \"vocab_size\": 101,"
            " \"n_inner\": 0}",
            "n_inner");
}

#define GPT2(more)                                                                                 \
    "{\"n_embd\": 48, \"n_head\": 4, \"n_layer\": 2, \"n_ctx\": 32, \"vocab_size\": 101, " more "}"

/* Tests the fields of GPT-2 that change numbers. */
static void test_gpt2_fields(void)
{
    struct sedd_model_info info;
    struct sedd_design design;
    accepts(GPT2("\"scale_attn_weights\": false, \"scale_attn_by_inverse_layer_idx\": true, "
                 "\"tie_word_embeddings\": false, \"reorder_and_upcast_attn\": true"),
            &info, &design);
    CHECK(design.unscaled && design.scaled_by_layer && design.untied);
    accepts(GPT2("\"scale_attn_weights\": true"), &info, &design);
    CHECK(!design.unscaled && !design.scaled_by_layer && !design.untied);
    CHECK(design.activation == SEDD_ACTIVATION_GELU_TANH);
    accepts(GPT2("\"activation_function\": \"gelu_fast\""), &info, &design);
    CHECK(design.activation == SEDD_ACTIVATION_GELU_TANH);
    accepts(GPT2("\"activation_function\": \"gelu\""), &info, &design);
    CHECK(design.activation == SEDD_ACTIVATION_GELU);
    accepts(GPT2("\"activation_function\": \"relu\""), &info, &design);
    CHECK(design.activation == SEDD_ACTIVATION_RELU);
    accepts(GPT2("\"activation_function\": \"swish\""), &info, &design);
    CHECK(design.activation == SEDD_ACTIVATION_SILU);
    accepts(GPT2("\"model_type\": \"gpt2\", \"add_cross_attention\": false, \"pruned_heads\": {}, "
                 "\"attn_pdrop\": 0.1, \"task_specific_params\": {\"a\": 1}, \"unheard_of\": 7"),
            &info, &design);
    refuses(GPT2("\"scale_attn_weights\": null"), "scale_attn_weights");
    refuses(GPT2("\"scale_attn_by_inverse_layer_idx\": 1"), "scale_attn_by_inverse_layer_idx");
    refuses(GPT2("\"tie_word_embeddings\": \"no\""), "tie_word_embeddings");
    refuses(GPT2("\"activation_function\": null"), "activation_function");
    refuses(GPT2("\"activation_function\": \"gelu_10\""), "\"gelu_10\"");
    refuses(GPT2("\"model_type\": \"gptj\""), "model_type");
    refuses(GPT2("\"add_cross_attention\": true"), "add_cross_attention");
    refuses(GPT2("\"is_encoder_decoder\": true"), "is_encoder_decoder");
    refuses(GPT2("\"pruned_heads\": {\"0\": [1]}"), "pruned_heads");
    refuses(GPT2("\"bias\": false"), "\"bias\"");
    refuses(GPT2("\"quantization_config\": {\"quant_method\": \"gptq\"}"), "quant_method");
    refuses(GPT2("\"quantization_config\": {\"weights\": {\"num_bits\": 4}}"), "num_bits");
}

/* Tests fields of SEDD that the engine does not read. */
static void test_sedd_fields(void)
{
    struct sedd_model_info info;
    struct sedd_design design;
    accepts(
        "{\"ngpus\": 8, \"tokens\": 97, \"training\": {\"ema\": 0.9}, \"graph\": {\"type\": "
        "\"absorb\", "
        "\"file\": \"data\", \"report_all\": false}, \"noise\": " LOGLINEAR
        ", \"sampling\": {\"predictor\": \"euler\"}, \"eval\": {}, \"optim\": {}, \"model\": "
        "{\"type\": "
        "\"ddit\", \"name\": \"small\", \"dropout\": 0.1, \"hidden_size\": 64, \"cond_dim\": 32, "
        "\"length\": 16, \"n_blocks\": 2, \"n_heads\": 4, \"scale_by_sigma\": true}}",
        &info, &design);
    CHECK(design.inner_size == 256 && design.activation == SEDD_ACTIVATION_GELU_TANH);
    refuses("{\"tokens\": 97, \"graph\": " ABSORB ", \"noise\": " LOGLINEAR
            ", \"model\": {\"type\": \"dimamba\"}}",
            "model.type");
}

/* ---- MDLM, SDTT, RADD and DUO ------------------------------------------------------------ */

#define FLAT(type, more)                                                                           \
    "{\"model_type\": \"" type                                                                     \
    "\", \"vocab_size\": 98, \"model_length\": 16, \"hidden_dim\": 64, "                           \
    "\"cond_dim\": 32, \"n_blocks\": 2, \"n_heads\": 4" more "}"
#define NESTED(type, root, model)                                                                  \
    "{" root ", \"model\": {\"type\": \"" type "\", \"hidden_size\": 64, \"length\": 16, "         \
    "\"n_blocks\": 2, \"n_heads\": 4" model "}}"
#define COND ", \"cond_dim\": 32"
#define SDTT(root, model)                                                                          \
    NESTED("ddit-orig", "\"parameterization\": {\"name\": \"multi-round-sdtt\"}" root, COND model)
#define RADD(root, model)                                                                          \
    NESTED("ddit_wot", "\"tokens\": 97, \"noise\": {\"type\": \"loglinear\"}" root, model)

static void test_families(void)
{
    struct sedd_model_info info;
    struct sedd_design design;
    accepts(FLAT("mdlm", ", \"time_conditioning\": false, \"dropout\": 0.1"), &info, &design);
    CHECK(info.family == SEDD_FAMILY_MDLM && info.normalised && info.time_free);
    CHECK(info.tokens == 97 && info.states == 98 && info.mask_id == 97 && info.cond_dim == 32);
    CHECK(info.noise == SEDD_NOISE_LOGLINEAR && !info.scale_by_sigma && design.inner_size == 256);
    accepts(FLAT("mdlm", ", \"time_conditioning\": true"), &info, &design);
    CHECK(info.normalised && !info.time_free);
    accepts(FLAT("DUO", ", \"causal\": false, \"var_min\": true"), &info, &design);
    CHECK(info.family == SEDD_FAMILY_DUO && info.graph == SEDD_GRAPH_UNIFORM && !info.time_free);
    CHECK(info.tokens == 98 && info.states == 98 && info.mask_id == -1 && info.normalised);

    accepts(SDTT(", \"tokens\": 97, \"T\": 0, \"seq\": \"${model.length}\"",
                 ", \"scale_by_sigma\": true, \"causal\": true"),
            &info, &design);
    CHECK(info.family == SEDD_FAMILY_SDTT && info.tokens == 97 && info.mask_id == 97);
    CHECK(info.time_free && info.normalised && !info.scale_by_sigma);
    accepts(SDTT(", \"tokenizer\": {\"name\": \"gpt2\"}", ""), &info, &design);
    CHECK(info.tokens == 50257 && info.states == 50258);
    accepts(NESTED("ddit-orig", "\"tokens\": 97, \"parameterization\": \"subs\"", COND), &info,
            &design);
    CHECK(info.family == SEDD_FAMILY_SDTT);

    accepts(RADD("", ", \"dtype\": \"float16\", \"cond_dim\": 128"), &info, &design);
    CHECK(info.family == SEDD_FAMILY_RADD && info.cond_dim == 0 && info.time_free);
    CHECK(info.tokens == 97 && info.states == 98 && info.graph == SEDD_GRAPH_ABSORB);
    accepts(sedd("97", ABSORB, LOGLINEAR, USUAL), &info, &design);
    CHECK(info.family == SEDD_FAMILY_SEDD && !info.normalised && !info.time_free);
}

static void test_family_refusals(void)
{
    refuses(FLAT("bd3lm", ""), "\"bd3lm\", a block diffusion model (BD3-LM); this engine runs");
    refuses(FLAT("udlm", ""), "a uniform diffusion model (UDLM)");
    refuses(FLAT("llada", ""), "a LLaDA");
    refuses(FLAT("mamba", ""), "\"mamba\", an unknown network; this engine runs");
    refuses(FLAT("mdlm", ", \"backbone\": \"dimamba\""), "\"backbone\"");
    refuses(FLAT("mdlm", ", \"causal\": true"), "\"causal\" is true");
    refuses(FLAT("mdlm", ", \"parameterization\": \"d3pm\""), "\"parameterization\"");
    refuses(FLAT("mdlm", ", \"subs_masking\": true"), "\"subs_masking\"");
    refuses(FLAT("mdlm", ", \"T\": 1000"), "\"T\" is 1000");
    refuses(FLAT("mdlm", ", \"block_size\": 4"), "\"block_size\"");
    refuses(FLAT("mdlm", ", \"noise\": {\"type\": \"geometric\"}"), "\"noise.type\"");
    refuses(FLAT("mdlm", ", \"time_conditioning\": \"no\""), "\"time_conditioning\"");
    refuses(FLAT("duo", ", \"time_conditioning\": false"), "\"time_conditioning\" is false");
    refuses(FLAT("duo", ", \"causal\": true"), "\"causal\" is true");
    refuses(FLAT("duo", ", \"parameterization\": \"subs\""), "\"parameterization\" is \"subs\"");
    refuses("{\"model_type\": \"mdlm\", \"vocab_size\": 98, \"model_length\": 16, "
            "\"hidden_dim\": 64, \"n_blocks\": 2, \"n_heads\": 4}",
            "lacks \"cond_dim\"");
    refuses("{\"model_type\": \"mdlm\", \"vocab_size\": 1, \"model_length\": 16, \"cond_dim\": 3, "
            "\"hidden_dim\": 64, \"n_blocks\": 2, \"n_heads\": 4}",
            "the tokens and the mask");
    refuses("{\"model_type\": 7}", "neither a diffusion model");

    refuses(SDTT("", ""), "lacks \"tokens\"");
    refuses(SDTT(", \"tokenizer\": {\"name\": \"llama\"}", ""), "lacks \"tokens\"");
    refuses(SDTT(", \"tokens\": 97, \"noise\": {\"type\": \"geometric\"}", ""), "\"noise.type\"");
    refuses(SDTT(", \"tokens\": 97, \"T\": 8", ""), "\"T\" is 8");
    refuses(NESTED("ddit-orig", "\"tokens\": 97, \"parameterization\": {\"name\": \"ar\"}", COND),
            "\"parameterization.name\" is \"ar\"");
    refuses(NESTED("ddit-orig", "\"tokens\": 97, \"parameterization\": \"d3pm\"", COND),
            "\"parameterization\" is \"d3pm\"");
    refuses(NESTED("ddit-orig", "\"tokens\": 97", COND),
            "lacks the string \"parameterization.name\"");
    refuses(NESTED("ddit", "\"parameterization\": {\"name\": \"multi-round-sdtt\"}", COND),
            "another network of SDTT's code, or of MDLM's training code");
    refuses(
        "{\"parameterization\": \"subs\", \"backbone\": \"dit\", \"model\": {\"hidden_size\": 64}}",
        "this engine runs ddit-orig, and MDLM's \"model_type\" mdlm");
    refuses(NESTED("ar_orig", "\"tokens\": 97", COND), "an autoregressive transformer");

    refuses(RADD(", \"graph\": {\"type\": \"uniform\"}", ""), "\"graph.type\"");
    refuses(RADD("", ", \"scale_by_sigma\": true"), "scale_by_sigma");
    refuses(NESTED("ddit_wot", "\"tokens\": 97", ""), "noise.type");
}

/* Nesting far deeper than that of any configuration must not exhaust the stack. */
static void test_depth(void)
{
    size_t depth = 100000;
    char *text = malloc(depth + 1);
    memset(text, '[', depth);
    text[depth] = '\0';
    refuses(text, "not valid JSON");
    free(text);
}

/* Every prefix of a valid document is refused, or accepted if it is complete; none crashes. */
static void test_truncation(void)
{
    const char *text = sedd("97", ABSORB, LOGLINEAR, USUAL);
    char prefix[1024];
    for (size_t size = 0; size < strlen(text); size++) {
        snprintf(prefix, sizeof prefix, "%.*s", (int)size, text);
        refuses(prefix, "not valid JSON");
    }
}

int main(void)
{
    test_meaning();
    test_absurd_sizes();
    test_refusals();
    test_gpt2_fields();
    test_sedd_fields();
    test_families();
    test_family_refusals();
    test_depth();
    test_truncation();
    return test_report("config");
}
