import { describe, expect, it } from 'vitest';
import { headFolds, rrtSurvivalFolds, v1Folds } from './official-folds.js';
import { stratifiedKFold } from './stratified-k-fold.js';

const digits = (text: string) => [...text].map(Number);
const labels = digits('010011010110010101000110');

// Computed with scikit-learn 1.9 and NumPy 2.4.
describe('stratifiedKFold', () => {
  const rows = [0, 1, 1, 0, 2, 0, 0, 1, 0, 2, 0, 1, 1, 0, 0, 2, 0, 1, 0, 0, 1, 0];

  it('deals rows out in their order without a seed', () => {
    expect([...stratifiedKFold(rows, { folds: 3 })]).toEqual(digits('0000000011111112222222'));
  });

  it('shuffles within classes with one', () => {
    expect([...stratifiedKFold(rows, { folds: 3, seed: 2021 })]).toEqual(digits('2020210100220121012101'));
  });

  it('numbers classes by first appearance, and lets a class be smaller than the number of folds', () => {
    const swapped = rows.map((label) => (label < 2 ? 1 - label : label));
    expect([...stratifiedKFold(swapped, { folds: 4, seed: 7 })]).toEqual(digits('2033101100022323102311'));
  });

  it('needs one class with a row for each fold', () => {
    expect(() => stratifiedKFold([0, 1, 0, 1], { folds: 5 })).toThrow(
      /5 folds need a class with 5 rows.*Use fewer folds/,
    );
  });
});

describe('headFolds', () => {
  it('is the official order', () => {
    expect(headFolds(labels, { folds: 3 }).map((fold) => fold.test)).toEqual([
      [4, 9, 15, 8, 18, 10, 3, 2],
      [22, 23, 11, 14, 7, 5, 1, 16],
      [17, 6, 19, 12, 13, 0, 21, 20],
    ]);
  });

  it('holds out the official validation rows', () => {
    const [first] = headFolds(labels, { folds: 3, validationRatio: 0.25 });
    expect(first?.validation).toEqual([5, 0, 12]);
    expect(first?.train).toEqual([1, 21, 22, 7, 13, 17, 14, 16, 20, 23, 11, 19, 6]);
  });

  it('leaves the first row out only when asked to', () => {
    const rows = headFolds(labels, { folds: 3, loseFirstRow: true }).flatMap((fold) => fold.test);
    expect(rows.sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i + 1));
  });
});

describe('v1Folds', () => {
  it('is the official order, validation rows drawn fold after fold', () => {
    const folds = v1Folds(labels, { folds: 3, validationRatio: 0.25 });
    expect(folds.map((fold) => fold.test)).toEqual([
      [3, 10, 6, 22, 23, 11, 21, 0],
      [9, 16, 18, 19, 13, 4, 5, 2],
      [15, 14, 1, 7, 8, 17, 20, 12],
    ]);
    expect(folds.map((fold) => fold.validation)).toEqual([
      [16, 20, 4, 17],
      [8, 23, 7],
      [3, 16, 22],
    ]);
    expect(folds[2]?.train).toEqual([19, 0, 2, 6, 18, 23, 11, 9, 13, 5, 10, 21, 4]);
  });
});

describe('rrtSurvivalFolds', () => {
  it('cuts the sampled order into chunks, the last one taking the rest', () => {
    const folds = rrtSurvivalFolds(103);
    expect(folds.map((fold) => fold.test.length)).toEqual([20, 20, 20, 20, 23]);
    expect(folds.every((fold) => new Set([...fold.train, ...fold.test]).size === 103)).toBe(true);
  });
});
