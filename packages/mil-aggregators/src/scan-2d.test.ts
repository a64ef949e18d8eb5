import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients, Rng } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { scan2d } from './scan-2d.js';
import { HELD_STATES } from './selective-scan-chunk.js';
import { selectiveScan2d, type SelectiveScanInputs } from './selective-scan-2d.js';

const sizes: [number, number][] = [
  [1, 1],
  [1, 6],
  [5, 1],
  [3, 4],
  [4, 3],
];

/** The recurrence, number by number. */
function byDefinition(decay: tf.Tensor3D, input: tf.Tensor3D): Float32Array {
  const [height, width, k] = input.shape;
  const [a, x] = [decay.dataSync(), input.dataSync()];
  const [g, h] = [new Float32Array(x.length), new Float32Array(x.length)];
  const at = (i: number, j: number, s: number) => (i * width + j) * k + s;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      for (let s = 0; s < k; s++) {
        const here = at(i, j, s);
        g[here] = (j > 0 ? (a[here] as number) * (g[at(i, j - 1, s)] as number) : 0) + (x[here] as number);
        h[here] = (i > 0 ? (a[here] as number) * (h[at(i - 1, j, s)] as number) : 0) + (g[here] as number);
      }
    }
  }
  return h;
}

function draw(cells: number, channels: number, states: number, seed = 1): SelectiveScanInputs {
  const rng = new Rng(seed);
  return {
    x: rng.normal([cells, channels]),
    delta: rng.uniform([cells, channels]),
    a: tf.sub(-0.1, tf.mul(rng.uniform([channels, states]), 2)),
    b: rng.normal([cells, states]),
    c: rng.normal([cells, states]),
  };
}

/** The selective scan put together from single operations. */
function composed({ x, delta, a, b, c }: SelectiveScanInputs, height: number, width: number): tf.Tensor2D {
  const [channels, states] = a.shape;
  const grid: [number, number, number] = [height, width, channels * states];
  const decay = tf.exp(tf.mul(tf.expandDims(delta, 2), a));
  const input = tf.mul(tf.expandDims(tf.mul(delta, x), 2), tf.expandDims(b, 1));
  const h = scan2d(tf.reshape(decay, grid), tf.reshape(input, grid));
  return tf.sum(tf.mul(tf.reshape(h, [-1, channels, states]), tf.expandDims(c, 1)), 2);
}

beforeAll(async () => {
  await useNativeForTests();
});

describe('the two-dimensional scan', () => {
  it.each(sizes)('is the recurrence along rows, then down columns, on %i × %i', (height, width) => {
    const rng = new Rng(0);
    const [decay, input] = [rng.uniform<tf.Rank.R3>([height, width, 3]), rng.normal<tf.Rank.R3>([height, width, 3])];
    expectAllClose(scan2d(decay, input).dataSync(), byDefinition(decay, input));
    const f = (a: tf.Tensor, x: tf.Tensor) =>
      tf.sum(tf.mul(scan2d(a as tf.Tensor3D, x as tf.Tensor3D), new Rng(7).normal([height, width, 3]))) as tf.Scalar;
    const worst = checkGradients(f, [decay, input]);
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(5e-3);
  });

  it('refuses factors of another shape than the input', () => {
    expect(() => scan2d(tf.zeros([2, 3, 1]), tf.zeros([3, 2, 1]))).toThrow(/\[2,3,1\].*\[3,2,1\]/);
  });
});

describe('the selective scan', () => {
  const names = ['x', 'delta', 'a', 'b', 'c'] as const;
  /** y and the gradients of some function of it. */
  const run = (inputs: SelectiveScanInputs, scan: (inputs: SelectiveScanInputs) => tf.Tensor2D) => {
    const upstream = new Rng(9).normal(inputs.x.shape);
    const loss = (...given: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, given[i]]));
      return tf.sum(tf.mul(scan(named as unknown as SelectiveScanInputs), upstream));
    };
    return { y: scan(inputs), grads: tf.grads(loss)(names.map((name) => inputs[name])) };
  };
  // Room for one channel, for some of them, and for all.
  const memories = (cells: number) => [1, 2 * HELD_STATES * cells * 4 * 4, 2 ** 20];
  const cases = sizes.flatMap(([height, width]) => memories(height * width).map((memory) => [height, width, memory]));

  it.each(cases as [number, number, number][])(
    'equals its definition on %i × %i in %i bytes, and so does its gradient',
    (height, width, memory) => {
      const inputs = draw(height * width, 5, 4);
      const many = run(inputs, (given) => composed(given, height, width));
      for (const training of [false, true]) {
        const one = run(inputs, (given) => selectiveScan2d(given, { height, width }, { memory, training }));
        expectAllClose(one.y, many.y, { atol: 1e-5 });
        names.forEach((_, i) => expectAllClose(one.grads[i] as tf.Tensor, many.grads[i] as tf.Tensor, { atol: 2e-5 }));
      }
    },
  );

  it.each([false, true])('leaves no tensors behind, training %s', (training) => {
    const inputs = draw(12, 5, 4);
    const scan = (given: SelectiveScanInputs) => selectiveScan2d(given, { height: 3, width: 4 }, { training });
    expect(tensorsLeftBy(() => tf.tidy(() => void run(inputs, scan)))).toBe(0);
    // Nor does a forward pass that nobody asks the gradient of.
    expect(tensorsLeftBy(() => tf.tidy(() => void scan(inputs)))).toBe(0);
  });
});
