import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { Rng } from '@mhim/tensor';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { fillCells, gridCells, squarePositions } from './grid-cells.js';
import { Mamba2D, type Mamba2DConfig } from './mamba-2d.js';
import { MambaBlock } from './mamba-block.js';

const config = { inputDim: 5, embedDim: 8, states: 3, attentionDim: 4 };
const create = (options: Partial<Mamba2DConfig> = {}) => new Mamba2D({ ...config, ...options }, new Rng(0));
const bag = (n: number): tf.Tensor2D => new Rng(1).normal([n, config.inputDim]);
const positions = { xy: [0, 0, 3, 1, 1, 2, 2, 0], width: 4, height: 3 };

beforeAll(async () => {
  await useNativeForTests();
});

describe('2DMamba', () => {
  it('has the official number of parameters', () => {
    const model = new Mamba2D({ inputDim: 1024 }, new Rng(0));
    expect(model.parameterCount()).toBe(265_131);
    model.dispose();
  });

  it('gives instances the attention and embedding of their cells, and the rest of the attention to empty ones', () => {
    const model = create();
    const { attention, cellAttention, cells, embedding } = model.aggregate(model.embed(bag(4)), { positions });
    expect(cells.shape).toEqual([12, 8]);
    expectAllClose(tf.sum(cellAttention), tf.scalar(1));
    expectAllClose(attention as tf.Tensor, tf.gather(cellAttention, [0, 7, 9, 2], 1));
    expectAllClose(tf.matMul(cellAttention, cells), embedding, { atol: 1e-5 });
  });

  it('scores instances by what their cells bring to the logits', () => {
    const model = create();
    const { instances, logits, ...aggregation } = model.forward(bag(6), { positions: squarePositions(6) });
    const whole = model.instanceLogits(instances, aggregation as ReturnType<Mamba2D['aggregate']>);
    // On a full grid the instances' shares are all there is, but for the bias.
    const bias = model.parameters().get('classifier.bias') as tf.Tensor;
    expectAllClose(tf.add(tf.sum(whole, 0), bias), tf.squeeze(logits), { atol: 1e-5 });
  });

  it('lays a bag without positions out on a square', () => {
    expect(squarePositions(5)).toEqual({ xy: Int32Array.of(0, 0, 1, 0, 2, 0, 0, 1, 1, 1), width: 3, height: 2 });
    expect(squarePositions(1)).toEqual({ xy: Int32Array.of(0, 0), width: 1, height: 1 });
    const model = create();
    const given = model.forward(bag(5), { positions: squarePositions(5) }).logits;
    expect(model.forward(bag(5)).logits.dataSync()).toEqual(given.dataSync());
  });

  it('has a fixed grid where it is told to', () => {
    const [free, same, larger] = [create(), create({ gridWidth: 4, gridHeight: 3 }), create({ gridWidth: 6 })];
    const logits = [free, same, larger].map((model) =>
      Array.from(model.forward(bag(4), { positions }).logits.dataSync()),
    );
    expect(logits[1]).toEqual(logits[0]);
    expect(logits[2]).not.toEqual(logits[0]);
    expect(() => create({ gridHeight: 2 }).forward(bag(4), { positions })).toThrow(/instance 2 .*row 2.*4 × 2/);
  });

  it('says which positions cannot be', () => {
    expect(() => create().forward(bag(3), { positions })).toThrow(/4 positions for 3 instances/);
    const half = { ...positions, xy: [0, 0, 3, 1, 1.5, 2, 2, 0] };
    expect(() => create().forward(bag(4), { positions: half })).toThrow(/instance 2 lies at column 1\.5/);
    expect(() => create({ layers: 0 })).toThrow(/layers/);
  });

  it('lets the last of several instances fill their cell, and gives the others no gradient', () => {
    const model = create();
    const shared = { ...positions, xy: [0, 0, 3, 1, 1, 2, 0, 0] };
    const features = bag(4);
    const logits = (x: tf.Tensor) => model.forward(x as tf.Tensor2D, { positions: shared }).logits;
    const other = tf.concat([tf.ones([1, config.inputDim]), tf.slice(features, [1, 0])]);
    expect(logits(other).dataSync()).toEqual(logits(features).dataSync());
    const sizes = tf.sum(tf.abs(tf.grad((x) => tf.sum(logits(x)))(features)), 1).dataSync();
    expect(Array.from(sizes, (size) => size > 0)).toEqual([false, true, true, true]);
  });
});

describe('a Mamba block', () => {
  const grid = gridCells(positions, 4);
  const run = (forward: (block: MambaBlock, x: tf.Tensor2D) => tf.Tensor2D) => {
    const block = new MambaBlock({ dim: 8, states: 3 }, new Rng(3));
    const rows: tf.Tensor2D = new Rng(2).normal([5, 8]);
    const loss = (x: tf.Tensor2D) => tf.sum(tf.mul(forward(block, x), new Rng(4).normal([12, 8]))) as tf.Scalar;
    const { grads } = tf.variableGrads(() => loss(rows), [...block.parameters().values()]);
    const input = tf.grad((x) => loss(x as tf.Tensor2D))(rows);
    return { value: forward(block, rows), gradients: [input, ...Object.values(grads)] };
  };
  const expectSame = (one: ReturnType<typeof run>, other: ReturnType<typeof run>) => {
    expectAllClose(one.value, other.value, { atol: 1e-5 });
    one.gradients.forEach((gradient, i) => expectAllClose(gradient, other.gradients[i] as tf.Tensor, { atol: 2e-5 }));
  };

  it('computes what empty cells share once, to the same result', () => {
    expectSame(
      run((block, x) => block.forward(x, grid, grid)),
      run((block, x) => block.forward(fillCells(x, grid), grid)),
    );
  });

  it('has the same gradient whether states are kept or made again', () => {
    expectSame(
      run((block, x) => block.forward(x, grid, grid, { training: true })),
      run((block, x) => block.forward(x, grid, grid)),
    );
  });
});
