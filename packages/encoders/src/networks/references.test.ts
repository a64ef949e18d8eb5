import * as tf from '@tensorflow/tfjs';
import type { Module } from '@mhim/tensor';
import { beforeAll, it } from 'vitest';
import { expectAllClose, useNativeForTests } from '../../../tensor/src/test-helpers.js';
import { madeNumbers } from '../test-helpers.js';
import { PlipVisionTower } from './plip-vision-tower.js';
import { ResNet50Trunc } from './resnet-50-trunc.js';
import { UniVisionTransformer } from './uni-vision-transformer.js';

/*
 * Small networks of timm 1.0.15 (VisionTransformer with init_values, dynamic_img_size), transformers 4.49
 * (CLIPVisionModelWithProjection) and torchvision 0.21 (ResNet), run in float64 on made parameters: the k-th name in
 * alphabetical order has seed k; running variances lie in [0.5, 1.5), all else in [−1, 1).
 */

beforeAll(useNativeForTests);

const transformer = { imageSize: 16, patchSize: 4, dim: 8, depth: 2, heads: 2, mlpDim: 16 };

function loaded<M extends Module>(network: M): M {
  const state = network.stateDict();
  const source = Object.keys(state)
    .sort()
    .map((name, i) => {
      const { shape, size } = state[name] as tf.Tensor;
      const [scale, offset] = name.endsWith('running_var') ? [0.5, 1] : [1, 0];
      return [name, { shape, data: madeNumbers(size, i + 1, scale, offset) }] as const;
    });
  network.loadStateDict(Object.fromEntries(source));
  return network;
}

function images(side: number): tf.Tensor4D {
  return tf.tensor4d(madeNumbers(2 * 3 * side * side, 99), [2, side, side, 3]);
}

it('UNI equals timm, at its own size and with resampled positions', () => {
  const network = loaded(new UniVisionTransformer(transformer));
  tf.tidy(() => {
    expectAllClose(
      network.forward(images(16)).dataSync(),
      [
        ...[-0.076771, 0.508308, -0.250432, 0.126509, 0.340146, -0.484193, -0.213584, -0.905983],
        ...[-0.075697, 0.600404, 0.103999, 0.179668, 0.254257, -0.486454, -0.239954, -0.924612],
      ],
      { atol: 1e-5 },
    );
    expectAllClose(
      network.forward(images(20)).dataSync(),
      [
        ...[-0.09249, 0.556694, -0.0304, 0.174976, 0.195123, -0.519781, -0.227571, -0.917779],
        ...[-0.114974, 0.511029, 0.094558, 0.161648, 0.273271, -0.557987, -0.211802, -0.909153],
      ],
      { atol: 1e-5 },
    );
  });
  network.dispose();
});

it('PLIP equals transformers', () => {
  const network = loaded(new PlipVisionTower({ ...transformer, projection: 6 }));
  tf.tidy(() =>
    expectAllClose(
      network.forward(images(16)).dataSync(),
      [
        ...[-0.529405, -1.437567, -0.33489, 1.549128, -0.708374, 0.682537],
        ...[-0.498628, -1.438252, -0.290936, 1.532509, -0.664459, 0.623588],
      ],
      { atol: 1e-5 },
    ),
  );
  network.dispose();
});

it('ResNet equals torchvision', () => {
  const network = loaded(new ResNet50Trunc({ blocks: [1, 2] }));
  tf.tidy(() => {
    const features = network.forward(images(20)).arraySync();
    const some = features.flatMap((row) => row.filter((_, i) => i % 73 === 5));
    expectAllClose(
      some,
      [
        ...[57521.082, 2426904.184, 77521.1066, 60463.337, 281965.073, 348318.013, 37207.241],
        ...[26199.932, 2401247.79, 62814.037, 8294.970252, 380849.329, 274731.825, 24275.696],
      ],
      { atol: 1, rtol: 1e-5 },
    );
  });
  network.dispose();
});
