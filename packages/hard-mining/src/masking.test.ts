import { describe, expect, it } from 'vitest';
import { Rng } from '@mhim/tensor';
import {
  headVotes,
  highScoreMask,
  leaveOne,
  lowScoreMask,
  lowScoreSplit,
  maskCounts,
  permuteWith,
  randomMask,
  randomSplit,
  unionOf,
  type HeadFusion,
} from './masking.js';
import { cosineSchedule, momentumSchedule } from './schedules.js';

const scores = Float32Array.of(0.3, 0.9, 0.1, 0.8, 0.5, 0.7, 0.2, 0.6);
const permute = permuteWith(new Rng(0));

describe('high score masking', () => {
  it.each([
    [8108, 487, 244, 7864, [786, 1572, 2359]],
    [10302, 619, 310, 9992, [999, 1998, 2997]],
    [14364, 862, 431, 13933, [1393, 2786, 4179]],
  ])(
    'masks and keeps the official numbers of a bag of %i (βh 0.03, half of the candidates)',
    (n, candidates, masked, left, kept) => {
      expect(maskCounts(n, 0.03, 0.5)).toEqual({ candidates, masked });
      const bag = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
      const selection = highScoreMask(bag, { ratio: 0.03, randomRatio: 0.5, permute });
      expect(selection.masked).toHaveLength(masked);
      expect(selection.kept).toHaveLength(left);
      const splits = [0.1, 0.2, 0.3].map((ratio) => randomSplit(selection.kept, ratio, permute).kept.length);
      expect(splits).toEqual(kept);
    },
  );

  it('masks the highest, ascending, and keeps the rest', () => {
    const { masked, kept } = highScoreMask(scores, { ratio: 0.25 });
    expect([...masked]).toEqual([1, 3]);
    expect([...kept]).toEqual([0, 2, 4, 5, 6, 7]);
    expect([...lowScoreMask(scores, { ratio: 0.25 }).masked]).toEqual([2, 6]);
  });

  it('draws from twice as many candidates when half of them are masked', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const { masked } = highScoreMask(scores, { ratio: 0.25, randomRatio: 0.5, permute });
      expect(masked).toHaveLength(2);
      masked.forEach((instance) => seen.add(instance));
    }
    expect([...seen].sort()).toEqual([1, 3, 5, 7]);
  });

  it('follows a fixed permutation of the candidates in descending score order', () => {
    const fixed = () => [2, 0, 3, 1];
    expect([...highScoreMask(scores, { ratio: 0.25, randomRatio: 0.5, permute: fixed }).masked]).toEqual([1, 5]);
  });

  it('rounds up, so that it masks all of one instance, and masks none at ratio 0', () => {
    expect([...highScoreMask(Float32Array.of(1), { ratio: 0.05 }).masked]).toEqual([0]);
    expect(highScoreMask(scores, { ratio: 1 }).masked).toHaveLength(8);
    expect(highScoreMask(scores, { ratio: 0 }).masked).toHaveLength(0);
  });

  it('leaves one where it is asked to: of the highest masked the lowest, of the lowest the highest', () => {
    const all = { ratio: 1 };
    expect([...leaveOne(highScoreMask(scores, all), scores, 'highest').kept]).toEqual([2]);
    expect([...leaveOne(lowScoreMask(scores, all), scores, 'lowest').kept]).toEqual([1]);
    const some = highScoreMask(scores, { ratio: 0.25 });
    expect(leaveOne(some, scores, 'highest')).toBe(some);
    expect(leaveOne(highScoreMask([], all), [], 'highest').kept).toHaveLength(0);
  });

  it('refuses ratios that are no shares, by name', () => {
    expect(() => highScoreMask(scores, { ratio: 1.5 })).toThrow(/ratio.*1\.5/);
    expect(() => highScoreMask(scores, { ratio: 0.2, randomRatio: 0.5 })).toThrow(/permut/);
  });
});

describe('large masks', () => {
  it('keeps the first of the permutation in its order, and recycles the rest', () => {
    const { kept, recycled } = randomSplit(Int32Array.of(10, 11, 12, 13, 14), 0.4, () => [3, 0, 4, 1, 2]);
    expect([[...kept], [...recycled]]).toEqual([
      [13, 10],
      [14, 11, 12],
    ]);
  });

  it('rounds the kept share down in doubles: 0.29 of 100 is 28', () => {
    expect(randomSplit(new Int32Array(100), 0.29, permute).kept).toHaveLength(28);
  });

  it('by score keeps the best survivors', () => {
    const { kept, recycled } = lowScoreSplit(Int32Array.of(0, 2, 4, 6), 0.5, scores);
    expect([[...kept], [...recycled]]).toEqual([
      [0, 4],
      [2, 6],
    ]);
  });

  it('unites masks over the same bag without counting an instance twice', () => {
    const union = unionOf(8, [
      highScoreMask(scores, { ratio: 0.25 }),
      randomMask(8, 0.25, () => [1, 2, 0, 3, 4, 5, 6, 7]),
    ]);
    expect([...union.masked]).toEqual([1, 2, 3]);
  });

  it('counts every head’s vote', () => {
    expect([...headVotes([0.1, 0.2, 0.9, 0.8, 0.1, 0.7], 2, 1 / 3, 'highest')]).toEqual([1, 0, 1]);
    expect([...headVotes([0.1, 0.2, 0.9, 0.8, 0.1, 0.7], 2, 1 / 3, 'lowest')]).toEqual([1, 1, 0]);
  });
});

describe('scores of several heads', () => {
  const two = [0.1, 0.2, 0.9, 0.8, 0.1, 0.0, 0.7, 0.1, 0.1, 0.6, 0.5, 0.1];
  const mask = (fusion: HeadFusion, ratio: number, heads = 2) => [
    ...highScoreMask(two, { ratio, heads, fusion }).masked,
  ];

  it('vote, unite, or count by their largest', () => {
    // First head: 2, 3, 1 …; second: 0, 3, 4 …
    expect(mask('vote', 2 / 6)).toEqual([0, 3]);
    expect(mask('union', 2 / 6)).toEqual([0, 2]);
    expect(mask('union', 4 / 6)).toEqual([0, 2, 3]);
    expect(mask('max', 3 / 6)).toEqual([0, 2, 3]);
    // Fewer than one for every head.
    expect(mask('union', 1 / 6)).toEqual([]);
    expect([...lowScoreMask(two, { ratio: 1 / 6, heads: 2, fusion: 'max' }).masked]).toEqual([5]);
  });

  it('are drawn from like those of one', () => {
    const options = { ratio: 1 / 6, randomRatio: 0.5, heads: 2, fusion: 'max', permute: () => [1, 0] } as const;
    expect([...highScoreMask(two, options).masked]).toEqual([3]);
    expect([
      ...highScoreMask(two, { ...options, fusion: 'union', ratio: 2 / 6, permute: () => [2, 1, 0] }).masked,
    ]).toEqual([2, 3]);
  });

  it('split survivors', () => {
    const { kept, recycled } = lowScoreSplit(Int32Array.of(0, 1, 3, 5), 0.5, two, { heads: 2, fusion: 'max' });
    expect([[...kept], [...recycled]]).toEqual([
      [0, 3],
      [1, 5],
    ]);
  });

  it('that are no numbers still choose as many', () => {
    expect(highScoreMask(new Float32Array(6).fill(NaN), { ratio: 0.5 }).masked).toHaveLength(3);
  });
});

describe('schedules', () => {
  it('decay as the official cosine, per iteration', () => {
    const total = 143_800;
    expect(cosineSchedule(0.03, 0, 0, total)).toBe(0.03);
    expect(cosineSchedule(0.03, 0, 719, total)).toBeCloseTo(0.029998149487, 12);
    expect(cosineSchedule(0.03, 0, 71_900, total)).toBeCloseTo(0.015, 12);
    expect(cosineSchedule(0.03, 0, total - 1, total)).toBeCloseTo(3.58e-12, 14);
    expect(momentumSchedule(0.9999, 71_900, total)).toBeCloseTo(0.99995, 10);
  });
});
