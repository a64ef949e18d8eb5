import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients, Rng } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { depthwiseConvolution } from './depthwise-convolution.js';
import { NystromAttention, type NystromAttentionConfig } from './nystrom-attention.js';
import { PseudoInverse } from './pseudo-inverse.js';
import { attend, mixAttention } from './softmax-attention.js';

const rng = (seed: number) => new Rng(seed);
/** A scalar that weighs every output differently, so that no error of a gradient cancels. */
const weigh = (y: tf.Tensor): tf.Scalar =>
  tf.sum(tf.mul(y, rng(99).normal(y.shape as tf.ShapeMap[tf.Rank]))) as tf.Scalar;

beforeAll(async () => {
  await useNativeForTests();
});

describe('Nyström attention', () => {
  const config: NystromAttentionConfig = { dim: 6, heads: 2, headDim: 3, landmarks: 4, residualKernel: 5 };
  const variants: [string, Partial<NystromAttentionConfig>, number][] = [
    ['tokens that need padding', {}, 10],
    ['a whole number of groups', {}, 12],
    ['fewer tokens than landmarks', {}, 3],
    ['one token', {}, 1],
    ['fewer tokens than half the taps', { residualKernel: 33 }, 9],
    ['groups of zero tokens and one of both kinds', { landmarks: 16 }, 21],
    ['groups of zero tokens alone', { landmarks: 16, iterations: 6 }, 20],
    ['many more landmarks than tokens', { landmarks: 24 }, 3],
    ['merged landmarks and no iteration', { landmarks: 16, iterations: 0 }, 5],
    ['no residual', { residualKernel: 0 }, 10],
    ['another width than that of the tokens', { headDim: 5 }, 7],
    ['one iteration', { iterations: 1 }, 7],
    ['no iteration', { iterations: 0 }, 7],
  ];

  it.each(variants)('equals its definition, values and gradients: %s', (_, given, n) => {
    const model = new NystromAttention({ ...config, ...given }, rng(0));
    const tokens: tf.Tensor2D = rng(1).normal([n, 6]);
    const variables = [...model.parameters().values()];
    const run = (f: (x: tf.Tensor2D) => tf.Tensor2D) => ({
      value: f(tokens),
      input: tf.grad((x) => weigh(f(x as tf.Tensor2D)))(tokens),
      grads: tf.variableGrads(() => weigh(f(tokens)), variables).grads,
    });
    const whole = run((x) => model.forward(x).output);
    const textbook = run((x) => definition(model, x).output);
    compare(whole, textbook, variables);
    expectAllClose(model.forward(tokens).attention, definition(model, tokens).attention, { atol: 1e-5 });
    compare(
      run((x) => model.firstToken(x).output),
      run((x) => tf.slice(definition(model, x).output, [0, 0], [1, -1])),
      variables,
    );
    expectAllClose(model.firstToken(tokens).attention, definition(model, tokens).attention, { atol: 1e-5 });
    model.dispose();
  });

  it('leaves no tensors behind', () => {
    const model = new NystromAttention(config, rng(0));
    const tokens: tf.Tensor2D = rng(1).normal([9, 6]);
    const step = () =>
      tf.tidy(() => {
        tf.variableGrads(() => weigh(model.forward(tokens).output));
        tf.variableGrads(() => weigh(model.firstToken(tokens).output));
      });
    step();
    expect(tensorsLeftBy(step)).toBe(0);
  });

  it('refuses sizes that cannot be', () => {
    expect(() => new NystromAttention({ dim: 4, headDim: 0 }, rng(0))).toThrow(/headDim.*positive/);
    expect(() => new NystromAttention({ dim: 4, residualKernel: 4 }, rng(0))).toThrow(/residualKernel.*odd/);
  });
});

describe('the pseudo-inverse', () => {
  it.each([0, 1, 2, 6])('equals its definition after %i steps, values and gradients', (iterations) => {
    const [factor, left] = [rng(2).normal([2, 6, 3]), rng(3).normal([2, 6, 1])] as [tf.Tensor3D, tf.Tensor3D];
    const both = (times: (x: tf.Tensor3D) => tf.Tensor, back: (x: tf.Tensor3D) => tf.Tensor) =>
      tf.add(weigh(times(factor)), weigh(back(left))) as tf.Scalar;
    const ours = (a: tf.Tensor) => {
      const z = new PseudoInverse(a as tf.Tensor3D, iterations);
      return both(
        (x) => z.times(x),
        (x) => z.transposedTimes(x),
      );
    };
    const theirs = (a: tf.Tensor) => {
      const z = pseudoInverse(a as tf.Tensor3D, iterations);
      return both(
        (x) => tf.matMul(z, x),
        (x) => tf.matMul(z, x, true),
      );
    };
    // Through the logits: rows have to go on summing to 1.
    const logits = rng(4).normal([2, 6, 6]);
    const through = (f: (a: tf.Tensor) => tf.Scalar) => tf.valueAndGrad((l: tf.Tensor) => f(tf.softmax(l)))(logits);
    const [got, want] = [through(ours), through(theirs)];
    expectAllClose(got.value, want.value, { atol: 1e-4 });
    expectAllClose(got.grad, want.grad, { atol: 1e-4, rtol: 1e-4 });
  });

  it('comes close to the inverse where there is one', () => {
    const matrix: tf.Tensor3D = tf.softmax(tf.mul(tf.eye(5), 4).expandDims(0) as tf.Tensor3D);
    expectAllClose(new PseudoInverse(matrix, 6).times(matrix), tf.eye(5).expandDims(0), { atol: 1e-3 });
  });
});

describe('softmax attention', () => {
  it('has the right gradients', () => {
    const inputs = [rng(1).normal([2, 4, 3]), rng(2).normal([2, 5, 3]), rng(3).normal([2, 5, 2])];
    const f = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
      weigh(attend(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D).output);
    const worst = checkGradients(f as (...x: tf.Tensor[]) => tf.Scalar, inputs);
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(5e-3);
  });

  it('mixes rows, with the right gradients', () => {
    const inputs = [rng(1).normal([2, 1, 4]), rng(2).normal([2, 4, 3]), rng(3).normal([2, 5, 3])] as tf.Tensor3D[];
    const f = (m: tf.Tensor, q: tf.Tensor, k: tf.Tensor) =>
      weigh(mixAttention(m as tf.Tensor3D, q as tf.Tensor3D, k as tf.Tensor3D));
    const worst = checkGradients(f as (...x: tf.Tensor[]) => tf.Scalar, inputs);
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(5e-3);
    const [mix, q, k] = inputs as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const { mixed } = attend(q, k, k, { mix });
    expectAllClose(mixed as tf.Tensor, mixAttention(mix, q, k));
  });
});

describe('depthwise convolution', () => {
  it.each([
    ['square', [1, 6, 5, 3], [3, 3, 3, 1]],
    ['wider than the map', [1, 2, 2, 3], [5, 7, 3, 1]],
    ['one column', [1, 8, 1, 3], [5, 1, 3, 1]],
  ] as const)('has the gradients of the plain one: %s', (_, map, kernel) => {
    const [x, k] = [rng(1).normal([...map]), rng(2).normal([...kernel])] as [tf.Tensor4D, tf.Tensor4D];
    const run = (f: (x: tf.Tensor4D, k: tf.Tensor4D) => tf.Tensor) =>
      tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => weigh(f(a as tf.Tensor4D, b as tf.Tensor4D)))([x, k]);
    const got = run(depthwiseConvolution);
    const want = run((a, b) => tf.depthwiseConv2d(a, b, 1, 'same'));
    expectAllClose(got.value, want.value);
    got.grads.forEach((gradient, i) => expectAllClose(gradient, want.grads[i] as tf.Tensor, { atol: 1e-5 }));
  });
});

interface Run {
  value: tf.Tensor;
  input: tf.Tensor;
  grads: tf.NamedTensorMap;
}

function compare(got: Run, want: Run, variables: tf.Variable[]): void {
  expectAllClose(got.value, want.value, { atol: 1e-5 });
  expectAllClose(got.input, want.input, { atol: 3e-5, rtol: 1e-4 });
  for (const { name } of variables) {
    expectAllClose(got.grads[name] as tf.Tensor, want.grads[name] as tf.Tensor, { atol: 3e-5, rtol: 1e-4 });
  }
}

/** Xiong et al. 2021 eq. 13–15 written out, with the padding there. */
function definition(model: NystromAttention, tokens: tf.Tensor2D): { output: tf.Tensor2D; attention: tf.Tensor2D } {
  const { heads, headDim, landmarks: m, iterations, residualKernel: taps } = model.config;
  const n = tokens.shape[0];
  const front = (m - (n % m)) % m;
  const padded = tf.pad(tokens, [
    [front, 0],
    [0, 0],
  ]);
  const length = n + front;
  const [q, k, v] = tf
    .split(model.toQueryKeyValue.forward(padded), 3, 1)
    .map((x) => tf.transpose(tf.reshape(x, [length, heads, headDim]), [1, 0, 2])) as [
    tf.Tensor3D,
    tf.Tensor3D,
    tf.Tensor3D,
  ];
  const scaled = tf.mul(q, headDim ** -0.5);
  const means = (x: tf.Tensor) => tf.mean(tf.reshape(x, [heads, m, length / m, headDim]), 2) as tf.Tensor3D;
  const similar = (a: tf.Tensor, b: tf.Tensor) =>
    tf.softmax(tf.matMul(a as tf.Tensor3D, b as tf.Tensor3D, false, true) as tf.Tensor3D);
  const a1 = similar(scaled, means(k));
  const z = pseudoInverse(similar(means(scaled), means(k)), iterations);
  const a3 = similar(means(scaled), k);
  const approximation = tf.matMul(tf.matMul(a1, z), a3) as tf.Tensor3D;
  let context: tf.Tensor = tf.matMul(approximation, v);
  if (taps > 0) {
    const kernel = model.parameters().get('res_conv.weight') as unknown as tf.Tensor4D;
    const shifted = tf.pad(v, [
      [0, 0],
      [(taps - 1) / 2, (taps - 1) / 2],
      [0, 0],
    ]);
    for (let t = 0; t < taps; t++) {
      const tap = tf.reshape(tf.slice(kernel, [0, 0, t, 0], [heads, 1, 1, 1]), [heads, 1, 1]);
      context = tf.add(context, tf.mul(tf.slice(shifted, [0, t, 0], [heads, length, headDim]), tap));
    }
  }
  const merged = tf.reshape(tf.transpose(context, [1, 0, 2]), [length, heads * headDim]) as tf.Tensor2D;
  return {
    output: tf.slice(model.toOut.forward(merged), [front, 0], [n, -1]),
    attention: tf.reshape(tf.slice(approximation, [0, front, front], [-1, 1, n]), [heads, n]),
  };
}

/** Xiong et al. 2021 eq. 11 written out. */
function pseudoInverse(a: tf.Tensor3D, iterations: number): tf.Tensor3D {
  const most = (axis: number) => tf.max(tf.sum(tf.abs(a), axis));
  let z = tf.div(tf.transpose(a, [0, 2, 1]), tf.mul(most(1), most(2))) as tf.Tensor3D;
  const identity = (times: number) => tf.mul(tf.eye(a.shape[1]), times);
  for (let i = 0; i < iterations; i++) {
    const p = tf.matMul(a, z) as tf.Tensor3D;
    const inner = tf.sub(identity(15), tf.matMul(p, tf.sub(identity(7), p) as tf.Tensor3D)) as tf.Tensor3D;
    z = tf.mul(tf.matMul(z, tf.sub(identity(13), tf.matMul(p, inner)) as tf.Tensor3D), 0.25) as tf.Tensor3D;
  }
  return z;
}
