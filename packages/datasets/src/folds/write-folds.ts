import { createHash, randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { BagInfo } from '../bag.js';
import type { Fold } from './fold.js';

/** A fold by the ids of its bags or cases, as it stands in a file. */
export interface NamedFold {
  readonly train: readonly string[];
  readonly validation?: readonly string[];
  readonly test: readonly string[];
}

export interface WriteFoldsOptions {
  /** How the folds were made, e.g. `stratified-5-fold`. */
  kind?: string;
  seed?: number;
}

/** Writes folds as JSON of bag ids with a checksum, in one step: the file is there whole or not at all. */
export async function writeFolds(
  path: string,
  folds: readonly Fold[],
  source: { readonly bags: readonly BagInfo[] },
  { kind, seed }: WriteFoldsOptions = {},
): Promise<void> {
  const named = nameFolds(folds, source.bags);
  const content = { kind, seed, unit: 'bag', sha256: hashFolds(named), folds: named };
  const part = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(part, `${JSON.stringify(content, null, 1)}\n`);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

/** The folds by bag ids. */
export function nameFolds(folds: readonly Fold[], bags: readonly BagInfo[]): NamedFold[] {
  const ids = (indices: readonly number[]) => indices.map((index) => (bags[index] as BagInfo).id);
  return folds.map(({ train, validation, test }) => ({
    train: ids(train),
    ...(validation !== undefined && { validation: ids(validation) }),
    test: ids(test),
  }));
}

/** SHA-256 of the folds, whatever else a file says about them. */
export function hashFolds(folds: readonly NamedFold[]): string {
  const parts = folds.map(({ train, validation = null, test }) => [train, validation, test]);
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
