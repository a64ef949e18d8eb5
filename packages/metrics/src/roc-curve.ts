import { checkBothClasses, checkScored, type Numbers } from './check.js';
import { ascending } from './ranks.js';

/** Operating points from "none is positive" (threshold ∞, at the origin) to "all are" (the smallest score, at (1, 1)). */
export interface RocCurve {
  /** False positive rate, rising. */
  fpr: Float64Array;
  /** True positive rate, rising. */
  tpr: Float64Array;
  /** A case is positive when score ≥ threshold; falling, the first is ∞. */
  thresholds: Float64Array;
}

/**
 * ROC curve of 0/1 labels and scores, the points that scikit-learn's `roc_curve` gives.
 * @param dropIntermediate leave out points in the middle of horizontal, vertical or slanted stretches (default)
 * @throws UndefinedMetricError where a class has no label
 */
export function rocCurve(
  labels: Numbers,
  scores: Numbers,
  { dropIntermediate = true }: { dropIntermediate?: boolean } = {},
): RocCurve {
  checkScored(labels, scores);
  checkBothClasses(labels, 'ROC curve');
  const { falsePositives, truePositives, thresholds } = countsAbove(labels, scores);
  const points = Array.from(thresholds, (_, i) => i);
  const corner = (i: number) => bends(falsePositives, i) || bends(truePositives, i);
  const kept = dropIntermediate ? points.filter((i) => i === 0 || i === points.length - 1 || corner(i)) : points;
  const [negatives, positives] = [falsePositives.at(-1) as number, truePositives.at(-1) as number];
  return {
    fpr: Float64Array.from([0, ...kept.map((i) => (falsePositives[i] as number) / negatives)]),
    tpr: Float64Array.from([0, ...kept.map((i) => (truePositives[i] as number) / positives)]),
    thresholds: Float64Array.from([Infinity, ...kept.map((i) => thresholds[i] as number)]),
  };
}

/** Area under a piecewise linear curve through (x, y), x rising or falling. */
export function trapezoidArea(x: Numbers, y: Numbers): number {
  let area = 0;
  for (let i = 1; i < x.length; i++) {
    area += (((x[i] as number) - (x[i - 1] as number)) * ((y[i] as number) + (y[i - 1] as number))) / 2;
  }
  return Math.abs(area);
}

/** For every different score, falling: how many negatives and positives have at least this score. */
export function countsAbove(
  labels: Numbers,
  scores: Numbers,
): { falsePositives: Float64Array; truePositives: Float64Array; thresholds: Float64Array } {
  const order = ascending(scores).reverse();
  const falsePositives: number[] = [];
  const truePositives: number[] = [];
  const thresholds: number[] = [];
  let [negatives, positives] = [0, 0];
  order.forEach((row, position) => {
    if (labels[row] === 1) positives++;
    else negatives++;
    const next = order[position + 1];
    if (next !== undefined && scores[next] === scores[row]) return;
    falsePositives.push(negatives);
    truePositives.push(positives);
    thresholds.push(scores[row] as number);
  });
  return {
    falsePositives: Float64Array.from(falsePositives),
    truePositives: Float64Array.from(truePositives),
    thresholds: Float64Array.from(thresholds),
  };
}

/** Whether counts rise by another amount after a point than before it. */
function bends(counts: Float64Array, i: number): boolean {
  const [before, at, after] = [counts[i - 1], counts[i], counts[i + 1]] as unknown as [number, number, number];
  return after - at !== at - before;
}
