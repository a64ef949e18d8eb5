import { checkLevel } from './check.js';
import { MetricError, UndefinedMetricError } from './errors.js';
import { twoSidedQuantile } from './normal-distribution.js';
import { lastAtOrBelow, riskTable, type RiskTable, type SurvivalOutcome } from './survival-outcome.js';

export interface KaplanMeierOptions {
  /** Level of the pointwise band. Default 0.95. */
  level?: number;
  /** `log-log` (default) stays within [0, 1]; `linear` is S ± z·√variance, cut at 0 and 1. */
  scale?: 'log-log' | 'linear';
}

/** A survival curve: a step down at each time with events, flat between. */
export interface KaplanMeierCurve extends RiskTable {
  /** S just after each time. */
  survival: Float64Array;
  /** Greenwood's variance of S. */
  variance: Float64Array;
  /** Bounds of the confidence band. */
  lower: Float64Array;
  upper: Float64Array;
}

/**
 * Kaplan–Meier estimate of the survival function (Kaplan and Meier 1958) with Greenwood's variance and a pointwise band.
 * Where nobody has died the band is 1 to 1, where nobody is left 0 to 0, as lifelines has it.
 */
export function kaplanMeier(
  outcome: SurvivalOutcome,
  { level = 0.95, scale = 'log-log' }: KaplanMeierOptions = {},
): KaplanMeierCurve {
  checkLevel(level);
  if (scale !== 'log-log' && scale !== 'linear') {
    throw new MetricError(`expected 'log-log' or 'linear', got ${String(scale)}.`, { code: 'config', path: 'scale' });
  }
  const table = riskTable(outcome);
  const [survival, variance, lower, upper] = Array.from({ length: 4 }, () => new Float64Array(table.times.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const z = twoSidedQuantile(level);
  let [alive, relative] = [1, 0];
  for (let i = 0; i < survival.length; i++) {
    const [n, d] = [table.atRisk[i] as number, table.events[i] as number];
    alive *= 1 - d / n;
    if (d < n) relative += d / (n * (n - d));
    survival[i] = alive;
    variance[i] = alive * alive * relative;
    [lower[i], upper[i]] = band(alive, relative, z, scale);
  }
  return { ...table, survival, variance, lower, upper };
}

/** S(t). @throws UndefinedMetricError beyond the last observed time, unless nobody survived it */
export function survivalAt({ times, survival }: Pick<KaplanMeierCurve, 'times' | 'survival'>, time: number): number {
  const at = lastAtOrBelow(times, time);
  if (at < 0) return 1;
  const [last, alive] = [times[times.length - 1] as number, survival[at] as number];
  if (time > last && alive > 0) {
    throw new UndefinedMetricError('survival', `nobody is observed after ${last}, the curve was asked for at ${time}`);
  }
  return alive;
}

/** The first time at which S is ½ or less; infinite where the curve stays above. */
export function medianSurvivalTime({ times, survival }: Pick<KaplanMeierCurve, 'times' | 'survival'>): number {
  // A product of shares may miss an exact half by its rounding.
  const at = survival.findIndex((alive) => alive <= 0.5 + 1e-12);
  return at < 0 ? Infinity : (times[at] as number);
}

/** Mean survival time up to `horizon`, the area below the curve from 0. @throws UndefinedMetricError see {@link survivalAt} */
export function restrictedMeanSurvivalTime(
  curve: Pick<KaplanMeierCurve, 'times' | 'survival'>,
  horizon: number,
): number {
  survivalAt(curve, horizon);
  let [area, from, alive] = [0, 0, 1];
  for (let i = 0; i < curve.times.length && (curve.times[i] as number) < horizon; i++) {
    area += alive * ((curve.times[i] as number) - from);
    [from, alive] = [curve.times[i] as number, curve.survival[i] as number];
  }
  return area + alive * (horizon - from);
}

/** @param relative Greenwood's sum, the variance of log S */
function band(alive: number, relative: number, z: number, scale: 'log-log' | 'linear'): [number, number] {
  if (alive === 0 || alive === 1) return [alive, alive];
  if (scale === 'linear') {
    const margin = z * alive * Math.sqrt(relative);
    return [Math.max(0, alive - margin), Math.min(1, alive + margin)];
  }
  const margin = (z * Math.sqrt(relative)) / Math.log(alive);
  return [alive ** Math.exp(-margin), alive ** Math.exp(margin)];
}
