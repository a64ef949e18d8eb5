import * as tf from '@tensorflow/tfjs';
import { Module, type Call } from '../module.js';

const MOMENTUM = 0.1;

export interface BatchNormOptions {
  /** Added to the variance; default PyTorch's 1e-5. */
  epsilon?: number;
}

/** Batch normalisation over the rows of [n, d] (Ioffe & Szegedy 2015), with PyTorch's running statistics. */
export class BatchNorm extends Module {
  readonly weight: tf.Variable<tf.Rank.R1>;
  readonly bias: tf.Variable<tf.Rank.R1>;
  readonly runningMean: tf.Variable<tf.Rank.R1>;
  readonly runningVariance: tf.Variable<tf.Rank.R1>;

  readonly epsilon: number;

  constructor(
    readonly dim: number,
    { epsilon = 1e-5 }: BatchNormOptions = {},
  ) {
    super();
    this.epsilon = epsilon;
    this.weight = this.parameter('weight', tf.ones([dim]) as tf.Tensor1D);
    this.bias = this.parameter('bias', tf.zeros([dim]) as tf.Tensor1D);
    this.runningMean = this.buffer('running_mean', tf.zeros([dim]) as tf.Tensor1D);
    this.runningVariance = this.buffer('running_var', tf.ones([dim]) as tf.Tensor1D);
    this.skip('num_batches_tracked');
  }

  /**
   * x [n, d] → [n, d]; training uses and updates the batch's statistics, inference the running ones. So does training on a
   * single row, of which PyTorch's layer refuses the statistics: normalised by itself it would be zero.
   */
  forward(x: tf.Tensor2D, { training = false }: Call = {}): tf.Tensor2D {
    let mean: tf.Tensor1D = this.runningMean;
    let variance: tf.Tensor1D = this.runningVariance;
    if (training && x.shape[0] > 1) {
      mean = tf.mean(x, 0);
      variance = tf.mean(tf.square(tf.sub(x, mean)), 0);
      this.track(mean, variance, x.shape[0]);
    }
    const scale = tf.mul(tf.rsqrt(tf.add(variance, this.epsilon)), this.weight);
    return tf.add(tf.mul(tf.sub(x, mean), scale), this.bias);
  }

  /** At inference y = scale·x + shift, channel by channel [d]: what a convolution before it can take in. */
  inferenceAffine(): { scale: tf.Tensor1D; shift: tf.Tensor1D } {
    const scale: tf.Tensor1D = tf.mul(tf.rsqrt(tf.add(this.runningVariance, this.epsilon)), this.weight);
    return { scale, shift: tf.sub(this.bias, tf.mul(this.runningMean, scale)) };
  }

  private track(mean: tf.Tensor1D, variance: tf.Tensor1D, rows: number): void {
    tf.tidy(() => {
      const unbiased = tf.mul(variance, rows / Math.max(1, rows - 1));
      this.runningMean.assign(tf.add(tf.mul(this.runningMean, 1 - MOMENTUM), tf.mul(mean, MOMENTUM)));
      this.runningVariance.assign(tf.add(tf.mul(this.runningVariance, 1 - MOMENTUM), tf.mul(unbiased, MOMENTUM)));
    });
  }
}
