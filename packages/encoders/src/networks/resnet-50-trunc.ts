import * as tf from '@tensorflow/tfjs';
import { BatchNorm, Module, type Rng } from '@mhim/tensor';
import { Convolution, type ConvolutionOptions } from '../layers/convolution.js';
import { inTurn, type Step, type Tap } from '../layers/in-turn.js';

export interface ResNetConfig {
  /** Channels behind the stem; a stage's output has 4, 8, 16 times as many. */
  width?: number;
  /** Blocks of each stage. */
  blocks?: readonly number[];
}

export const resNet50TruncDefaults = { width: 64, blocks: [3, 4, 6] } as const satisfies Required<ResNetConfig>;

/** A bottleneck's output has so many times the channels of its inner convolutions. */
const EXPANSION = 4;

/**
 * ResNet-50 cut behind its third stage, with the mean over positions (He et al. 2016; CLAM's `resnet50_trunc`): 1,024 values an
 * image. Names are torchvision's, which timm shares; the stride of a stage sits in its first 3×3 convolution.
 */
export class ResNet50Trunc extends Module {
  readonly width: number;
  private readonly stem: ConvolutionNorm;
  private readonly stages: Bottleneck[][] = [];

  /** @param rng for initial values; zeros without, to be loaded */
  constructor(config: ResNetConfig = {}, rng?: Rng) {
    super();
    const { width, blocks } = { ...resNet50TruncDefaults, ...config };
    this.stem = new ConvolutionNorm(3, width, 7, { stride: 2, padding: 3 }, rng);
    this.child('conv1', this.stem.convolution);
    this.child('bn1', this.stem.norm);
    let channels: number = width;
    blocks.forEach((count, s) => {
      const inner = width * 2 ** s;
      const stage = Array.from({ length: count }, (_, b) => {
        const stride = b === 0 && s > 0 ? 2 : 1;
        const block = new Bottleneck(channels, inner, stride, rng);
        channels = inner * EXPANSION;
        return this.child(`layer${s + 1}.${b}`, block);
      });
      this.stages.push(stage);
    });
    this.width = channels;
  }

  /** Normalised images [n, h, w, 3] → [n, width]; taps `stem` and `layer1` … are [n, h′, w′, channels]. */
  forward(images: tf.Tensor4D, tap?: Tap): tf.Tensor2D {
    return tf.tidy(() => {
      const pooled = this.pooledStem(images);
      tap?.('stem', pooled);
      const last = this.stages.reduce((x, stage, s) => {
        const result = inTurn(x, stage.map(asStep));
        tap?.(`layer${s + 1}`, result);
        return result;
      }, pooled);
      return tf.mean<tf.Tensor2D>(last, [1, 2]);
    });
  }

  private pooledStem(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const x = tf.relu(this.stem.forward(images));
      // What stands around a 3×3 pooling never wins; behind a ReLU zeros do not either.
      const padded: tf.Tensor4D = tf.pad(x, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]);
      return tf.maxPool(padded, 3, 2, 'valid');
    });
  }
}

class Bottleneck extends Module {
  private readonly reduce: ConvolutionNorm;
  private readonly spatial: ConvolutionNorm;
  private readonly expand: ConvolutionNorm;
  private readonly shortcut?: ConvolutionNorm;

  constructor(inputs: number, inner: number, stride: number, rng?: Rng) {
    super();
    const outputs = inner * EXPANSION;
    this.reduce = new ConvolutionNorm(inputs, inner, 1, {}, rng);
    this.spatial = new ConvolutionNorm(inner, inner, 3, { stride, padding: 1 }, rng);
    this.expand = new ConvolutionNorm(inner, outputs, 1, {}, rng);
    [this.reduce, this.spatial, this.expand].forEach(({ convolution, norm }, i) => {
      this.child(`conv${i + 1}`, convolution);
      this.child(`bn${i + 1}`, norm);
    });
    if (stride === 1 && inputs === outputs) return;
    this.shortcut = new ConvolutionNorm(inputs, outputs, 1, { stride }, rng);
    this.child('downsample.0', this.shortcut.convolution);
    this.child('downsample.1', this.shortcut.norm);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const inner = tf.relu(this.spatial.forward(tf.relu(this.reduce.forward(x))));
    return tf.relu(tf.add<tf.Tensor4D>(this.expand.forward(inner), this.shortcut ? this.shortcut.forward(x) : x));
  }
}

/** A convolution and the normalisation behind it, which go by names side by side in the official checkpoints. */
class ConvolutionNorm {
  readonly convolution: Convolution;
  readonly norm: BatchNorm;

  constructor(inputs: number, outputs: number, kernel: number, options: ConvolutionOptions, rng?: Rng) {
    this.convolution = new Convolution(inputs, outputs, kernel, options, rng);
    this.norm = new BatchNorm(outputs);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.convolution.forward(x, this.norm);
  }
}

function asStep(block: Bottleneck): Step<tf.Tensor4D> {
  return { name: '', run: (x) => block.forward(x) };
}
