import { checkBothClasses, checkLevel, checkScored, type Numbers } from './check.js';
import { MetricError, UndefinedMetricError } from './errors.js';
import type { Interval } from './interval.js';
import { midranks } from './ranks.js';
import { twoSidedP, twoSidedQuantile } from './normal-distribution.js';
import { take } from './decisions.js';

export interface DeLongOptions {
  /** Default 0.95. */
  level?: number;
  /** `linear` (default) may leave [0, 1]; `logit` cannot, and suits AUCs near 1. */
  scale?: 'linear' | 'logit';
}

/**
 * Variance of an AUC, or covariance of the AUCs of two score lists on the same cases
 * (DeLong et al. 1988; by midranks, Sun and Xu 2014, O(n log n)).
 * @throws UndefinedMetricError unless each class has at least 2 labels
 */
export function delongCovariance(labels: Numbers, scoresA: Numbers, scoresB: Numbers = scoresA): number {
  const a = placements(labels, scoresA, 'scoresA');
  const b = placements(labels, scoresB, 'scoresB');
  return (
    covariance(a.positives, b.positives) / a.positives.length +
    covariance(a.negatives, b.negatives) / a.negatives.length
  );
}

/** Interval of the AUC from DeLong's variance. @throws UndefinedMetricError see {@link delongCovariance}; on the logit scale also where the AUC is 0 or 1 */
export function delongInterval(
  labels: Numbers,
  scores: Numbers,
  { level = 0.95, scale = 'linear' }: DeLongOptions = {},
): Interval & { estimate: number } {
  checkLevel(level);
  const estimate = areaOf(placements(labels, scores, 'scores'));
  const margin = twoSidedQuantile(level) * Math.sqrt(delongCovariance(labels, scores));
  if (scale === 'linear') return { estimate, lower: estimate - margin, upper: estimate + margin };
  if (scale !== 'logit') {
    throw new MetricError(`expected 'linear' or 'logit', got ${String(scale)}.`, { code: 'config', path: 'scale' });
  }
  if (estimate <= 0 || estimate >= 1) {
    throw new UndefinedMetricError('logit interval of the AUC', `the AUC is ${estimate}`, {
      hint: 'Use the bootstrap interval, or more cases.',
    });
  }
  const centre = Math.log(estimate / (1 - estimate));
  const logitMargin = margin / (estimate * (1 - estimate));
  return { estimate, lower: logistic(centre - logitMargin), upper: logistic(centre + logitMargin) };
}

/** Test of AUC A = AUC B on the same cases: difference A − B, its z and two-sided p. @throws UndefinedMetricError where the difference does not vary */
export function delongTest(
  labels: Numbers,
  scoresA: Numbers,
  scoresB: Numbers,
): { difference: number; z: number; p: number } {
  const difference = areaOf(placements(labels, scoresA, 'scoresA')) - areaOf(placements(labels, scoresB, 'scoresB'));
  const variance =
    delongCovariance(labels, scoresA) +
    delongCovariance(labels, scoresB) -
    2 * delongCovariance(labels, scoresA, scoresB);
  // Equal rankings leave only the rounding of the three terms.
  if (!(variance > 1e-15)) {
    throw new UndefinedMetricError("DeLong's test", 'the difference of the AUCs has no variance', {
      hint: 'Both models rank the cases alike, or perfectly.',
    });
  }
  const z = difference / Math.sqrt(variance);
  return { difference, z, p: twoSidedP(z) };
}

interface Placements {
  /** Share of the negatives that each positive scores above, ties half. */
  positives: Float64Array;
  /** Share of the positives that score above each negative. */
  negatives: Float64Array;
}

function placements(labels: Numbers, scores: Numbers, path: string): Placements {
  checkScored(labels, scores, path);
  checkBothClasses(labels, "DeLong's variance");
  const rows = Array.from(labels, (_, row) => row);
  const [negativeRows, positiveRows] = [0, 1].map((c) => rows.filter((row) => labels[row] === c)) as [
    number[],
    number[],
  ];
  for (const [absentClass, { length }] of [negativeRows, positiveRows].entries()) {
    if (length >= 2) continue;
    throw new UndefinedMetricError("DeLong's variance", `only 1 of the ${labels.length} labels is ${absentClass}`);
  }
  const ranks = midranks(scores);
  const beyondOwn = (own: number[]) => {
    const among = midranks(take(scores, own));
    return take(ranks, own).map((rank, i) => rank - (among[i] as number));
  };
  return {
    positives: beyondOwn(positiveRows).map((below) => below / negativeRows.length),
    negatives: beyondOwn(negativeRows).map((below) => 1 - below / positiveRows.length),
  };
}

function areaOf({ positives }: Placements): number {
  return positives.reduce((total, share) => total + share, 0) / positives.length;
}

function covariance(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [a, b].map((list) => list.reduce((sum, value) => sum + value, 0) / list.length) as [
    number,
    number,
  ];
  return a.reduce((sum, value, i) => sum + (value - meanA) * ((b[i] as number) - meanB), 0) / (a.length - 1);
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
