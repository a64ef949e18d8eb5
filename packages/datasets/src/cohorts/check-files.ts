import { MhimError } from '@mhim/tensor';
import { coordsFileOf } from '../coords-file.js';
import { readH5Coords } from '../formats/h5.js';
import { readBagFile } from '../formats/read-bag-file.js';
import type { FeatureFile } from './find-features.js';

/** What is wrong with a feature file. */
export interface FileProblem {
  readonly kind: 'unreadable' | 'width' | 'patch-count' | 'repeated-patches';
  readonly id: string;
  readonly what: string;
}

export interface CheckFilesOptions {
  /** Columns that the features must have; default those of most files. */
  width?: number;
  /** Called after every file. */
  onFile?: (done: number) => void;
  signal?: AbortSignal;
}

export interface FilesCheck {
  readonly problems: readonly FileProblem[];
  /** Instances of each file that could be read. */
  readonly instances: ReadonlyMap<string, number>;
  /** Columns of most files. */
  readonly width?: number;
}

/**
 * Reads feature files one after the other and says of each what would stop a training, or spoil it: it cannot be read, is empty, holds NaN
 * or infinity, has other columns than the encoder; the coordinates beside it are of another number of patches; two of its patches lie in
 * one place.
 */
export async function checkFiles(files: readonly FeatureFile[], options: CheckFilesOptions = {}): Promise<FilesCheck> {
  const { onFile, signal } = options;
  const problems: FileProblem[] = [];
  const instances = new Map<string, number>();
  const widths = new Map<string, number>();
  for (const [i, { id, path }] of files.entries()) {
    signal?.throwIfAborted();
    try {
      const bag = await readBagFile(path);
      instances.set(id, bag.instances);
      widths.set(id, bag.width);
      problems.push(...(await coordProblems(id, path, bag.instances, bag.coords)));
    } catch (error) {
      if (!(error instanceof MhimError)) throw error;
      problems.push({ kind: 'unreadable', id, what: error.message });
    }
    onFile?.(i + 1);
  }
  const width = options.width ?? mostCommon([...widths.values()]);
  for (const [id, own] of widths) {
    if (own !== width) problems.push({ kind: 'width', id, what: `${own} columns, expected ${width}` });
  }
  return { problems, instances, ...(width !== undefined && { width }) };
}

async function coordProblems(id: string, path: string, patches: number, own?: Float32Array): Promise<FileProblem[]> {
  const beside = own ? undefined : coordsFileOf(path);
  const coords = own ?? (beside && (await readH5Coords(beside.path)))?.data;
  if (!coords) return [];
  if (coords.length !== 2 * patches) {
    const where = beside ? ` in ${beside.path}` : '';
    return [{ kind: 'patch-count', id, what: `${patches} patches, ${coords.length / 2} coordinates${where}` }];
  }
  const places = new Set<string>();
  for (let i = 0; i < patches; i++) places.add(`${coords[2 * i]},${coords[2 * i + 1]}`);
  const repeated = patches - places.size;
  return repeated === 0
    ? []
    : [{ kind: 'repeated-patches', id, what: `${repeated} of ${patches} patches lie where another one does` }];
}

function mostCommon(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
