import type { Failure } from './compare.js';
import type { LoadedCase } from './load-cases.js';

/** What the official code draws a parameter from (`values.rules` of an `init` case). */
interface Rule {
  dist: 'constant' | 'xavier_normal' | 'normal' | 'uniform' | 'uniform01' | 'fixed';
  value?: number | string;
  std?: number;
  bound?: number | [number, number];
  shape?: number[];
}

/**
 * Compares [mean, std, min, max] of our draws with the distribution of the official ones (conformance README §6.15):
 * std within 5 %, or four standard errors where the tensor is small; mean within four standard errors; extremes inside
 * the bound of a uniform distribution, and beyond the uniform bound of the same std for a normal one.
 */
export function compareDistribution(fixture: LoadedCase, tensor: string, got: ArrayLike<number>): Failure | undefined {
  const parameter = tensor.replace(/^out\.stats\./, '');
  const rule = (fixture.values.rules as Record<string, Rule> | undefined)?.[parameter];
  const [mean, std, min, max] = Array.from(got) as [number, number, number, number];
  const fail = (message: string): Failure => ({ tensor, message });
  if (!rule) return fail('the case gives no distribution for it');
  if (rule.dist === 'constant') {
    const value = Math.fround(Number(rule.value));
    return min === value && max === value ? undefined : fail(`in [${min}, ${max}], expected ${rule.value}`);
  }
  if (rule.dist === 'fixed') {
    const want = fixture.data(tensor);
    const off = Math.max(...Array.from(got, (g, i) => Math.abs(g - (want[i] as number))));
    return off <= 1e-5 ? undefined : { ...fail(`statistics off by ${off}`), deviation: off, tolerance: 1e-5 };
  }
  const draws = (rule.shape ?? []).reduce((a, b) => a * b, 1) * Number(fixture.config.seeds);
  const expectedStd = rule.std as number;
  const isUniform = rule.dist === 'uniform' || rule.dist === 'uniform01';
  // Relative standard error of a standard deviation: √((kurtosis − 1)/4n), kurtosis 1.8 (uniform) or 3 (normal).
  const stdTolerance = expectedStd * Math.max(0.05, 4 * Math.sqrt((isUniform ? 0.2 : 0.5) / draws));
  const stdOff = Math.abs(std - expectedStd);
  if (!(stdOff <= stdTolerance)) {
    return { ...fail(`std ${std}, expected ${expectedStd}`), deviation: stdOff, tolerance: stdTolerance };
  }
  const [low, high] = interval(rule);
  const meanOff = Math.abs(mean - (isUniform ? (low + high) / 2 : 0));
  const meanTolerance = (4 * expectedStd) / Math.sqrt(draws);
  if (!(meanOff <= meanTolerance)) return { ...fail(`mean ${mean}`), deviation: meanOff, tolerance: meanTolerance };
  if (isUniform && !(min >= low - 1e-6 && max <= high + 1e-6)) {
    return fail(`in [${min}, ${max}], expected within [${low}, ${high}]`);
  }
  const uniformBound = Math.sqrt(3) * expectedStd * 1.001;
  if (!isUniform && draws >= 500 && Math.max(-min, max) < uniformBound) return fail('not normal: no tails');
  return undefined;
}

function interval({ bound = 0 }: Rule): [number, number] {
  return typeof bound === 'number' ? [-bound, bound] : bound;
}
