import type { Numbers } from './check.js';
import { rocCurve } from './roc-curve.js';

export interface OperatingPoint {
  /** Positive is score ≥ threshold; ∞ where calling none positive is as good as any other point. */
  threshold: number;
  fpr: number;
  tpr: number;
}

/**
 * The "optimal threshold" of MHIM and its forerunners: the first minimum of FPR − TPR along the ROC curve from high to low thresholds
 * (Youden 1950). Looked for on the cases that it is then applied to, it flatters; an honest protocol takes a validation set's.
 * @throws UndefinedMetricError where a class has no label
 */
export function youdenThreshold(labels: Numbers, scores: Numbers): OperatingPoint {
  const { fpr, tpr, thresholds } = rocCurve(labels, scores);
  const cost = fpr.map((rate, i) => rate - (tpr[i] as number));
  let best = 0;
  cost.forEach((value, i) => {
    if (value < (cost[best] as number)) best = i;
  });
  return { threshold: thresholds[best] as number, fpr: fpr[best] as number, tpr: tpr[best] as number };
}
