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
  tryMetrics,
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
  /** Why a figure is null. */
  reasons?: Partial<Record<'auc' | 'accuracy' | 'f1' | 'threshold', string>>;
}

/**
 * The threshold that calls no bag positive, where none does better on the selection bags. Youden's is ∞ then, which JSON has no
 * number for; this one is above every probability, and so near to 1 that the mean of several folds' thresholds stays one.
 */
export const CALLS_NONE = 1 + 2 ** -20;

/** What each figure of {@link FoldMetrics} is, for result files and footnotes. */
export const metricDefinitions = {
  auc: 'area under the ROC curve of the probability of class 1; for more classes the mean of one-versus-rest areas',
  accuracy: 'share of bags called right at the threshold (two classes) or by the most probable class',
  f1: 'F1 score of class 1 at the threshold (two classes), or the mean over classes of their F1 scores',
  threshold:
    'largest Youden index TPR − FPR on the selection bags; a bag is positive at or above it; above 1 none is, where no threshold does better',
} as const;

/**
 * The figures of `test` with the threshold chosen on `select` (the same predictions under the paper's protocol). Where `select` is
 * of one class there is no threshold, and nothing that depends on it.
 */
export function foldMetrics(test: Predictions, select: Predictions = test): FoldMetrics {
  if (classesOf(test) > 2) return metricsAt(test, null);
  const scores = column(select.probabilities.flat(), 2, 1);
  const { value, reason } = tryMetric(() => youdenThreshold(select.labels, scores).threshold);
  if (value !== null) return metricsAt(test, Math.min(value, CALLS_NONE));
  const { auc, reasons } = metricsAt(test, 0.5);
  const none = `no threshold, as ${reason} among the selection bags`;
  const known = reasons?.auc === undefined ? {} : { auc: reasons.auc };
  return {
    ...{ auc, accuracy: null, f1: null, threshold: null },
    reasons: { ...known, accuracy: none, f1: none, threshold: reason },
  };
}

/** The figures of `test` at a threshold that is given; null for more than two classes. */
export function metricsAt(test: Predictions, threshold: number | null): FoldMetrics {
  const { labels, probabilities } = test;
  const classes = classesOf(test);
  const flat = probabilities.flat();
  if (classes > 2 || threshold === null) {
    const calls = argMax(flat, classes);
    const figures = tryMetrics({
      auc: () => multiclassRocAuc(labels, flat, { classes }),
      accuracy: () => accuracy(labels, calls),
      f1: () => f1Score(labels, calls, { average: 'macro', zeroDivision: 0 }),
    });
    return { ...figures, threshold: null };
  }
  const scores = column(flat, 2, 1);
  const calls = decide(scores, threshold);
  const figures = tryMetrics({
    auc: () => rocAuc(labels, scores),
    accuracy: () => accuracy(labels, calls),
    f1: () => f1Score(labels, calls),
  });
  return { ...figures, threshold };
}

function classesOf({ probabilities }: Predictions): number {
  return probabilities[0]?.length ?? 2;
}

/** Softmax in double precision. */
function probabilitiesOf(logits: Float32Array, classes: number): number[] {
  const shown = Array.from(logits.subarray(0, classes));
  const most = Math.max(...shown);
  const weights = shown.map((logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
