/** Bounds of a confidence interval. */
export interface Interval {
  lower: number;
  upper: number;
}
