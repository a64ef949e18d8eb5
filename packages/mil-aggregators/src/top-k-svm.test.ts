import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients, Rng } from '@mhim/tensor';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { decidedRows, topKSvm } from './top-k-svm.js';

const labels = [3, 0, 5, 2];
const logits = (scale = 1): tf.Tensor2D => tf.mul(new Rng(1).normal([4, 6]), scale);

describe('smooth top-k SVM', () => {
  beforeAll(useNativeForTests);

  it.each([1, 2, 3, 5])('sums over all sets of %i classes', (k) => {
    for (const temperature of [0.5, 1]) {
      const x = logits().arraySync();
      const want = labels.map((y, row) => smoothByEnumeration(x[row] as number[], y, k, 0.7, temperature));
      const got = topKSvm(logits(), labels, { k, margin: 0.7, temperature });
      expectAllClose(got, [want.reduce((a, b) => a + b) / 4], { atol: 2e-6 });
    }
  });

  it.each([1, 3])('without smoothing is the hinge on the kth highest score, k = %i', (k) => {
    const x = logits().arraySync();
    const want = labels.map((y, row) => {
      const scores = x[row] as number[];
      const others = scores.filter((_, c) => c !== y).sort((a, b) => b - a);
      return Math.max(0, 1 + ((others[k - 1] as number) - (scores[y] as number)) / k);
    });
    expectAllClose(topKSvm(logits(), labels, { k, temperature: 0 }), [want.reduce((a, b) => a + b) / 4]);
  });

  it.each([
    [1, 1, 1],
    [2, 1, 1],
    [3, 0.5, 1],
    [2, 0, 1],
    // Scores far enough apart for the hard branch in some rows.
    [1, 1, 6],
  ])('has the right gradient: k = %i, temperature %d, scale %i', (k, temperature, scale) => {
    const f = (x: tf.Tensor) => topKSvm(x as tf.Tensor2D, labels, { k, temperature });
    const worst = checkGradients(f, [logits(scale)], { step: 3e-3 });
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(2e-3);
  });

  it('takes the hard branch where the kth score and the next lie far apart', () => {
    const x = tf.tensor2d([9, 2, 1, 7, 6, 1], [2, 3]);
    expect([...decidedRows(x).dataSync()]).toEqual([1, 0]);
    expect([...decidedRows(x, { k: 2, temperature: 0.1 }).dataSync()]).toEqual([0, 1]);
  });

  it('stays finite among scores of any size', () => {
    const x = tf.tensor2d([300, -300, -300, 0, 1e4, -1e4], [2, 3]);
    const { value, grad } = tf.valueAndGrad((t) => topKSvm(t as tf.Tensor2D, [1, 0], { k: 2 }))(x);
    expect([...value.dataSync(), ...grad.dataSync()].every(Number.isFinite)).toBe(true);
  });

  it('refuses a k that asks nothing', () => {
    expect(() => topKSvm(logits(), labels, { k: 6 })).toThrow(/from 1 to 5, got 6/);
  });
});

/** Berrada et al. 2018 eq. 8: logarithms of sums over all sets of k classes, and over those that hold the right one. */
function smoothByEnumeration(scores: number[], y: number, k: number, margin: number, temperature: number): number {
  let [all, right] = [0, 0];
  for (let set = 0; set < 2 ** scores.length; set++) {
    const members = scores.filter((_, c) => (set >> c) & 1);
    if (members.length !== k) continue;
    const holds = ((set >> y) & 1) === 1;
    const mean = members.reduce((a, b) => a + b) / k;
    all += Math.exp((mean + (holds ? 0 : margin)) / temperature);
    if (holds) right += Math.exp(mean / temperature);
  }
  return temperature * Math.log(all / right);
}
