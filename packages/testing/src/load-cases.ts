import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MhimError, readSafetensors } from '@mhim/tensor';
import type { ConformanceCase, TensorInfo } from './conformance-case.js';
import { hashTensor, type HashTensor } from './hash-tensor.js';

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
  /** Reads the stored tensors; `data` gives them only then. */
  load(): Promise<void>;
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

/** The cases below a directory that the filter lets through, one after the other. */
export function* loadCases(directory: string, { areas, name }: CaseFilter = {}): Generator<LoadedCase> {
  for (const path of findCases(directory)) {
    const description = readDescription(path);
    if (typeof description.kind !== 'string' || description.tensors === undefined) continue;
    if (areas && !areas.includes(description.area)) continue;
    if (name !== undefined && name !== description.case && name !== `${description.area}/${description.case}`) continue;
    yield fromDescription(description, path.replace(/\.json$/, '.safetensors'));
  }
}

function readDescription(path: string): Description {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Description;
  } catch (cause) {
    throw new MhimError('the description of the case is no JSON.', { code: 'file-format', path, cause });
  }
}

function fromDescription(description: Description, tensorFile: string): LoadedCase {
  let stored = new Map<string, Values>();
  const hashed = description.hash_tensors ?? {};
  const read = (name: string): Values => {
    const recipe = hashed[name];
    const values = recipe ? hashTensor(recipe) : stored.get(name);
    if (values) return values;
    throw new MhimError(`there is no tensor ${name}.`, { code: 'file-format', path: tensorFile });
  };
  const hashedInfo = Object.entries(hashed).map(([name, { shape }]): [string, TensorInfo] => {
    const role = /^t?param\./.test(name) ? 'parameter' : name.startsWith('buffer.') ? 'buffer' : 'input';
    return [name, { role, shape, dtype: 'float32' }];
  });
  const tensors = { ...Object.fromEntries(hashedInfo), ...description.tensors };
  return {
    area: description.area,
    name: description.case,
    folder: dirname(tensorFile),
    kind: description.kind,
    constructorArgs: (Object.hasOwn(description, 'constructor') ? description.constructor : null) ?? {},
    config: description.config ?? {},
    values: description.values ?? {},
    mode: description.mode,
    paramsWithoutGradient: description.params_without_gradient ?? [],
    tensors,
    data: read,
    shape: (name) => tensors[name]?.shape ?? [read(name).length],
    has: (name) => name in tensors,
    load: async () => {
      const file = await readSafetensors(tensorFile);
      stored = new Map([...file.tensors].map(([name, { data }]) => [name, data as Values]));
    },
  };
}

type Values = ReturnType<ConformanceCase['data']>;

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
