import type { Numbers } from './check.js';
import type { ZeroDivision } from './classification.js';
import { confusionMatrix, margins } from './confusion-matrix.js';
import { UndefinedMetricError } from './errors.js';

export interface KappaOptions extends ZeroDivision {
  /** Penalty of taking class i for j: 1 (`none`, default), |i − j| or (i − j)². */
  weights?: 'none' | 'linear' | 'quadratic';
  classes?: number;
}

/**
 * Cohen's kappa, agreement beyond chance, in [−1, 1] (Cohen 1960; weighted: Cohen 1968).
 * @throws UndefinedMetricError where labels and predictions are all of one class, so that agreement by chance is certain
 */
export function cohenKappa(
  labels: Numbers,
  predictions: Numbers,
  { weights = 'none', classes: count, zeroDivision = 'throw' }: KappaOptions = {},
): number {
  const matrix = confusionMatrix(labels, predictions, { classes: count });
  const { classes, counts, total } = matrix;
  const { labelled, predicted } = margins(matrix);
  let [observed, expected] = [0, 0];
  for (let i = 0; i < classes; i++) {
    for (let j = 0; j < classes; j++) {
      const distance = Math.abs(i - j);
      const weight = weights === 'none' ? Math.min(distance, 1) : weights === 'linear' ? distance : distance ** 2;
      observed += weight * (counts[i * classes + j] as number);
      expected += (weight * (labelled[i] as number) * (predicted[j] as number)) / total;
    }
  }
  if (expected !== 0) return 1 - observed / expected;
  if (zeroDivision !== 'throw') return zeroDivision;
  throw new UndefinedMetricError('kappa', `all ${total} labels and predictions are of one class`);
}

/**
 * Matthews correlation coefficient, in [−1, 1]; several classes after Gorodkin 2004.
 * @throws UndefinedMetricError where all labels or all predictions are of one class
 */
export function matthewsCorrelation(
  labels: Numbers,
  predictions: Numbers,
  { zeroDivision = 'throw' }: ZeroDivision = {},
): number {
  const matrix = confusionMatrix(labels, predictions);
  const { labelled, predicted, correct } = margins(matrix);
  const total = matrix.total;
  let [hits, chance, labelSquares, predictionSquares] = [0, 0, 0, 0];
  for (let c = 0; c < matrix.classes; c++) {
    const [l, p] = [labelled[c] as number, predicted[c] as number];
    hits += correct[c] as number;
    chance += l * p;
    labelSquares += l * l;
    predictionSquares += p * p;
  }
  const spread = (total * total - labelSquares) * (total * total - predictionSquares);
  if (spread !== 0) return (hits * total - chance) / Math.sqrt(spread);
  if (zeroDivision !== 'throw') return zeroDivision;
  throw new UndefinedMetricError('Matthews correlation', `all ${total} labels or all predictions are of one class`);
}
