import { describe, expect, it } from 'vitest';
import { compareDistribution } from './compare-distribution.js';
import { compareTensor } from './compare.js';
import type { Outputs, TensorInfo } from './conformance-case.js';
import { hashTensor } from './hash-tensor.js';
import type { LoadedCase } from './load-cases.js';
import { KindNotBuilt, runCase } from './run-conformance.js';

const float: TensorInfo = { role: 'expected', shape: [2], dtype: 'float32', atol: 0.1, rtol: 0.01 };

function fixture(tensors: Record<string, [TensorInfo, number[]]>, more: Partial<LoadedCase> = {}): LoadedCase {
  return {
    area: 'area',
    name: 'name',
    folder: '',
    kind: 'kind',
    constructorArgs: {},
    config: {},
    values: {},
    mode: 'n/a',
    paramsWithoutGradient: [],
    tensors: Object.fromEntries(Object.entries(tensors).map(([name, [info]]) => [name, info])),
    data: (name) => Float64Array.from((tensors[name] as [TensorInfo, number[]])[1]),
    shape: (name) => (tensors[name] as [TensorInfo, number[]])[0].shape,
    has: (name) => name in tensors,
    load: async () => undefined,
    ...more,
  };
}

const verdict = (info: Partial<TensorInfo>, want: number[], got: number[], name = 'out.x', more = {}) =>
  compareTensor(fixture({ [name]: [{ ...float, shape: [want.length], ...info }, want], ...more }), name, got);

describe('compareTensor', () => {
  it('allows atol + rtol·|want| and no more', () => {
    expect(verdict({}, [10, 0], [10.19, 0.1])).toBeUndefined();
    const failure = verdict({}, [10, 0], [10.3, 0.05]);
    expect(failure?.message).toMatch(
      /1 of 2 outside, worst at \[0\]: got 10\.30, expected 10, deviation 0\.3000, tolerance 0\.2000/,
    );
  });

  it('matches NaN and infinities only with themselves', () => {
    expect(verdict({}, [NaN, Infinity], [NaN, Infinity])).toBeUndefined();
    for (const got of [
      [0, Infinity],
      [NaN, -Infinity],
      [NaN, 1e30],
      [NaN, NaN],
    ]) {
      expect(verdict({}, [NaN, Infinity], got)).toBeDefined();
    }
    expect(verdict({}, [1, 2], [NaN, 2])).toBeDefined();
  });

  it('wants integers exactly, and the right number of elements', () => {
    const exact = { exact: true, dtype: 'int32' as const };
    expect(verdict(exact, [3, 4], [3, 4])).toBeUndefined();
    expect(verdict(exact, [3, 4], [4, 3])).toBeDefined();
    expect(verdict({}, [3, 4], [3])?.message).toMatch(/1 elements, expected 2/);
  });

  it('lets half a percent of a trajectory’s parameters off, within max_dev', () => {
    const rule = { max_dev: 1 };
    const want = Array<number>(400).fill(0);
    const off = (count: number, by: number) => want.map((_, i) => (i < count ? by : 0));
    expect(verdict(rule, want, off(2, 0.9))).toBeUndefined();
    expect(verdict(rule, want, off(3, 0.9))).toBeDefined();
    expect(verdict(rule, want, off(1, 1.1))).toBeDefined();
  });

  it('takes another order of instances only among equal scores', () => {
    const score: Record<string, [TensorInfo, number[]]> = {
      'out.score': [{ ...float, atol: 1e-6, rtol: 0, shape: [3] }, [0.5, 0.5, 0.2]],
    };
    const exact = { exact: true };
    expect(verdict(exact, [0, 1, 2], [1, 0, 2], 'out.rank', score)).toBeUndefined();
    expect(verdict(exact, [0, 1, 2], [0, 2, 1], 'out.rank', score)).toBeDefined();
    expect(verdict(exact, [0, 1, 2], [0, 0, 2], 'out.rank', score)).toBeDefined();
  });

  it('compares kept instances as a set where two in five are masked', () => {
    const tensors = (masked: number[]): Record<string, [TensorInfo, number[]]> => ({
      'out.masked0': [{ ...float, shape: [masked.length] }, masked],
      'out.kept0': [{ ...float, shape: [3], exact: true }, [5, 4, 3]],
    });
    const judge = (masked: number[], kind: string) =>
      compareTensor(fixture(tensors(masked), { kind }), 'out.kept0', [3, 4, 5]);
    expect(judge([0, 1], 'mhim.mask')).toBeUndefined();
    expect(judge([0], 'mhim.mask')).toBeDefined();
    expect(judge([0, 1], 'mhim.grn')).toBeDefined();
  });
});

describe('compareDistribution', () => {
  const judge = (rule: object, got: number[]) =>
    compareDistribution(
      fixture({ 'out.stats.w': [float, [0, 0, 0, 0]] }, { values: { rules: { w: rule } }, config: { seeds: 10 } }),
      'out.stats.w',
      got,
    );
  const uniform = { dist: 'uniform', bound: 1, std: 0.577, shape: [100, 10] };

  it('checks spread, mean and bound', () => {
    expect(judge(uniform, [0.001, 0.575, -0.999, 0.999])).toBeUndefined();
    expect(judge(uniform, [0.001, 0.62, -0.999, 0.999])).toBeDefined();
    expect(judge(uniform, [0.1, 0.575, -0.999, 0.999])).toBeDefined();
    expect(judge(uniform, [0.001, 0.575, -1.1, 0.999])).toBeDefined();
  });

  it('tells normal from uniform of the same spread, and constants exactly', () => {
    const normal = { dist: 'xavier_normal', std: 0.577, shape: [100, 10] };
    expect(judge(normal, [0.001, 0.575, -2.1, 2.2])).toBeUndefined();
    expect(judge(normal, [0.001, 0.575, -0.99, 0.99])).toBeDefined();
    expect(judge({ dist: 'constant', value: 1 }, [1, 0, 1, 1])).toBeUndefined();
    expect(judge({ dist: 'constant', value: 1 }, [1, 0, 1, 1.0001])).toBeDefined();
  });
});

describe('runCase', () => {
  const loaded = fixture({ 'out.x': [float, [1, 2]], 'grad_official.w': [{ ...float, role: 'gradient' }, [0, 0]] });
  const run = (outputs: Outputs, more: Partial<LoadedCase> = {}) => runCase({ ...loaded, ...more }, () => outputs);

  it('fails what an adapter leaves out, but not documented variants', async () => {
    expect((await run({ 'out.x': [1, 2] })).passed).toBe(true);
    expect((await run({})).failures).toEqual([{ tensor: 'out.x', message: 'not computed' }]);
    expect((await run({ 'out.x': [1, 2], 'grad_official.w': [1, 1] })).passed).toBe(false);
  });

  it('fails kinds not built, adapters that throw, and gradients the loss cannot have', async () => {
    expect((await runCase(loaded, undefined)).failures[0]?.message).toBe('kind not built: kind');
    const thrown = await runCase(loaded, () => {
      throw new KindNotBuilt('kind over dsmil');
    });
    expect(thrown.failures[0]?.message).toBe('kind not built: kind over dsmil');
    const touched = await run({ 'out.x': [1, 2], 'grad.b': [0, 1] }, { paramsWithoutGradient: ['b'] });
    expect(touched.passed).toBe(false);
  });

  it('makes statistics and samples of a gradient that is stored so', async () => {
    const big = fixture({
      'gradstat.w': [{ ...float, role: 'gradient', shape: [3], atol: 1e-9 }, [5, -1, 4]],
      'gradsample.w': [
        { ...float, role: 'gradient', shape: [24], atol: 0 },
        Array.from({ length: 24 }, (_, k) => [3, -4][(7919 * k + 13) % 2] as number),
      ],
    });
    expect((await runCase(big, () => ({ 'grad.w': [3, -4] }))).failures).toEqual([]);
    expect((await runCase(big, () => ({ 'grad.w': [-4, 3] }))).failures.map(({ tensor }) => tensor)).toEqual([
      'gradsample.w',
    ]);
  });
});

describe('hashTensor', () => {
  it('follows the README’s integer arithmetic', () => {
    const reference = (i: number, seed: number) => {
      const mask = 0xffffffffn;
      let h = (BigInt(i + 1) * 0x9e3779b1n + BigInt(seed)) & mask;
      h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & mask;
      h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & mask;
      h ^= h >> 16n;
      return Math.fround((Number(h >> 8n) / 8388608 - 1) * 0.125 + 1);
    };
    const values = hashTensor({ shape: [10, 100], seed: 51010, scale: 0.125, offset: 1 });
    expect([0, 1, 500, 999].map((i) => values[i])).toEqual([0, 1, 500, 999].map((i) => reference(i, 51010)));
  });
});
