import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { Rng, writeSafetensors, writeTorchFile, type HostTensor } from '@mhim/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { ResNet50Trunc } from './networks/resnet-50-trunc.js';
import { checkpointLayouts } from './registry.js';
import { loadWeights } from './weights.js';

const folder = mkdtempSync(join(tmpdir(), 'mhim-weights-'));
const config = { width: 2, blocks: [1] };
let source: ResNet50Trunc;
let state: Map<string, HostTensor>;
beforeAll(async () => {
  await useNativeForTests();
  source = new ResNet50Trunc(config, new Rng(1));
  state = new Map(
    Object.entries(source.stateDict()).map(([name, tensor]) => [
      name,
      { dtype: 'F32', shape: tensor.shape, data: tensor.dataSync() as Float32Array },
    ]),
  );
});
afterAll(() => {
  source.dispose();
  rmSync(folder, { recursive: true });
});

const one: HostTensor = { dtype: 'F32', shape: [1], data: Float32Array.of(1) };

async function expectLoads(path: string): Promise<void> {
  const network = new ResNet50Trunc(config);
  await loadWeights(network, path, checkpointLayouts.resnet50);
  const images = new Rng(2).normal<tf.Rank.R4>([1, 16, 16, 3]);
  const [got, want] = [network.forward(images), source.forward(images)];
  expectAllClose(got, want);
  tf.dispose([images, got, want]);
  network.dispose();
}

describe('loadWeights', () => {
  it('takes safetensors with a prefix, and passes over what the encoder does not use', async () => {
    const path = join(folder, 'prefix.safetensors');
    const unused = ['model.layer4.0.conv1.weight', 'model.fc.bias', 'model.bn1.num_batches_tracked', 'epoch'];
    writeSafetensors(path, [
      ...[...state].map(([name, tensor]) => [`model.${name}`, tensor] as const),
      ...unused.map((name) => [name, one] as const),
    ]);
    await expectLoads(path);
  });

  it('takes PyTorch files, whatever the extension', async () => {
    const path = join(folder, 'pytorch_model.bin');
    writeTorchFile(path, state);
    await expectLoads(path);
  });

  it('leaves no tensor behind', async () => {
    const path = join(folder, 'plain.safetensors');
    writeSafetensors(path, state);
    const tensors = tf.memory().numTensors;
    await expectLoads(path);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('says what does not fit', async () => {
    const load = async (tensors: Map<string, HostTensor>) => {
      const path = join(folder, 'unfit.safetensors');
      writeSafetensors(path, tensors);
      const network = new ResNet50Trunc(config);
      return loadWeights(network, path, checkpointLayouts.resnet50).finally(() => network.dispose());
    };
    const unfit = new Map([...state, ['layer1.0.bn1.bias', one], ['layer1.7.conv1.weight', one]]);
    unfit.delete('bn1.weight');
    await expect(load(unfit)).rejects.toThrow(
      /unfit\.safetensors: these are not the weights of ResNet-50: missing are bn1\.weight; unknown are layer1\.7\.conv1\.weight; of another shape are layer1\.0\.bn1\.bias \[1\] instead of \[2\]\./,
    );
    await expect(load(new Map([['cls_token', one]]))).rejects.toThrow(/no tensor "conv1\.weight"\. It has: cls_token/);
    writeFileSync(join(folder, 'text'), 'no weights at all');
    await expect(loadWeights(source, join(folder, 'text'), checkpointLayouts.resnet50)).rejects.toMatchObject({
      name: 'MhimError',
      code: 'file-format',
    });
  });
});
