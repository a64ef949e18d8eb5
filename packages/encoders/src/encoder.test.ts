import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { Rng } from '@mhim/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useNativeForTests } from '../../tensor/src/test-helpers.js';
import { createEncoder, type EncoderOptions } from './create-encoder.js';
import { Encoder, type ImageBatch } from './encoder.js';
import { NetworkEngine } from './network-engine.js';
import { ResNet50Trunc } from './networks/resnet-50-trunc.js';
import { preprocessings, type Preprocessing } from './preprocessing/preprocessing.js';
import { madeImage } from './test-helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'mhim-encoder-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(useNativeForTests);

const small: Preprocessing = { ...preprocessings.clam, size: 16 };
const weights = join(folder, 'weights');
writeFileSync(weights, 'weights');

function describeWith(preprocessing: Preprocessing, width: number) {
  return { name: 'resnet50', title: 'a small network', width, preprocessing, weights };
}

describe('Encoder', () => {
  it('encodes any number of images in batches, in order, and leaves no tensor behind', async () => {
    const network = new ResNet50Trunc({ width: 2, blocks: [1] }, new Rng(1));
    const encoder = new Encoder(
      describeWith(small, 8),
      2,
      new NetworkEngine(network, (images) => network.forward(images)),
    );
    const images = [madeImage(16, 16), madeImage(20, 20), madeImage(40, 20), madeImage(20, 40), madeImage(17, 18)];
    await encoder.encode(images);
    const tensors = tf.memory().numTensors;
    const { shape, data, dtype } = await encoder.encode(images);
    expect(tf.memory().numTensors).toBe(tensors);
    expect([dtype, shape, data.length]).toEqual(['F32', [5, 8], 40]);
    for (const [i, image] of images.entries()) {
      const alone = await encoder.encode([image]);
      alone.data.forEach((value, at) => expect(data[i * 8 + at]).toBeCloseTo(value, 5));
    }
    expect(await encoder.encode([])).toEqual({ dtype: 'F32', shape: [0, 8], data: new Float32Array() });
    await encoder.dispose();
  });

  it('begins a new batch where the size changes, and when one is full', async () => {
    const sizes: number[][] = [];
    const run = async ({ count, width, height }: ImageBatch) => {
      sizes.push([count, width, height]);
      return new Float32Array(count);
    };
    const encoder = new Encoder(describeWith(small, 1), 2, { run, dispose: () => undefined });
    await encoder.encode([madeImage(16, 16), madeImage(30, 30), madeImage(9, 9), madeImage(32, 16), madeImage(16, 16)]);
    expect(sizes).toEqual([
      [2, 16, 16],
      [1, 16, 16],
      [1, 32, 16],
      [1, 16, 16],
    ]);
  });

  it('names the image whose bytes or features are wrong', async () => {
    const run = async ({ count }: ImageBatch) =>
      Float32Array.from({ length: 2 * count }, (_, i) => (i === 3 ? NaN : 1));
    const encoder = new Encoder(describeWith(small, 2), 8, { run, dispose: () => undefined });
    const rgba = { data: new Uint8Array(4 * 4 * 4), width: 4, height: 4 };
    await expect(encoder.encode([madeImage(4, 4), rgba])).rejects.toThrow(/image 1 of 4×4 pixels comes with 64 bytes/);
    await expect(encoder.encode([madeImage(4, 4), madeImage(5, 5)])).rejects.toThrow(/image 1 are not all finite/);
  });

  it('has a fingerprint of weights, output and preprocessing', async () => {
    const engine = { run: async () => new Float32Array(), dispose: () => undefined };
    const of = (preprocessing: Preprocessing, output?: string) =>
      new Encoder({ ...describeWith(preprocessing, 2), output }, 1, engine).fingerprint();
    const prints = await Promise.all([of(small), of(small), of(preprocessings.clam), of(small, 'logits')]);
    expect(prints[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(prints).size).toBe(3);
    expect(prints[0]).toBe(prints[1]);
    writeFileSync(weights, 'other');
    expect(await of(small)).not.toBe(prints[0]);
  });
});

describe('createEncoder says what cannot be', () => {
  it.each<[object, RegExp]>([
    [{ name: 'resnet' }, /no encoder "resnet" \(did you mean "resnet50"\?\)\. Choose one of effnet_lite0, /],
    [{ name: 'uni' }, /"uni" needs weights\. Name a file: pytorch_model\.bin of MahmoodLab\/UNI/],
    [{ name: 'onnx', weights: 'a.onnx' }, /does not say how images become its input/],
    [{ name: 'onnx', weights: 'a.onnx', preprocessing: 'clip' }, /no preprocessing "clip"/],
    [{ name: 'plip', weights: 'a', batchSize: 0.5 }, /batch of 0\.5 images/],
    [{ name: 'plip', weights: 'a', preprocessing: 'effnet_lite0' }, /does not give plip what it takes: normalised/],
    [{ preprocessing: 'trident' }, /does not give effnet_lite0 what it takes: which normalises|0 … 255/],
    [{ output: 'mid96' }, /no output "mid96"\. Choose one of mid112, head1280, logits/],
    [{ name: 'resnet50', weights: '/no/such/file' }, /\/no\/such\/file: there is no such file/],
  ])('%j', async (options, message) => {
    await expect(createEncoder(options as EncoderOptions)).rejects.toThrow(message);
  });
});
