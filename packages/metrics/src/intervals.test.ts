import { describe, expect, it } from 'vitest';
import * as metrics from './index.js';

const random = metrics.seededRandom(3);
const labels = Array.from({ length: 80 }, (_, i) => (i % 5 < 2 ? 1 : 0));
const scores = labels.map((label) => Math.round(10 * (0.3 * label + 0.7 * random())) / 10);
const others = labels.map((label) => 0.1 * label + 0.9 * random());

describe('bootstrap', () => {
  const auc = (rows: Int32Array) => metrics.rocAuc(metrics.take(labels, rows), metrics.take(scores, rows));

  it('comes out the same for the same seed, and near DeLong’s interval', () => {
    const run = (seed: number) => metrics.bootstrap(80, auc, { random: metrics.seededRandom(seed) });
    const first = run(7);
    expect(run(7)).toEqual(first);
    expect(run(8).lower).not.toBe(first.lower);
    const delong = metrics.delongInterval(labels, scores);
    expect(first.lower).toBeCloseTo(delong.lower, 1);
    expect(first.upper).toBeCloseTo(delong.upper, 1);
    expect(first.std).toBeCloseTo(Math.sqrt(metrics.delongCovariance(labels, scores)), 2);
  });

  it('leaves out and counts resamples of one class', () => {
    const resamples = [0, 1, 1, 1, 0, 0, 1, 0];
    const result = metrics.bootstrap(
      2,
      (rows) => metrics.rocAuc(metrics.take([0, 1], rows), metrics.take([1, 2], rows)),
      {
        resamples,
      },
    );
    expect([...result.estimates]).toEqual([1, NaN, NaN, 1]);
    expect(result).toMatchObject({ mean: 1, undefinedCount: 2, lower: 1, upper: 1 });
  });

  it('draws every row about equally often', () => {
    const rows = metrics.drawResamples(10, 2000, metrics.seededRandom(1));
    const counts = Array.from({ length: 10 }, (_, row) => rows.filter((drawn) => drawn === row).length);
    // 2000 ± 5 standard deviations of a binomial count.
    counts.forEach((count) => expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(2000 * 0.9)));
  });
});

describe('DeLong', () => {
  it('is the covariance of the placements, written out', () => {
    const above = (a: number, b: number) => (a > b ? 1 : a === b ? 0.5 : 0);
    const rows = [1, 0].map((c) => labels.flatMap((label, i) => (label === c ? [i] : []))) as [number[], number[]];
    const average = (values: number[]) => values.reduce((total, value) => total + value, 0) / values.length;
    const parts = (list: number[]) => [
      rows[0].map((p) => average(rows[1].map((n) => above(list[p] as number, list[n] as number)))),
      rows[1].map((n) => average(rows[0].map((p) => above(list[p] as number, list[n] as number)))),
    ];
    const [a, b] = [parts(scores), parts(others)];
    const want = [0, 1].reduce((total, part) => {
      const [u, v] = [a[part] as number[], b[part] as number[]];
      const products = u.map((value, i) => (value - average(u)) * ((v[i] as number) - average(v)));
      return total + products.reduce((sum, value) => sum + value, 0) / (u.length - 1) / u.length;
    }, 0);
    expect(metrics.delongCovariance(labels, scores, others)).toBeCloseTo(want, 14);
  });

  it('logit interval stays inside (0, 1) and holds the estimate', () => {
    const { estimate, lower, upper } = metrics.delongInterval([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6], {
      scale: 'logit',
    });
    expect(estimate).toBeCloseTo(8 / 9, 12);
    expect(lower).toBeGreaterThan(0);
    expect(upper).toBeLessThan(1);
    expect(metrics.delongInterval([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6]).upper).toBeGreaterThan(1);
  });
});

describe('proportions', () => {
  it("Wilson's interval at other levels (scipy: binomtest(8, 10).proportion_ci(level, 'wilson'))", () => {
    const { lower, upper } = metrics.wilsonInterval(8, 10, { level: 0.99 });
    expect(lower).toBeCloseTo(WILSON_99[0], 10);
    expect(upper).toBeCloseTo(WILSON_99[1], 10);
    expect(metrics.wilsonInterval(0, 5).lower).toBeCloseTo(0, 12);
  });

  it('exact McNemar p (scipy: binomtest(2, 9).pvalue)', () => {
    const truth = new Array<number>(12).fill(1);
    const a = truth.map((_, i) => (i < 2 ? 0 : 1));
    const b = truth.map((_, i) => (i >= 2 && i < 9 ? 0 : 1));
    const { onlyA, onlyB, p } = metrics.mcnemarTest(truth, a, b);
    expect([onlyA, onlyB]).toEqual([7, 2]);
    expect(p).toBeCloseTo(0.1796875, 12);
    expect(metrics.mcnemarTest(truth, a, a).p).toBe(1);
  });
});

describe('over folds', () => {
  it('population standard deviation, sample on request; undefined folds counted', () => {
    expect(metrics.meanAndStd([0.8, null, 0.9, 1])).toEqual({
      mean: expect.closeTo(0.9, 12) as number,
      std: expect.closeTo(Math.sqrt(0.02 / 3), 12) as number,
      count: 3,
      undefinedCount: 1,
    });
    expect(metrics.standardDeviation([0.8, 0.9, 1], { ddof: 1 })).toBeCloseTo(0.1, 12);
    expect(metrics.quantile([3, 1, 2, 4], 0.25)).toBeCloseTo(1.75, 12);
  });
});

const WILSON_99 = [0.4008186965216716, 0.9598688474953836] as const;
