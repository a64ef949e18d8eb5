import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { ConformanceCase, TensorInfo } from './conformance-case.js';
import { hashTensor, type HashTensor } from './hash-tensor.js';
import { parseFixture, type Values } from './safetensors.js';

export interface CaseFilter {
  /** Only these areas. */
  areas?: readonly string[];
  /** Only the case of this name, or `area/name`. */
  name?: string;
}

/** A fixture with what only the runner looks at. */
export interface LoadedCase extends ConformanceCase {
  /** Parameters that the loss does not touch: their gradient is absent or zero. */
  paramsWithoutGradient: readonly string[];
}

/**
 * Paths of the description files of every case below a directory, sorted.
 * @throws MhimError `file-missing` when there is no such directory
 */
export function findCases(directory: string): string[] {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new MhimError('there is no such folder.', {
      code: 'file-missing',
      path: directory,
      hint: 'Name a folder of conformance cases with --cases.',
    });
  }
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json') && !entry.name.startsWith('index'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The cases below a directory that the filter lets through, one after the other, read when their turn comes. */
export function* loadCases(directory: string, { areas, name }: CaseFilter = {}): Generator<LoadedCase> {
  for (const path of findCases(directory)) {
    const description = JSON.parse(readFileSync(path, 'utf8')) as Description;
    if (typeof description.kind !== 'string' || description.tensors === undefined) continue;
    if (areas && !areas.includes(description.area)) continue;
    if (name !== undefined && name !== description.case && name !== `${description.area}/${description.case}`) continue;
    yield fromDescription(description, path.replace(/\.json$/, '.safetensors'));
  }
}

function fromDescription(description: Description, tensorFile: string): LoadedCase {
  let stored: Map<string, { shape: number[]; data: Values }> | undefined;
  const hashed = description.hash_tensors ?? {};
  const read = (name: string): { shape: number[]; data: Values } => {
    const recipe = hashed[name];
    if (recipe) return { shape: recipe.shape, data: hashTensor(recipe) };
    stored ??= parseFixture(readTensors(tensorFile), tensorFile);
    const tensor = stored.get(name);
    if (!tensor) throw new MhimError(`there is no tensor ${name}.`, { code: 'file-format', path: tensorFile });
    return tensor;
  };
  const hashedInfo = Object.entries(hashed).map(([name, { shape }]): [string, TensorInfo] => {
    const role = /^t?param\./.test(name) ? 'parameter' : name.startsWith('buffer.') ? 'buffer' : 'input';
    return [name, { role, shape, dtype: 'float32' }];
  });
  const tensors = { ...Object.fromEntries(hashedInfo), ...description.tensors };
  return {
    area: description.area,
    name: description.case,
    kind: description.kind,
    constructorArgs: (Object.hasOwn(description, 'constructor') ? description.constructor : null) ?? {},
    config: description.config ?? {},
    values: description.values ?? {},
    mode: description.mode,
    paramsWithoutGradient: description.params_without_gradient ?? [],
    tensors,
    data: (name) => read(name).data,
    shape: (name) => tensors[name]?.shape ?? read(name).shape,
    has: (name) => name in tensors,
  };
}

function readTensors(path: string): Buffer {
  if (!existsSync(path)) {
    throw new MhimError('the tensors of this case are missing.', { code: 'file-missing', path });
  }
  return readFileSync(path);
}

interface Description {
  area: string;
  case: string;
  kind: string;
  constructor: Record<string, unknown> | null;
  config: Record<string, unknown> | null;
  values?: Record<string, unknown> | null;
  mode: ConformanceCase['mode'];
  tensors: Record<string, TensorInfo>;
  hash_tensors?: Record<string, HashTensor>;
  params_without_gradient?: string[];
}
