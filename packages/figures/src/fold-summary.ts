import { meanAndStd } from '@mhim/metrics';
import type { FoldValues, Measured } from './report-data.js';
import { formatValue, isNumber, reasonOf, valueOf } from './text.js';

/** Mean and spread of a metric as the report shows them. */
export interface FoldSummary {
  mean: Measured;
  std: Measured;
  /** Folds that have a value, and how many there are. */
  count: number;
  total: number;
  /** Ends of the interval drawn around the mean: the given one, else mean ± std. */
  interval: { lower: number; upper: number; definition: string } | null;
}

/** Takes the caller's mean and spread, and computes those that are left out from the folds that have a value. */
export function foldSummary(values: FoldValues | undefined): FoldSummary {
  if (values === undefined) return { mean: NOT_MEASURED, std: NOT_MEASURED, count: 0, total: 0, interval: null };
  const defined = values.folds.map(valueOf).filter(isNumber);
  const computed = defined.length > 0 ? meanAndStd(defined) : null;
  const mean = values.mean ?? { value: computed?.mean ?? null, reason: reasonOfNone(values) };
  const std = values.std ?? { value: computed?.std ?? null, reason: reasonOfNone(values) };
  const [centre, spread] = [valueOf(mean), valueOf(std)];
  const ownInterval =
    centre !== null && spread !== null
      ? { lower: centre - spread, upper: centre + spread, definition: 'mean ± standard deviation over the folds' }
      : null;
  return { mean, std, count: defined.length, total: values.folds.length, interval: values.interval ?? ownInterval };
}

/** E.g. `5 folds, AUC 0.912 ± 0.030`. */
export function areaOfFolds(areas: readonly Measured[], name: string): string {
  const { mean, std, count, total } = foldSummary({ folds: areas });
  const of = count === total ? `${total} folds` : `${count} of ${total} folds`;
  if (valueOf(mean) === null) return `the folds, ${name} –`;
  return `${of}, ${name} ${formatValue(valueOf(mean))} ± ${formatValue(valueOf(std))}`;
}

function reasonOfNone({ folds }: FoldValues): string {
  return folds.length === 0 ? 'no fold was given' : `no fold has a value: ${reasonOf(folds[0])}`;
}

const NOT_MEASURED: Measured = { value: null, reason: 'not measured' };
