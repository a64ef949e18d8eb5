import type { Printed } from '../printed.js';
import type { Ours } from './experiment-result.js';

/** How far our mean is from the paper's. */
export interface Difference {
  value: number;
  /** 95 % interval of the difference of means (Welch), where both have a spread. */
  interval?: { lower: number; upper: number };
}

/** Folds of the paper. */
const PAPER_FOLDS = 5;

/**
 * Ours minus the paper's, with Welch's 95 % interval. Both spreads are population standard deviations over folds; folds of one data
 * set share most of their training bags, so the interval is narrower than that of independent repetitions.
 */
export function differenceOf(ours: Ours, paper: Printed): Difference {
  const value = ours.mean - paper.mean;
  const count = ours.values.filter((one) => one !== null).length;
  if (ours.std === undefined || paper.std === undefined || count < 2) return { value };
  // A population deviation over n values estimates the variance of their mean as s² / (n − 1).
  const [own, theirs] = [ours.std ** 2 / (count - 1), paper.std ** 2 / (PAPER_FOLDS - 1)];
  const variance = own + theirs;
  if (variance === 0) return { value };
  const freedom = variance ** 2 / (own ** 2 / (count - 1) + theirs ** 2 / (PAPER_FOLDS - 1));
  const half = studentQuantile(freedom) * Math.sqrt(variance);
  return { value, interval: { lower: value - half, upper: value + half } };
}

/** The 97.5 % quantile of Student's t, from a table, interpolated in 1/ν; exact to about 0.002. */
export function studentQuantile(freedom: number): number {
  const inverse = 1 / Math.min(1e9, Math.max(1, freedom));
  const above = TABLE.findIndex(([nu]) => 1 / nu <= inverse);
  if (above <= 0) return (TABLE[0] as [number, number])[1];
  const [[n0, t0], [n1, t1]] = [TABLE[above - 1], TABLE[above]] as [[number, number], [number, number]];
  const share = (inverse - 1 / n0) / (1 / n1 - 1 / n0);
  return t0 + share * (t1 - t0);
}

/** Degrees of freedom and quantile, in the order of falling 1/ν. */
const TABLE: readonly (readonly [number, number])[] = [
  [1, 12.7062],
  [1.1, 10.2768],
  [1.3, 7.5005],
  [1.5, 6.0167],
  [2, 4.3027],
  [2.5, 3.5747],
  [3, 3.1824],
  [4, 2.7764],
  [5, 2.5706],
  [6, 2.4469],
  [8, 2.306],
  [10, 2.2281],
  [15, 2.1314],
  [30, 2.0423],
  [60, 2.0003],
  [1e9, 1.95996],
];
