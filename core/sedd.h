/*
 * sedd.h - score entropy discrete diffusion (SEDD), its family, and a GPT-2 baseline, in C11.
 *
 * A SEDD network reads a sequence in which some tokens are masked. For every position p and token
 * y, it computes the log-score ln(p_t(x with p replaced by y) / p_t(x)) (Lou, Meng & Ermon 2024).
 * Sampling moves the time t from 1 to 0 and fills in masks by these ratios. The later masked
 * diffusion models MDLM, SDTT and RADD, and the uniform DUO, compute log p(x0) instead, which
 * determines the log-scores (model/score.h). Everything else is the same.
 *
 * A program uses these objects, in this order:
 *
 *     sedd_engine     how to compute: a table of kernels and a number of threads
 *     sedd_model      what to compute: the weights of a diffusion model or a GPT-2
 *     sedd_tokenizer  converts text to token ids and back (byte-level BPE)
 *     sedd_session    holds an engine, a model and all scratch memory; computes in them
 *     sedd_sampler    one run of the denoising loop in a session, one network evaluation a step
 *
 * This program writes a text. It links libsedd_core.a, libcjson.a and libutf8proc.a, which the
 * build puts into one folder, and libm and pthreads:
 *
 *     #include "sedd.h"
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         const char *folder = "models/sedd-nano";
 *         struct sedd_engine_options how = {.threads = 2};
 *         struct sedd_sample_options what = {.length = 64, .steps = 64, .seed = 1};
 *         struct sedd_engine *engine = NULL;
 *         struct sedd_model *model = NULL;
 *         struct sedd_tokenizer *tokenizer = NULL;
 *         struct sedd_session *session = NULL;
 *         struct sedd_sampler *sampler = NULL;
 *         struct sedd_step step;
 *         struct sedd_error error;
 *         char *text = NULL;
 *         size_t size;
 *         bool ok = sedd_engine_new(&how, &engine, &error) == SEDD_OK &&
 *                   sedd_model_open(folder, SEDD_DTYPE_AUTO, &model, &error) == SEDD_OK &&
 *                   sedd_tokenizer_open(folder, &tokenizer, &error) == SEDD_OK &&
 *                   sedd_sample_defaults_open(folder, &what, &error) == SEDD_OK &&
 *                   sedd_session_new(engine, model, what.length, &session, &error) == SEDD_OK &&
 *                   sedd_session_limit(session, tokenizer, &error) == SEDD_OK &&
 *                   sedd_sampler_new(session, &what, &sampler, &error) == SEDD_OK;
 *         while (ok && !sedd_sampler_done(sampler)) {
 *             ok = sedd_sampler_advance(sampler, &step, &error) == SEDD_OK;
 *         }
 *         const int32_t *ids = ok ? sedd_sampler_ids(sampler) : NULL;
 *         ok = ok && sedd_tokenizer_decode(tokenizer, ids, (size_t)what.length, &text, &size,
 *                                          &error) == SEDD_OK;
 *         fprintf(ok ? stdout : stderr, "%s\n", ok ? text : error.message);
 *         sedd_memory_free(text);
 *         sedd_sampler_free(sampler);
 *         sedd_session_free(session);
 *         sedd_tokenizer_free(tokenizer);
 *         sedd_model_free(model);
 *         sedd_engine_free(engine);
 *         return ok ? 0 : 1;
 *     }
 *
 * Shapes are written [rows, columns] and are row-major. B is the number of sequences and L that of
 * their tokens, H the hidden size, V the number of real tokens (`tokens` in config.json), and N the
 * number of states: V + 1 for the absorb graph, whose mask is id V, and V for the uniform graph.
 * sigma is the total noise, in nats.
 *
 * These rules hold everywhere:
 *   - A function that can fail returns a status and writes its out pointer only on SEDD_OK.
 *     `error` may be NULL; otherwise it receives one sentence for a person.
 *   - Objects from "new" and "open" are released with "free", which accepts NULL.
 *   - The library never prints, exits, reads the environment or keeps global state. An object may
 *     be used from any thread, by one thread at a time. Engine, model and tokenizer do not change
 *     after creation, so sessions on several threads may share them; but two sessions that compute
 *     at the same time need an engine each.
 *   - Options structs are zero-initialised; zero means the documented default. A pointer may be
 *     NULL only where its comment says so.
 */
#ifndef SEDD_H
#define SEDD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEDD_VERSION "0.1.0"

/* ---- Status and errors ------------------------------------------------------------------- */

enum sedd_status {
    SEDD_OK = 0,
    SEDD_ERROR_ARGUMENT,    /* a value the caller passed is out of range */
    SEDD_ERROR_MEMORY,      /* an allocation failed or a size does not fit this machine */
    SEDD_ERROR_IO,          /* a file cannot be opened or read */
    SEDD_ERROR_FORMAT,      /* a file is damaged, hostile or of another type */
    SEDD_ERROR_UNSUPPORTED, /* well formed, but this engine cannot run it */
    SEDD_CANCELLED,         /* the session or the engine was cancelled */
    SEDD_ELSEWHERE          /* the caller has to evaluate the network, see sedd_session_leave */
};

struct sedd_error {
    enum sedd_status status;
    char message[480]; /* one sentence: what, where, expected, found; always ends in a zero */
};

/* Returns the status in lower-case words, for logs ("format", "cancelled"). Static storage. */
const char *sedd_status_name(enum sedd_status status);

/* ---- Engine: kernels and threads --------------------------------------------------------- */

struct sedd_engine;

struct sedd_engine_options {
    const char *kernels; /* name of a table; NULL: the fastest that this processor can run */
    int32_t threads;     /* at most SEDD_THREADS_MAX; 0 and 1: only the calling thread */
};

#define SEDD_THREADS_MAX 64

/* Creates an engine. Returns *engine owned (free with sedd_engine_free). Fails with
 * SEDD_ERROR_ARGUMENT for an unknown table or an invalid thread count, and with
 * SEDD_ERROR_UNSUPPORTED if the processor lacks the table's instructions or the build has no
 * threads. */
enum sedd_status sedd_engine_new(const struct sedd_engine_options *options,
                                 struct sedd_engine **engine, struct sedd_error *error);
void sedd_engine_free(struct sedd_engine *engine);
const char *sedd_engine_kernels(const struct sedd_engine *engine);
int32_t sedd_engine_threads(const struct sedd_engine *engine);
/* Cancels (true) everything that the engine computes, in all its sessions, until it is called with
 * false. sedd_session_cancel does the same for one session. May be called from any thread. */
void sedd_engine_cancel(struct sedd_engine *engine, bool cancel);

/* Returns the name of the index-th table that this processor can run, slowest first ("scalar" is
 * 0), or NULL past the last. */
const char *sedd_kernels_name(size_t index);

/* ---- Model ------------------------------------------------------------------------------- */

struct sedd_model;

/* SEDD_KIND_SEDD means any diffusion model; the family says which one. */
enum sedd_kind { SEDD_KIND_SEDD = 0, SEDD_KIND_GPT2 };
enum sedd_family {
    SEDD_FAMILY_SEDD = 0,
    SEDD_FAMILY_MDLM, /* Sahoo et al. 2024, arXiv 2406.07524 */
    SEDD_FAMILY_SDTT, /* few-step students of MDLM; Deschenaux & Gulcehre 2024, arXiv 2410.21035 */
    SEDD_FAMILY_RADD, /* Ou et al. 2024, arXiv 2406.03736 */
    SEDD_FAMILY_DUO   /* Sahoo et al. 2025, arXiv 2506.10892 */
};
/* Returns the family's name as its paper writes it ("MDLM"). Static storage. */
const char *sedd_family_name(enum sedd_family family);
enum sedd_graph { SEDD_GRAPH_ABSORB = 0, SEDD_GRAPH_UNIFORM };
enum sedd_noise { SEDD_NOISE_LOGLINEAR = 0, SEDD_NOISE_GEOMETRIC };
enum sedd_dtype {
    SEDD_DTYPE_AUTO = 0, /* the file's own type: I8 becomes Q8, everything else F32 */
    SEDD_DTYPE_F32,
    SEDD_DTYPE_Q8, /* int8 weights with one scale per output channel; activations of 7 bits */
    SEDD_DTYPE_F16 /* only in files, where it halves F32; in memory such weights are F32 */
};

struct sedd_model_info {
    enum sedd_kind kind;
    enum sedd_dtype dtype;   /* F32 or Q8: the type of the matrices in memory */
    enum sedd_family family; /* this and the next eight fields: diffusion models only */
    bool normalised; /* the network gives ln p(x0), so its scores sum to 1 / (e^sigma - 1) */
    bool time_free;  /* the network does not read sigma; its output depends only on the ids */
    enum sedd_graph graph;
    enum sedd_noise noise;
    double sigma_min, sigma_max; /* geometric noise */
    int32_t cond_dim;            /* 0: RADD has no conditioning */
    bool scale_by_sigma;
    int32_t tokens;  /* V */
    int32_t states;  /* N; GPT-2: V */
    int32_t mask_id; /* V for absorb, -1 otherwise */
    int32_t hidden_size, n_blocks, n_heads;
    int32_t length;           /* SEDD: training length (no limit); GPT-2: n_positions (a limit) */
    float norm_eps;           /* 1e-5, or GPT-2's layer_norm_epsilon */
    uint64_t parameter_count; /* stored parameters, without buffers */
    uint64_t weight_size;     /* bytes in memory */
};

/* Opens a Hugging Face folder: config.json, which determines the network, and model.safetensors
 * (F32, F16, BF16, or I8 with a `_scale` tensor beside it). If there is no model.safetensors, opens
 * pytorch_model.bin. Peak memory is the final size plus at most 64 MB (typically 2). Returns *model
 * owned. */
enum sedd_status sedd_model_open(const char *folder, enum sedd_dtype dtype,
                                 struct sedd_model **model, struct sedd_error *error);
void sedd_model_free(struct sedd_model *model);
void sedd_model_describe(const struct sedd_model *model, struct sedd_model_info *info);

/* A loader makes the same model from bytes of any origin. It reads config.json at once, and then
 * says which bytes of the file of weights it needs next. It quantises or packs them row by row as
 * they arrive. The loop:
 *
 *     sedd_loader_expect(loader, file_size);
 *     while (sedd_loader_want(loader, &begin, &end))
 *         read bytes from `begin` on, at most up to `end`; sedd_loader_push(loader, begin, them)
 *     sedd_loader_finish(loader, &model)
 *
 * The first eight bytes tell the type of the file. model.safetensors is read once from front to
 * back. A torch file (pytorch_model.bin, checkpoint.pth) is read in four parts: its first bytes,
 * its end (the zip directory), its index (data.pkl), and then the tensors that the model needs, in
 * file order. Other entries, such as optimizer states, are skipped.
 *
 * The index of a torch file is a pickle, which is parsed but never executed. It may hold the
 * tensors of a state dict, or a training checkpoint of the reference code, of which the averaged
 * weights (`ema`) are preferred. The loader checks the CRC-32 of every zip entry that it reads,
 * unless it is 0, which means not computed. */
struct sedd_loader;
enum sedd_status sedd_loader_new(const char *config_json, size_t config_size, enum sedd_dtype dtype,
                                 struct sedd_loader **loader, struct sedd_error *error);
/* Sets the file's size in bytes (0: unknown). Must be called before the first push. A torch file
 * needs it. A safetensors header that implies another size is then refused before any memory is
 * allocated. */
void sedd_loader_expect(struct sedd_loader *loader, uint64_t size);
/* Describes the model from config.json, before any weights arrive. weight_size is that of the
 * requested type (AUTO: F32 until the index has been read). parameter_count is 0 until the index
 * has been read. */
void sedd_loader_describe(const struct sedd_loader *loader, struct sedd_model_info *info);
/* Returns true if the loader needs the bytes *begin .. *end - 1 of the file next; *end is
 * UINT64_MAX if they extend to the end of a file of unknown size. Call it again after every push:
 * the next range may begin elsewhere. Returns false, with *begin == *end, if the loader needs
 * nothing more. */
bool sedd_loader_want(const struct sedd_loader *loader, uint64_t *begin, uint64_t *end);
/* Passes on `size` bytes of the file, any number, which begin at `offset`. The loader skips bytes
 * that it does not need, so a stream may continue across a gap. */
enum sedd_status sedd_loader_push(struct sedd_loader *loader, uint64_t offset, const void *bytes,
                                  size_t size, struct sedd_error *error);
/* Returns *model owned, once every tensor has arrived. The loader must still be freed. */
enum sedd_status sedd_loader_finish(struct sedd_loader *loader, struct sedd_model **model,
                                    struct sedd_error *error);
void sedd_loader_free(struct sedd_loader *loader);

/* A writer makes the bytes of a model.safetensors. Q8 becomes I8 with scales, so that loading the
 * file gives the same bits. F32 stays F32 or, with `dtype` F16, its matrices become F16. Borrows
 * the model. */
struct sedd_writer;
enum sedd_status sedd_writer_new(const struct sedd_model *model, enum sedd_dtype dtype,
                                 struct sedd_writer **writer, struct sedd_error *error);
/* Returns the size of the whole file in bytes. */
uint64_t sedd_writer_size(const struct sedd_writer *writer);
/* Writes the next bytes of the file, at most `capacity`, and returns their number: 0 at the end. */
size_t sedd_writer_read(struct sedd_writer *writer, void *bytes, size_t capacity);
void sedd_writer_free(struct sedd_writer *writer);

/* ---- Tokenizer --------------------------------------------------------------------------- */

struct sedd_tokenizer;

/* Opens the tokenizer of a folder: tokenizer.json, or GPT-2's vocab.json and merges.txt with an
 * optional added_tokens.json. Returns *tokenizer owned. */
enum sedd_status sedd_tokenizer_open(const char *folder, struct sedd_tokenizer **tokenizer,
                                     struct sedd_error *error);
/* The files of a tokenizer in memory. If `merges` is NULL, `vocab` is a tokenizer.json (byte-level
 * BPE). Otherwise `vocab` is GPT-2's vocab.json, and `added` is an added_tokens.json or NULL. */
struct sedd_tokenizer_files {
    const char *vocab;
    size_t vocab_size;
    const char *merges;
    size_t merges_size;
    const char *added;
    size_t added_size;
};

/* Makes a tokenizer from files in memory, which it copies. Options of a tokenizer.json that change
 * ids are applied (add_prefix_space, use_regex, ignore_merges, added tokens) or refused by name. */
enum sedd_status sedd_tokenizer_new(const struct sedd_tokenizer_files *files,
                                    struct sedd_tokenizer **tokenizer, struct sedd_error *error);
void sedd_tokenizer_free(struct sedd_tokenizer *tokenizer);
/* Returns the largest id plus one. */
int32_t sedd_tokenizer_size(const struct sedd_tokenizer *tokenizer);
/* Returns true if the id has a token. A model may be padded beyond the ids of its tokenizer, and a
 * tokenizer may leave out ids. */
bool sedd_tokenizer_has(const struct sedd_tokenizer *tokenizer, int32_t id);
/* Returns the id of the token with this literal text (such as "<|endoftext|>"), or -1. */
int32_t sedd_tokenizer_find(const struct sedd_tokenizer *tokenizer, const char *literal);

/* Encodes a text of any bytes. A byte that is not valid UTF-8 counts as a character that is neither
 * letter, number nor space, and decodes unchanged. The text of a special token is plain text (its
 * id comes from sedd_tokenizer_find); the text of another added token becomes that token. Returns
 * *ids owned (free with sedd_memory_free); *count may be 0. */
enum sedd_status sedd_tokenizer_encode(const struct sedd_tokenizer *tokenizer, const char *text,
                                       size_t size, int32_t **ids, size_t *count,
                                       struct sedd_error *error);
/* Decodes ids to the exact bytes of their text. Fails with SEDD_ERROR_ARGUMENT for an id outside
 * the vocabulary, such as the mask. Returns *text owned (free with sedd_memory_free), with a zero
 * byte after its *size bytes. */
enum sedd_status sedd_tokenizer_decode(const struct sedd_tokenizer *tokenizer, const int32_t *ids,
                                       size_t count, char **text, size_t *size,
                                       struct sedd_error *error);

void sedd_memory_free(void *memory);

/* ---- Session ----------------------------------------------------------------------------- */

struct sedd_session;

/* Creates a session with all scratch memory for up to `rows` tokens at once: B * L, or for GPT-2
 * the size of the key/value cache, at most n_positions. Evaluating the network never allocates; a
 * run, a bound or a choice allocates what it needs when it begins. Borrows engine and model until
 * freed. Returns *session owned. */
enum sedd_status sedd_session_new(struct sedd_engine *engine, const struct sedd_model *model,
                                  int32_t rows, struct sedd_session **session,
                                  struct sedd_error *error);
void sedd_session_free(struct sedd_session *session);
/* Restricts the session to the ids that have a token in the tokenizer: runs and GPT-2 draw no other
 * id, and sedd_inspect lists no other candidate. Scores, logits and likelihoods stay unchanged. The
 * tokenizer may be freed afterwards. Fails with SEDD_ERROR_ARGUMENT if the model has none of its
 * tokens. */
enum sedd_status sedd_session_limit(struct sedd_session *session,
                                    const struct sedd_tokenizer *tokenizer,
                                    struct sedd_error *error);
/* Returns the session's scratch memory in bytes. */
uint64_t sedd_session_size(const struct sedd_session *session);
/* Cancels (true) what the session computes, until it is called with false. May be called from any
 * thread or a callback. A running call returns SEDD_CANCELLED within one block of the network. */
void sedd_session_cancel(struct sedd_session *session, bool cancel);

/* ---- Networks that are evaluated elsewhere ----------------------------------------------- */

/* One evaluation of the network, as another device needs it. A row is a place of `ids`. */
struct sedd_evaluation {
    const int32_t *ids; /* [length] */
    int32_t length;
    int32_t read_count;
    const int32_t *read; /* [read_count] places to read, ascending; NULL: every place */
    int32_t rows;
    const int32_t *index;    /* [rows] places whose logits are needed, ascending */
    const float *modulation; /* [modulation_size], see struct sedd_request; GPT-2: NULL */
    int32_t modulation_size;
};

/* Leaves the evaluations of the network to the caller (true), or takes them back. While they are
 * left, a call that needs one fails with SEDD_ELSEWHERE and changes nothing. The caller evaluates
 * sedd_session_evaluation, gives the logits to sedd_session_answer and repeats the call, which then
 * does what it would have done with the engine's own logits. This serves calls that evaluate once:
 * sedd_sampler_advance of one sequence, sedd_inspect, sedd_bounder_advance and sedd_gpt2_nll of one
 * window. SEDD_ERROR_MEMORY: there is no memory for the lists of places. */
enum sedd_status sedd_session_leave(struct sedd_session *session, bool leave,
                                    struct sedd_error *error);
/* Returns the evaluation of the last SEDD_ELSEWHERE; valid until the call is repeated. */
const struct sedd_evaluation *sedd_session_evaluation(const struct sedd_session *session);
/* Borrows logits [rows, N] until the repeated call returns, which overwrites them. */
void sedd_session_answer(struct sedd_session *session, float *logits);

/* ---- SEDD: log-scores -------------------------------------------------------------------- */

#define SEDD_SIGMA_MAX 80.0 /* e^80 is still a float32 */

/* Computes log-scores: logscore [B, L, N] receives ln of the score of every state, with 0 at each
 * position's own token (SEDD, section 3 and the reference implementation). ids [B, L] are in
 * 0..N-1; sigma [B] is above 0 and at most SEDD_SIGMA_MAX; B * L is at most the session's rows.
 * Where a normalised model keeps a token, all other states have -infinity. */
enum sedd_status sedd_score(struct sedd_session *session, int32_t batch, int32_t length,
                            const int32_t *ids, const float *sigma, float *logscore,
                            struct sedd_error *error);

/* Computes the noise schedule: *sigma = sigma(t) and *dsigma = d sigma / dt, for t in [0, 1]. */
void sedd_noise_at(const struct sedd_model_info *info, double t, double *sigma, double *dsigma);
/* Returns the inverse of sigma(t): the time whose noise level is sigma, clamped to [0, 1]. */
double sedd_noise_time(const struct sedd_model_info *info, double sigma);

/* ---- SEDD: sampling ---------------------------------------------------------------------- */

struct sedd_sampler;

enum sedd_predictor {
    SEDD_PREDICTOR_ANALYTIC = 0, /* Tweedie; RADD's tweedie, DUO's ancestral */
    SEDD_PREDICTOR_EULER,
    /* MDLM's ddpm and SDTT's ancestral: ANALYTIC with another ending, for models that give p(x0) */
    SEDD_PREDICTOR_DDPM,
    /* the same, but official draws of a time-free network reuse its output while no token
     * changes */
    SEDD_PREDICTOR_DDPM_CACHE
};
/* How the masks that remain after the last step are filled in (SCORE and NORMALISED). */
enum sedd_ending {
    /* the ending of the model's reference code: DRAW for SEDD, DUO, and MDLM with ANALYTIC;
     * LIKELIEST for SDTT, and for MDLM otherwise; OPEN for RADD */
    SEDD_ENDING_OWN = 0,
    SEDD_ENDING_DRAW,      /* one more evaluation draws them (the denoiser) */
    SEDD_ENDING_LIKELIEST, /* one more evaluation sets each of them, or every position in the
                              uniform graph, to its likeliest token */
    SEDD_ENDING_OPEN       /* the last step fills in all of them, without another evaluation */
};
enum sedd_draw {
    /* the inverse distribution function, with 53-bit uniforms; negative weights count as 0 */
    SEDD_DRAW_EXACT = 0,
    /* the reference code's exponential race, in float32 with 24-bit uniforms */
    SEDD_DRAW_OFFICIAL
};
/* How a step chooses the masks to fill in. All but SCORE need exact draws and the absorb graph. */
enum sedd_positions {
    /* A random number decides for each mask, with the sum of its scores as odds (SEDD as
     * published). */
    SEDD_POSITIONS_SCORE = 0,
    /* A random number decides for each mask with probability (t - s) / t, independent of the
     * scores. SEDD does so where its scores are normalised (Ou et al. 2024); otherwise this is
     * another valid model. The positions are known before the network runs. Only they pass the last
     * block and the head, and a step without any skips the network. */
    SEDD_POSITIONS_NORMALISED,
    /* A planned number of masks: of M masks the share (t - s) / t, rounded, but at least one, and
     * all in the last step, which leaves nothing for the denoiser. `order` selects them. */
    SEDD_POSITIONS_PLANNED,
    /* As many masks, in `order`, as may be drawn independently: the sum of their entropies less the
     * largest one is at most gamma. At least one mask is filled in. `steps` is a limit, whose last
     * step fills in all that remain; the run ends as soon as no mask is left (Ben-Hamu et al. 2025,
     * arXiv 2505.24857). */
    SEDD_POSITIONS_BOUNDED,
    /* First-hitting: each evaluation fills in one mask, any of them, at a random time of its own.
     * This equals NORMALISED with infinitely many steps, exactly. `steps` has no effect (Zheng et
     * al. 2024, arXiv 2409.02908). */
    SEDD_POSITIONS_HITTING
};
/* The masks to fill in first, for PLANNED and BOUNDED. CONFIDENCE, MARGIN and ENTROPY look at the
 * distributions (after temperature). They make texts more alike, which the entropy shows. */
enum sedd_order {
    SEDD_ORDER_RANDOM = 0,
    SEDD_ORDER_SPREAD,     /* far apart: by reversed bits of the position, from a random start */
    SEDD_ORDER_CONFIDENCE, /* largest probability first */
    SEDD_ORDER_MARGIN,     /* largest gap between the two likeliest tokens first */
    SEDD_ORDER_ENTROPY     /* lowest entropy first */
};
/* The times of the evaluations of SCORE, NORMALISED and PLANNED. BOUNDED evaluates at the time that
 * corresponds to the share of the window that is masked, HITTING at random times. */
enum sedd_grid {
    SEDD_GRID_LINEAR = 0,
    SEDD_GRID_COSINE /* t = cos(pi/2 i / steps): fills in few masks at first and many at last */
};

/* The tokens that the network reads in a step. A network is trained for one of the two; with the
 * other, its texts get worse. */
enum sedd_context {
    SEDD_CONTEXT_ALL = 0, /* the whole window with its masks: SEDD as published */
    /* The known tokens and the masks that this step fills in, each at its own position. Masks that
     * stay masked carry no information but their number, and no layer reads them. With K known
     * tokens and M masks to fill in, the blocks compute K + M rows instead of L; from an empty
     * window in S equal steps, that is L (S + 1) / 2 rows instead of L S. The log-scores are those
     * of the same network on the shorter sequence, at the noise level of the whole window. The
     * positions must be known before the network runs: NORMALISED, HITTING, or PLANNED in order
     * RANDOM or SPREAD. (Deschenaux, Tran & Gulcehre 2025, arXiv 2505.18883, propose such partition
     * generative models, with another architecture.) */
    SEDD_CONTEXT_KNOWN
};

/* Options of a run. 0 means the default; diffusion/options.c has the table of names, ranges and
 * defaults. A GPT-2 has only seed, greedy, temperature, top_k and top_p. */
struct sedd_sample_options {
    int32_t batch;  /* sequences at once; default 1 */
    int32_t length; /* tokens of the window; default: the model's */
    int32_t steps;  /* default 64; with SCORE and NORMALISED, the ending may add one evaluation */
    uint64_t seed;
    enum sedd_predictor predictor;
    enum sedd_draw draw;
    enum sedd_positions positions;
    enum sedd_order order; /* PLANNED and BOUNDED */
    enum sedd_grid grid;   /* SCORE, NORMALISED and PLANNED */
    enum sedd_context context;
    double gamma;            /* BOUNDED: nats, above 0; default 1 */
    enum sedd_ending ending; /* SCORE and NORMALISED */
    bool no_denoise;         /* SCORE and NORMALISED: skip the ending */
    bool greedy;             /* fill in the likeliest token, the first of equal ones; overrides
                                temperature, top_k and top_p */
    double temperature;      /* of the distribution of a token that is filled in; default 1 */
    int32_t top_k;           /* 0: all */
    double top_p;            /* in (0, 1]; 0: 1 */
    size_t held_count;       /* number of given tokens, at any positions, for every sequence */
    const int32_t *held_positions; /* [held_count], 0..length-1; copied */
    const int32_t *held_ids;       /* [held_count], 0..V-1; copied */
    const int32_t *initial_ids;    /* [B, L], copied; NULL: the limit distribution (all masks) */
};

struct sedd_step {
    int32_t step;    /* number of steps done, 1 .. total */
    int32_t total;   /* steps, + 1 with the denoiser; HITTING: the number of masks at the start */
    double t, sigma; /* time and noise level of the evaluation */
    int32_t rows;    /* rows that were drawn; 0: none, and the network did not run */
    int32_t masked;  /* positions that are still masked, in the whole batch */
    int32_t changed_count;
    const int32_t *changed;     /* [changed_count] row-major index into [B, L], ascending */
    const int32_t *changed_ids; /* [changed_count] the new ids */
    /* [changed_count] the probability of the new id, and the entropy, in nats, of the distribution
     * that it was drawn from: after temperature (greedy: at temperature 1), before top_k and top_p.
     * NULL for official draws and for the uniform graph. */
    const float *confidence, *entropy;
};

/* Reads the options that suit a model from generation_config.json, Hugging Face's file for them:
 *     {"steps": 8, "positions": "planned", "order": "spread", "grid": "cosine", "context": "known"}
 * Sets those of steps, positions, order, grid, context, gamma, temperature, top_k and top_p that
 * the file has, and leaves the rest of *options unchanged. Null values and other keys are skipped.
 * The old word "fixed" means "planned". Fails with SEDD_ERROR_FORMAT for an invalid value, and for
 * a file over 64 KiB. */
enum sedd_status sedd_sample_defaults(const char *json, size_t size,
                                      struct sedd_sample_options *options,
                                      struct sedd_error *error);
/* Does the same for a model's folder: first sedd_sample_family by its config.json, then its
 * generation_config.json. A missing file changes nothing. */
enum sedd_status sedd_sample_defaults_open(const char *folder, struct sedd_sample_options *options,
                                           struct sedd_error *error);
/* Sets the options in which the reference code of the model's family differs from the defaults:
 * MDLM's and SDTT's sampler, and SDTT's 32 steps. The published models have no
 * generation_config.json. */
void sedd_sample_family(const struct sedd_model_info *info, struct sedd_sample_options *options);
/* Reads the options of a call, a JSON object such as {"steps": 8, "topP": 0.9, "seed": "7"}, over
 * those in *options, which are the model's. The call overrides the model, and the model overrides
 * the defaults above. If the call changes `positions`, the model's order, grid, context and gamma
 * do not apply, because they belong to its own positions. "temperature": 0 means greedy. Fails with
 * SEDD_ERROR_ARGUMENT for a name or a value that this kind of model does not have. */
enum sedd_status sedd_sample_read(const char *json, size_t size, enum sedd_kind kind,
                                  struct sedd_sample_options *options, struct sedd_error *error);
/* Writes options as the members of a JSON object ("steps":8,"seed":"7",...), without the braces
 * that sedd_sample_read expects: `all` of them, with defaults filled in, or only those that differ
 * from the default. Returns their size without the final zero. Cuts them off after `size` bytes. */
size_t sedd_sample_write(const struct sedd_sample_options *options, bool all, char *text,
                         size_t size);

/* Starts a run. Borrows the session until freed, and copies the options. batch * length is at most
 * the session's rows. temperature, top_k and top_p need exact draws and the absorb graph. HITTING
 * runs one sequence. Euler needs SCORE or NORMALISED. Fails with SEDD_ERROR_ARGUMENT for options
 * that exclude each other. Returns *sampler owned. */
enum sedd_status sedd_sampler_new(struct sedd_session *session,
                                  const struct sedd_sample_options *options,
                                  struct sedd_sampler **sampler, struct sedd_error *error);
void sedd_sampler_free(struct sedd_sampler *sampler);
/* Runs one step, with at most one network evaluation. *step is valid until the next call on this
 * sampler. Fails with SEDD_ERROR_ARGUMENT after the last step. SEDD_CANCELLED leaves the sampler
 * unchanged. */
enum sedd_status sedd_sampler_advance(struct sedd_sampler *sampler, struct sedd_step *step,
                                      struct sedd_error *error);

/* A step can also run in two halves, for a host that evaluates the network elsewhere, such as on a
 * GPU: sedd_sampler_request returns what to compute, and sedd_sampler_take accepts the results.
 * This needs exact draws and the absorb graph; otherwise it fails with SEDD_ERROR_UNSUPPORTED. A
 * request may be repeated, and sedd_sampler_advance may run the step instead. */
struct sedd_request {
    double sigma, shift;  /* log-score = logit - shift; a normalised model needs no shift */
    const int32_t *ids;   /* [B, L] */
    int32_t rows;         /* 0: skip the network and take the step without results */
    const int32_t *index; /* [rows] places to draw, ascending */
    /* [rows] numbers in [0, 1): a row's token is the inverse distribution function of its number,
     * after temperature, top_k and top_p, among the ids that have a token. */
    const float *uniforms;
    int32_t read_count;
    const int32_t *read;     /* [read_count] places to read, ascending; NULL: every place */
    const float *modulation; /* [modulation_size] at sigma: shift1, scale1, gate1, shift2, scale2,
                                gate2 [H] of every block, then shift and scale of the final norm;
                                each scale is weight * (1 + scale) */
    int32_t modulation_size;
    bool greedy; /* set every row to its likeliest token, which overrides the options */
};

/* The result of a row. All fields but log_sum refer to the distribution after temperature and
 * before top_k and top_p. */
struct sedd_row_result {
    int32_t id;
    float log_sum; /* ln of the sum of exp(logit), at temperature 1; NaN: non-finite logits */
    float confidence, entropy;
    float likeliest, second; /* the two largest probabilities */
};

/* Returns what the next step needs. *request is valid until the sampler advances, takes a step or
 * is freed. */
enum sedd_status sedd_sampler_request(struct sedd_sampler *sampler, struct sedd_request *request,
                                      struct sedd_error *error);
/* Ends the step of the last request with results [rows]. *step is as from sedd_sampler_advance.
 * Fails with SEDD_ERROR_ARGUMENT if there was no request or an id has no token, and with
 * SEDD_ERROR_FORMAT if a log_sum is NaN. An error leaves the sampler unchanged. */
enum sedd_status sedd_sampler_take(struct sedd_sampler *sampler,
                                   const struct sedd_row_result *results, struct sedd_step *step,
                                   struct sedd_error *error);

/* Returns true after the last step. */
bool sedd_sampler_done(const struct sedd_sampler *sampler);
/* Returns the present ids [B, L], valid until the sampler advances or is freed. */
const int32_t *sedd_sampler_ids(const struct sedd_sampler *sampler);
/* Returns the number of steps done, which with ids and options is the whole state of a run. */
int32_t sedd_sampler_steps_done(const struct sedd_sampler *sampler);
/* Continues from a saved state: `ids` [B, L] after `steps_done` steps. With the same options, the
 * run continues exactly as before; with others, it branches. */
enum sedd_status sedd_sampler_restore(struct sedd_sampler *sampler, int32_t steps_done,
                                      const int32_t *ids, struct sedd_error *error);

/* ---- SEDD: looking inside ---------------------------------------------------------------- */

struct sedd_inspect_options {
    double sigma;  /* the noise level, at most SEDD_SIGMA_MAX; 0: that of evaluation `step` */
    int32_t step;  /* 0 .. steps, in a run of `steps` steps; `steps` itself is the denoiser */
    int32_t steps; /* sets the width of the step whose probabilities are computed; with a sigma, 0
                      means none */
    enum sedd_predictor predictor;
    const int32_t *positions; /* [position_count], 0..L-1; borrowed */
    int32_t position_count;
    int32_t top_k; /* candidates per position, 1..V */
};

struct sedd_inspected {
    double score_sum; /* sum of the scores of all tokens but the position's own */
    double entropy;   /* of a draw among them in proportion to their scores, in nats */
    double stay;      /* probability that the step keeps the position's token; 0 without steps */
};

struct sedd_candidate {
    int32_t id; /* -1: there are fewer tokens than top_k */
    double logscore;
    double move; /* probability that the step sets this token, at temperature 1; 0 without steps */
};

/* Evaluates the network at single positions of ids [L]. Fills out [position_count] and candidates
 * [position_count, top_k], likeliest first, and stores the noise level in *sigma. Only these rows
 * pass the vocabulary head. L is at most the session's rows. */
enum sedd_status sedd_inspect(struct sedd_session *session, int32_t length, const int32_t *ids,
                              const struct sedd_inspect_options *options, double *sigma,
                              struct sedd_inspected *out, struct sedd_candidate *candidates,
                              struct sedd_error *error);

/* ---- GPT-2 ------------------------------------------------------------------------------- */

/* Empties the key/value cache: the next token has position 0. */
void sedd_gpt2_reset(struct sedd_session *session);
/* Appends `count` tokens to the cache: many as matrix products, one by reading every weight once.
 * logits is NULL, or receives [V] for the last token (all == false) or [count, V] (all == true). */
enum sedd_status sedd_gpt2_append(struct sedd_session *session, const int32_t *ids, int32_t count,
                                  bool all, float *logits, struct sedd_error *error);
/* Returns the number of tokens in the cache. */
int32_t sedd_gpt2_position(const struct sedd_session *session);
/* Drops the tokens from `position` on, so that another text can follow the same beginning. */
void sedd_gpt2_rewind(struct sedd_session *session, int32_t position);

/* Draws the next token from logits [V], which it overwrites, by random number `step` of the seed.
 * Options that a GPT-2 does not have must be 0. */
enum sedd_status sedd_gpt2_draw(struct sedd_session *session,
                                const struct sedd_sample_options *options, int32_t step,
                                float *logits, int32_t *id, struct sedd_error *error);

/* Stores the uniforms of draws step .. step + count - 1 in uniforms [count], in [0, 1), rounded to
 * float32, for a host that computes the network and draws elsewhere. */
void sedd_gpt2_uniforms(const struct sedd_sample_options *options, int32_t step, int32_t count,
                        float *uniforms);

/* ---- Likelihood -------------------------------------------------------------------------- */

struct sedd_estimate {
    double nats_per_token;
    double standard_error; /* Monte-Carlo error of nats_per_token; 0 for exact values, NaN if there
                              is only one sample per window */
    int64_t tokens;
};

enum sedd_estimator {
    SEDD_ESTIMATOR_KMASK = 0, /* masks exactly k positions, with k stratified; normalised scores */
    SEDD_ESTIMATOR_REFERENCE, /* the reference code's score entropy, at stratified times; also
                                 MDLM's and DUO's bound, and RADD's t-DSE */
    SEDD_ESTIMATOR_LAMBDA /* masks each with probability lambda, stratified: RADD's lambda-DCE */
};

/* Returns the estimator to use where none is asked for: kmask, or reference for the uniform graph.
 */
enum sedd_estimator sedd_bound_estimator(const struct sedd_model_info *info);

struct sedd_bound_options {
    enum sedd_estimator estimator;
    int32_t samples; /* network evaluations per window; default 64 */
    uint64_t seed;
};

/* Estimates an upper bound on -ln p(ids) per token. ids are cut into windows of the model's length,
 * of which the last may be shorter; the session needs the rows of one window. parts is NULL, or
 * receives each token's share in nats, [count]. kmask and lambda need the absorb graph. */
enum sedd_status sedd_bound(struct sedd_session *session, const int32_t *ids, size_t count,
                            const struct sedd_bound_options *options,
                            struct sedd_estimate *estimate, double *parts,
                            struct sedd_error *error);

/* A bounder computes the same with one network evaluation a call, so that a host can stop or show
 * progress in between. It copies ids and options, and borrows the session until freed. */
struct sedd_bounder;
enum sedd_status sedd_bounder_new(struct sedd_session *session, const int32_t *ids, size_t count,
                                  const struct sedd_bound_options *options,
                                  struct sedd_bounder **bounder, struct sedd_error *error);
void sedd_bounder_free(struct sedd_bounder *bounder);
/* Returns the number of evaluations in total. */
int64_t sedd_bounder_total(const struct sedd_bounder *bounder);
bool sedd_bounder_done(const struct sedd_bounder *bounder);
/* Runs one evaluation. SEDD_CANCELLED leaves the bounder unchanged. Fails with SEDD_ERROR_ARGUMENT
 * after the last evaluation. */
enum sedd_status sedd_bounder_advance(struct sedd_bounder *bounder, struct sedd_error *error);
/* Stores the estimate after the last evaluation, and the parts [count] unless they are NULL. */
void sedd_bounder_estimate(const struct sedd_bounder *bounder, struct sedd_estimate *estimate,
                           double *parts);

/* Computes the exact -ln p(ids) per token of a SEDD that fills in one position at a time from the
 * left, with normalised scores: by the chain rule, with one network evaluation a token. sedd_bound
 * averages the same over all orders. Windows, rows and parts (each token's value in nats) are as in
 * sedd_bound. Needs the absorb graph. */
enum sedd_status sedd_chain(struct sedd_session *session, const int32_t *ids, size_t count,
                            struct sedd_estimate *estimate, double *parts,
                            struct sedd_error *error);

/* Computes the score entropy of noised ids xt against x0, both [L], at time t: the integrand of the
 * loss, in nats, with its factor sigma'(t). per_position is NULL, or receives [L] without this
 * factor. (SEDD, equation 5 and section 10.) */
enum sedd_status sedd_score_entropy(struct sedd_session *session, int32_t length, const int32_t *x0,
                                    const int32_t *xt, double t, double *loss, double *per_position,
                                    struct sedd_error *error);

struct sedd_nll_options {
    int32_t bos;    /* the id before each window, usually <|endoftext|> */
    int32_t stride; /* 1 .. rows: the window slides by this many tokens after the first block, so
                       that at least rows - stride tokens precede each one; 0: blocks of rows */
};
/* Computes the exact -ln p(ids) per token of a GPT-2, in windows of the session's rows (usually
 * n_positions). parts is NULL, or receives each token's value in nats, [count]. */
enum sedd_status sedd_gpt2_nll(struct sedd_session *session, const int32_t *ids, size_t count,
                               const struct sedd_nll_options *options,
                               struct sedd_estimate *estimate, double *parts,
                               struct sedd_error *error);

/* ---- Choosing between texts -------------------------------------------------------------- */

/* A text to choose from. The first `given` ids are its context; the others are scored. */
struct sedd_option {
    const int32_t *ids;    /* [length], 0..V-1; borrowed for the call */
    int32_t length, given; /* given < length; a GPT-2 needs a given token (usually <|endoftext|>),
                              which does not count against the session's rows */
};

enum sedd_scoring {
    /* an upper bound: masks k of the n scored tokens, with k stratified over 1..n */
    SEDD_SCORING_BOUND = 0,
    /* the chain rule from left to right, as in sedd_chain: n evaluations */
    SEDD_SCORING_CHAIN
};

struct sedd_choice_options {
    enum sedd_scoring scoring; /* no effect on GPT-2, which is exact */
    int32_t samples;           /* bound: network evaluations per option; default 16 */
    uint64_t seed;
};

/* Computes nats [count], -ln p(scored tokens | context) of each option; the smallest is the choice.
 * Options share their random times and masks (by place among the scored tokens), which cancels most
 * of the noise in their differences. Options of equal length are computed together, up to the
 * session's rows; results do not depend on that. A GPT-2 reads a shared context once. A SEDD needs
 * the absorb graph. */
enum sedd_status sedd_choice(struct sedd_session *session, const struct sedd_option *options,
                             int32_t count, const struct sedd_choice_options *choice, double *nats,
                             struct sedd_error *error);

/* ---- Sets of texts ----------------------------------------------------------------------- */

/* A set of texts in one array: text i is ids[begin[i]] .. ids[begin[i + 1] - 1]. */
struct sedd_texts {
    const int32_t *ids;
    const size_t *begin; /* [count + 1] */
    int32_t count;
};

#define SEDD_NGRAM_MAX 4

struct sedd_diversity {
    double entropy;                    /* of the tokens of a text, in nats, mean over texts */
    double entropy_error;              /* its standard error over texts; NaN for one text */
    double distinct[SEDD_NGRAM_MAX];   /* distinct n-grams / all n-grams, in the whole set */
    double repetition[SEDD_NGRAM_MAX]; /* 1 - distinct / all n-grams of a text, mean over texts */
    double self_bleu;                  /* BLEU-4 of a text against all others, mean over texts */
};

/* Measures a set of texts (eval/diversity.c has the definitions). Fails with SEDD_ERROR_ARGUMENT if
 * there is no text, or an empty one. */
enum sedd_status sedd_diversity(const struct sedd_texts *texts, struct sedd_diversity *diversity,
                                struct sedd_error *error);
/* Computes the Jensen-Shannon divergence, in nats (0 .. ln 2), between the n-grams of two sets, for
 * n in 1 .. SEDD_NGRAM_MAX. It grows as sets get smaller, so compare it with that of two sets of
 * real text of the same sizes. */
enum sedd_status sedd_ngram_divergence(const struct sedd_texts *a, const struct sedd_texts *b,
                                       int32_t n, double *divergence, struct sedd_error *error);

#ifdef __cplusplus
}
#endif

#endif
