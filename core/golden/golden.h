/*
 * golden.h - compares this engine with reference outputs: a folder of golden.json (inputs and small
 * results) and golden.safetensors (large results, F32), beside the model they belong to.
 *
 * Every key of golden.json is optional, and unknown keys are ignored. Ids are [B, L]. A string in
 * place of numbers is the name of a tensor. For a SEDD (N states, K = cond_dim):
 *
 *   noise              [{t, sigma_f64, dsigma_f64}]
 *   grid               [{steps, t [steps + 1]}]: the sampler's times
 *   timestep_embedding [{sigma}], tensors temb.freq [items, 256] and temb.cond [items, K]
 *   forward            [{x, sigma [B], logscore: [B, L, N]}]
 *   steps              [{kind: analytic|euler|denoiser, t, dt, x, probs: [B, L, columns]}]
 *   score_entropy      [{x0, xt, t [B], loss_f64 [B], entropy_f64_of_same_logscore [B, L]}]
 *   sample_categorical {probs and uniforms [rows, columns], result [rows]}
 *   trajectories       [{name, predictor: analytic|euler|none, steps, denoise, x_init,
 *                        condition: {locs, ids} or null, result [B, L],
 *                        states_after_each_draw_before_projection [draws, B, L]}],
 *                      tensors NAME.u0, NAME.u1, ...: the uniforms of each draw
 *
 * For MDLM, SDTT, RADD and DUO noise, grid and timestep_embedding, and:
 *
 *   forward            [{x, sigma [B] or null, logits, logprob: [B, L, N]}]; -1e6 stands for ln 0
 *   steps              [{kind: ddpm|ddpm_cache|analytic|ancestral|denoise|final|removal, t, dt, x,
 *                        probs: [B, L, N], rows: "all" or the masks only, result [B, L]}]
 *   update_rate        [{method: tweedie|euler, steps, t [steps], rate [steps]}] (RADD)
 *   nelbo              [{x0, xt, t [B], loss or loss_f64 [B, L], loss_per_sequence_f64 [B]}]
 *   loss               [{kind, x0, xt, base_uniform or k [B], loss_per_sequence [B]}] (RADD)
 *   trajectories       [{name, predictor, steps, eps, noise_removal, batch, length, x_init, states,
 *                        result, evaluations or sequence_evaluations, and RADD's and SDTT's ways to
 *                        give tokens}], tensors NAME.u0, ...: the uniforms of each draw
 *
 * For a GPT-2:
 *
 *   forward            [{x, logits: [B, L, V], nll_per_token_f64 [B, L - 1]}]
 *   greedy             [{prompt, output}]: the output begins with the prompt
 *
 * tests/golden/make_golden.py writes such folders from a float64 implementation of its own.
 */
#ifndef SEDD_GOLDEN_H
#define SEDD_GOLDEN_H

#include "common.h"

/* Receives one comparison. `error` is the largest error, in the unit of the tolerance; the
 * comparison passed if error <= tolerance. */
typedef void (*sedd_golden_report)(void *user, const char *name, double error, double tolerance);

/* Runs every check that the files allow for this f32 model. *failed counts the errors above their
 * tolerance. Fails with SEDD_ERROR_FORMAT if the files are damaged or contain nothing to compare.
 */
enum sedd_status sedd_golden_run(struct sedd_engine *engine, const struct sedd_model *model,
                                 const char *json, size_t json_size, const uint8_t *tensors,
                                 size_t tensors_size, sedd_golden_report report, void *user,
                                 int32_t *failed, struct sedd_error *error);

#endif
