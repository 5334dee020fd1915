/**
 * The messages between connection.js and worker.js. One worker holds one model.
 *
 *   to the worker    {id, method, args}   starts a call        {id, abort: true}   cancels it
 *                    {id, hold: boolean}  pauses or continues a run; each `false` allows at least one evaluation
 *                    a 1 in the engine's cancelFlag, if it exists, ends the current evaluation
 *   from the worker  {id, event}          progress of a call   {id, value} or {id, error}  its end
 *                    {device}             the device that computes has changed (DeviceInfo of client.js)
 *
 * Methods: load(source, options) -> {info, device, defaults, kernels, threads, wasm, cancelFlag, source, ms}, events
 * {phase, loaded, total, fetched, seconds?}; plan(source, options) -> what loading would take; sample(options), events
 * {start, ids, texts, held, position, steps, settings}, then {step, total, t, sigma, masked, positions, ids, texts,
 * ms}; generate(options), events {index, id, text, ms}; tokenize(text) -> {ids, texts, bytes};
 * detokenize(ids); likelihood(text|ids, options); inspect(ids, options); selfTest(vectors) -> {ok,
 * checks}. `positions`, `ids`, `texts` list
 * what changed; no array of the vocabulary's size is ever sent. Calls are computed in their order, except
 * that a paused run lets the others through.
 */
