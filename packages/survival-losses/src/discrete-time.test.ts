import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { discreteCrossEntropy, discreteNll, hazards, risk, survival } from './discrete-time.js';

let logits: tf.Tensor2D;
const h = [0.3, -1.2, 0.8, 2].map((x) => 1 / (1 + Math.exp(-x)));
const s = h.map((_, j) => h.slice(0, j + 1).reduce((product, p) => product * (1 - p), 1));

describe('discrete-time survival', () => {
  beforeAll(async () => {
    await useNativeForTests();
    logits = tf.tensor2d([[0.3, -1.2, 0.8, 2]]);
  });

  it('computes hazards, survival and risk', () => {
    expectAllClose(hazards(logits), h);
    expectAllClose(survival(logits), s);
    expectAllClose(risk(logits), [-s.reduce((a, b) => a + b)]);
  });

  it('is the likelihood of an event in its bin, or of surviving it', () => {
    const event = -(Math.log(s[1] as number) + Math.log(h[2] as number));
    expectAllClose(discreteNll(logits, { bin: 2, censored: false }), [event]);
    expectAllClose(discreteNll(logits, { bin: 0, censored: false }), [-Math.log(h[0] as number)]);
    expectAllClose(discreteNll(logits, { bin: 2, censored: true }), [-Math.log(s[2] as number)]);
    expectAllClose(discreteNll(logits, { bin: 2, censored: true }, { alpha: 0.4 }), [-0.6 * Math.log(s[2] as number)]);
    expectAllClose(discreteNll(logits, { bin: 2, censored: false }, { alpha: 0.4 }), [event]);
  });

  it.each([
    { bin: 0, censored: false },
    { bin: 3, censored: false },
    { bin: 2, censored: true },
  ])('has the right gradient for %o', (outcome) => {
    const worst = checkGradients((x) => discreteNll(x as tf.Tensor2D, outcome), [logits]);
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(2e-3);
  });

  it('is the mean over the rows of a batch', () => {
    const batch = tf.tensor2d([0.3, -1.2, 0.8, 2, -1, 0.5, 0.1, -0.4], [2, 4]);
    const outcomes = [
      { bin: 2, censored: false },
      { bin: 1, censored: true },
    ];
    for (const loss of [discreteNll, discreteCrossEntropy]) {
      const rows = tf
        .split(batch, 2)
        .map((row, i) => loss(row as tf.Tensor2D, outcomes[i] ?? [], { alpha: 0.3 }).dataSync()[0] as number);
      expectAllClose(loss(batch, outcomes, { alpha: 0.3 }), [((rows[0] as number) + (rows[1] as number)) / 2]);
      const worst = checkGradients((x) => loss(x as tf.Tensor2D, outcomes, { alpha: 0.3 }), [batch]);
      expect(worst.error, JSON.stringify(worst)).toBeLessThan(2e-3);
      expect(tensorsLeftBy(() => tf.tidy(() => void loss(batch, outcomes)))).toBe(0);
    }
    expect(() => discreteNll(batch, { bin: 0, censored: true })).toThrow(/expected 2 outcomes/);
  });

  it('cross-entropy is of surviving the bin', () => {
    const at = s[2] as number;
    expectAllClose(discreteCrossEntropy(logits, { bin: 2, censored: true }), [-Math.log(at)]);
    expectAllClose(discreteCrossEntropy(logits, { bin: 2, censored: false }), [-Math.log(1 - at)]);
    const event = -(Math.log(s[1] as number) + Math.log(h[2] as number));
    expectAllClose(discreteCrossEntropy(logits, { bin: 2, censored: false }, { alpha: 1 }), [event]);
    const sure = tf.tensor2d([[-200, -200, 0, 0]]);
    expectAllClose(discreteCrossEntropy(sure, { bin: 1, censored: false }), [-Math.log(1e-7)]);
  });

  it('stays finite where a probability vanishes, and refuses bins that are not there', () => {
    const extreme = tf.tensor2d([[200, 200, -200, 0]]);
    expectAllClose(discreteNll(extreme, { bin: 2, censored: false }), [-2 * Math.log(1e-7)], { rtol: 1e-4 });
    expect(() => discreteNll(logits, { bin: 4, censored: true })).toThrow(/time bin 4 is not below 4/);
  });
});
