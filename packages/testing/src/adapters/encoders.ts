import * as tf from '@tensorflow/tfjs';
import {
  checkpointLayouts,
  EfficientNetLite0,
  loadWeights,
  normalise,
  obtainEfficientNetLite0,
  PlipVisionTower,
  preprocessingNames,
  preprocessings,
  resizeAndCrop,
  ResNet50Trunc,
  UniVisionTransformer,
  type Preprocessing,
  type PreprocessingName,
  type RgbImage,
  type Tap,
} from '@mhim/encoders';
import type { Module } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { loadParameters, numbers, tensorOf, withModule } from './fixture-tensors.js';

/** Patch encoders and what comes before them. */
export const encoderAdapters: Adapters = {
  'encoders.resnet50_layer3': (fixture) => encode(fixture, new ResNet50Trunc()),
  'encoders.clip_vit_b32': (fixture) =>
    encode(fixture, new PlipVisionTower({ depth: blocksOf(fixture, 'vision_model.encoder.layers') })),
  'encoders.vit_l16_uni': (fixture) =>
    encode(fixture, new UniVisionTransformer({ depth: blocksOf(fixture, 'blocks') })),
  'encoders.effnet_lite0': efficientNetLite0,
  'encoders.preprocess': preprocess,
};

interface Network extends Module {
  forward(images: tf.Tensor4D, tap?: Tap): tf.Tensor2D;
}

function encode(fixture: ConformanceCase, network: Network): Outputs {
  return withModule(network, () => {
    loadParameters(network, fixture);
    const outputs: Outputs = {};
    const features = network.forward(networkInput(fixture), statisticsInto(outputs, fixture));
    return { ...outputs, ...numbers({ 'out.feature': features }) };
  });
}

/** The real weights on real tiles, from the tiles' bytes on; its three outputs are separate calls. */
async function efficientNetLite0(fixture: ConformanceCase): Promise<Outputs> {
  const weights = await obtainEfficientNetLite0();
  const network = new EfficientNetLite0();
  await loadWeights(network, weights, checkpointLayouts.effnet_lite0);
  const [count, height, width] = fixture.shape('input.tiles') as [number, number, number];
  const bytes = fixture.data('input.tiles') as Uint8Array;
  const images = Array.from({ length: count }, (_, i) => {
    const data = bytes.subarray(3 * width * height * i, 3 * width * height * (i + 1));
    return resizeAndCrop({ data, width, height }, 'effnet_lite0');
  });
  return withModule(network, () => {
    const values = images.flatMap((image) => [...normalise(image, 'effnet_lite0')]);
    const { width: side } = images[0] as RgbImage;
    const batch = tf.tensor4d(values, [count, side, side, 3]);
    const outputs: Outputs = {};
    const logits = network.forward(batch, 'logits', statisticsInto(outputs, fixture));
    return {
      ...outputs,
      ...numbers({
        'out.mid112': network.forward(batch, 'mid112'),
        'out.feat1280': network.forward(batch, 'head1280'),
        'out.logits': logits,
      }),
    };
  });
}

/** [n, h, w, 3]: the case's numbers, or its bytes put through our own normalisation. */
function networkInput(fixture: ConformanceCase): tf.Tensor4D {
  if (!fixture.has('input.u8')) return tf.transpose(tensorOf<tf.Rank.R4>(fixture, 'input'), [0, 2, 3, 1]);
  const shape = fixture.shape('input.u8') as [number, number, number, number];
  const { mean, std } = fixture.config as unknown as Required<Preprocessing>['normalise'];
  const chain: Preprocessing = { ...preprocessings.trident, normalise: { mean, std } };
  const data = fixture.data('input.u8') as Uint8Array;
  return tf.tensor4d(normalise({ data, width: shape[2], height: shape[0] * shape[1] }, chain), shape);
}

/** Of the intermediate tensors that the case asks for: four statistics and 24 entries, images channel-first as torch has them. */
function statisticsInto(outputs: Outputs, fixture: ConformanceCase): Tap {
  return (name, tensor) => {
    if (!fixture.has(`out.stat.${name}`)) return;
    const values = tf.tidy(() => (tensor.rank === 4 ? tf.transpose(tensor, [0, 3, 1, 2]) : tensor).dataSync());
    let [sum, squares, most] = [0, 0, 0];
    for (const value of values) {
      sum += value;
      squares += value * value;
      most = Math.max(most, Math.abs(value));
    }
    const mean = sum / values.length;
    outputs[`out.stat.${name}`] = [mean, Math.sqrt(squares / values.length - mean * mean), Math.sqrt(squares), most];
    outputs[`out.sample.${name}`] = entries(values, 24);
  };
}

/** Entries at flat positions (7919·k + 13) mod size. */
function entries(values: ArrayLike<number>, count: number): number[] {
  return Array.from({ length: count }, (_, k) => values[(7919 * k + 13) % values.length] as number);
}

function blocksOf(fixture: ConformanceCase, prefix: string): number {
  const numbers = Object.keys(fixture.tensors).flatMap((name) =>
    name.startsWith(`param.${prefix}.`) ? [Number(name.slice(prefix.length + 7).split('.')[0])] : [],
  );
  return new Set(numbers).size;
}

function preprocess(fixture: ConformanceCase): Outputs {
  const [height, width] = fixture.shape('input') as [number, number];
  const image = { data: fixture.data('input') as Uint8Array, width, height };
  const chains = preprocessingNames.filter((name) => fixture.has(`out.${name}.u8`));
  return Object.assign({}, ...chains.map((name) => chainOutputs(name, image))) as Outputs;
}

function chainOutputs(chain: PreprocessingName, image: RgbImage): Outputs {
  const resized = resizeAndCrop(image, chain);
  const values = normalise(resized, chain);
  const pixels = resized.width * resized.height;
  const planes = [0, 1, 2].map((c) => Float64Array.from({ length: pixels }, (_, i) => values[3 * i + c] as number));
  const means = planes.map((plane) => plane.reduce((a, b) => a + b, 0) / pixels);
  const deviations = planes.map((plane, c) =>
    Math.sqrt(plane.reduce((sum, value) => sum + (value - (means[c] as number)) ** 2, 0) / pixels),
  );
  return {
    [`out.${chain}.u8`]: resized.data,
    [`out.${chain}.sample`]: entries(
      planes.flatMap((plane) => [...plane]),
      1024,
    ),
    [`out.${chain}.first_row`]: planes.flatMap((plane) => [...plane.subarray(0, resized.width)]),
    [`out.${chain}.channel_mean`]: means,
    [`out.${chain}.channel_std`]: deviations,
  };
}
