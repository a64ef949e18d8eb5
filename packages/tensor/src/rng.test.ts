import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { Rng } from './rng.js';
import { useNativeForTests } from './test-helpers.js';

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

describe('Rng', () => {
  beforeAll(useNativeForTests);

  it('gives the same bits for the same state, also one stored in the middle', () => {
    const rng = new Rng(7);
    const first = values(rng.normal([5]));
    const stored = JSON.parse(JSON.stringify(rng.state));
    const rest = [values(rng.uniform([6])), Array.from(rng.permutation(9)), values(rng.keepMask([8], 0.25))];
    expect(values(new Rng(7).normal([5]))).toEqual(first);
    const resumed = Rng.from(stored);
    expect([
      values(resumed.uniform([6])),
      Array.from(resumed.permutation(9)),
      values(resumed.keepMask([8], 0.25)),
    ]).toEqual(rest);
  });

  it('gives other bits for another seed, stream or counter', () => {
    const draws = [new Rng(1), new Rng(2), new Rng(1, 1), new Rng(1, 0, 1)].map((rng) =>
      values(rng.uniform([4])).join(),
    );
    expect(new Set(draws).size).toBe(4);
  });

  it('forks into streams that do not disturb their parent and differ from it and each other', () => {
    const rng = new Rng(3);
    const [a, b] = [rng.fork(0), rng.fork(1)];
    const fromA = Array.from(a.permutation(20));
    expect(rng.state.counter).toBe(0);
    expect(fromA).toEqual(Array.from(new Rng(3).fork(0).permutation(20)));
    expect(new Set([fromA, Array.from(b.permutation(20)), Array.from(rng.permutation(20))].map(String)).size).toBe(3);
  });

  it.each([
    ['eight bits a draw', [400, 100], 0.25],
    ['24 bits a draw, rate no multiple of 1/256', [400, 100], 0.1],
    ['24 bits a draw, size no multiple of four', [201, 201], 0.25],
  ] as const)('drops at the given rate: %s', (_, shape, rate) => {
    const mask = values(new Rng(11).keepMask([...shape], rate));
    expect(mask.every((v) => v === 0 || Math.abs(v - 1 / (1 - rate)) < 1e-6)).toBe(true);
    const dropped = mask.filter((v) => v === 0).length / mask.length;
    expect(Math.abs(dropped - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / mask.length));
  });

  it('permutes uniformly', () => {
    const rng = new Rng(5);
    const counts = new Map<string, number>();
    const draws = 4800;
    for (let i = 0; i < draws; i++) {
      const key = rng.permutation(4).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const expected = draws / 24;
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(24);
    expect(chiSquare).toBeLessThan(52); // 23 degrees of freedom: exceeded once in 2000
  });

  it('draws normal and uniform numbers of the right spread', () => {
    const rng = new Rng(9);
    const { mean, variance } = tf.moments(rng.normal([20000]));
    expect(Math.abs(mean.dataSync()[0] as number)).toBeLessThan(0.03);
    expect(Math.abs((variance.dataSync()[0] as number) - 1)).toBeLessThan(0.04);
    const uniform = values(rng.uniform([1000]));
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
  });

  it('refuses seeds that are no 32-bit integers', () => {
    expect(() => new Rng(-1)).toThrow(/seed/);
    expect(() => new Rng(0.5)).toThrow(/seed/);
  });
});
