import type { Numbers } from './check.js';
import { confusionMatrix, margins } from './confusion-matrix.js';
import { MetricError, UndefinedMetricError } from './errors.js';

/**
 * How the scores of the classes become one number: that of class 1 (`binary`), the mean over the classes that occur among labels or
 * predictions (`macro`), their mean weighted by the number of labels (`weighted`), or the score of the pooled counts (`micro`).
 */
export type Average = 'binary' | 'macro' | 'weighted' | 'micro';

export interface ScoreOptions extends ZeroDivision {
  /** Default `binary`. */
  average?: Average;
  /** Number of classes, see {@link confusionMatrix}. */
  classes?: number;
}

export interface ZeroDivision {
  /** What 0/0 gives: an {@link UndefinedMetricError} (`throw`, the default) or this number; scikit-learn and torchmetrics take 0. */
  zeroDivision?: 'throw' | number;
}

/** Share of predictions that equal the label, in [0, 1]. */
export function accuracy(labels: Numbers, predictions: Numbers): number {
  const matrix = confusionMatrix(labels, predictions);
  return sum(margins(matrix).correct) / matrix.total;
}

/**
 * Mean recall over the classes.
 * @param absentClasses what to do with a class without labels: `throw` (default), or `skip` it as scikit-learn does
 * @throws UndefinedMetricError naming a class without labels
 */
export function balancedAccuracy(
  labels: Numbers,
  predictions: Numbers,
  { classes, absentClasses = 'throw' }: { classes?: number; absentClasses?: 'throw' | 'skip' } = {},
): number {
  const { correct, labelled } = margins(confusionMatrix(labels, predictions, { classes }));
  const recalls = [...labelled].flatMap((count, index) => {
    if (count > 0) return [(correct[index] as number) / count];
    if (absentClasses === 'skip') return [];
    throw absent('balanced accuracy', index, labels.length);
  });
  return sum(recalls) / recalls.length;
}

/** Share of the predictions of a class that are right: TP / (TP + FP). @throws UndefinedMetricError where a class is never predicted */
export function precision(labels: Numbers, predictions: Numbers, options: ScoreOptions = {}): number {
  return averaged(precisionRatio, labels, predictions, options);
}

/** Share of a class that is found, its sensitivity: TP / (TP + FN). @throws UndefinedMetricError where a class has no label */
export function recall(labels: Numbers, predictions: Numbers, options: ScoreOptions = {}): number {
  return averaged(recallRatio, labels, predictions, options);
}

/** Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN). @throws UndefinedMetricError where there is neither label nor prediction of class 1 */
export function f1Score(labels: Numbers, predictions: Numbers, options: ScoreOptions = {}): number {
  return averaged(f1Ratio, labels, predictions, options);
}

/** Share of the negatives (class 0) that are called negative: TN / (TN + FP). @throws UndefinedMetricError without negatives */
export function specificity(labels: Numbers, predictions: Numbers, { zeroDivision }: ZeroDivision = {}): number {
  const { correct, labelled } = margins(confusionMatrix(labels, predictions, { classes: 2 }));
  return divide([correct[0] as number, labelled[0] as number], zeroDivision, () =>
    absent('specificity', 0, labels.length),
  );
}

/** Precision, recall, F1 and number of labels of every class, each [classes]. */
export interface ClassScores {
  precision: Float64Array;
  recall: Float64Array;
  f1: Float64Array;
  support: Int32Array;
}

/** Scores of every class for itself. @throws UndefinedMetricError where one is 0/0 and `zeroDivision` is not a number */
export function classScores(
  labels: Numbers,
  predictions: Numbers,
  { classes, zeroDivision }: Omit<ScoreOptions, 'average'> = {},
): ClassScores {
  const counts = countsOfClasses(labels, predictions, classes);
  const each = (ratio: Ratio) =>
    Float64Array.from(counts, (count, index) =>
      divide(ratio.of(count), zeroDivision, () => ratio.undefined(index, labels.length)),
    );
  const support = Int32Array.from(counts, ({ labelled }) => labelled);
  return { precision: each(precisionRatio), recall: each(recallRatio), f1: each(f1Ratio), support };
}

interface Counts {
  correct: number;
  predicted: number;
  labelled: number;
}

interface Ratio {
  of(counts: Counts): [numerator: number, denominator: number];
  undefined(index: number, total: number): UndefinedMetricError;
}

const precisionRatio: Ratio = {
  of: ({ correct, predicted }) => [correct, predicted],
  undefined: (absentClass, total) =>
    new UndefinedMetricError('precision', `none of the ${total} predictions is ${absentClass}`, {
      absentClass,
      hint: ZERO_HINT,
    }),
};

const recallRatio: Ratio = {
  of: ({ correct, labelled }) => [correct, labelled],
  undefined: (index, total) => absent('recall', index, total),
};

const f1Ratio: Ratio = {
  of: ({ correct, predicted, labelled }) => [2 * correct, predicted + labelled],
  undefined: (absentClass, total) =>
    new UndefinedMetricError('F1', `none of the ${total} labels or predictions is ${absentClass}`, {
      absentClass,
      hint: ZERO_HINT,
    }),
};

function averaged(
  ratio: Ratio,
  labels: Numbers,
  predictions: Numbers,
  { average = 'binary', classes, zeroDivision }: ScoreOptions,
): number {
  const counts = countsOfClasses(labels, predictions, classes);
  const score = (index: number) =>
    divide(ratio.of(counts[index] as Counts), zeroDivision, () => ratio.undefined(index, labels.length));
  const occurring = counts.flatMap(({ labelled, predicted }, index) => (labelled + predicted > 0 ? [index] : []));
  const labelled = counts.flatMap((count, index) => (count.labelled > 0 ? [index] : []));
  switch (average) {
    case 'binary':
      if (counts.length === 2) return score(1);
      throw new MetricError(`expected 2 classes, got ${counts.length}.`, {
        code: 'config',
        path: 'average',
        hint: "Choose 'macro', 'weighted' or 'micro'.",
      });
    case 'macro':
      return sum(occurring.map(score)) / occurring.length;
    case 'weighted':
      return sum(labelled.map((index) => score(index) * (counts[index] as Counts).labelled)) / labels.length;
    case 'micro':
      return sum(counts.map(({ correct }) => correct)) / labels.length;
    default:
      throw new MetricError(`expected 'binary', 'macro', 'weighted' or 'micro', got ${String(average)}.`, {
        code: 'config',
        path: 'average',
      });
  }
}

function countsOfClasses(labels: Numbers, predictions: Numbers, classes: number | undefined): Counts[] {
  const { correct, predicted, labelled } = margins(confusionMatrix(labels, predictions, { classes }));
  return Array.from(correct, (count, index) => ({
    correct: count,
    predicted: predicted[index] as number,
    labelled: labelled[index] as number,
  }));
}

function divide(
  [numerator, denominator]: [number, number],
  zeroDivision: ZeroDivision['zeroDivision'] = 'throw',
  error: () => UndefinedMetricError,
): number {
  if (denominator !== 0) return numerator / denominator;
  if (zeroDivision === 'throw') throw error();
  return zeroDivision;
}

function absent(metric: string, absentClass: number, total: number): UndefinedMetricError {
  return new UndefinedMetricError(metric, `none of the ${total} labels is ${absentClass}`, {
    absentClass,
    hint: ZERO_HINT,
  });
}

const ZERO_HINT = 'Report it as undefined through tryMetric, or say what 0/0 shall be.';

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
