import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { crossEntropy, Rng } from '@mhim/tensor';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { criticalScores, type QueryWeights } from './critical-scores.js';
import { DSMIL, mhimDSMIL } from './ds-mil.js';
import { valuePool } from './value-pool.js';

const [n, d, h, c] = [9, 6, 4, 3];
const rng = new Rng(7);
const matrix = (rows: number, columns: number): tf.Tensor2D => rng.normal([rows, columns]);
const vector = (size: number): tf.Tensor1D => rng.normal([size]);

describe('DSMIL', () => {
  beforeAll(useNativeForTests);

  it.each(['linear', 'nonlinear'])('attention by a %s query equals its definition', (query) => {
    const weights: QueryWeights = {
      first: matrix(h, d),
      firstBias: vector(h),
      ...(query === 'nonlinear' ? { second: matrix(h, h), secondBias: vector(h) } : {}),
    };
    // One instance is critical for two classes.
    const critical = tf.tensor1d([4, 0, 4], 'int32');
    const upstream = matrix(c, n);
    const by = (scores: (z: tf.Tensor2D, w: QueryWeights) => tf.Tensor2D) => {
      const names = Object.keys(weights) as (keyof QueryWeights)[];
      const inputs = [matrix0, ...names.map((name) => weights[name] as tf.Tensor)];
      return tf.grads((z, ...w) => {
        const own = Object.fromEntries(names.map((name, i) => [name, w[i]])) as unknown as QueryWeights;
        return tf.sum(tf.mul(tf.softmax(scores(z as tf.Tensor2D, own)), upstream));
      })(inputs);
    };
    const matrix0 = matrix(n, d);
    const ours = by((z, w) => criticalScores(z, critical, w));
    const definition = by((z, w) => {
      const linear = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
        tf.add(tf.matMul(x, weight, false, true), bias);
      const first = linear(z, w.first, w.firstBias as tf.Tensor);
      const q = w.second ? tf.tanh(linear(tf.relu(first), w.second, w.secondBias as tf.Tensor)) : first;
      return tf.div(tf.matMul(tf.gather(q, critical), q, false, true), Math.sqrt(h));
    });
    ours.forEach((gradient, i) => expectAllClose(gradient, definition[i] as tf.Tensor, { atol: 1e-5 }));
  });

  it.each([true, false])('pooling of values equals its definition, rectified: %s', (rectified) => {
    const inputs = [matrix(n, d), matrix(c, n), matrix(d, d), vector(d)];
    const [up, upAttention] = [matrix(c, d), matrix(c, n)];
    const scalar = ({ embedding, attention }: { embedding: tf.Tensor; attention: tf.Tensor }) =>
      tf.add(tf.sum(tf.mul(embedding, up)), tf.sum(tf.mul(attention, upAttention)));
    const ours = tf.grads((z, s, w, b) =>
      scalar(
        valuePool(z as tf.Tensor2D, s as tf.Tensor2D, { weight: w as tf.Tensor2D, bias: b as tf.Tensor1D, rectified }),
      ),
    )(inputs);
    const definition = tf.grads((z, s, w, b) => {
      const attention = tf.softmax(s as tf.Tensor2D);
      const values = tf.add(tf.matMul(z, w as tf.Tensor2D, false, true), b as tf.Tensor);
      return scalar({ attention, embedding: tf.matMul(attention, rectified ? tf.relu(values) : values) });
    })(inputs);
    ours.forEach((gradient, i) => expectAllClose(gradient, definition[i] as tf.Tensor, { atol: 1e-5 }));
  });

  it('weighs the losses of its two streams, or takes one loss of their mean', () => {
    const target = { label: 1, loss: (logits: tf.Tensor2D) => crossEntropy(logits, 1) };
    const sizes = { inputDim: 7, embedDim: 8 };
    const features = matrix(5, 7);
    const alone = new DSMIL({ ...sizes, labelWeight: 0.7, instanceWeight: 0.2 }, new Rng(0));
    const parts = alone.forward(features) as ReturnType<DSMIL['forward']> & ReturnType<DSMIL['aggregate']>;
    expectAllClose(parts.maximum, tf.max(parts.instanceLogits, 0, true));
    const both = tf.add(tf.mul(target.loss(parts.logits), 0.7), tf.mul(target.loss(parts.maximum), 0.2));
    expectAllClose(alone.loss(parts, target), both);
    const inside = new DSMIL(mhimDSMIL(sizes), new Rng(0));
    const whole = inside.forward(features) as typeof parts;
    expectAllClose(whole.logits, tf.div(tf.add(inside.bagLogits(whole), whole.maximum), 2));
    expectAllClose(inside.loss(whole, target), target.loss(whole.logits));
  });

  it('of the conference version of MHIM averages the losses of its streams to learn and their probabilities to predict', () => {
    const target = { label: 1, loss: (logits: tf.Tensor2D) => crossEntropy(logits, 1) };
    const config = mhimDSMIL({ inputDim: 7, embedDim: 8, classes: 3 }, { method: 'mhim' });
    expect(config).toMatchObject({ prediction: 'mean-probability', layout: 'mhim' });
    const model = new DSMIL(config, new Rng(0));
    // Far apart, so that the average of probabilities is not that of logits, and one underflows.
    const parts = model.forward(tf.mul(matrix(5, 7), 60)) as ReturnType<DSMIL['forward']> &
      ReturnType<DSMIL['aggregate']>;
    const bag = model.bagLogits(parts);
    const mean = tf.div(tf.add(tf.softmax(bag), tf.softmax(parts.maximum)), 2);
    expectAllClose(tf.softmax(parts.logits), mean);
    expect(parts.logits.dataSync().every(Number.isFinite)).toBe(true);
    const averaged = tf.softmax(tf.div(tf.add(bag, parts.maximum), 2) as tf.Tensor2D);
    expect(tf.max(tf.abs(tf.sub(averaged, mean))).dataSync()[0]).toBeGreaterThan(0.01);
    expectAllClose(model.loss(parts, target), tf.div(tf.add(target.loss(bag), target.loss(parts.maximum)), 2));
    expect(() => model.loss(parts, { loss: target.loss })).toThrow(
      /aggregator\.prediction: .*survival.*Set it to mean/,
    );
    expect(mhimDSMIL({ inputDim: 7 }, { method: 'mhim', task: 'survival' }).prediction).toBe('mean');
    expect(mhimDSMIL({ inputDim: 7 }, { method: 'mhim-v2' }).prediction).toBe('mean');
  });

  it.each([
    ['stand-alone', { inputDim: 1024 }, 872_708],
    ['inside MHIM', mhimDSMIL({ inputDim: 1024 }), 873_734],
  ])('has the official number of parameters %s', (_, config, count) => {
    const model = new DSMIL(config, new Rng(0));
    expect(model.parameterCount()).toBe(count);
    model.dispose();
  });

  it('takes the starting values that the original authors share: query and values alone', () => {
    const model = new DSMIL({ inputDim: 12, query: 'linear', values: 'linear', layout: 'original' }, new Rng(0));
    const wanted = ['b_classifier.q.weight', 'b_classifier.q.bias', 'b_classifier.v.1.weight', 'b_classifier.v.1.bias'];
    const start = Object.fromEntries(Object.entries(model.stateDict()).filter(([name]) => wanted.includes(name)));
    expect(model.loadStateDict(start, { strict: false }).loaded.sort()).toEqual(wanted.sort());
  });
});
