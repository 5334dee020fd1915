/* options.c - implements options.h. */
#include "diffusion/options.h"

#include <string.h>

#define SEDD SEDD_FIELD_OF_SEDD
#define GPT2 SEDD_FIELD_OF_GPT2
#define MODEL_FILE SEDD_FIELD_OF_FILE
#define TOLD SEDD_FIELD_TOLD
#define NAMED SEDD_FIELD_NAMED
#define AT(member) offsetof(struct sedd_sample_options, member)

/* `greedy` comes before the temperature, whose row decides anew. */
static const struct sedd_field SAMPLE_ROWS[] = {
    {.name = "length",
     .key = "length",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD | NAMED,
     .offset = AT(length),
     .low = 1,
     .high = 65536,
     .help = "tokens of the window (default: the model's)"},
    {.name = "batch",
     .key = "batch",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD_FIELD_OF_TOOL,
     .offset = AT(batch),
     .low = 1,
     .high = 4096,
     .fallback = 1,
     .help = "texts at once"},
    {.name = "steps",
     .key = "steps",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD | MODEL_FILE | TOLD,
     .offset = AT(steps),
     .low = 1,
     .high = 1000000,
     .fallback = 64,
     .help = "denoising steps"},
    {.name = "seed",
     .key = "seed",
     .type = SEDD_FIELD_SEED,
     .uses = SEDD | GPT2 | TOLD,
     .offset = AT(seed),
     .help = "of the random numbers; the same seed writes the same text"},
    {.name = "sampler",
     .key = "sampler",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD | MODEL_FILE | TOLD,
     .offset = AT(predictor),
     .words = "analytic|tweedie euler ddpm|ancestral ddpm_cache",
     .help = "how a step follows from the scores"},
    {.name = "draw",
     .key = "draw",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD | TOLD,
     .offset = AT(draw),
     .words = "exact official",
     .help = "exact draws, or the reference code's in float32"},
    {.name = "positions",
     .key = "positions",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD | MODEL_FILE | TOLD,
     .offset = AT(positions),
     .words = "score normalised planned|fixed bounded hitting",
     .help = "who decides which masks open in a step"},
    {.name = "order",
     .key = "order",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD | MODEL_FILE | TOLD,
     .offset = AT(order),
     .words = "random spread confidence margin entropy",
     .help = "which masks open first (positions planned and bounded)"},
    {.name = "grid",
     .key = "grid",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD | MODEL_FILE | TOLD,
     .offset = AT(grid),
     .words = "linear cosine",
     .help = "when masks open (positions score, normalised and planned)"},
    {.name = "context",
     .key = "context",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD | MODEL_FILE | TOLD,
     .offset = AT(context),
     .words = "all known",
     .help =
         "what the network reads; known leaves out masks that stay shut, for models trained so"},
    {.name = "gamma",
     .key = "gamma",
     .type = SEDD_FIELD_NUMBER,
     .uses = SEDD | MODEL_FILE | NAMED,
     .offset = AT(gamma),
     .low = 1e-9,
     .high = 1e9,
     .fallback = 1,
     .help = "nats by which tokens of a step may depend on each other (positions bounded)"},
    {.name = "ending",
     .key = "ending",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD | MODEL_FILE | NAMED,
     .offset = AT(ending),
     .words = "own draw likeliest open",
     .help = "what becomes of the masks that are left (positions score and normalised)"},
    {.name = "denoise",
     .key = "denoise",
     .type = SEDD_FIELD_OFF,
     .uses = SEDD | TOLD,
     .offset = AT(no_denoise),
     .help = "the ending takes place (positions score and normalised)"},
    {.name = "greedy",
     .key = "greedy",
     .type = SEDD_FIELD_SWITCH,
     .uses = SEDD | GPT2,
     .offset = AT(greedy),
     .help = "the likeliest token each time, as temperature 0"},
    {.name = "temperature",
     .key = "temperature",
     .type = SEDD_FIELD_NUMBER,
     .uses = SEDD | GPT2 | MODEL_FILE | TOLD,
     .offset = AT(temperature),
     .zero_offset = AT(greedy),
     .low = 0.01,
     .high = 100,
     .fallback = 1,
     .expects = "0 (the likeliest token) or a number from 0.01 to 100",
     .help = "of the tokens' distribution; 0 takes the likeliest"},
    {.name = "topK",
     .key = "top_k",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD | GPT2 | MODEL_FILE | TOLD,
     .offset = AT(top_k),
     .low = 0,
     .high = INT32_MAX,
     .help = "draws among the K likeliest tokens; 0: all"},
    {.name = "topP",
     .key = "top_p",
     .type = SEDD_FIELD_NUMBER,
     .uses = SEDD | GPT2 | MODEL_FILE | TOLD,
     .offset = AT(top_p),
     .low = 1e-6,
     .high = 1,
     .fallback = 1,
     .help = "draws among the likeliest tokens that hold this share"},
};

const struct sedd_fields SEDD_SAMPLE_FIELDS = {SAMPLE_ROWS,
                                               sizeof SAMPLE_ROWS / sizeof SAMPLE_ROWS[0]};

#undef AT
#define AT(member) offsetof(struct sedd_inspect_options, member)

static const struct sedd_field INSPECT_ROWS[] = {
    {.name = "sigma",
     .key = "sigma",
     .type = SEDD_FIELD_NUMBER,
     .uses = SEDD,
     .offset = AT(sigma),
     .low = 0,
     .high = SEDD_SIGMA_MAX,
     .help = "the noise level; 0: that of `step`"},
    {.name = "step",
     .key = "step",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD,
     .offset = AT(step),
     .low = 0,
     .high = 1000000,
     .help = "the evaluation of a run whose noise level is meant"},
    {.name = "steps",
     .key = "steps",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD,
     .offset = AT(steps),
     .low = 0,
     .high = 1000000,
     .help = "steps of that run"},
    {.name = "sampler",
     .key = "sampler",
     .type = SEDD_FIELD_WORD,
     .uses = SEDD,
     .offset = AT(predictor),
     .words = "analytic|tweedie euler ddpm|ancestral ddpm_cache",
     .help = "how a step follows from the scores"},
    {.name = "topK",
     .key = "top_k",
     .type = SEDD_FIELD_INTEGER,
     .uses = SEDD,
     .offset = AT(top_k),
     .low = 1,
     .high = 1000000,
     .fallback = 8,
     .help = "candidates a position"},
};

const struct sedd_fields SEDD_INSPECT_FIELDS = {INSPECT_ROWS,
                                                sizeof INSPECT_ROWS / sizeof INSPECT_ROWS[0]};

unsigned sedd_field_uses(enum sedd_kind kind)
{
    return kind == SEDD_KIND_SEDD ? SEDD : GPT2;
}

/* ---- Reading ----------------------------------------------------------------------------- */

static enum sedd_status read_positions(const struct sedd_field_source *source, const cJSON *root,
                                       struct sedd_sample_options *options,
                                       struct sedd_error *error)
{
    enum sedd_positions before = options->positions;
    enum sedd_status status = sedd_field_read(sedd_fields_find(SEDD_SAMPLE_FIELDS, "positions"),
                                              source, root, options, error);
    if (status == SEDD_OK && options->positions != before) {
        options->order = SEDD_ORDER_RANDOM;
        options->grid = SEDD_GRID_LINEAR;
        options->context = SEDD_CONTEXT_ALL;
        options->gamma = 0.0;
    }
    return status;
}

enum sedd_status sedd_sample_read_from(const struct sedd_field_source *source, const cJSON *root,
                                       struct sedd_sample_options *options,
                                       struct sedd_error *error)
{
    struct sedd_sample_options read = *options;
    enum sedd_status status = read_positions(source, root, &read, error);
    if (status == SEDD_OK) {
        status = sedd_fields_read(SEDD_SAMPLE_FIELDS, source, root, &read, error);
    }
    if (status == SEDD_OK) {
        const struct sedd_field *greedy = sedd_fields_find(SEDD_SAMPLE_FIELDS, "greedy");
        read.greedy = read.greedy || cJSON_IsTrue(sedd_field_given(greedy, source, root));
        *options = read;
    }
    return status;
}

enum sedd_status sedd_sample_read(const char *json, size_t size, enum sedd_kind kind,
                                  struct sedd_sample_options *options, struct sedd_error *error)
{
    struct sedd_field_source source = {
        .where = "", .uses = sedd_field_uses(kind), .status = SEDD_ERROR_ARGUMENT};
    cJSON *root = NULL;
    enum sedd_status status = sedd_call_parse(json, size, &root, error);
    status = status == SEDD_OK ? sedd_sample_read_from(&source, root, options, error) : status;
    cJSON_Delete(root);
    return status;
}

void sedd_sample_family(const struct sedd_model_info *info, struct sedd_sample_options *options)
{
    if (info->family == SEDD_FAMILY_MDLM) {
        options->predictor = SEDD_PREDICTOR_DDPM_CACHE;
    } else if (info->family == SEDD_FAMILY_SDTT) {
        options->predictor = SEDD_PREDICTOR_DDPM;
        options->steps = 32; /* its students are made for 8 to 64 */
    }
}

size_t sedd_sample_write(const struct sedd_sample_options *options, bool all, char *text,
                         size_t size)
{
    return sedd_fields_write(SEDD_SAMPLE_FIELDS, options, all, text, size);
}

enum sedd_status sedd_sample_fill(enum sedd_kind kind, struct sedd_sample_options *options,
                                  struct sedd_error *error)
{
    enum sedd_status status = sedd_fields_check(
        SEDD_SAMPLE_FIELDS, sedd_field_uses(kind) | SEDD_FIELD_OF_TOOL, options, error);
    if (status == SEDD_OK && options->greedy) {
        options->temperature = 1.0; /* confidence and entropy are the model's own */
    }
    return status;
}

/* ---- Meaning ----------------------------------------------------------------------------- */

bool sedd_sample_by_coin(const struct sedd_sample_options *options)
{
    return options->positions == SEDD_POSITIONS_SCORE ||
           options->positions == SEDD_POSITIONS_NORMALISED;
}

bool sedd_sample_known_ahead(const struct sedd_sample_options *options)
{
    return options->positions == SEDD_POSITIONS_NORMALISED ||
           options->positions == SEDD_POSITIONS_HITTING ||
           (options->positions == SEDD_POSITIONS_PLANNED &&
            (options->order == SEDD_ORDER_RANDOM || options->order == SEDD_ORDER_SPREAD));
}

const char *sedd_sample_conflict(const struct sedd_sample_options *options)
{
    bool bounded = options->positions == SEDD_POSITIONS_BOUNDED;
    bool hitting = options->positions == SEDD_POSITIONS_HITTING;
    bool coin = sedd_sample_by_coin(options);
    if (options->order != SEDD_ORDER_RANDOM && (coin || hitting)) {
        return "order needs positions planned or bounded; the others open masks by chance";
    }
    if (options->grid != SEDD_GRID_LINEAR && (bounded || hitting)) {
        return "a grid needs positions score, normalised or planned; bounded and hitting have "
               "times of their own";
    }
    if (options->gamma != 0.0 && !bounded) {
        return "gamma needs positions bounded";
    }
    if (options->predictor == SEDD_PREDICTOR_EULER && !coin) {
        return "the euler predictor needs positions score or normalised; the others take no coin";
    }
    if (options->no_denoise && !coin) {
        return "no_denoise needs positions score or normalised; the others leave no mask to the "
               "denoiser";
    }
    if (options->ending != SEDD_ENDING_OWN && (!coin || options->no_denoise)) {
        return "an ending needs positions score or normalised, and denoise";
    }
    if (options->context == SEDD_CONTEXT_KNOWN && !sedd_sample_known_ahead(options)) {
        return "context known needs positions normalised, hitting, or planned in order random or "
               "spread; in the others the network itself decides which masks open";
    }
    return hitting && options->batch > 1
               ? "positions hitting runs one sequence; expected a batch of 1"
               : NULL;
}
