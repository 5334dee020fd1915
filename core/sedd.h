/*
 * sedd.h - score entropy discrete diffusion (SEDD), its family, and a GPT-2 baseline, in C11.
 *
 * A SEDD network reads a sequence in which some tokens are masked and gives, for every position
 * p and token y, the log-score ln(p_t(x with p replaced by y) / p_t(x)) (Lou, Meng & Ermon 2024).
 * Sampling walks the noise level t from 1 to 0 and opens masks by these ratios. The later masked
 * diffusion models MDLM, SDTT and RADD, and the uniform DUO, give log p(x0) instead, which
 * determines the log-scores (model/score.h); all else is the same.
 *
 * How the pieces fit, in the order a program meets them:
 *
 *     sedd_engine     how to compute: one table of kernels, a number of threads
 *     sedd_model      what to compute: weights of a diffusion model or a GPT-2, from a folder or a
 *                     stream
 *     sedd_tokenizer  text <-> token ids (byte-level BPE)
 *     sedd_session    engine + model + all scratch memory; every computation happens in one
 *     sedd_sampler    one run of the denoising loop in a session, one network evaluation a step
 *
 * A program that writes a text; it links libsedd_core.a, libcjson.a and libutf8proc.a, which the
 * build puts side by side, libm and pthreads:
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
 * Shapes are written [rows, columns], row-major. B sequences of L tokens; H hidden size;
 * V real tokens (`tokens` in config.json); N states = V + 1 for the absorb graph (the mask is
 * id V), N = V for the uniform graph. sigma is total noise, in nats.
 *
 * Rules that hold everywhere:
 *   - What can fail returns a status and writes its out pointer only on SEDD_OK. `error` may be
 *     NULL; otherwise it receives one sentence for a person.
 *   - "new" pairs with "free", "open" also pairs with "free"; every free accepts NULL.
 *   - The library never prints, exits, reads the environment or keeps global state. Objects may be
 *     used from any thread, one thread at a time; engine, model and tokenizer are immutable after
 *     creation and may be shared by sessions on several threads, except that two sessions that
 *     compute at the same time need an engine each.
 *   - Options structs are zero-initialised; zero means the documented default. A pointer may be
 *     NULL only where that is said.
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
    SEDD_ERROR_FORMAT,      /* a file is damaged, hostile or not what it claims to be */
    SEDD_ERROR_UNSUPPORTED, /* well formed, but not something this engine runs */
    SEDD_CANCELLED,         /* the session or the engine was cancelled */
    SEDD_ELSEWHERE          /* the caller has to evaluate the network, see sedd_session_leave */
};

struct sedd_error {
    enum sedd_status status;
    char message[480]; /* one sentence: what, where, expected, found; always terminated */
};

/* The status in lower-case words, for logs ("format", "cancelled"). Static storage. */
const char *sedd_status_name(enum sedd_status status);

/* ---- Engine: kernels and threads --------------------------------------------------------- */

struct sedd_engine;

struct sedd_engine_options {
    const char *kernels; /* name of a table; NULL: the fastest that runs on this processor */
    int32_t threads;     /* 0 and 1: the calling thread alone; at most SEDD_THREADS_MAX */
};

#define SEDD_THREADS_MAX 64

/* Returns owned in *engine (free with sedd_engine_free). SEDD_ERROR_ARGUMENT: unknown table or
 * thread count; SEDD_ERROR_UNSUPPORTED: the processor lacks the table's instructions, or threads
 * were asked of a single-threaded build. */
enum sedd_status sedd_engine_new(const struct sedd_engine_options *options,
                                 struct sedd_engine **engine, struct sedd_error *error);
void sedd_engine_free(struct sedd_engine *engine);
const char *sedd_engine_kernels(const struct sedd_engine *engine);
int32_t sedd_engine_threads(const struct sedd_engine *engine);
/* Cancels (true) whatever the engine computes, in all its sessions, until it is called with false;
 * sedd_session_cancel does so for one session. May be called from any thread. */
void sedd_engine_cancel(struct sedd_engine *engine, bool cancel);

/* The index-th table compiled in that runs on this processor, slowest first ("scalar" is 0);
 * NULL past the end. */
const char *sedd_kernels_name(size_t index);

/* ---- Model ------------------------------------------------------------------------------- */

struct sedd_model;

/* SEDD_KIND_SEDD stands for every diffusion model; the family says which. */
enum sedd_kind { SEDD_KIND_SEDD = 0, SEDD_KIND_GPT2 };
enum sedd_family {
    SEDD_FAMILY_SEDD = 0,
    SEDD_FAMILY_MDLM, /* Sahoo et al. 2024, arXiv 2406.07524 */
    SEDD_FAMILY_SDTT, /* few-step students of MDLM; Deschenaux & Gulcehre 2024, arXiv 2410.21035 */
    SEDD_FAMILY_RADD, /* Ou et al. 2024, arXiv 2406.03736 */
    SEDD_FAMILY_DUO   /* Sahoo et al. 2025, arXiv 2506.10892 */
};
/* The family as its paper writes it ("MDLM"). Static storage. */
const char *sedd_family_name(enum sedd_family family);
enum sedd_graph { SEDD_GRAPH_ABSORB = 0, SEDD_GRAPH_UNIFORM };
enum sedd_noise { SEDD_NOISE_LOGLINEAR = 0, SEDD_NOISE_GEOMETRIC };
enum sedd_dtype {
    SEDD_DTYPE_AUTO = 0, /* matrices stay as the file has them: I8 as Q8, everything else as F32 */
    SEDD_DTYPE_F32,
    SEDD_DTYPE_Q8, /* int8 weights, one scale an output channel; activations 7 bits a row */
    SEDD_DTYPE_F16 /* of files only: half the bytes of F32; in memory such weights are F32 */
};

struct sedd_model_info {
    enum sedd_kind kind;
    enum sedd_dtype dtype;   /* F32 or Q8: how the matrices are held */
    enum sedd_family family; /* diffusion models only, like the next eight */
    bool normalised; /* the network gives ln p(x0), so its scores sum to 1 / (e^sigma - 1) */
    bool time_free;  /* the network does not read sigma: its output depends on the ids alone */
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
    uint64_t parameter_count; /* as stored, buffers not counted */
    uint64_t weight_size;     /* bytes held in memory */
};

/* Opens a Hugging Face folder: config.json and model.safetensors (F32, F16, BF16, or I8 with a
 * `_scale` tensor beside it), or pytorch_model.bin where there is none. Which network it is follows
 * from config.json. Memory peaks at the final size and 64 MB (usually 2). Returns owned. */
enum sedd_status sedd_model_open(const char *folder, enum sedd_dtype dtype,
                                 struct sedd_model **model, struct sedd_error *error);
void sedd_model_free(struct sedd_model *model);
void sedd_model_describe(const struct sedd_model *model, struct sedd_model_info *info);

/* The same from bytes, wherever they come from. The loader reads config.json at once and then says
 * which bytes of the weights it wants next; they are quantised or packed row by row as they arrive.
 * Both containers look alike: model.safetensors is wanted once from front to back; a torch file
 * (pytorch_model.bin, checkpoint.pth) from its first bytes, then its end (the zip directory), then
 * its index (data.pkl), then its tensors in file order, leaving out what no tensor needs (optimizer
 * states). The first eight bytes tell which it is. The loop:
 *
 *     sedd_loader_expect(loader, file_size);
 *     while (sedd_loader_want(loader, &begin, &end))
 *         read any bytes from `begin` on, at most to `end`; sedd_loader_push(loader, begin, them)
 *     sedd_loader_finish(loader, &model)
 *
 * A torch file's index is a pickle. It is read, never run: tensors of a state dict, or of a
 * training checkpoint of the reference code (its averaged weights, `ema`, if it has them), and
 * nothing else. The CRC-32 of every zip entry that is read is checked, unless it is 0 (not
 * computed). */
struct sedd_loader;
enum sedd_status sedd_loader_new(const char *config_json, size_t config_size, enum sedd_dtype dtype,
                                 struct sedd_loader **loader, struct sedd_error *error);
/* Says how many bytes the file has (0: unknown), before the first push. A torch file needs it; for
 * safetensors, a header that describes more or fewer is refused before any memory is taken. */
void sedd_loader_expect(struct sedd_loader *loader, uint64_t size);
/* What config.json tells before any weights: sizes, and weight_size as it will be for the type
 * asked for (AUTO: F32 until the index has been read; parameter_count is 0 until then). */
void sedd_loader_describe(const struct sedd_loader *loader, struct sedd_model_info *info);
/* True: wants the bytes *begin .. *end - 1 of the file next (*end UINT64_MAX: up to its end, which
 * is unknown). Ask again after every push: the answer goes on where the push ended, or lies
 * elsewhere. False: nothing more; *begin == *end. */
bool sedd_loader_want(const struct sedd_loader *loader, uint64_t *begin, uint64_t *end);
/* `size` bytes, any number, of the file from `offset` on. Bytes that are not wanted are passed
 * over, so a stream may run on through a gap. */
enum sedd_status sedd_loader_push(struct sedd_loader *loader, uint64_t offset, const void *bytes,
                                  size_t size, struct sedd_error *error);
/* Returns the model (owned) when every tensor has arrived; the loader stays to be freed. */
enum sedd_status sedd_loader_finish(struct sedd_loader *loader, struct sedd_model **model,
                                    struct sedd_error *error);
void sedd_loader_free(struct sedd_loader *loader);

/* The bytes of a model.safetensors that holds the model: Q8 as I8 with scales, so that loading it
 * gives the same bits; F32 as F32 or, with `dtype` F16, its matrices as F16. Borrows the model. */
struct sedd_writer;
enum sedd_status sedd_writer_new(const struct sedd_model *model, enum sedd_dtype dtype,
                                 struct sedd_writer **writer, struct sedd_error *error);
/* Bytes of the whole file. */
uint64_t sedd_writer_size(const struct sedd_writer *writer);
/* The next `capacity` bytes, in file order; fewer, and at last 0, at the end. */
size_t sedd_writer_read(struct sedd_writer *writer, void *bytes, size_t capacity);
void sedd_writer_free(struct sedd_writer *writer);

/* ---- Tokenizer --------------------------------------------------------------------------- */

struct sedd_tokenizer;

/* From a folder: tokenizer.json, or GPT-2's vocab.json and merges.txt, with added_tokens.json where
 * there is one. Returns owned. */
enum sedd_status sedd_tokenizer_open(const char *folder, struct sedd_tokenizer **tokenizer,
                                     struct sedd_error *error);
/* The files of a tokenizer in memory. merges == NULL: `vocab` is a tokenizer.json (byte-level BPE),
 * and there is nothing more; otherwise it is GPT-2's vocab.json, and `added` an added_tokens.json
 * or NULL. */
struct sedd_tokenizer_files {
    const char *vocab;
    size_t vocab_size;
    const char *merges;
    size_t merges_size;
    const char *added;
    size_t added_size;
};

/* From memory; bytes are copied. Options of a tokenizer.json that change ids are applied
 * (add_prefix_space, use_regex, ignore_merges, added tokens) or refused by name. */
enum sedd_status sedd_tokenizer_new(const struct sedd_tokenizer_files *files,
                                    struct sedd_tokenizer **tokenizer, struct sedd_error *error);
void sedd_tokenizer_free(struct sedd_tokenizer *tokenizer);
/* One more than the largest id. */
int32_t sedd_tokenizer_size(const struct sedd_tokenizer *tokenizer);
/* Whether the id has a token: a model's rows may be padded past its tokenizer's ids, and ids may be
 * left out. */
bool sedd_tokenizer_has(const struct sedd_tokenizer *tokenizer, int32_t id);
/* Id of a token by its literal text (such as "<|endoftext|>"), -1 if there is none. */
int32_t sedd_tokenizer_find(const struct sedd_tokenizer *tokenizer, const char *literal);

/* Text of any bytes; bytes that are not valid UTF-8 count as characters that are neither letter,
 * number nor space, and come back unchanged. Special tokens written in the text are plain text
 * (their ids come from sedd_tokenizer_find); added tokens that are not special are found in it.
 * Returns *ids owned (free with sedd_memory_free); *count may be 0. */
enum sedd_status sedd_tokenizer_encode(const struct sedd_tokenizer *tokenizer, const char *text,
                                       size_t size, int32_t **ids, size_t *count,
                                       struct sedd_error *error);
/* The exact bytes; ids outside the vocabulary (the mask too) are SEDD_ERROR_ARGUMENT. Returns *text
 * owned (free with sedd_memory_free), with a zero byte after `*size` bytes. */
enum sedd_status sedd_tokenizer_decode(const struct sedd_tokenizer *tokenizer, const int32_t *ids,
                                       size_t count, char **text, size_t *size,
                                       struct sedd_error *error);

void sedd_memory_free(void *memory);

/* ---- Session ----------------------------------------------------------------------------- */

struct sedd_session;

/* All scratch for up to `rows` tokens at once (B x L; for GPT-2 the size of the key/value cache,
 * at most n_positions). Borrows engine and model until freed. No evaluation of the network
 * allocates afterwards: what a run, a bound or a choice needs besides is taken when it begins.
 * Returns owned. */
enum sedd_status sedd_session_new(struct sedd_engine *engine, const struct sedd_model *model,
                                  int32_t rows, struct sedd_session **session,
                                  struct sedd_error *error);
void sedd_session_free(struct sedd_session *session);
/* Limits what the session writes and shows to the tokens that the tokenizer has: no other id is
 * drawn by a run or by GPT-2, nor is it a candidate of sedd_inspect. Scores, logits and likelihoods
 * stay as the model gives them. The tokenizer may be freed afterwards. SEDD_ERROR_ARGUMENT: the
 * model has none of its tokens. */
enum sedd_status sedd_session_limit(struct sedd_session *session,
                                    const struct sedd_tokenizer *tokenizer,
                                    struct sedd_error *error);
/* Bytes of scratch this session holds. */
uint64_t sedd_session_size(const struct sedd_session *session);
/* Cancels (true) what the session computes, until it is called with false. May be called from any
 * thread or a callback; a running call returns SEDD_CANCELLED within one block. */
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

/* ids [B, L] in 0..N-1, sigma [B] above 0, at most SEDD_SIGMA_MAX; logscore [B, L, N] receives ln
 * of the score, with 0 at each position's own token (SEDD, section 3 and the reference
 * implementation). Where a normalised model keeps a token, the others have -infinity. B*L <= rows.
 */
enum sedd_status sedd_score(struct sedd_session *session, int32_t batch, int32_t length,
                            const int32_t *ids, const float *sigma, float *logscore,
                            struct sedd_error *error);

/* The noise schedule: *sigma = sigma(t), *dsigma = d sigma / dt, for t in [0, 1]. */
void sedd_noise_at(const struct sedd_model_info *info, double t, double *sigma, double *dsigma);
/* The time of a noise level, the inverse of sigma(t); the nearest end for a sigma that is not
 * reached. */
double sedd_noise_time(const struct sedd_model_info *info, double sigma);

/* ---- SEDD: sampling ---------------------------------------------------------------------- */

struct sedd_sampler;

enum sedd_predictor {
    SEDD_PREDICTOR_ANALYTIC = 0, /* Tweedie; RADD's tweedie, DUO's ancestral */
    SEDD_PREDICTOR_EULER,
    /* MDLM's ddpm and SDTT's ancestral: ANALYTIC with another ending. Models that give p(x0). */
    SEDD_PREDICTOR_DDPM,
    /* The same; official draws keep the network's output while no token changes, if time-free. */
    SEDD_PREDICTOR_DDPM_CACHE
};
/* What becomes of the masks that are left when the steps are over (SCORE and NORMALISED). */
enum sedd_ending {
    /* as the model's reference code: DRAW in SEDD, in DUO, and in MDLM with ANALYTIC; LIKELIEST in
     * MDLM otherwise and in SDTT; OPEN in RADD */
    SEDD_ENDING_OWN = 0,
    SEDD_ENDING_DRAW,      /* one more evaluation draws them (the denoiser) */
    SEDD_ENDING_LIKELIEST, /* one more evaluation sets each to its likeliest token; in the uniform
                              graph every position */
    SEDD_ENDING_OPEN       /* the last step opens them all, without another evaluation */
};
enum sedd_draw {
    /* inverse distribution function, 53-bit uniforms, negative weights are 0 */
    SEDD_DRAW_EXACT = 0,
    /* the reference code's exponential race: float32, 24-bit uniforms */
    SEDD_DRAW_OFFICIAL
};
/* Who decides which masks open in a step. All but SCORE need exact draws and the absorb graph. */
enum sedd_positions {
    /* A coin a mask, with the sum of its scores as odds: SEDD as published. */
    SEDD_POSITIONS_SCORE = 0,
    /* A coin a mask with probability (t - s) / t, whatever the scores say: what SEDD does where its
     * scores are normalised (Ou et al. 2024), and a valid model of its own otherwise. Positions are
     * known before the network runs: only they pass the last block and the head, and where none
     * opens the network does not run. */
    SEDD_POSITIONS_NORMALISED,
    /* As many masks as planned: of M masks the share (t - s) / t, rounded, at least one; all in the
     * last step, so the denoiser has nothing to do. Which ones is up to `order`. */
    SEDD_POSITIONS_PLANNED,
    /* As many masks, in `order`, as may be drawn independently: the sum of their entropies less
     * the largest is at most gamma; at least one. `steps` is a limit, in whose last step the
     * rest opens; the run is over as soon as no mask is left (Ben-Hamu et al. 2025, arXiv
     * 2505.24857). */
    SEDD_POSITIONS_BOUNDED,
    /* First-hitting: one mask an evaluation, any of them, at its own random time: NORMALISED with
     * infinitely many steps, exactly. `steps` is not used (Zheng et al. 2024, arXiv 2409.02908). */
    SEDD_POSITIONS_HITTING
};
/* Which masks are first, for PLANNED and BOUNDED. CONFIDENCE, MARGIN and ENTROPY look at the
 * distributions (after temperature) and make text more alike: watch its entropy. */
enum sedd_order {
    SEDD_ORDER_RANDOM = 0,
    SEDD_ORDER_SPREAD,     /* far apart: positions by their reversed bits, from a random start */
    SEDD_ORDER_CONFIDENCE, /* largest probability first */
    SEDD_ORDER_MARGIN,     /* largest gap between the two likeliest tokens first */
    SEDD_ORDER_ENTROPY     /* lowest entropy first */
};
/* When: the times of the evaluations of SCORE, NORMALISED and PLANNED. BOUNDED and HITTING have
 * times of their own: that at which so large a share of the window is masked, and random ones. */
enum sedd_grid {
    SEDD_GRID_LINEAR = 0,
    SEDD_GRID_COSINE /* t = cos(pi/2 i / steps): few masks open at first, many at last */
};

/* What the network reads in a step. A network is trained for one of the two: where its weights meet
 * the other, text gets worse. */
enum sedd_context {
    SEDD_CONTEXT_ALL = 0, /* the whole window, masks included: SEDD as published */
    /* The known tokens and the masks that open in this step, each at its own position; masks that
     * stay shut say nothing but that they are there, and are left out of every layer. With K known
     * and M opening, the blocks pass K + M rows instead of L; from an empty window in S equal
     * steps that is L (S + 1) / 2 rows instead of L S. Log-scores are the same network's on the
     * shorter sequence, at the noise of the whole window. Needs positions that are known before
     * the network runs: NORMALISED, HITTING, or PLANNED in order RANDOM or SPREAD (partition
     * generative models: Deschenaux, Tran & Gulcehre 2025, arXiv 2505.18883; there with an
     * architecture of its own). */
    SEDD_CONTEXT_KNOWN
};

/* How to write. 0 stands for the default; diffusion/options.c has the table of names, ranges and
 * defaults. A GPT-2 has seed, greedy, temperature, top_k and top_p. */
struct sedd_sample_options {
    int32_t batch;  /* sequences at once; default 1 */
    int32_t length; /* tokens of the window; default the model's */
    int32_t steps;  /* default 64; with SCORE and NORMALISED an ending may add one evaluation */
    uint64_t seed;
    enum sedd_predictor predictor;
    enum sedd_draw draw;
    enum sedd_positions positions;
    enum sedd_order order; /* PLANNED and BOUNDED */
    enum sedd_grid grid;   /* SCORE, NORMALISED and PLANNED */
    enum sedd_context context;
    double gamma;            /* BOUNDED: nats, above 0; default 1 */
    enum sedd_ending ending; /* SCORE and NORMALISED */
    bool no_denoise;         /* SCORE and NORMALISED: leave out the ending */
    bool greedy;        /* the likeliest token at each position that opens, the first of equal ones;
                           it stands above temperature, top_k and top_p */
    double temperature; /* of the token distribution given that a mask opens; default 1 */
    int32_t top_k;      /* 0: all */
    double top_p;       /* in (0, 1]; 0: 1 */
    size_t held_count;  /* tokens that are given, at any positions, for every sequence */
    const int32_t *held_positions; /* [held_count], 0..length-1; copied */
    const int32_t *held_ids;       /* [held_count], 0..V-1; copied */
    const int32_t *initial_ids;    /* [B, L] or NULL: the limit distribution (all masks); copied */
};

struct sedd_step {
    int32_t step;    /* steps done, 1 .. total */
    int32_t total;   /* steps, + 1 with the denoiser; HITTING: the masks there were */
    double t, sigma; /* the noise level the network was told */
    int32_t rows;    /* rows drawn from; 0: there were none, and the network did not run */
    int32_t masked;  /* positions still masked in the whole batch */
    int32_t changed_count;
    const int32_t *changed;     /* [changed_count] row-major index into [B, L], ascending */
    const int32_t *changed_ids; /* [changed_count] the new ids */
    /* [changed_count] each, of the distribution that the new id was drawn from, after temperature
     * (greedy: at temperature 1) and before top_k and top_p: the id's probability, and the entropy
     * in nats. NULL for official draws and the uniform graph. */
    const float *confidence, *entropy;
};

/* How a model was trained to write: generation_config.json, Hugging Face's file for this, e.g.
 *     {"steps": 8, "positions": "planned", "order": "spread", "grid": "cosine", "context": "known"}
 * Sets what it names of steps, positions, order, grid, context, gamma, temperature, top_k and
 * top_p, and leaves the rest of *options as it is; keys that are null, or others, are skipped. The
 * old word "fixed" means "planned". SEDD_ERROR_FORMAT names file, key, expected and found; files
 * over 64 KiB are refused. */
enum sedd_status sedd_sample_defaults(const char *json, size_t size,
                                      struct sedd_sample_options *options,
                                      struct sedd_error *error);
/* The same from a model's folder: first sedd_sample_family by its config.json, then its
 * generation_config.json. A folder without the files changes nothing. */
enum sedd_status sedd_sample_defaults_open(const char *folder, struct sedd_sample_options *options,
                                           struct sedd_error *error);
/* Sets how the reference code of a model's family writes, where that is not the default: MDLM's and
 * SDTT's sampler, and SDTT's 32 steps. The published models have no generation_config.json. */
void sedd_sample_family(const struct sedd_model_info *info, struct sedd_sample_options *options);
/* Reads what a call asks for, a JSON object such as {"steps": 8, "topP": 0.9, "seed": "7"}, over
 * what *options holds already (the model's defaults): the call goes before the model, the model
 * before the defaults above, and positions other than the model's leave aside the order, grid,
 * context and gamma that belong to the model's own. "temperature": 0 asks for greedy. A name or a
 * value that means nothing to this kind of model is SEDD_ERROR_ARGUMENT, with name and value. */
enum sedd_status sedd_sample_read(const char *json, size_t size, enum sedd_kind kind,
                                  struct sedd_sample_options *options, struct sedd_error *error);
/* Writes options as the inside of a JSON object ("steps":8,"seed":"7",...), which sedd_sample_read
 * takes between braces: `all` of them, with their defaults, or only those that are not the default.
 * Returns the bytes they take without the zero; text [size] is cut where they are more. */
size_t sedd_sample_write(const struct sedd_sample_options *options, bool all, char *text,
                         size_t size);

/* Starts a run. Borrows the session until freed; options are copied. batch*length <= session rows.
 * temperature, top_k and top_p need draw exact and the absorb graph; HITTING runs one sequence;
 * Euler decides openings by coin: SCORE and NORMALISED. Options that have no meaning together are
 * SEDD_ERROR_ARGUMENT. Returns owned. */
enum sedd_status sedd_sampler_new(struct sedd_session *session,
                                  const struct sedd_sample_options *options,
                                  struct sedd_sampler **sampler, struct sedd_error *error);
void sedd_sampler_free(struct sedd_sampler *sampler);
/* One step, at most one network evaluation. *step is valid until the next call on this sampler.
 * SEDD_ERROR_ARGUMENT once the run is over. After SEDD_CANCELLED the sampler is as before the
 * call. */
enum sedd_status sedd_sampler_advance(struct sedd_sampler *sampler, struct sedd_step *step,
                                      struct sedd_error *error);

/* The same step in two halves, for a host that evaluates the network elsewhere, such as on a GPU:
 * sedd_sampler_request says what the step needs, and sedd_sampler_take receives what came of it.
 * Exact draws and the absorb graph only (otherwise SEDD_ERROR_UNSUPPORTED; use
 * sedd_sampler_advance). A request may be repeated, or the step be advanced instead. */
struct sedd_request {
    double sigma, shift;  /* log-score = logit - shift; a normalised model needs no shift */
    const int32_t *ids;   /* [B, L] */
    int32_t rows;         /* 0: the network does not run; take the step without results */
    const int32_t *index; /* [rows] places to draw, ascending */
    /* [rows] in [0, 1): the token of a row is the inverse distribution function of it, after
     * temperature, top_k and top_p, among the ids that have a token. */
    const float *uniforms;
    int32_t read_count;
    const int32_t *read;     /* [read_count] places to read, ascending; NULL: every place */
    const float *modulation; /* [modulation_size] of sigma: shift1, scale1, gate1, shift2, scale2,
                                gate2 [H] of every block, then shift and scale of the final norm;
                                a scale is weight * (1 + scale) */
    int32_t modulation_size;
    bool greedy; /* every row takes its likeliest token, whatever the options say */
};

/* What came of a row. All but log_sum refers to the distribution after temperature, before top_k
 * and top_p. */
struct sedd_row_result {
    int32_t id;
    float log_sum; /* ln of the sum of exp(logit), temperature 1; NaN: the output is not a number */
    float confidence, entropy;
    float likeliest, second; /* the two largest probabilities */
};

/* *request is valid until the sampler advances, takes a step or is freed. */
enum sedd_status sedd_sampler_request(struct sedd_sampler *sampler, struct sedd_request *request,
                                      struct sedd_error *error);
/* results [rows] belong to the last request; *step is as from sedd_sampler_advance.
 * SEDD_ERROR_ARGUMENT: there was no request, or an id has no token. SEDD_ERROR_FORMAT: a log_sum
 * is not a number. After an error the sampler is as before the call. */
enum sedd_status sedd_sampler_take(struct sedd_sampler *sampler,
                                   const struct sedd_row_result *results, struct sedd_step *step,
                                   struct sedd_error *error);

bool sedd_sampler_done(const struct sedd_sampler *sampler);
/* The sequence as it stands, [B, L]; valid until the sampler advances or is freed. */
const int32_t *sedd_sampler_ids(const struct sedd_sampler *sampler);
/* Returns the number of steps done. With ids and options it is the whole state of a run. */
int32_t sedd_sampler_steps_done(const struct sedd_sampler *sampler);
/* Continues from a saved state: `ids` [B, L] after `steps_done` steps. With the same options the
 * run goes on exactly as it would have; with others it branches. */
enum sedd_status sedd_sampler_restore(struct sedd_sampler *sampler, int32_t steps_done,
                                      const int32_t *ids, struct sedd_error *error);

/* ---- SEDD: looking inside ---------------------------------------------------------------- */

struct sedd_inspect_options {
    double sigma;  /* the noise level, at most SEDD_SIGMA_MAX; 0: that of evaluation `step` */
    int32_t step;  /* of a run in `steps`: 0 .. steps; `steps` itself is the denoiser */
    int32_t steps; /* how wide the step is whose probabilities are asked for; 0 with sigma: none */
    enum sedd_predictor predictor;
    const int32_t *positions; /* [position_count], 0..L-1; borrowed */
    int32_t position_count;
    int32_t top_k; /* candidates a position, 1..V */
};

struct sedd_inspected {
    double score_sum; /* of all tokens but the position's own */
    double entropy;   /* of a draw among them in proportion to their scores, nats */
    double stay;      /* the step leaves the position as it is; 0 without steps */
};

struct sedd_candidate {
    int32_t id; /* -1: there are fewer tokens than top_k */
    double logscore;
    double move; /* the step puts this token here, at temperature 1; 0 without steps */
};

/* What the network says of single positions of ids [L]: out [position_count], candidates
 * [position_count, top_k], likeliest first. *sigma receives the noise level used. Only these rows
 * go through the vocabulary head. L <= rows. */
enum sedd_status sedd_inspect(struct sedd_session *session, int32_t length, const int32_t *ids,
                              const struct sedd_inspect_options *options, double *sigma,
                              struct sedd_inspected *out, struct sedd_candidate *candidates,
                              struct sedd_error *error);

/* ---- GPT-2 ------------------------------------------------------------------------------- */

/* Forgets the cache: the next token is position 0. */
void sedd_gpt2_reset(struct sedd_session *session);
/* Appends `count` tokens after those in the cache (matrix work for many, a streaming path for one).
 * logits: NULL, or [V] for the last token (all == false), or [count, V] (all == true). */
enum sedd_status sedd_gpt2_append(struct sedd_session *session, const int32_t *ids, int32_t count,
                                  bool all, float *logits, struct sedd_error *error);
/* Tokens in the cache. */
int32_t sedd_gpt2_position(const struct sedd_session *session);
/* Forgets the tokens from `position` on, so that another text can follow the same beginning. */
void sedd_gpt2_rewind(struct sedd_session *session, int32_t position);

/* Draws the next token from logits [V] (which are destroyed), number `step` of options->seed.
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
    double standard_error; /* Monte-Carlo error of nats_per_token; 0 for exact values, NaN where one
                              sample a window says nothing about it */
    int64_t tokens;
};

enum sedd_estimator {
    SEDD_ESTIMATOR_KMASK = 0, /* mask exactly k positions, k stratified; normalised scores */
    SEDD_ESTIMATOR_REFERENCE  /* the reference code's score entropy at stratified times */
};

struct sedd_bound_options {
    enum sedd_estimator estimator;
    int32_t samples; /* network evaluations a window; default 64 */
    uint64_t seed;
};

/* An upper bound on -ln p(ids) per token. ids are cut into windows of the model's length (the last
 * may be shorter). parts: NULL or [count], each token's share in nats (kmask only). Needs a session
 * of at least one window's rows. kmask: absorb only. */
enum sedd_status sedd_bound(struct sedd_session *session, const int32_t *ids, size_t count,
                            const struct sedd_bound_options *options,
                            struct sedd_estimate *estimate, double *parts,
                            struct sedd_error *error);

/* The same, one network evaluation a call, for hosts that want to stop or show progress in between.
 * Copies ids and options, borrows the session until freed. */
struct sedd_bounder;
enum sedd_status sedd_bounder_new(struct sedd_session *session, const int32_t *ids, size_t count,
                                  const struct sedd_bound_options *options,
                                  struct sedd_bounder **bounder, struct sedd_error *error);
void sedd_bounder_free(struct sedd_bounder *bounder);
/* Evaluations of the whole. */
int64_t sedd_bounder_total(const struct sedd_bounder *bounder);
bool sedd_bounder_done(const struct sedd_bounder *bounder);
/* After SEDD_CANCELLED the bounder is as before the call. SEDD_ERROR_ARGUMENT once it is done. */
enum sedd_status sedd_bounder_advance(struct sedd_bounder *bounder, struct sedd_error *error);
/* When done: the estimate, and parts [count] or NULL. */
void sedd_bounder_estimate(const struct sedd_bounder *bounder, struct sedd_estimate *estimate,
                           double *parts);

/* Exact -ln p(ids) per token of a SEDD that opens one position at a time from the left, with
 * normalised scores: the chain rule, one network evaluation a token. Windows and parts (NULL or
 * [count], each token's value in nats) are those of sedd_bound, which averages the same over all
 * orders. Needs a session of at least one window's rows; absorb only. */
enum sedd_status sedd_chain(struct sedd_session *session, const int32_t *ids, size_t count,
                            struct sedd_estimate *estimate, double *parts,
                            struct sedd_error *error);

/* Score entropy of noised ids xt against x0, both [L], at time t: the integrand of the loss, in
 * nats, sigma'(t) included; per_position NULL or [L] without sigma'. (SEDD, eq. 5; section 10.) */
enum sedd_status sedd_score_entropy(struct sedd_session *session, int32_t length, const int32_t *x0,
                                    const int32_t *xt, double t, double *loss, double *per_position,
                                    struct sedd_error *error);

struct sedd_nll_options {
    int32_t bos;    /* the id that each window is read after; usually <|endoftext|> */
    int32_t stride; /* 1 .. rows: tokens by which the window slides after the first block, so that
                       each token is read with rows - stride or more before it; 0: blocks of rows */
};
/* Exact -ln p(ids) per token of a GPT-2, in windows of the session's rows (usually n_positions).
 * parts: NULL or [count], each token's value in nats. */
enum sedd_status sedd_gpt2_nll(struct sedd_session *session, const int32_t *ids, size_t count,
                               const struct sedd_nll_options *options,
                               struct sedd_estimate *estimate, double *parts,
                               struct sedd_error *error);

/* ---- Choosing between texts -------------------------------------------------------------- */

/* Tokens given .. length - 1 of ids are scored, the ones before them are the context. */
struct sedd_option {
    const int32_t *ids;    /* [length], 0..V-1; borrowed for the call */
    int32_t length, given; /* given < length; a GPT-2 needs one given token (usually <|endoftext|>),
                              which does not count against the session's rows */
};

enum sedd_scoring {
    /* an upper bound: k of n scored tokens masked, k stratified over 1..n */
    SEDD_SCORING_BOUND = 0,
    /* the chain rule from left to right, as sedd_chain: n passes */
    SEDD_SCORING_CHAIN
};

struct sedd_choice_options {
    enum sedd_scoring scoring; /* GPT-2: exact, whatever this says */
    int32_t samples;           /* bound: network evaluations an option; default 16 */
    uint64_t seed;
};

/* nats [count]: -ln p(scored tokens | context) of each option; the smallest is the choice. Options
 * share their random times and masks (by place among the scored tokens), which cancels most of the
 * noise of their differences. Equal lengths are computed together, up to the session's rows;
 * results do not depend on that. A GPT-2 reads a context that options share once. Absorb graph
 * only. */
enum sedd_status sedd_choice(struct sedd_session *session, const struct sedd_option *options,
                             int32_t count, const struct sedd_choice_options *choice, double *nats,
                             struct sedd_error *error);

/* ---- Sets of texts ----------------------------------------------------------------------- */

/* Texts laid end to end: text i is ids[begin[i]] .. ids[begin[i + 1] - 1]; begin has count + 1. */
struct sedd_texts {
    const int32_t *ids;
    const size_t *begin;
    int32_t count;
};

#define SEDD_NGRAM_MAX 4

struct sedd_diversity {
    double entropy;                    /* of the tokens within a text, nats, mean over texts */
    double entropy_error;              /* its standard error over texts; NaN for one text */
    double distinct[SEDD_NGRAM_MAX];   /* different n-grams / n-grams of the whole set */
    double repetition[SEDD_NGRAM_MAX]; /* 1 - different / all n-grams within a text, mean */
    double self_bleu;                  /* BLEU-4 of a text against all others, mean (see .c) */
};

/* SEDD_ERROR_ARGUMENT: no text, or an empty one. */
enum sedd_status sedd_diversity(const struct sedd_texts *texts, struct sedd_diversity *diversity,
                                struct sedd_error *error);
/* Jensen-Shannon divergence, nats (0 .. ln 2), between the n-grams (n 1 .. SEDD_NGRAM_MAX) of two
 * sets. It grows as sets get smaller: compare with two sets of real text of the same sizes. */
enum sedd_status sedd_ngram_divergence(const struct sedd_texts *a, const struct sedd_texts *b,
                                       int32_t n, double *divergence, struct sedd_error *error);

#ifdef __cplusplus
}
#endif

#endif
