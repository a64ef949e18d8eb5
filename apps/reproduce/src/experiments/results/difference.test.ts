import { expect, test } from 'vitest';
import { printed } from '../printed.js';
import { differenceOf, studentQuantile } from './difference.js';

test('Student’s quantile where it is tabled, and between', () => {
  expect(studentQuantile(4)).toBeCloseTo(2.7764, 4);
  expect(studentQuantile(7)).toBeCloseTo(2.3646, 2);
  expect(studentQuantile(20)).toBeCloseTo(2.086, 2);
  expect(studentQuantile(1e12)).toBeCloseTo(1.96, 3);
});

test('Welch’s interval of two means over five folds', () => {
  // Sample deviations are √(5/4) of the population ones; scipy.stats.ttest_ind_from_stats(…, equal_var=False) gives the same.
  const ours = { mean: 92, std: 2, values: [90, 90, 92, 94, 94] };
  const { value, interval } = differenceOf(ours, printed('90.0±2.0'));
  expect(value).toBeCloseTo(2, 12);
  // SE = √(4/4 + 4/4), ν = 8.
  expect(interval?.upper).toBeCloseTo(2 + 2.306 * Math.SQRT2, 3);
  expect(interval?.lower).toBeCloseTo(2 - 2.306 * Math.SQRT2, 3);
  expect(differenceOf({ ...ours, std: undefined }, printed('90.0±2.0'))).toEqual({ value: 2 });
  expect(differenceOf(ours, printed('90.0+2'))).toEqual({ value: 2 });
});
