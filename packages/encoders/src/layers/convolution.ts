import * as tf from '@tensorflow/tfjs';
import { type BatchNorm, Module, torchBias, torchWeight, zeros, type Rng } from '@mhim/tensor';
import { Derived } from './derived.js';

export interface ConvolutionOptions {
  /** Default 1. */
  stride?: number;
  /** Zeros around the image: one number for all sides, or [before, after]. Default 0. */
  padding?: number | readonly [number, number];
  /** Each channel by itself. Default false. */
  depthwise?: boolean;
  /** Default false. */
  bias?: boolean;
}

/**
 * A convolution over images [n, h, w, channels] with PyTorch's `weight` [out, in, k, k] ([channels, 1, k, k] when depthwise).
 * The layout that TensorFlow wants, with the scale of a batch normalisation behind it, is made once.
 */
export class Convolution extends Module {
  readonly weight: tf.Variable<tf.Rank.R4>;
  readonly bias?: tf.Variable<tf.Rank.R1>;
  private readonly stride: number;
  private readonly padding: readonly [number, number];
  private readonly depthwise: boolean;
  private readonly derived = new Derived<[tf.Tensor4D, ...tf.Tensor1D[]]>();

  /** @param rng for PyTorch's initial values; zeros without */
  constructor(
    inputs: number,
    outputs: number,
    kernel: number,
    { stride = 1, padding = 0, depthwise = false, bias = false }: ConvolutionOptions = {},
    rng?: Rng,
  ) {
    super();
    this.stride = stride;
    this.padding = typeof padding === 'number' ? [padding, padding] : padding;
    this.depthwise = depthwise;
    const shape: [number, number, number, number] = [outputs, depthwise ? 1 : inputs, kernel, kernel];
    this.weight = this.parameter('weight', rng ? torchWeight<tf.Rank.R4>(shape, rng) : tf.zeros(shape));
    if (bias) this.bias = this.parameter('bias', (rng ? torchBias(shape) : zeros)<tf.Rank.R1>([outputs], rng as Rng));
  }

  /**
   * x [n, h, w, in] → [n, h′, w′, out]
   * @param norm batch normalisation of the result with its running statistics, folded into the kernel
   */
  forward(x: tf.Tensor4D, norm?: BatchNorm): tf.Tensor4D {
    const [kernel, shift] = this.kernel(norm);
    const [before, after] = this.padding;
    const side: [number, number] = [before, after];
    const padding = before + after === 0 ? 'valid' : ([[0, 0], side, side, [0, 0]] as tf.backend_util.ExplicitPadding);
    const y: tf.Tensor4D = this.depthwise ? this.channels(x, kernel) : tf.conv2d(x, kernel, this.stride, padding);
    return shift ? tf.add<tf.Tensor4D>(y, shift) : y;
  }

  override dispose(): void {
    this.derived.dispose();
    super.dispose();
  }

  /** Only the plain convolution of every backend takes any padding. */
  private channels(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
    const [before, after] = this.padding;
    const side: [number, number] = [before, after];
    const padded: tf.Tensor4D = tf.pad(x, [[0, 0], side, side, [0, 0]]);
    return tf.depthwiseConv2d(padded, kernel, this.stride, 'valid');
  }

  private kernel(norm?: BatchNorm): [tf.Tensor4D, ...tf.Tensor1D[]] {
    const { weight, bias, depthwise } = this;
    const statistics = norm ? [norm.weight, norm.bias, norm.runningMean, norm.runningVariance] : [];
    const variables = [weight, ...(bias ? [bias] : []), ...statistics] as tf.Variable[];
    return this.derived.of(variables, () => {
      const order = depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0];
      const kernel: tf.Tensor4D = tf.transpose(weight, order);
      if (!norm) return bias ? [kernel, tf.clone<tf.Tensor1D>(bias)] : [kernel];
      const { scale, shift } = norm.inferenceAffine();
      const scaled: tf.Tensor4D = tf.mul(kernel, depthwise ? tf.reshape(scale, [-1, 1]) : scale);
      return [scaled, bias ? tf.add<tf.Tensor1D>(shift, tf.mul(bias, scale)) : shift];
    });
  }
}
