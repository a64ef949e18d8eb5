import { MhimError } from '@mhim/tensor';
import { NumpyRandomState } from './numpy-random-state.js';

export interface StratifiedKFoldOptions {
  /** How many folds. Default 5. */
  folds?: number;
  /** Seed of the shuffle inside each class; without it rows are dealt out in their order (`shuffle=False`). */
  seed?: number;
}

/**
 * The test fold of every row, class proportions kept: fold for fold that of scikit-learn's
 * `StratifiedKFold(folds)` or `StratifiedKFold(folds, shuffle=True, random_state=seed)`.
 * @param labels class of each row, any numbers
 * @returns fold of each row, 0 … folds−1
 * @throws MhimError `config` for fewer than two folds, `data` when no class has a row for every fold
 */
export function stratifiedKFold(
  labels: ArrayLike<number>,
  { folds = 5, seed }: StratifiedKFoldOptions = {},
): Int32Array {
  checkFoldCount(folds);
  const classes = classesInOrder(labels);
  const counts = rowsPerClass(classes);
  const most = Math.max(0, ...counts);
  if (most < folds) {
    throw new MhimError(`${folds} folds need a class with ${folds} rows at least, the largest here has ${most}.`, {
      code: 'data',
      path: 'folds',
      hint: 'Use fewer folds.',
    });
  }
  const random = seed === undefined ? undefined : new NumpyRandomState(seed);
  const assignment = new Int32Array(classes.length);
  rowsToTest(counts, folds).forEach((perFold, label) => {
    const dealt = perFold.flatMap((rows, fold) => Array<number>(rows).fill(fold));
    random?.shuffle(dealt);
    let next = 0;
    classes.forEach((of, row) => {
      if (of === label) assignment[row] = dealt[next++] as number;
    });
  });
  return assignment;
}

/** The rows in a fold's test part and the others, both ascending. */
export function splitByFold(assignment: ArrayLike<number>, fold: number): { train: number[]; test: number[] } {
  const rows = Array.from({ length: assignment.length }, (_, row) => row);
  return {
    train: rows.filter((row) => assignment[row] !== fold),
    test: rows.filter((row) => assignment[row] === fold),
  };
}

function checkFoldCount(folds: number): void {
  if (!Number.isInteger(folds) || folds < 2) {
    throw new MhimError(`expected an integer of 2 or more, got ${folds}.`, { code: 'config', path: 'folds' });
  }
}

/** Classes renumbered by first appearance, so that the numbers given to them do not matter. */
function classesInOrder(labels: ArrayLike<number>): number[] {
  const seen = new Map<number, number>();
  return Array.from(labels, (label) => {
    if (!seen.has(label)) seen.set(label, seen.size);
    return seen.get(label) as number;
  });
}

function rowsPerClass(classes: readonly number[]): number[] {
  const counts: number[] = [];
  for (const label of classes) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** Rows of each class in each fold's test part: the sorted rows are dealt out like cards, so sizes differ by one at most. */
function rowsToTest(counts: readonly number[], folds: number): number[][] {
  let dealt = 0;
  return counts.map((count) => {
    const perFold = Array<number>(folds).fill(0);
    for (let i = 0; i < count; i++) perFold[dealt++ % folds]! += 1;
    return perFold;
  });
}
