import { UndefinedMetricError } from './errors.js';

/** A value, or why there is none. */
export type MetricResult<T> = { value: T; reason: null } | { value: null; reason: string };

/**
 * For tables: a metric's value, or null and the reason where it has none. Invalid input still throws.
 * @example tryMetric(() => rocAuc([1, 1], [0.2, 0.9])) // { value: null, reason: 'none of the 2 labels is 0' }
 */
export function tryMetric<T>(compute: () => T): MetricResult<T> {
  try {
    return { value: compute(), reason: null };
  } catch (error) {
    if (error instanceof UndefinedMetricError) return { value: null, reason: error.reason };
    throw error;
  }
}

/** Values by name, null where there is none; `reasons` says why, and is absent where all have one. */
export type MetricResults<K extends string> = Record<K, number | null> & { reasons?: Partial<Record<K, string>> };

/**
 * {@link tryMetric} of several metrics.
 * @example tryMetrics({ auc: () => rocAuc([1, 1], [0.2, 0.9]) }) // { auc: null, reasons: { auc: 'none of the 2 labels is 0' } }
 */
export function tryMetrics<K extends string>(metrics: Record<K, () => number>): MetricResults<K> {
  const results = Object.entries<() => number>(metrics).map(([name, compute]) => ({ name, ...tryMetric(compute) }));
  const values = Object.fromEntries(results.map(({ name, value }) => [name, value]));
  const undefinedOnes = results.filter(({ reason }) => reason !== null);
  const reasons = Object.fromEntries(undefinedOnes.map(({ name, reason }) => [name, reason]));
  return { ...values, ...(undefinedOnes.length > 0 && { reasons }) } as MetricResults<K>;
}
