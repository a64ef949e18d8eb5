import {
  checkClasses,
  checkCount,
  checkNotEmpty,
  checkProbabilities,
  checkSameLength,
  checkScored,
  checkScoreMatrix,
  type Numbers,
} from './check.js';
import { argMax } from './decisions.js';

/** Cases whose confidence falls in [lower, upper). A confidence of exactly 1 has a bin of its own. */
export interface CalibrationBin {
  lower: number;
  upper: number;
  count: number;
  /** Mean confidence, and share of the cases that are right (for `P(class 1)`: that are positive); NaN in an empty bin. */
  confidence: number;
  accuracy: number;
}

/**
 * Reliability diagram: cases in bins of equal width by confidence. Confidences and bin edges are compared in single precision, as
 * torchmetrics does, so that 0.3 lies in the bin that begins there.
 * @param confidences P(class 1) with 0/1 labels as `outcomes`, or the largest probability with "is it right" (0/1); see {@link topLabel}
 * @throws MetricError `data` for confidences outside [0, 1]
 */
export function calibrationBins(
  confidences: Numbers,
  outcomes: Numbers,
  { bins = 15 }: { bins?: number } = {},
): CalibrationBin[] {
  checkCount(bins, 'bins');
  checkNotEmpty(confidences, 'confidences');
  checkProbabilities(confidences, 'confidences');
  checkClasses(outcomes, 'outcomes', 2);
  checkSameLength(outcomes, 'outcomes', confidences.length, 'confidences');
  const edges = singlePrecisionEdges(bins);
  const sums = Array.from({ length: bins + 1 }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < confidences.length; i++) {
    const confidence = confidences[i] as number;
    const bin = sums[binOf(Math.fround(confidence), edges)] as (typeof sums)[number];
    bin.count++;
    bin.confidence += confidence;
    bin.right += outcomes[i] as number;
  }
  return sums.map(({ count, confidence, right }, index) => ({
    lower: edges[index] as number,
    upper: edges[Math.min(index + 1, bins)] as number,
    count,
    confidence: confidence / count,
    accuracy: right / count,
  }));
}

/** Expected calibration error: mean over the cases of |confidence − accuracy| of their bin (Naeini et al. 2015). Arguments as {@link calibrationBins}. */
export function expectedCalibrationError(confidences: Numbers, outcomes: Numbers, options?: { bins?: number }): number {
  const gaps = gapsOf(calibrationBins(confidences, outcomes, options));
  return gaps.reduce((total, { gap, count }) => total + gap * count, 0) / confidences.length;
}

/** Largest |confidence − accuracy| of a bin. Arguments as {@link calibrationBins}. */
export function maximumCalibrationError(confidences: Numbers, outcomes: Numbers, options?: { bins?: number }): number {
  return Math.max(...gapsOf(calibrationBins(confidences, outcomes, options)).map(({ gap }) => gap));
}

/** Largest probability of each case, and whether its class is the label, from probabilities [n, classes]. */
export function topLabel(
  labels: Numbers,
  probabilities: Numbers,
  classes: number,
): { confidences: Float64Array; correct: Int32Array } {
  checkScoreMatrix(labels, probabilities, classes, 'probabilities');
  const predictions = argMax(probabilities, classes);
  return {
    confidences: Float64Array.from(predictions, (c, row) => probabilities[row * classes + c] as number),
    correct: predictions.map((c, row) => (c === labels[row] ? 1 : 0)),
  };
}

/** Mean squared error of P(class 1), in [0, 1] (Brier 1950, one class counted). */
export function brierScore(labels: Numbers, probabilities: Numbers): number {
  checkScored(labels, probabilities, 'probabilities');
  checkProbabilities(probabilities, 'probabilities');
  let total = 0;
  for (let i = 0; i < labels.length; i++) total += ((probabilities[i] as number) - (labels[i] as number)) ** 2;
  return total / labels.length;
}

/** Mean over cases of Σ over classes of (p − one-hot)², in [0, 2]; probabilities [n, classes] (Brier 1950). Twice {@link brierScore} for 2 classes. */
export function multiclassBrierScore(labels: Numbers, probabilities: Numbers, classes: number): number {
  checkScoreMatrix(labels, probabilities, classes, 'probabilities');
  checkProbabilities(probabilities, 'probabilities');
  let total = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const target = labels[Math.floor(i / classes)] === i % classes ? 1 : 0;
    total += ((probabilities[i] as number) - target) ** 2;
  }
  return total / labels.length;
}

/** Mean −ln of the probability of the label, from P(class 1); probabilities are kept 2.2e−16 away from 0 and 1 (scikit-learn). */
export function logLoss(labels: Numbers, probabilities: Numbers): number {
  checkScored(labels, probabilities, 'probabilities');
  checkProbabilities(probabilities, 'probabilities');
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = probabilities[i] as number;
    total -= safeLog(labels[i] === 1 ? p : 1 - p);
  }
  return total / labels.length;
}

/** Mean −ln of the probability of the label, from probabilities [n, classes]. */
export function multiclassLogLoss(labels: Numbers, probabilities: Numbers, classes: number): number {
  checkScoreMatrix(labels, probabilities, classes, 'probabilities');
  checkProbabilities(probabilities, 'probabilities');
  let total = 0;
  for (let i = 0; i < labels.length; i++)
    total -= safeLog(probabilities[i * classes + (labels[i] as number)] as number);
  return total / labels.length;
}

/** The edges k / bins as PyTorch's float32 `linspace` rounds them: counted from both ends. */
function singlePrecisionEdges(bins: number): Float64Array {
  const step = Math.fround(1 / bins);
  const half = Math.floor((bins + 1) / 2);
  return Float64Array.from({ length: bins + 1 }, (_, k) => Math.fround(k < half ? step * k : 1 - step * (bins - k)));
}

function binOf(confidence: number, edges: Float64Array): number {
  let bin = Math.min(Math.floor(confidence * (edges.length - 1)), edges.length - 1);
  while (bin > 0 && confidence < (edges[bin] as number)) bin--;
  while (bin + 1 < edges.length && confidence >= (edges[bin + 1] as number)) bin++;
  return bin;
}

function gapsOf(bins: readonly CalibrationBin[]): { gap: number; count: number }[] {
  return bins
    .filter(({ count }) => count > 0)
    .map(({ confidence, accuracy, count }) => ({ gap: Math.abs(confidence - accuracy), count }));
}

function safeLog(probability: number): number {
  return Math.log(Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON));
}
