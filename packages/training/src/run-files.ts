import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  makeFolder,
  MhimError,
  readSafetensors,
  toFloat32,
  writeFileAtomic,
  writeSafetensors,
  type HostTensor,
  type Module,
} from '@mhim/tensor';

/** What makes two runs the same; any difference refuses to resume. Plain JSON data. */
export type RunIdentity = Record<string, unknown>;

/** Everything needed to go on after an epoch as if nothing had happened. */
export interface Checkpoint {
  /** Plain data: epoch, history, early stopping, … */
  progress: Record<string, unknown>;
  /** Tensors by name. */
  tensors: Record<string, tf.Tensor>;
}

const STATE = 'state.safetensors';
/** The checkpoint before the last one, in case that the last one cannot be read. */
const PREVIOUS = 'state.previous.safetensors';

/** The files of one training run in its folder. All writes are atomic. */
export class RunFiles {
  private readonly identityHash: string;

  constructor(
    readonly folder: string,
    private readonly identity: RunIdentity,
  ) {
    this.identityHash = hashOf(identity);
  }

  /**
   * Makes the folder this run's, and removes what a kill in the middle of a write has left there.
   * @throws MhimError `config` naming the first field in which the folder's run differs from this one
   */
  prepare(): void {
    makeFolder(this.folder);
    this.checkIdentity();
    for (const name of readdirSync(this.folder)) {
      if (/\.[0-9a-f]{8}\.tmp$/.test(name)) rmSync(join(this.folder, name), { force: true });
    }
  }

  /**
   * The result of a finished run.
   * @throws MhimError `config` naming the first field in which the folder's run differs from this one
   */
  readResult<T>(): T | undefined {
    const path = join(this.folder, 'result.json');
    if (!existsSync(path)) return undefined;
    this.checkIdentity();
    return readJson(path) as T;
  }

  writeResult(result: unknown): void {
    writeFileAtomic(join(this.folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    for (const name of [STATE, PREVIOUS]) rmSync(join(this.folder, name), { force: true });
  }

  /** Replaces the metrics of all epochs so far: one JSON object a line, no times, so that a resumed run's file is the same. */
  writeMetrics(history: readonly unknown[]): void {
    writeFileAtomic(
      join(this.folder, 'metrics.jsonl'),
      history.map((record) => `${JSON.stringify(record)}\n`).join(''),
    );
  }

  saveCheckpoint({ progress, tensors }: Checkpoint): void {
    const path = join(this.folder, STATE);
    if (existsSync(path)) renameSync(path, join(this.folder, PREVIOUS));
    writeSafetensors(path, hostTensors(tensors), {
      progress: JSON.stringify(progress),
      identity: this.identityHash,
    });
  }

  /**
   * The last checkpoint that can be read, or nothing. The caller disposes the tensors.
   * @throws MhimError `config` when it does not belong to this run
   */
  async loadCheckpoint(): Promise<Checkpoint | undefined> {
    for (const name of [STATE, PREVIOUS]) {
      const path = join(this.folder, name);
      if (!existsSync(path)) continue;
      const stored = await readSafetensors(path).catch(ifDamaged);
      if (!stored) continue;
      const { tensors, metadata } = stored;
      if (metadata.identity !== this.identityHash) {
        throw new MhimError('belongs to a run with another configuration.', {
          code: 'config',
          path,
          hint: 'Choose another folder, or delete this one.',
        });
      }
      return {
        progress: JSON.parse(metadata.progress as string) as Record<string, unknown>,
        tensors: deviceTensors(tensors),
      };
    }
    return undefined;
  }

  /** A model's parameters under their PyTorch names. */
  saveModel(name: 'best' | 'last', state: Record<string, tf.Tensor>, metadata: Record<string, string> = {}): void {
    writeSafetensors(join(this.folder, `${name}.safetensors`), hostTensors(state), metadata);
  }

  private checkIdentity(): void {
    const path = join(this.folder, 'identity.json');
    if (!existsSync(path)) {
      writeFileAtomic(path, `${JSON.stringify(this.identity, null, 2)}\n`);
      return;
    }
    const stored = readJson(path) as RunIdentity;
    const field = firstDifference(stored, JSON.parse(JSON.stringify(this.identity)) as RunIdentity);
    if (field === undefined) return;
    throw new MhimError(
      `this folder holds a run with another ${field.path} (${JSON.stringify(field.stored)}, now ${JSON.stringify(field.wanted)}).`,
      { code: 'config', path: this.folder, hint: 'Choose another folder, or delete this one.' },
    );
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new MhimError('is no valid JSON.', {
      code: 'file-format',
      path,
      hint: 'Delete its folder to train this part again.',
      cause,
    });
  }
}

function ifDamaged(error: unknown): undefined {
  if (!(error instanceof MhimError) || error.code !== 'file-format') throw error;
}

/** Loads a file of {@link RunFiles.saveModel} into a module. */
export async function loadModel(module: Module, path: string): Promise<void> {
  const { tensors } = await readSafetensors(path);
  module.loadStateDict(Object.fromEntries(tensors));
}

/** SHA-256 of plain data with sorted keys. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}

function firstDifference(
  stored: unknown,
  wanted: unknown,
  path = '',
): { path: string; stored: unknown; wanted: unknown } | undefined {
  if (canonical(stored) === canonical(wanted)) return undefined;
  const nested = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!nested(stored) || !nested(wanted)) return { path, stored, wanted };
  for (const key of new Set([...Object.keys(stored), ...Object.keys(wanted)])) {
    const difference = firstDifference(stored[key], wanted[key], path === '' ? key : `${path}.${key}`);
    if (difference) return difference;
  }
  return undefined;
}

function hostTensors(tensors: Record<string, tf.Tensor>): [string, HostTensor][] {
  return Object.entries(tensors).map(([name, tensor]) => [
    name,
    { dtype: 'F32', shape: [...tensor.shape], data: tensor.dataSync() as Float32Array },
  ]);
}

function deviceTensors(tensors: Map<string, HostTensor>): Record<string, tf.Tensor> {
  const result: Record<string, tf.Tensor> = {};
  for (const [name, tensor] of tensors) result[name] = tf.tensor(toFloat32(tensor), tensor.shape);
  return result;
}
