import { checkCount, checkLevel } from './check.js';
import { MetricError } from './errors.js';
import type { Interval } from './interval.js';
import { twoSidedQuantile } from './normal-distribution.js';

/** Wilson's score interval of a proportion, e.g. of an accuracy (Wilson 1927, without continuity correction). */
export function wilsonInterval(successes: number, trials: number, { level = 0.95 }: { level?: number } = {}): Interval {
  checkCount(trials, 'trials');
  checkCount(successes, 'successes', 0);
  checkLevel(level);
  if (successes > trials) {
    throw new MetricError(`expected at most ${trials}, the trials, got ${successes}.`, {
      code: 'data',
      path: 'successes',
    });
  }
  const z2 = twoSidedQuantile(level) ** 2;
  const share = successes / trials;
  const centre = share + z2 / (2 * trials);
  const margin = Math.sqrt(z2 * ((share * (1 - share)) / trials + z2 / (4 * trials * trials)));
  return { lower: (centre - margin) / (1 + z2 / trials), upper: (centre + margin) / (1 + z2 / trials) };
}
