import {
  accuracy,
  argMax,
  balancedAccuracy,
  column,
  decide,
  f1Score,
  multiclassRocAuc,
  rocAuc,
  tryMetric,
  youdenThreshold,
} from '@mhim/metrics';
import { crossEntropy, MhimError } from '@mhim/tensor';
import type { Task } from './task.js';

/** A model's predictions on some bags, plain data. */
export interface Predictions {
  ids: string[];
  labels: number[];
  /** [bags][c], rows sum to 1. */
  probabilities: number[][];
}

/** Classes of bags: cross-entropy at the bag's label, class probabilities, epochs chosen by {@link selectionMetric}. */
export function classificationTask(classes: number): Task<Predictions, FoldMetrics> {
  return {
    name: 'classification',
    outputs: classes,
    target({ id, label }) {
      if (label !== undefined) return { label, loss: (logits) => crossEntropy(logits, label) };
      throw new MhimError('has no label to learn from.', {
        code: 'data',
        path: `bag "${id}"`,
        hint: 'Name a label table, or leave the bag out of the training part.',
      });
    },
    predictions: (bags, logits) => ({
      ids: bags.map(({ id }) => id),
      labels: bags.map(({ label = -1 }) => label),
      probabilities: logits.map((row) => probabilitiesOf(row, classes)),
    }),
    selection: selectionMetric,
    metrics: foldMetrics,
  };
}

/** The metric that chooses the epoch: AUC for two classes, macro recall for more (as the official code). */
export function selectionMetric({ labels, probabilities }: Predictions): number {
  const classes = probabilities[0]?.length ?? 2;
  const flat = probabilities.flat();
  return classes === 2 ? rocAuc(labels, column(flat, 2, 1)) : balancedAccuracy(labels, argMax(flat, classes));
}

/** The figures of one fold. A metric that is undefined for the fold is null. */
export interface FoldMetrics {
  auc: number | null;
  accuracy: number | null;
  f1: number | null;
  /** The probability of class 1 at and above which a bag is called positive; null for more than two classes (argmax). */
  threshold: number | null;
}

/** What each figure of {@link FoldMetrics} is, for result files and footnotes. */
export const metricDefinitions = {
  auc: 'area under the ROC curve of the probability of class 1; for more classes the mean of one-versus-rest areas',
  accuracy: 'share of bags called right at the threshold (two classes) or by the most probable class',
  f1: 'F1 score of class 1 at the threshold (two classes), or the mean over classes of their F1 scores',
  threshold: 'largest Youden index TPR − FPR on the selection bags; a bag is positive at or above it',
} as const;

/**
 * The figures of `test` with the threshold chosen on `select` (the same predictions under the paper's protocol).
 */
export function foldMetrics(test: Predictions, select: Predictions = test): FoldMetrics {
  const { labels, probabilities } = test;
  const classes = probabilities[0]?.length ?? 2;
  const flat = probabilities.flat();
  const value = (compute: () => number) => tryMetric(compute).value;
  if (classes > 2) {
    const calls = argMax(flat, classes);
    return {
      auc: value(() => multiclassRocAuc(labels, flat, { classes })),
      accuracy: value(() => accuracy(labels, calls)),
      f1: value(() => f1Score(labels, calls, { average: 'macro', zeroDivision: 0 })),
      threshold: null,
    };
  }
  const scores = column(flat, 2, 1);
  const threshold = value(() => youdenThreshold(select.labels, column(select.probabilities.flat(), 2, 1)).threshold);
  const calls = decide(scores, threshold ?? 0.5);
  return {
    auc: value(() => rocAuc(labels, scores)),
    accuracy: value(() => accuracy(labels, calls)),
    f1: value(() => f1Score(labels, calls, { zeroDivision: 0 })),
    threshold: threshold ?? 0.5,
  };
}

/** Softmax in double precision. */
function probabilitiesOf(logits: Float32Array, classes: number): number[] {
  const shown = Array.from(logits.subarray(0, classes));
  const most = Math.max(...shown);
  const weights = shown.map((logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
