import { describe, expect, it } from 'vitest';
import { NumpyRandomState } from './numpy-random-state.js';
import { PythonRandom } from './python-random.js';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

// Drawn with CPython 3.11 and NumPy 2.4.
describe('PythonRandom', () => {
  it('shuffles as random.seed(2021); random.shuffle', () => {
    expect(new PythonRandom(2021).shuffle(range(100)).slice(0, 20)).toEqual([
      82, 77, 45, 32, 54, 2, 39, 42, 63, 79, 88, 22, 97, 85, 99, 49, 38, 84, 44, 19,
    ]);
  });

  it('samples as random.seed(1); random.sample of everything', () => {
    expect(new PythonRandom(1).sampleAll(range(100)).slice(0, 20)).toEqual([
      17, 72, 97, 8, 32, 15, 63, 57, 60, 83, 48, 26, 12, 62, 3, 49, 55, 77, 0, 92,
    ]);
  });

  it('takes seeds of more than 32 bits', () => {
    expect(new PythonRandom(2 ** 40 + 7).shuffle(range(10))).toEqual([0, 5, 2, 3, 6, 1, 8, 4, 7, 9]);
  });

  it('refuses what Python would hash', () => {
    expect(() => new PythonRandom(-1)).toThrow(/seed: expected a non-negative integer, got -1/);
  });
});

describe('NumpyRandomState', () => {
  it('permutes as RandomState(seed).permutation', () => {
    expect(new NumpyRandomState(2021).permutation(100).slice(0, 20)).toEqual([
      89, 2, 46, 4, 77, 8, 32, 22, 13, 60, 47, 79, 74, 73, 81, 56, 51, 30, 6, 35,
    ]);
  });

  it('goes on from where the last draw ended', () => {
    const random = new NumpyRandomState(0);
    expect(random.permutation(7)).toEqual([6, 2, 1, 3, 0, 5, 4]);
    expect(random.permutation(1000).slice(0, 5)).toEqual([801, 311, 85, 435, 204]);
  });
});
