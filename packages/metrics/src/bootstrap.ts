import { checkClasses, checkCount, checkLevel, type Numbers } from './check.js';
import { MetricError, UndefinedMetricError } from './errors.js';
import type { Interval } from './interval.js';
import { mean, quantile, standardDeviation } from './statistics.js';

export interface BootstrapOptions {
  /** Rows of each resample [count, size] row by row; left out, they are drawn. */
  resamples?: Numbers;
  /** How many to draw, default 1000. */
  count?: number;
  /** Numbers in [0, 1) to draw with, e.g. {@link seededRandom}; required where `resamples` are not given. */
  random?: () => number;
  /** Default 0.95. */
  level?: number;
}

export interface BootstrapResult extends Interval {
  /** The statistic of every resample; NaN where it is undefined. */
  estimates: Float64Array;
  /** Mean and standard deviation (ddof 1) of the defined ones. */
  mean: number;
  std: number;
  /** Resamples left out because the statistic is undefined for them. */
  undefinedCount: number;
}

/**
 * Percentile bootstrap interval of any statistic of `size` cases (Efron 1979).
 * @param statistic value for a resample's rows; where it throws {@link UndefinedMetricError} (one class drawn), the resample is left out and counted
 * @throws UndefinedMetricError unless at least 2 resamples have a value
 * @example bootstrap(labels.length, (rows) => rocAuc(take(labels, rows), take(scores, rows)), { random: seededRandom(7) })
 */
export function bootstrap(
  size: number,
  statistic: (rows: Int32Array) => number,
  { resamples, count = 1000, random, level = 0.95 }: BootstrapOptions,
): BootstrapResult {
  checkLevel(level);
  const rows = resamples === undefined ? drawResamples(size, count, random) : checkResamples(resamples, size);
  const estimates = Float64Array.from({ length: rows.length / size }, (_, i) =>
    valueOrNaN(statistic, rows.subarray(i * size, (i + 1) * size)),
  );
  const defined = estimates.filter((value) => !Number.isNaN(value));
  if (defined.length < 2) {
    throw new UndefinedMetricError(
      'bootstrap interval',
      `${defined.length} of ${estimates.length} resamples have a value`,
      {
        hint: 'There are too few cases of a class.',
      },
    );
  }
  return {
    estimates,
    mean: mean(defined),
    std: standardDeviation(defined, { ddof: 1 }),
    lower: quantile(defined, (1 - level) / 2),
    upper: quantile(defined, (1 + level) / 2),
    undefinedCount: estimates.length - defined.length,
  };
}

/** Row indices drawn with replacement, [count, size] row by row. @throws MetricError `config` without a random source */
export function drawResamples(size: number, count: number, random: (() => number) | undefined): Int32Array {
  checkCount(size, 'size');
  checkCount(count, 'count');
  if (typeof random !== 'function') {
    throw new MetricError('expected a function that gives numbers in [0, 1).', {
      code: 'config',
      path: 'random',
      hint: 'Pass seededRandom(seed), so that the interval can be had again.',
    });
  }
  return Int32Array.from({ length: size * count }, () => Math.floor(random() * size));
}

/** Reproducible numbers in [0, 1), 32 bits each: a counter mixed with the seed (finaliser of MurmurHash3). For resampling, not for secrets. */
export function seededRandom(seed: number): () => number {
  if (!Number.isSafeInteger(seed)) {
    throw new MetricError(`expected an integer, got ${seed}.`, { code: 'config', path: 'seed' });
  }
  const key = mix(mix(seed >>> 0) ^ Math.floor(seed / 2 ** 32));
  let counter = 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    return mix(mix(counter) ^ key) / 2 ** 32;
  };
}

function mix(bits: number): number {
  let hash = bits >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function checkResamples(resamples: Numbers, size: number): Int32Array {
  checkCount(size, 'size');
  checkClasses(resamples, 'resamples', size);
  if (resamples.length % size === 0) return Int32Array.from(resamples);
  throw new MetricError(`expected rows of ${size} indices, got ${resamples.length} indices.`, {
    code: 'data',
    path: 'resamples',
  });
}

function valueOrNaN(statistic: (rows: Int32Array) => number, rows: Int32Array): number {
  try {
    return statistic(rows);
  } catch (error) {
    if (error instanceof UndefinedMetricError) return NaN;
    throw error;
  }
}
