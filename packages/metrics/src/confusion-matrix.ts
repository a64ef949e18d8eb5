import { checkClassCount, checkClasses, checkSameLength, type Numbers } from './check.js';

/** How often each class was taken for each. */
export interface ConfusionMatrix {
  classes: number;
  /** [classes, classes] row by row: row = label, column = prediction. */
  counts: Int32Array;
  total: number;
}

/** Counts of two-class decisions; positive is class 1. */
export interface BinaryCounts {
  trueNegatives: number;
  falsePositives: number;
  falseNegatives: number;
  truePositives: number;
}

/**
 * Confusion matrix of predicted against true class indices.
 * @param classes how many there are; left out, one more than the largest index that occurs, at least 2
 * @throws MetricError `data` for indices outside the classes or lists of different lengths
 */
export function confusionMatrix(
  labels: Numbers,
  predictions: Numbers,
  { classes = classesOf(labels, predictions) }: { classes?: number } = {},
): ConfusionMatrix {
  checkClassCount(classes);
  checkClasses(labels, 'labels', classes);
  checkSameLength(predictions, 'predictions', labels.length, 'labels');
  checkClasses(predictions, 'predictions', classes);
  const counts = new Int32Array(classes * classes);
  for (let i = 0; i < labels.length; i++) {
    const cell = (labels[i] as number) * classes + (predictions[i] as number);
    counts[cell] = (counts[cell] as number) + 1;
  }
  return { classes, counts, total: labels.length };
}

/** @throws MetricError `data` for labels or predictions other than 0 and 1 */
export function binaryCounts(labels: Numbers, predictions: Numbers): BinaryCounts {
  const { counts } = confusionMatrix(labels, predictions, { classes: 2 });
  const [trueNegatives, falsePositives, falseNegatives, truePositives] = counts as unknown as FourCounts;
  return { trueNegatives, falsePositives, falseNegatives, truePositives };
}

/** Per class: labels of it (row sums), predictions of it (column sums) and both (diagonal). */
export function margins({ classes, counts }: ConfusionMatrix): {
  labelled: Float64Array;
  predicted: Float64Array;
  correct: Float64Array;
} {
  const labelled = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  for (let row = 0; row < classes; row++) {
    for (let col = 0; col < classes; col++) {
      const count = counts[row * classes + col] as number;
      labelled[row] = (labelled[row] as number) + count;
      predicted[col] = (predicted[col] as number) + count;
    }
  }
  const correct = Float64Array.from({ length: classes }, (_, c) => counts[c * classes + c] as number);
  return { labelled, predicted, correct };
}

type FourCounts = [number, number, number, number];

/** Invalid entries are left to the checks, which name them. */
function classesOf(...lists: Numbers[]): number {
  let most = 1;
  for (const list of lists) {
    for (let i = 0; i < (list?.length ?? 0); i++) {
      if (Number.isInteger(list[i])) most = Math.max(most, list[i] as number);
    }
  }
  return most + 1;
}
