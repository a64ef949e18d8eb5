/** One round of cross-validation. Indices into the bags of a source (or the rows of the table that the folds were made of). */
export interface Fold {
  /** From 0. */
  readonly fold: number;
  readonly train: number[];
  /** Bags to choose epoch and threshold by; absent where the scheme has none. */
  readonly validation?: number[];
  readonly test: number[];
}

/** The parts of a fold by their names, without the ones that it lacks. */
export function partsOf(fold: Fold): ['train' | 'validation' | 'test', readonly number[]][] {
  return fold.validation === undefined
    ? [
        ['train', fold.train],
        ['test', fold.test],
      ]
    : [
        ['train', fold.train],
        ['validation', fold.validation],
        ['test', fold.test],
      ];
}

export type FoldPart = 'train' | 'validation' | 'test';

const PART_NAMES: Record<FoldPart, readonly string[]> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'val', 'dev'],
  test: ['test', 'testing'],
};

/** The part that a table of folds means, by any of its usual names, in upper or lower case. */
export function partNamed(name: string): FoldPart | undefined {
  const parts = Object.entries(PART_NAMES) as [FoldPart, readonly string[]][];
  return parts.find(([, names]) => names.includes(name.trim().toLowerCase()))?.[0];
}

/** For messages. */
export const partNames = Object.values(PART_NAMES).flat().join(', ');

/** The seed of a fold: `seed + fold`, which goes on from 0 beyond the largest seed, 2³² − 1. */
export function foldSeed(seed: number, fold: number): number {
  return seed < 2 ** 32 ? (seed + fold) % 2 ** 32 : seed;
}
