import {
  checkBothClasses,
  checkClassCount,
  checkClassPresent,
  checkScored,
  checkScoreMatrix,
  type Numbers,
} from './check.js';
import { column, oneVersusRest, take } from './decisions.js';
import { MetricError } from './errors.js';
import { midranks } from './ranks.js';

/**
 * Area under the ROC curve: the probability that a positive scores higher than a negative, ties counting half.
 * @throws UndefinedMetricError where a class has no label
 */
export function rocAuc(labels: Numbers, scores: Numbers): number {
  checkScored(labels, scores);
  checkBothClasses(labels, 'AUC');
  const ranks = midranks(scores);
  let [positives, rankSum] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== 1) continue;
    positives++;
    rankSum += ranks[i] as number;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (labels.length - positives));
}

export interface MulticlassAucOptions {
  classes: number;
  /** Each class against the rest (`one-vs-rest`, default), or the mean over all pairs of classes (`one-vs-one`, Hand and Till 2001). */
  strategy?: 'one-vs-rest' | 'one-vs-one';
  /** One-vs-rest only: mean over classes (`macro`, default), weighted by labels, or over all entries at once (`micro`). */
  average?: 'macro' | 'weighted' | 'micro';
  /** A class without labels: `throw` (default), `skip` it, or count it as 0 (`zero`, what torchmetrics and so the official code does). */
  absentClasses?: 'throw' | 'skip' | 'zero';
}

/**
 * AUC of several classes from scores [n, classes].
 * @throws UndefinedMetricError naming a class that has no label or all of them
 */
export function multiclassRocAuc(
  labels: Numbers,
  scores: Numbers,
  { classes, strategy = 'one-vs-rest', average = 'macro', absentClasses = 'throw' }: MulticlassAucOptions,
): number {
  checkScoreMatrix(labels, scores, classes);
  if (strategy === 'one-vs-one') return oneVersusOne(labels, scores, classes);
  const indicators = Array.from({ length: classes }, (_, c) => oneVersusRest(labels, c));
  if (average === 'micro') {
    const oneHot = Int32Array.from({ length: scores.length }, (_, i) =>
      labels[Math.floor(i / classes)] === i % classes ? 1 : 0,
    );
    return rocAuc(oneHot, scores);
  }
  if (average !== 'macro' && average !== 'weighted') {
    throw new MetricError(`expected 'macro', 'weighted' or 'micro', got ${String(average)}.`, {
      code: 'config',
      path: 'average',
    });
  }
  let [total, weights] = [0, 0];
  for (const [c, indicator] of indicators.entries()) {
    const count = indicator.reduce((sum, one) => sum + one, 0);
    if (absentClasses === 'throw') checkClassPresent(labels, c, 'AUC');
    if (absentClasses === 'skip' && count === 0) continue;
    const weight = average === 'macro' ? 1 : count;
    weights += weight;
    if (count > 0) total += weight * classAuc(indicator, scores, classes, c, absentClasses);
  }
  return total / weights;
}

/** One-vs-rest AUC of every class from scores [n, classes]. @throws UndefinedMetricError naming a class that has no label or all of them */
export function classRocAucs(labels: Numbers, scores: Numbers, classes: number): Float64Array {
  checkScoreMatrix(labels, scores, classes);
  return Float64Array.from({ length: classes }, (_, c) => {
    checkClassPresent(labels, c, 'AUC');
    return rocAuc(oneVersusRest(labels, c), column(scores, classes, c));
  });
}

/** A class that has all labels has no rest to be told from: torchmetrics counts 0 then. */
function classAuc(
  indicator: Int32Array,
  scores: Numbers,
  classes: number,
  index: number,
  absentClasses: MulticlassAucOptions['absentClasses'],
): number {
  if (absentClasses === 'zero' && indicator.every((one) => one === 1)) return 0;
  return rocAuc(indicator, column(scores, classes, index));
}

function oneVersusOne(labels: Numbers, scores: Numbers, classes: number): number {
  checkClassCount(classes);
  for (let c = 0; c < classes; c++) checkClassPresent(labels, c, 'AUC');
  const rows = Array.from(labels, (_, row) => row);
  let [total, pairs] = [0, 0];
  for (let a = 0; a < classes; a++) {
    for (let b = a + 1; b < classes; b++) {
      const pair = rows.filter((row) => labels[row] === a || labels[row] === b);
      const pairLabels = take(labels, pair);
      for (const c of [a, b]) {
        total += rocAuc(oneVersusRest(pairLabels, c), take(column(scores, classes, c), pair)) / 2;
      }
      pairs++;
    }
  }
  return total / pairs;
}
