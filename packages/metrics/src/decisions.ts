import { checkClassCount, checkFinite, checkMatrix, checkNotEmpty, type Numbers } from './check.js';
import { MetricError } from './errors.js';

/** 1 where score ≥ threshold, else 0, the rule of the official code; an infinite threshold says all or none. */
export function decide(scores: Numbers, threshold: number): Int32Array {
  checkThreshold(scores, threshold);
  return Int32Array.from(scores, (score) => (score >= threshold ? 1 : 0));
}

/** 1 where score > threshold, else 0, the rule of DTFD-MIL. */
export function decideStrictly(scores: Numbers, threshold: number): Int32Array {
  checkThreshold(scores, threshold);
  return Int32Array.from(scores, (score) => (score > threshold ? 1 : 0));
}

/** Class of the largest score of each row of [n, classes], the first of equals. */
export function argMax(scores: Numbers, classes: number): Int32Array {
  checkClassCount(classes);
  checkMatrix(scores, classes, 'scores');
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if ((scores[row * classes + c] as number) > (scores[row * classes + best] as number)) best = c;
    }
    return best;
  });
}

/** Softmax over each row of logits [n, classes] → probabilities [n, classes]. */
export function softmax(logits: Numbers, classes: number): Float64Array {
  checkClassCount(classes);
  checkMatrix(logits, classes, 'logits');
  const probabilities = new Float64Array(logits.length);
  for (let row = 0; row < logits.length; row += classes) {
    let most = -Infinity;
    for (let i = row; i < row + classes; i++) most = Math.max(most, logits[i] as number);
    let sum = 0;
    for (let i = row; i < row + classes; i++) {
      const power = Math.exp((logits[i] as number) - most);
      probabilities[i] = power;
      sum += power;
    }
    for (let i = row; i < row + classes; i++) probabilities[i] = (probabilities[i] as number) / sum;
  }
  return probabilities;
}

/** A column of a [n, columns] matrix, e.g. the probability of the positive class. */
export function column(matrix: Numbers, columns: number, index: number): Float64Array {
  return Float64Array.from({ length: matrix.length / columns }, (_, row) => matrix[row * columns + index] as number);
}

/** 1 where the label is the class, else 0: one class against the rest. */
export function oneVersusRest(labels: Numbers, index: number): Int32Array {
  return Int32Array.from(labels, (label) => (label === index ? 1 : 0));
}

/** The values at some rows, e.g. of a fold or a bootstrap resample. */
export function take(values: Numbers, rows: Numbers): Float64Array {
  return Float64Array.from(rows, (row) => values[row] as number);
}

function checkThreshold(scores: Numbers, threshold: number): void {
  checkNotEmpty(scores, 'scores');
  checkFinite(scores, 'scores');
  if (!Number.isNaN(threshold)) return;
  throw new MetricError('expected a number, got NaN.', { code: 'config', path: 'threshold' });
}
