/** The files the bench runs on: random checkpoints, and the same weights as ONNX and GGUF, made once under build/full. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { Checkpoint } from './checkpoint.mjs';
import { writeGguf } from './gguf.mjs';
import { gpt2Graph, seddGraph } from './graphs.mjs';

/** Writes under another name first, so that an interrupted run leaves no half file; again when `source` is newer. */
function once(file, source, write) {
  const full = path.join(ROOT, file);
  if (existsSync(full) && statSync(full).mtimeMs >= statSync(path.join(ROOT, source)).mtimeMs) return;
  console.error(`bench: making ${file}`);
  mkdirSync(path.dirname(full), { recursive: true });
  write(`${full}.part`);
  renameSync(`${full}.part`, full);
}

/** Folder of a model, relative to the repository. @param {{folder?: string, shape?: string}} model */
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
 * The file of a model for another engine, made if it is missing.
 * @param {{folder?: string, shape?: string, kind: 'sedd'|'gpt2'}} model
 * @param {'f32'|'int8'|'q8_0'|'q4_0'} dtype q8_0 and q4_0 are GGUF, the others ONNX
 */
export function peerFile(model, dtype) {
  const folder = folderOf(model);
  const gguf = dtype.startsWith('q');
  const file = `build/full/${model.shape ?? path.basename(folder)}-${dtype}.${gguf ? 'gguf' : 'onnx'}`;
  once(file, `${folder}/model.safetensors`, (part) => {
    const checkpoint = new Checkpoint(path.join(ROOT, folder));
    if (gguf) writeGguf(part, checkpoint, dtype);
    else (model.kind === 'sedd' ? seddGraph : gpt2Graph)(checkpoint, dtype).write(part, model.kind);
  });
  return file;
}
