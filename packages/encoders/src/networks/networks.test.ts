import * as tf from '@tensorflow/tfjs';
import { Rng, type Module } from '@mhim/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllClose, useNativeForTests } from '../../../tensor/src/test-helpers.js';
import type { Tap } from '../layers/in-turn.js';
import { EfficientNetLite0 } from './efficientnet-lite0.js';
import { PlipVisionTower } from './plip-vision-tower.js';
import { resamplePositions } from './resample-positions.js';
import { ResNet50Trunc } from './resnet-50-trunc.js';
import { UniVisionTransformer } from './uni-vision-transformer.js';

interface Case {
  network: Module;
  forward: (images: tf.Tensor4D, tap?: Tap) => tf.Tensor2D;
  side: number;
  width: number;
  taps: string[];
}

let cases: Record<string, Case>;
const before = { tensors: 0 };

beforeAll(async () => {
  await useNativeForTests();
  before.tensors = tf.memory().numTensors;
  const rng = new Rng(3);
  const transformer = { imageSize: 16, patchSize: 4, dim: 8, depth: 2, heads: 2, mlpDim: 16 };
  const resNet = new ResNet50Trunc({ width: 4, blocks: [1, 2] }, rng);
  const plip = new PlipVisionTower({ ...transformer, projection: 6 }, rng);
  const uni = new UniVisionTransformer(transformer, rng);
  const stages = [
    { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 4 },
    { blocks: 2, kernel: 5, stride: 2, expansion: 2, channels: 6 },
  ] as const;
  const efficientNet = new EfficientNetLite0({ stem: 4, stages, head: 10, classes: 5 }, rng);
  cases = {
    resNet: {
      network: resNet,
      forward: (x, tap) => resNet.forward(x, tap),
      side: 20,
      width: 32,
      taps: ['stem', 'layer1', 'layer2'],
    },
    plip: {
      network: plip,
      forward: (x, tap) => plip.forward(x, tap),
      side: 16,
      width: 6,
      taps: ['pre_layrnorm', 'layer1', 'layer2', 'last_layer', 'pooled'],
    },
    uni: {
      network: uni,
      forward: (x, tap) => uni.forward(x, tap),
      side: 20,
      width: 8,
      taps: ['pos_embed_resampled', 'tokens', 'block0', 'block1', 'last_block'],
    },
    efficientNet: {
      network: efficientNet,
      forward: (x, tap) => efficientNet.forward(x, 'logits', tap),
      side: 18,
      width: 5,
      taps: ['normalised_input', 'stem', 'block0', 'block1', 'block2'],
    },
  };
});

afterAll(() => {
  for (const { network } of Object.values(cases)) network.dispose();
  expect(tf.memory().numTensors).toBe(before.tensors);
});

describe.each(['resNet', 'plip', 'uni', 'efficientNet'])('%s', (name) => {
  it('gives each image of a batch what it gives it alone, and leaves no tensor behind', () => {
    const { forward, side, width } = cases[name] as Case;
    const images = new Rng(5).normal<tf.Rank.R4>([3, side, side, 3]);
    const whole = forward(images);
    expect(whole.shape).toEqual([3, width]);
    const tensors = tf.memory().numTensors;
    const single = tf.tidy(() => tf.concat((tf.split(images, 3) as tf.Tensor4D[]).map((image) => forward(image))));
    expect(tf.memory().numTensors).toBe(tensors + 1);
    expectAllClose(single, whole, { atol: 1e-5 });
    const [first, second] = tf.tidy(() => tf.unstack(whole).map((row) => row.arraySync())) as [number[], number[]];
    expect(first).not.toEqual(second);
    tf.dispose([images, whole, single]);
  });

  it('names its intermediate tensors', () => {
    const { forward, side, taps } = cases[name] as Case;
    const heard: string[] = [];
    tf.tidy(() => void forward(tf.zeros([1, side, side, 3]), (tap) => heard.push(tap)));
    expect(heard).toEqual(taps);
  });

  it('takes weights that are loaded after a first run', () => {
    const { network, forward, side } = cases[name] as Case;
    const images = new Rng(5).normal<tf.Rank.R4>([1, side, side, 3]);
    const saved = Object.entries(network.stateDict()).map(([key, value]) => [key, value.clone()] as const);
    const first = forward(images);
    const scaled = saved.map(([key, value]) => [key, tf.mul(value, 1.5)] as const);
    network.loadStateDict(Object.fromEntries(scaled));
    const other = forward(images);
    expect(() => expectAllClose(other, first)).toThrow();
    network.loadStateDict(Object.fromEntries(saved));
    const again = forward(images);
    expectAllClose(again, first, { atol: 0, rtol: 0 });
    tf.dispose([images, first, other, again, ...[...saved, ...scaled].map(([, value]) => value)]);
  });
});

it('has the names of the published checkpoints', () => {
  const names = (of: string) => Object.keys((cases[of] as Case).network.stateDict());
  expect(names('resNet')).toEqual(
    expect.arrayContaining(['bn1.running_var', 'layer2.0.downsample.1.weight', 'layer2.1.conv3.weight']),
  );
  expect(names('plip')).toEqual(
    expect.arrayContaining([
      'vision_model.embeddings.position_embedding.weight',
      'vision_model.pre_layrnorm.bias',
      'vision_model.encoder.layers.1.self_attn.out_proj.bias',
      'visual_projection.weight',
    ]),
  );
  expect(names('uni')).toEqual(expect.arrayContaining(['pos_embed', 'blocks.1.attn.qkv.bias', 'blocks.0.ls2.gamma']));
  expect(names('efficientNet')).toEqual(
    expect.arrayContaining(['_blocks.2._depthwise_conv.weight', '_blocks.0._bn2.bias', '_fc.bias']),
  );
});

it('says which size of image it takes', () => {
  const run = (name: string, side: number) =>
    tf.tidy(() => (cases[name] as Case).forward(tf.zeros([1, side, side, 3])));
  expect(() => run('plip', 20)).toThrow(/PLIP takes images of 16×16 pixels, got 20×20/);
  expect(() => run('uni', 18)).toThrow(/18×18 pixels cannot be cut into patches of 4/);
});

it('resamples positions: the class entry stays, a constant stays, the grid turns with its axes', () => {
  tf.tidy(() => {
    const table = tf.concat([tf.fill([1, 2], 9), tf.fill([9, 2], 3)]) as tf.Tensor2D;
    expect(resamplePositions(table, 3, 3)).toBe(table);
    expectAllClose(resamplePositions(table, 4, 5), tf.concat([tf.fill([1, 2], 9), tf.fill([20, 2], 3)]));
    const slope = tf.concat([tf.zeros([1, 1]), tf.reshape(tf.range(0, 9), [9, 1])]) as tf.Tensor2D;
    const turned = tf.concat([
      tf.zeros([1, 1]),
      tf.reshape(tf.transpose(tf.reshape(tf.range(0, 9), [3, 3])), [9, 1]),
    ]) as tf.Tensor2D;
    const grid = (x: tf.Tensor2D, rows: number, columns: number) =>
      tf.reshape(tf.slice(resamplePositions(x, rows, columns), [1, 0]), [rows, columns]);
    expectAllClose(tf.transpose(grid(turned, 5, 4)), grid(slope, 4, 5));
  });
});
