import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients, Rng } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { attendInGroups, type GroupAttentionWeights } from './attend-in-groups.js';
import { CrossRegionAttention } from './cross-region-attention.js';
import { GroupAttention } from './group-attention.js';
import { R2TMIL } from './r2t-mil.js';
import { RegionAttention } from './region-attention.js';
import { consecutiveGroups, RegionGrid, type TokenGroups } from './token-groups.js';

beforeAll(async () => {
  await useNativeForTests();
});

describe('the grid of regions', () => {
  it.each([
    [1, {}, { side: 8, regionSize: 1, padding: 63, count: 64, size: 1 }],
    [17, {}, { side: 8, regionSize: 1, padding: 47, count: 64, size: 1 }],
    [64, {}, { side: 8, regionSize: 1, padding: 0, count: 64, size: 1 }],
    [100, {}, { side: 16, regionSize: 2, padding: 156, count: 64, size: 4 }],
    [90, { regions: 4 }, { side: 12, regionSize: 3, padding: 54, count: 16, size: 9 }],
    [90, { regionSize: 5 }, { side: 10, regionSize: 5, padding: 10, count: 4, size: 25 }],
    // Too small a bag, or too much padding, for regions: one region with an even side.
    [50, { minInstances: 51 }, { side: 8, regionSize: 8, padding: 14, count: 1, size: 64 }],
    [51, { minInstances: 51 }, { side: 8, regionSize: 1, padding: 13, count: 64, size: 1 }],
    [17, { minRegionRatio: 1 }, { side: 6, regionSize: 6, padding: 19, count: 1, size: 36 }],
    [40, { minRegionRatio: 1 }, { side: 8, regionSize: 1, padding: 24, count: 64, size: 1 }],
  ])('%i instances, %o', (n, options, expected) => {
    expect(new RegionGrid(n, options)).toMatchObject(expected);
  });

  it('lays instances out row by row, and takes them out again', () => {
    const grid = new RegionGrid(14, { regions: 2 });
    const rows = tf.range(1, 15).reshape([14, 1]) as tf.Tensor2D;
    const groups = grid.into(rows);
    expect(groups.shape).toEqual([4, 4, 1]);
    const regions = [
      [1, 2, 5, 6],
      [3, 4, 7, 8],
      [9, 10, 13, 14],
      [11, 12, 0, 0],
    ];
    expect(Array.from(groups.dataSync())).toEqual(regions.flat());
    expect(Array.from(grid.outOf(groups).dataSync())).toEqual(Array.from(rows.dataSync()));
  });

  it('has 16 regions a side above 100,000 instances, and at least 8 at inference', () => {
    const attention = new RegionAttention({ dim: 8, regions: 4 }, new Rng(0));
    expect(attention.grid(90, { training: true }).count).toBe(16);
    expect(attention.grid(90).count).toBe(64);
    expect(attention.grid(100_000).count).toBe(64);
    expect(attention.grid(100_001).count).toBe(256);
    expect(attention.grid(100_001, { training: true }).count).toBe(256);
    attention.dispose();
  });
});

describe('attention within groups', () => {
  const [dim, heads, taps] = [4, 2, 5];
  const draw = (seed: number, shape: number[]) => new Rng(seed).normal(shape as tf.ShapeMap[tf.Rank]);
  const weights = (withTaps: boolean): Required<GroupAttentionWeights> | GroupAttentionWeights => ({
    qkv: draw(1, [3 * dim, dim]) as tf.Tensor2D,
    qkvBias: draw(2, [3 * dim]) as tf.Tensor1D,
    ...(withTaps && {
      taps: draw(3, [heads, 1, taps, 1]) as tf.Tensor4D,
      tapsBias: draw(4, [heads]) as tf.Tensor1D,
    }),
  });

  it.each([
    ['one chunk', new RegionGrid(14, { regions: 2 }), true],
    ['one chunk, no filters', new RegionGrid(14, { regions: 2 }), false],
    ['filters longer than a group', new RegionGrid(3, { regions: 2 }), true],
  ])('as one node of the tape equals its definition: %s', (_, groups, withTaps) => {
    const n = groups.instances;
    const given = weights(withTaps);
    const names = Object.keys(given) as (keyof GroupAttentionWeights)[];
    const inputs = [draw(5, [n, dim]), ...names.map((name) => given[name] as tf.Tensor)];
    const over =
      (f: typeof attendInGroups) =>
      (...[x, ...rest]: tf.Tensor[]) => {
        const named = Object.fromEntries(names.map((name, i) => [name, rest[i]])) as unknown as GroupAttentionWeights;
        return f(x as tf.Tensor2D, named, groups, heads);
      };
    const dy = draw(6, [n, dim]);
    expectAllClose(over(attendInGroups)(...inputs), over(definition)(...inputs), { atol: 1e-5 });
    const [ours, theirs] = [attendInGroups, definition].map((f) => tf.grads(over(f))(inputs, dy)) as tf.Tensor[][];
    ours?.forEach((gradient, i) => expectAllClose(gradient, theirs?.[i] as tf.Tensor, { atol: 1e-4, rtol: 1e-4 }));
  });

  it('gives the same chunk by chunk as group by group', () => {
    const [count, size] = [7, 600];
    const given = weights(true);
    const over = (groups: number) => (x: tf.Tensor) =>
      attendInGroups(x as tf.Tensor2D, given, consecutiveGroups(groups, size), heads);
    const [x, dy] = [draw(5, [count * size, dim]), draw(6, [count * size, dim])] as [tf.Tensor2D, tf.Tensor2D];
    const one = (rows: tf.Tensor2D, group: number) => tf.slice(rows, [group * size, 0], [size, dim]);
    const groups = Array.from({ length: count }, (_, group) => group);
    expectAllClose(over(count)(x), tf.concat(groups.map((group) => over(1)(one(x, group)))));
    const gradients = groups.map((group) => tf.grad(over(1))(one(x, group), one(dy, group)));
    expectAllClose(tf.grad(over(count))(x, dy), tf.concat(gradients), { atol: 1e-5 });
  });

  it('leaves no tensors behind', () => {
    const groups = new RegionGrid(14, { regions: 2 });
    const given = weights(true);
    const x = draw(5, [14, dim]) as tf.Tensor2D;
    const gradient = tf.grad((tokens) => attendInGroups(tokens as tf.Tensor2D, given, groups, heads));
    expect(tensorsLeftBy(() => gradient(x).dispose())).toBe(0);
  });

  it('refuses heads that do not divide the width, and filters without a middle', () => {
    expect(() => new GroupAttention({ dim: 10, heads: 4 }, new Rng(0))).toThrow(/4 heads.*10/);
    expect(() => new GroupAttention({ dim: 8, epegKernel: 14 }, new Rng(0))).toThrow(/odd.*14/);
  });
});

describe('attention across regions', () => {
  it('has the right gradient with respect to the instances', () => {
    const attention = new CrossRegionAttention({ dim: 4, heads: 2, regions: 2, dropout: 0 }, new Rng(3));
    const weights = new Rng(5).normal([14, 4]);
    const f = (x: tf.Tensor) => tf.sum(tf.mul(attention.forward(x as tf.Tensor2D), weights)) as tf.Scalar;
    const worst = checkGradients(f, [new Rng(4).normal([14, 4])], { step: 1e-3 });
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(5e-3);
    attention.dispose();
  });

  it('gives nothing to a region of one instance', () => {
    const attention = new CrossRegionAttention({ dim: 4, heads: 2, regions: 2 }, new Rng(3));
    expectAllClose(attention.forward(new Rng(4).normal([4, 4])), tf.zeros([4, 4]));
    attention.dispose();
  });
});

describe('R2T-MIL', () => {
  it('has the paper’s 2.70 M parameters', () => {
    const model = new R2TMIL({ inputDim: 1024 }, new Rng(0));
    expect(model.parameterCount()).toBe(2_697_474);
    model.dispose();
  });

  it('takes the order of the instances for their places', () => {
    const model = new R2TMIL({ inputDim: 6, embedDim: 8, regions: 2 }, new Rng(0));
    const bag = new Rng(1).normal<tf.Rank.R2>([200, 6]);
    const [straight, turned] = [bag, tf.reverse(bag, 0)].map((x) => model.forward(x).logits.dataSync());
    expect(turned).not.toEqual(straight);
    model.dispose();
  });

  describe('without TensorFlow’s own kernels', () => {
    afterAll(async () => {
      await useNativeForTests();
    });

    it('gives the same logits and gradients', async () => {
      const config = { inputDim: 6, embedDim: 8, heads: 2, crossHeads: 2, regions: 2, crossRegions: 2 };
      const model = new R2TMIL(config, new Rng(0));
      const bag = new Rng(1).normal<tf.Rank.R2>([14, 6]);
      const run = () => {
        const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(model.forward(bag).logits)) as tf.Scalar);
        return [value, ...Object.values(grads)].map((x) => Array.from(x.dataSync()));
      };
      const native = run();
      await tf.setBackend('cpu');
      run().forEach((values, i) => expectAllClose(values, native[i] as number[], { atol: 1e-5, rtol: 1e-4 }));
      model.dispose();
    });
  });
});

/** Attention as R2T-MIL states it, with the convolution on the maps. */
function definition(
  tokens: tf.Tensor2D,
  { qkv, qkvBias, taps, tapsBias }: GroupAttentionWeights,
  groups: TokenGroups,
  heads: number,
): tf.Tensor2D {
  const { count, size } = groups;
  const dim = tokens.shape[1];
  const padded = tf.reshape(groups.into(tokens), [count * size, dim]) as tf.Tensor2D;
  const product: tf.Tensor2D = tf.matMul(padded, qkv, false, true);
  const rows = qkvBias ? tf.add(product, qkvBias) : product;
  const parts = tf.transpose(tf.reshape(rows, [count, size, 3, heads, dim / heads]), [2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(parts) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  let logits: tf.Tensor4D = tf.matMul(tf.mul(q, (dim / heads) ** -0.5) as tf.Tensor4D, k, false, true);
  if (taps && tapsBias) {
    const half = taps.shape[2] >> 1;
    const around = tf.pad(logits, [
      [0, 0],
      [0, 0],
      [half, half],
      [0, 0],
    ]);
    const shifted = tf.split(tf.reshape(taps, [heads, taps.shape[2]]), taps.shape[2], 1).map((weight, tap) => {
      const from = tf.slice(around, [0, 0, tap, 0], logits.shape);
      return tf.mul(from, tf.reshape(weight, [1, heads, 1, 1]));
    });
    logits = tf.add(logits, tf.add(tf.addN(shifted), tf.reshape(tapsBias, [1, heads, 1, 1])));
  }
  const context = tf.transpose(tf.matMul(tf.softmax(logits), v), [0, 2, 1, 3]);
  return groups.outOf(tf.reshape(context, [count, size, dim]) as tf.Tensor3D);
}
