import { describe, expect, it } from 'vitest';
import { fitTimeBins, timeBinOf } from './time-bins.js';

describe('fitTimeBins', () => {
  it('takes the edges from uncensored times only, the ends from all', () => {
    const times = [1, 2, 3, 4, 5, 100, 0.5, 2.9];
    const edges = fitTimeBins(times, [1, 1, 1, 1, 1, 0, 0, 0]);
    expect(edges).toEqual([0.5 - 1e-6, 2, 3, 4, 100 + 1e-6]);
    expect(times.map((time) => timeBinOf(edges, time))).toEqual([0, 1, 2, 3, 3, 3, 0, 1]);
  });

  it('puts times beyond the fitted ones into the outer bins', () => {
    const edges = fitTimeBins([1, 2, 3, 4, 5], [1, 1, 1, 1, 1], 2);
    expect(edges).toEqual([1 - 1e-6, 3, 5 + 1e-6]);
    expect([-7, 2.999, 3, 1e9].map((time) => timeBinOf(edges, time))).toEqual([0, 0, 1, 1]);
  });

  it('names what is wrong with a cohort', () => {
    expect(() => fitTimeBins([1, Number.NaN], [1, 1])).toThrow(/row 1 has the time NaN/);
    expect(() => fitTimeBins([1, 2], [0, 0])).toThrow(/no row with an event/);
    expect(() => fitTimeBins([5, 5, 5, 5, 6], [1, 1, 1, 1, 1])).toThrow(/coincide/);
    for (const bins of [0, 1e9]) {
      const message = `bins: expected an integer from 1 to 1000, got ${bins}.`;
      expect(() => fitTimeBins([1, 2], [1, 1], bins)).toThrow(message);
    }
  });
});
