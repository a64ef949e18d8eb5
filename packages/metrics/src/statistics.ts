import { checkFinite, checkNotEmpty, type Numbers } from './check.js';
import { MetricError, UndefinedMetricError } from './errors.js';

/** Arithmetic mean. */
export function mean(values: Numbers): number {
  checkNotEmpty(values, 'values');
  checkFinite(values, 'values');
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total / values.length;
}

/**
 * Standard deviation √(Σ(x − mean)² / (n − ddof)).
 * @param ddof 0 (default): of the values themselves, what the official code reports over folds; 1: estimate for what they are a sample of
 * @throws UndefinedMetricError unless there are more than `ddof` values
 */
export function standardDeviation(values: Numbers, { ddof = 0 }: { ddof?: number } = {}): number {
  const centre = mean(values);
  if (values.length <= ddof) {
    throw new UndefinedMetricError('standard deviation', `${values.length} values leave none for ddof ${ddof}`);
  }
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] as number) - centre) ** 2;
  return Math.sqrt(squares / (values.length - ddof));
}

export interface FoldSummary {
  mean: number;
  std: number;
  /** Folds that had a value. */
  count: number;
  /** Folds that had none. */
  undefinedCount: number;
}

/**
 * Mean and standard deviation over folds. Folds without a value (null, see {@link tryMetric}) are left out and counted.
 * @param ddof see {@link standardDeviation}; 0, the official code's, by default
 * @throws UndefinedMetricError where no fold has a value
 */
export function meanAndStd(values: ArrayLike<number | null>, { ddof = 0 }: { ddof?: number } = {}): FoldSummary {
  const defined = Array.from(values).filter((value): value is number => value !== null);
  const undefinedCount = values.length - defined.length;
  if (defined.length === 0) throw new UndefinedMetricError('mean', `none of the ${values.length} folds has a value`);
  return { mean: mean(defined), std: standardDeviation(defined, { ddof }), count: defined.length, undefinedCount };
}

/** Quantile q in [0, 1], interpolated linearly between the sorted values (numpy's and R's default). */
export function quantile(values: Numbers, q: number): number {
  checkNotEmpty(values, 'values');
  checkFinite(values, 'values');
  if (!(q >= 0 && q <= 1))
    throw new MetricError(`expected a share between 0 and 1, got ${q}.`, { code: 'config', path: 'q' });
  const sorted = Float64Array.from(values).sort();
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}
