/** Makes the bench's files once, under build/full: random checkpoints, and the same weights as ONNX, GGUF and weights for TensorFlow Lite. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { Checkpoint } from './checkpoint.mjs';
import { writeGguf } from './gguf.mjs';
import { gpt2Graph, seddGraph } from './graphs.mjs';
import { writeWeights } from './tflite.mjs';

/** Makes a file if it is missing or older than `source`. It writes under another name first, so that an interrupted run leaves no partial file. */
function makeFile(file, source, write) {
  const full = path.join(ROOT, file);
  if (existsSync(full) && statSync(full).mtimeMs >= statSync(path.join(ROOT, source)).mtimeMs) return;
  console.error(`bench: making ${file}`);
  mkdirSync(path.dirname(full), { recursive: true });
  write(`${full}.part`);
  renameSync(`${full}.part`, full);
}

/** Returns a model's folder, relative to the repository. @param {{folder?: string, shape?: string}} model */
export function folderOf({ folder, shape }) {
  const made = folder ?? `build/full/${shape}`;
  if (!existsSync(path.join(ROOT, made, 'model.safetensors'))) {
    if (folder) throw new Error(`${folder}/model.safetensors is missing; git checkout ${folder} brings it back`);
    console.error(`bench: making ${made}`);
    execFileSync(process.execPath, ['scripts/generate.mjs', made, '--shape', shape], { cwd: ROOT, stdio: 'ignore' });
  }
  return made;
}

/** How each engine's file is named and written. A LiteRT model is completed in the page, by a graph of the right length. */
const FORMATS = {
  'onnxruntime-web': {
    ending: 'onnx',
    write: (file, checkpoint, kind, dtype) =>
      (kind === 'sedd' ? seddGraph : gpt2Graph)(checkpoint, dtype).write(file, kind),
  },
  wllama: { ending: 'gguf', write: (file, checkpoint, _, dtype) => writeGguf(file, checkpoint, dtype) },
  'litert.js': { ending: 'tflite-weights', write: writeWeights },
};

/**
 * Returns the file of a model for an engine. Makes it if it is missing.
 * @param {{folder?: string, shape?: string, kind: 'sedd'|'gpt2'}} model
 * @param {{engine: 'sedd-web'|'onnxruntime-web'|'wllama'|'litert.js', dtype: 'f32'|'int8'|'q8_0'|'q4_0'}} contender
 */
export function peerFile(model, { engine, dtype }) {
  const folder = folderOf(model);
  if (!FORMATS[engine]) return `${folder}/model.safetensors`;
  const { ending, write } = FORMATS[engine];
  const file = `build/full/${model.shape ?? path.basename(folder)}-${dtype}.${ending}`;
  makeFile(file, `${folder}/model.safetensors`, (part) => {
    write(part, new Checkpoint(path.join(ROOT, folder)), model.kind, dtype);
  });
  return file;
}
