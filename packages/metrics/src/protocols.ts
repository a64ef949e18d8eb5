import { checkScored, checkScoreMatrix, type Numbers } from './check.js';
import { accuracy, f1Score, precision, recall, specificity } from './classification.js';
import { cohenKappa } from './agreement.js';
import { argMax, decide, decideStrictly } from './decisions.js';
import { multiclassRocAuc, rocAuc } from './roc-auc.js';
import { youdenThreshold } from './youden-threshold.js';

/** The numbers of the paper's tables at one threshold. */
export interface ThresholdedScores {
  /** Positive is score ≥ threshold. */
  threshold: number;
  accuracy: number;
  auc: number;
  precision: number;
  recall: number;
  f1: number;
}

/**
 * Scores of 0/1 labels at a threshold. With the defaults it is the protocol behind the paper's tables ("optimal threshold", the official
 * code's `five_scores`): Youden's threshold of the same cases. The tables average `binary` on CAMELYON and `macro` on most of BRCA.
 * @param threshold a number, e.g. 0.5 or a validation set's {@link youdenThreshold}; left out, Youden's of these cases
 * @throws UndefinedMetricError where a class has no label; 0/0 in precision counts as 0
 */
export function thresholdedScores(
  labels: Numbers,
  scores: Numbers,
  { threshold, average = 'binary' }: { threshold?: number; average?: 'binary' | 'macro' } = {},
): ThresholdedScores {
  const chosen = threshold ?? youdenThreshold(labels, scores).threshold;
  const auc = rocAuc(labels, scores);
  const predictions = decide(scores, chosen);
  const options = { average, zeroDivision: 0 } as const;
  return {
    threshold: chosen,
    accuracy: accuracy(labels, predictions),
    auc,
    precision: precision(labels, predictions, options),
    recall: recall(labels, predictions, options),
    f1: f1Score(labels, predictions, options),
  };
}

/** The numbers that MHIM-MIL logs for an epoch and a fold. */
export interface LoggedScores {
  /** Mean recall over the classes (`Acc` of the official log). */
  macroAccuracy: number;
  auc: number;
  precision: number;
  recall: number;
  f1: number;
  kappa: number;
  /** Share of right predictions. */
  accuracy: number;
}

/**
 * The scores of MHIM-MIL's current code (torchmetrics) for logits [n, classes]: arg-max decisions, macro averages. As there, the AUC is
 * taken of the softmax only where some logit lies outside [0, 1], in single precision, and a class without labels counts 0 in it.
 * @throws MetricError for bad input; UndefinedMetricError where labels and predictions are all of one class (kappa)
 */
export function mhimScores(labels: Numbers, logits: Numbers, classes: number): LoggedScores {
  checkScoreMatrix(labels, logits, classes, 'logits');
  const probabilities = insideUnitInterval(logits) ? logits : singlePrecisionSoftmax(logits, classes);
  const predictions = argMax(logits, classes);
  const options = { average: 'macro', classes, zeroDivision: 0 } as const;
  return {
    macroAccuracy: recall(labels, predictions, options),
    auc: multiclassRocAuc(labels, probabilities, { classes, absentClasses: 'zero' }),
    precision: precision(labels, predictions, options),
    recall: recall(labels, predictions, options),
    f1: f1Score(labels, predictions, options),
    kappa: cohenKappa(labels, predictions, { classes }),
    accuracy: accuracy(labels, predictions),
  };
}

/**
 * The same with its option `--bin_metric`: the logit of class 1 alone, through a sigmoid where some lie outside [0, 1], positive above 0.5.
 * Not the softmax probability: both logits shifted alike give another decision.
 * @param logits logit of class 1, [n]
 * @throws UndefinedMetricError where a class has no label
 */
export function mhimBinaryScores(labels: Numbers, logits: Numbers): LoggedScores {
  checkScored(labels, logits, 'logits');
  const scores = insideUnitInterval(logits) ? logits : singlePrecisionSigmoid(logits);
  const predictions = decideStrictly(scores, 0.5);
  const right = accuracy(labels, predictions);
  const options = { zeroDivision: 0 } as const;
  return {
    macroAccuracy: right,
    auc: rocAuc(labels, scores),
    precision: precision(labels, predictions, options),
    recall: recall(labels, predictions, options),
    f1: f1Score(labels, predictions, options),
    kappa: cohenKappa(labels, predictions),
    accuracy: right,
  };
}

/** The numbers that DTFD-MIL reports. */
export interface DtfdScores {
  accuracy: number;
  precision: number;
  recall: number;
  specificity: number;
  f1: number;
  auc: number;
}

/** DTFD-MIL's evaluation: Youden's threshold of the same cases, but positive is score > threshold, so the case at it is negative. */
export function dtfdScores(labels: Numbers, scores: Numbers): DtfdScores {
  const predictions = decideStrictly(scores, youdenThreshold(labels, scores).threshold);
  const options = { zeroDivision: 0 } as const;
  return {
    accuracy: accuracy(labels, predictions),
    precision: precision(labels, predictions, options),
    recall: recall(labels, predictions, options),
    specificity: specificity(labels, predictions, options),
    f1: f1Score(labels, predictions, options),
    auc: rocAuc(labels, scores),
  };
}

function insideUnitInterval(values: Numbers): boolean {
  return Array.from(values).every((value) => value >= 0 && value <= 1);
}

/** Rounded to float32 after each step, in PyTorch's order: scores that tie there have to tie here, or the AUC differs. */
function singlePrecisionSoftmax(logits: Numbers, classes: number): Float32Array {
  const powers = new Float32Array(logits.length);
  for (let row = 0; row < logits.length; row += classes) {
    let most = -Infinity;
    for (let i = row; i < row + classes; i++) most = Math.max(most, Math.fround(logits[i] as number));
    let sum = 0;
    for (let i = row; i < row + classes; i++) {
      powers[i] = Math.exp(Math.fround(Math.fround(logits[i] as number) - most));
      sum = Math.fround(sum + (powers[i] as number));
    }
    const inverse = Math.fround(1 / sum);
    for (let i = row; i < row + classes; i++) powers[i] = (powers[i] as number) * inverse;
  }
  return powers;
}

function singlePrecisionSigmoid(logits: Numbers): Float32Array {
  return Float32Array.from(logits, (logit) => 1 / Math.fround(1 + Math.fround(Math.exp(-Math.fround(logit)))));
}
