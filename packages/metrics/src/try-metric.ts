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
