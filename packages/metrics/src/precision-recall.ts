import { checkClassPresent, checkScored, checkScoreMatrix, type Numbers } from './check.js';
import { column, oneVersusRest } from './decisions.js';
import { countsAbove } from './roc-curve.js';

/** Precision and recall at every different score. */
export interface PrecisionRecallCurve {
  /** One more entry than thresholds: the last is 1, at recall 0. */
  precision: Float64Array;
  /** Falling. */
  recall: Float64Array;
  /** A case is positive when score ≥ threshold; rising. */
  thresholds: Float64Array;
}

/** Precision-recall curve as scikit-learn's `precision_recall_curve`. @throws UndefinedMetricError without positives */
export function precisionRecallCurve(labels: Numbers, scores: Numbers): PrecisionRecallCurve {
  checkScored(labels, scores);
  checkClassPresent(labels, 1, 'precision-recall curve');
  const { falsePositives, truePositives, thresholds } = countsAbove(labels, scores);
  const positives = truePositives.at(-1) as number;
  const precision = truePositives.map((count, i) => count / (count + (falsePositives[i] as number))).reverse();
  const recall = truePositives.map((count) => count / positives).reverse();
  return {
    precision: Float64Array.from([...precision, 1]),
    recall: Float64Array.from([...recall, 0]),
    thresholds: thresholds.reverse(),
  };
}

/** Average precision: mean precision over the steps of recall, without interpolation. @throws UndefinedMetricError without positives */
export function averagePrecision(labels: Numbers, scores: Numbers): number {
  checkScored(labels, scores);
  checkClassPresent(labels, 1, 'average precision');
  const { precision, recall } = precisionRecallCurve(labels, scores);
  let area = 0;
  for (let i = 1; i < recall.length; i++) {
    area += ((recall[i - 1] as number) - (recall[i] as number)) * (precision[i - 1] as number);
  }
  return area;
}

/** Mean over the classes of each one's average precision against the rest, scores [n, classes]. @throws UndefinedMetricError naming a class without labels */
export function macroAveragePrecision(labels: Numbers, scores: Numbers, classes: number): number {
  checkScoreMatrix(labels, scores, classes);
  let total = 0;
  for (let c = 0; c < classes; c++) {
    checkClassPresent(labels, c, 'average precision');
    total += averagePrecision(oneVersusRest(labels, c), column(scores, classes, c));
  }
  return total / classes;
}
