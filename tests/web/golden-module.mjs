// Opens the engine in the modules that hold the golden checks (build/wasm-*/sedd-*-golden), in Node and in browsers.
import { Engine } from '../../web/engine/engine.js';

/** Makes an engine like Engine.create, in the module of that name with the golden checks. */
export function goldenEngine(options) {
  const open = async (name, settings) => {
    const address = new URL(`../../build/wasm-${name}/sedd-${name}-golden.mjs`, import.meta.url);
    const { default: create } = await import(address.href);
    return create(settings);
  };
  return Engine.create({ ...options, open });
}

/**
 * Compares a model of such an engine with the two files of a golden folder.
 * @returns {{failed: number, report: string}} the number of failed checks (-1 if nothing could be compared), and a line for each check
 */
export function compareWithGolden(engine, model, json, tensors) {
  return engine.scoped((scope) => {
    const { module } = engine;
    const sizes = [scope.data(json), json.length, scope.data(tensors), tensors.length];
    const failed = module._wasm_golden(engine.pointer, model.pointer, ...sizes);
    return { failed, report: engine.string(module._wasm_golden_report()) };
  });
}
