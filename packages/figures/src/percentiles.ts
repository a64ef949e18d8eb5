import type { Numbers } from './report-data.js';

/** Percentile of each value among the finite ones, 0 (lowest) to 100 (highest); equal values share their mean; NaN for the others. */
export function percentiles(values: Numbers): Float64Array {
  const order = Array.from(values, (_, i) => i)
    .filter((i) => Number.isFinite(values[i]))
    .sort((a, b) => (values[a] as number) - (values[b] as number));
  const result = new Float64Array(values.length).fill(NaN);
  const last = Math.max(order.length - 1, 1);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end + 1 < order.length && values[order[end + 1] as number] === values[order[start] as number]) end++;
    const percentile = order.length === 1 ? 100 : ((start + end) / 2 / last) * 100;
    for (let i = start; i <= end; i++) result[order[i] as number] = percentile;
    start = end + 1;
  }
  return result;
}
