import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients, Rng } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { scan2d } from './scan-2d.js';
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
  // Room for one channel, for some of them, and for all.
  it.each(
    sizes.flatMap(([height, width]) => [1, 5 * height * width * 4 * 4 * 2, 2 ** 20].map((m) => [height, width, m])),
  )('equals its definition on %i × %i in %i bytes, gradients too', (height, width, memory) => {
    const inputs = draw(height * width, 5, 4);
    const upstream = new Rng(9).normal([height * width, 5]);
    const names = ['x', 'delta', 'a', 'b', 'c'] as const;
    const run = (scan: (inputs: SelectiveScanInputs) => tf.Tensor2D) =>
      tf.valueAndGrads((...given: tf.Tensor[]) => {
        const [x, delta, a, b, c] = given as tf.Tensor2D[] as [
          tf.Tensor2D,
          tf.Tensor2D,
          tf.Tensor2D,
          tf.Tensor2D,
          tf.Tensor2D,
        ];
        return tf.sum(tf.mul(scan({ x, delta, a, b, c }), upstream));
      })(names.map((name) => inputs[name]));
    const one = run((given) => selectiveScan2d(given, { height, width }, memory));
    const many = run((given) => composed(given, height, width));
    expectAllClose(selectiveScan2d(inputs, { height, width }, memory), composed(inputs, height, width), { atol: 1e-5 });
    names.forEach((name, i) => {
      try {
        expectAllClose(one.grads[i] as tf.Tensor, many.grads[i] as tf.Tensor, { atol: 2e-5 });
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}`);
      }
    });
  });

  it('leaves no tensors behind', () => {
    const { x, delta, a, b, c } = draw(12, 5, 4);
    const step = () =>
      tf.tidy(
        () =>
          void tf.grads((...given: tf.Tensor[]) => {
            const [u, d, ...rest] = given as tf.Tensor2D[];
            const [e, f, g] = rest as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
            return tf.sum(
              selectiveScan2d(
                { x: u as tf.Tensor2D, delta: d as tf.Tensor2D, a: e, b: f, c: g },
                { height: 3, width: 4 },
                1000,
              ),
            );
          })([x, delta, a, b, c]),
      );
    expect(tensorsLeftBy(step)).toBe(0);
  });
});
