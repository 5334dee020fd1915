/** Makes the bench's files once, under build/full: random checkpoints, and the same weights as ONNX and GGUF. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { Checkpoint } from './checkpoint.mjs';
import { writeGguf } from './gguf.mjs';
import { gpt2Graph, seddGraph } from './graphs.mjs';

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

/**
 * Returns the file of a model for another engine. Makes it if it is missing.
 * @param {{folder?: string, shape?: string, kind: 'sedd'|'gpt2'}} model
 * @param {'f32'|'int8'|'q8_0'|'q4_0'} dtype q8_0 and q4_0 are GGUF; the others are ONNX
 */
export function peerFile(model, dtype) {
  const folder = folderOf(model);
  const gguf = dtype.startsWith('q');
  const file = `build/full/${model.shape ?? path.basename(folder)}-${dtype}.${gguf ? 'gguf' : 'onnx'}`;
  makeFile(file, `${folder}/model.safetensors`, (part) => {
    const checkpoint = new Checkpoint(path.join(ROOT, folder));
    if (gguf) writeGguf(part, checkpoint, dtype);
    else (model.kind === 'sedd' ? seddGraph : gpt2Graph)(checkpoint, dtype).write(part, model.kind);
  });
  return file;
}
