import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients } from '../gradient-check.js';
import { CrossAttention } from '../layers/cross-attention.js';
import { dropout } from '../layers/dropout.js';
import { Rng } from '../rng.js';
import { expectAllClose, useNativeForTests } from '../test-helpers.js';
import { gelu, relu } from './activation.js';
import { binaryCrossEntropy } from './binary-cross-entropy.js';
import { causalConvolution } from './causal-convolution.js';
import { crossEntropy } from './cross-entropy.js';
import { differentiable } from './differentiable.js';
import { featureLayer } from './feature-layer.js';
import { layerNorm } from './layer-norm.js';
import { rmsNorm } from './rms-norm.js';
import { silu } from './silu.js';
import { softplus } from './softplus.js';
import { standardiseRows } from './standardise-rows.js';
import { takeRows } from './take-rows.js';

type Matrix = tf.Tensor2D;
const draw = (shape: [number, number], seed: number): Matrix => new Rng(seed).normal(shape);

/** A scalar that weighs every output differently, so that no error of the gradient cancels. */
const weigh = (y: tf.Tensor): tf.Scalar => tf.sum(tf.mul(y, new Rng(99).normal(y.shape as tf.ShapeMap[tf.Rank])));

describe('hand-written gradients', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  const row = (x: tf.Tensor): tf.Tensor1D => tf.reshape(x, [-1]);
  const fused =
    (activation: 'gelu' | 'relu') =>
    (...[x, w, b]: Matrix[]) =>
      featureLayer(
        x as Matrix,
        w as Matrix,
        row(b as Matrix),
        { activation, dropout: 0.25 },
        { training: true, rng: new Rng(4) },
      );
  const cases: [string, (...x: Matrix[]) => tf.Tensor, [number, number][]][] = [
    ['gelu', (x) => gelu(x as Matrix), [[3, 4]]],
    ['relu', (x) => relu(x as Matrix), [[3, 4]]],
    ['silu', (x) => silu(x as Matrix), [[3, 4]]],
    ['softplus', (x) => softplus(x as Matrix), [[3, 4]]],
    [
      'rmsNorm',
      (x, w) => rmsNorm(x as Matrix, row(w as Matrix)),
      [
        [4, 5],
        [1, 5],
      ],
    ],
    [
      'layerNorm',
      (x, w, b) => layerNorm(x as Matrix, row(w as Matrix), row(b as Matrix)),
      [
        [4, 5],
        [1, 5],
        [1, 5],
      ],
    ],
    [
      'layerNorm without bias',
      (x, w) => layerNorm(x as Matrix, row(w as Matrix)),
      [
        [4, 5],
        [1, 5],
      ],
    ],
    ['standardiseRows', (x) => standardiseRows(x as Matrix), [[4, 5]]],
    [
      'causalConvolution',
      (x, k, b) => causalConvolution(x as Matrix, k as Matrix, row(b as Matrix)),
      [
        [6, 3],
        [3, 4],
        [1, 3],
      ],
    ],
    ['takeRows', (x) => takeRows(x as Matrix, Int32Array.of(4, 0, 2)), [[5, 3]]],
    ['takeRows, one of them twice', (x) => takeRows(x as Matrix, tf.tensor1d([4, 0, 4], 'int32')), [[5, 3]]],
    ['cross-entropy', (x) => crossEntropy(x as Matrix, [2, 0, 1]), [[3, 3]]],
    [
      'cross-entropy, smoothed and weighted',
      (x) => crossEntropy(x as Matrix, [2, 0, 1], { labelSmoothing: 0.2, classWeights: [1, 3, 0.5] }),
      [[3, 3]],
    ],
    ['binary cross-entropy', (x) => binaryCrossEntropy(x as Matrix, tf.tensor2d([0, 1, 1, 0], [2, 2])), [[2, 2]]],
    [
      'featureLayer, GELU',
      fused('gelu'),
      [
        [4, 3],
        [5, 3],
        [1, 5],
      ],
    ],
    [
      'featureLayer, ReLU, fewer rows than features',
      fused('relu'),
      [
        [3, 4],
        [5, 4],
        [1, 5],
      ],
    ],
    [
      'featureLayer, tanh',
      (x, w, b) => featureLayer(x as Matrix, w as Matrix, row(b as Matrix), { activation: 'tanh', dropout: 0 }, {}),
      [
        [4, 3],
        [5, 3],
        [1, 5],
      ],
    ],
  ];
  it.each(cases)('%s', (_, f, shapes) => {
    const inputs = shapes.map((shape, i) => draw(shape, 21 + i));
    const worst = checkGradients((...x) => weigh(f(...(x as Matrix[]))), inputs);
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(2e-3);
  });

  it('checkGradients catches a wrong one', () => {
    const wrong = differentiable((x: tf.Tensor) => ({
      value: tf.square(x),
      save: [x],
      gradient: (dy, [input]) => [tf.mul(dy, input as tf.Tensor)],
    }));
    expect(checkGradients((x) => tf.sum(wrong(x)), [draw([2, 2], 1)]).error).toBeGreaterThan(0.1);
  });
});

describe('operations', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  it.each(['gelu', 'relu'] as const)('the feature layer gives the same in pieces as whole: %s', (activation) => {
    const rows = 20_001;
    const [x, w, b] = [draw([rows, 3], 1), draw([2, 3], 2), tf.reshape(draw([1, 2], 3), [2]) as tf.Tensor1D];
    const mask = new Rng(4).keepMask([rows, 2], 0.25);
    const layer = (a: tf.Tensor, c: tf.Tensor, d: tf.Tensor) =>
      weigh(
        featureLayer(
          a as Matrix,
          c as Matrix,
          d as tf.Tensor1D,
          { activation, dropout: 0.25 },
          { training: true, rng: new Rng(4) },
        ),
      );
    const plain = (a: tf.Tensor, c: tf.Tensor, d: tf.Tensor) => {
      const v = tf.add(tf.matMul(a as Matrix, c as Matrix, false, true), d);
      return weigh(tf.mul(activation === 'gelu' ? gelu(v) : tf.relu(v), mask));
    };
    const [got, want] = [layer, plain].map((f) => tf.valueAndGrads(f)([x, w, b]));
    expectAllClose(got?.value as tf.Tensor, want?.value as tf.Tensor, { rtol: 1e-4, atol: 1e-2 });
    got?.grads.forEach((grad, i) =>
      expectAllClose(grad, want?.grads[i] as tf.Tensor, { rtol: 1e-3, atol: i === 0 ? 1e-5 : 2e-2 }),
    );
  });

  it('GELU inside the fused feature layer equals GELU after a product', () => {
    const [x, w, b] = [draw([4, 3], 1), draw([5, 3], 2), tf.reshape(draw([1, 5], 3), [5]) as tf.Tensor1D];
    const fused = featureLayer(x, w, b, { activation: 'gelu', dropout: 0 }, {});
    expectAllClose(fused, gelu(tf.add(tf.matMul(x, w, false, true), b)), { atol: 1e-6 });
  });

  // Central differences would stumble over the corner of ReLU.
  it.each([true, false])(
    'a fused ReLU layer is dropout after ReLU after a product, gradients too (bias: %s)',
    (biased) => {
      const inputs = [draw([4, 3], 1), draw([8, 3], 2), ...(biased ? [tf.reshape(draw([1, 8], 3), [8])] : [])];
      const call = () => ({ training: true, rng: new Rng(4) });
      const plain = ([x, w, b]: tf.Tensor[]) => {
        const product = tf.matMul(x as Matrix, w as Matrix, false, true);
        return dropout(relu(b ? tf.add(product, b) : product), 0.25, call());
      };
      const fused = ([x, w, b]: tf.Tensor[], training: object) =>
        featureLayer(x as Matrix, w as Matrix, b as tf.Tensor1D, { activation: 'relu', dropout: 0.25 }, training);
      expectAllClose(fused(inputs, call()), plain(inputs), { atol: 1e-6 });
      const gradients = (f: (inputs: tf.Tensor[]) => tf.Tensor) => tf.grads((...x) => weigh(f(x)))(inputs);
      const want = gradients(plain);
      gradients((x) => fused(x, call())).forEach((got, i) => expectAllClose(got, want[i] as tf.Tensor, { atol: 1e-5 }));
    },
  );

  it('convolves causally: a row depends on no later one', () => {
    const [x, k, b] = [draw([6, 2], 5), draw([2, 3], 6), tf.tensor1d([0.5, -1])];
    const [xs, ks] = [x.arraySync(), k.arraySync()];
    const want = xs.map((_, t) =>
      [0.5, -1].map((bias, c) => ks[c]!.reduce((sum, tap, j) => sum + tap * (xs[t - 2 + j]?.[c] ?? 0), bias)),
    );
    expectAllClose(causalConvolution(x, k, b), tf.tensor2d(want), { atol: 1e-5 });
  });

  it('refuses labels that are no classes, and names them', () => {
    expect(() => crossEntropy(tf.zeros([1, 2]), 2)).toThrow(/label 2 is no class index below 2/);
    expect(() => crossEntropy(tf.zeros([2, 2]), [0])).toThrow(/1 labels for 2 rows/);
  });

  it('binary cross-entropy stays finite for huge logits', () => {
    expectAllClose(binaryCrossEntropy(tf.tensor1d([-200, 200]), tf.tensor1d([1, 1])), [100]);
  });

  it('drops only in training, and then needs an Rng', () => {
    const x = draw([3, 3], 8);
    expect(dropout(x, 0.5, {})).toBe(x);
    expect(() => dropout(x, 0.5, { training: true })).toThrow(/Rng/);
  });

  it('cross-attention weighs instances to one for every head and query', () => {
    const mca = new CrossAttention({ dim: 6, heads: 2, headDim: 4 }, new Rng(0));
    const weights = mca.attention(draw([3, 6], 1), draw([7, 6], 2));
    expect(weights.shape).toEqual([2, 3, 7]);
    expectAllClose(tf.sum(weights, 2), tf.ones([2, 3]), { atol: 1e-5 });
  });
});
