import { MhimError } from '@mhim/tensor';
import type { Fold } from './fold.js';
import { NumpyRandomState } from './numpy-random-state.js';
import { PythonRandom } from './python-random.js';
import { splitByFold, stratifiedKFold } from './stratified-k-fold.js';

export interface OfficialFoldOptions {
  /** How many folds. Default 5. */
  folds?: number;
  /** Default 2021. The official code's `--random_seed` adds 100 for each further repetition. */
  seed?: number;
  /** Share of each class's training rows that goes to the validation part, rounded down. Default 0: none, the test fold serves as both. */
  validationRatio?: number;
}

export interface HeadFoldOptions extends OfficialFoldOptions {
  /**
   * Reproduces the current official code on its own header-less lists: it takes the first row for column names, so that
   * patient is in no fold. Default false.
   */
  loseFirstRow?: boolean;
}

/**
 * Folds of the current MHIM-MIL code (MHIM-v2): all rows shuffled as pandas' `sample(frac=1, random_state=seed)` does, then
 * scikit-learn's stratified folds in that order.
 * @param labels class of each row of the label table, in its order; for survival the time bin (`fitTimeBins` of the whole table and `timeBinOf`, `@mhim/survival-losses`)
 * @returns folds of row numbers, in the shuffled order
 */
export function headFolds(labels: ArrayLike<number>, options: HeadFoldOptions = {}): Fold[] {
  const { seed = 2021, validationRatio = 0, loseFirstRow = false } = options;
  const skipped = loseFirstRow ? 1 : 0;
  const order = new NumpyRandomState(seed).permutation(labels.length - skipped).map((row) => row + skipped);
  return foldsInOrder(labels, order, options, (train) => holdOutValidation(labels, train, validationRatio, seed));
}

/**
 * Moves a share of each class's training rows to a validation part, as the current official code does: each class is
 * shuffled by a fresh generator of the same seed, classes in the order in which they first appear in `train`.
 * @param labels class of each row of the table
 * @param train rows of the training part
 * @param ratio share of each class, rounded down
 */
export function holdOutValidation(
  labels: ArrayLike<number>,
  train: readonly number[],
  ratio: number,
  seed = 2021,
): { train: number[]; validation: number[] } {
  const classes = [...new Set(train.map((row) => labels[row] as number))];
  return holdOut(labels, train, classes, ratio, (rows) => {
    const shuffled = new NumpyRandomState(seed).permutation(rows.length);
    return shuffled.map((i) => rows[i] as number);
  });
}

/**
 * Folds of the first MHIM-MIL code (ICCV 2023) and of RRT-MIL: all rows shuffled by Python's `random.seed(seed)`, then
 * scikit-learn's stratified folds in that order. Validation rows are drawn by the same generator, fold after fold.
 * @param labels class of each row of the label table, in its order
 * @returns folds of row numbers, in the shuffled order
 */
export function v1Folds(labels: ArrayLike<number>, options: OfficialFoldOptions = {}): Fold[] {
  const { seed = 2021, validationRatio = 0 } = options;
  const random = new PythonRandom(seed);
  const order = random.shuffle(Array.from({ length: labels.length }, (_, row) => row));
  const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  return foldsInOrder(labels, order, options, (train) =>
    holdOut(labels, train, classes, validationRatio, (rows) => random.shuffle(rows)),
  );
}

/**
 * Folds of RRT-MIL's survival code: five contiguous chunks of all rows in the order of Python's
 * `random.seed(seed); random.sample(rows, n)`, not stratified. The last chunk takes what is left.
 * @param rows how many rows the table has
 */
export function rrtSurvivalFolds(rows: number, { seed = 1 }: { seed?: number } = {}): Fold[] {
  const folds = 5;
  if (!Number.isInteger(rows) || rows < folds) {
    throw new MhimError(`expected ${folds} rows at least, got ${rows}.`, { code: 'data', path: 'folds' });
  }
  const order = new PythonRandom(seed).sampleAll(Array.from({ length: rows }, (_, row) => row));
  const size = Math.round((rows - 1) / folds);
  return Array.from({ length: folds }, (_, fold) => {
    const start = fold * size;
    const end = fold === folds - 1 ? rows : start + size;
    return { fold, train: [...order.slice(0, start), ...order.slice(end)], test: order.slice(start, end) };
  });
}

function foldsInOrder(
  labels: ArrayLike<number>,
  order: readonly number[],
  { folds = 5, validationRatio = 0 }: OfficialFoldOptions,
  split: (train: number[]) => { train: number[]; validation: number[] },
): Fold[] {
  if (!(validationRatio >= 0 && validationRatio < 1)) {
    throw new MhimError(`expected a share in [0, 1), got ${validationRatio}.`, {
      code: 'config',
      path: 'validationRatio',
    });
  }
  const assignment = stratifiedKFold(
    order.map((row) => labels[row] as number),
    { folds },
  );
  return Array.from({ length: folds }, (_, fold) => {
    const places = splitByFold(assignment, fold);
    const rowsAt = (positions: number[]) => positions.map((position) => order[position] as number);
    const train = rowsAt(places.train);
    const test = rowsAt(places.test);
    return validationRatio === 0 ? { fold, train, test } : { fold, ...split(train), test };
  });
}

function holdOut(
  labels: ArrayLike<number>,
  train: readonly number[],
  classes: readonly number[],
  ratio: number,
  shuffle: (rows: number[]) => number[],
): { train: number[]; validation: number[] } {
  const parts = { train: [] as number[], validation: [] as number[] };
  for (const label of classes) {
    const rows = shuffle(train.filter((row) => labels[row] === label));
    const held = Math.trunc(rows.length * ratio);
    parts.validation.push(...rows.slice(0, held));
    parts.train.push(...rows.slice(held));
  }
  return parts;
}
