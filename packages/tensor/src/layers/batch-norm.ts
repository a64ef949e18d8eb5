import * as tf from '@tensorflow/tfjs';
import { Module, type Call } from '../module.js';

const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/** Batch normalisation over the rows of [n, d] (Ioffe & Szegedy 2015), with PyTorch's running statistics. */
export class BatchNorm extends Module {
  readonly weight: tf.Variable<tf.Rank.R1>;
  readonly bias: tf.Variable<tf.Rank.R1>;
  readonly runningMean: tf.Variable<tf.Rank.R1>;
  readonly runningVariance: tf.Variable<tf.Rank.R1>;

  constructor(readonly dim: number) {
    super();
    this.weight = this.parameter('weight', tf.ones([dim]) as tf.Tensor1D);
    this.bias = this.parameter('bias', tf.zeros([dim]) as tf.Tensor1D);
    this.runningMean = this.buffer('running_mean', tf.zeros([dim]) as tf.Tensor1D);
    this.runningVariance = this.buffer('running_var', tf.ones([dim]) as tf.Tensor1D);
  }

  /** x [n, d] → [n, d]; training uses and updates the batch's statistics, inference the running ones. */
  forward(x: tf.Tensor2D, { training = false }: Call = {}): tf.Tensor2D {
    let mean: tf.Tensor1D = this.runningMean;
    let variance: tf.Tensor1D = this.runningVariance;
    if (training) {
      mean = tf.mean(x, 0);
      variance = tf.mean(tf.square(tf.sub(x, mean)), 0);
      this.track(mean, variance, x.shape[0]);
    }
    const scale = tf.mul(tf.rsqrt(tf.add(variance, EPSILON)), this.weight);
    return tf.add(tf.mul(tf.sub(x, mean), scale), this.bias);
  }

  private track(mean: tf.Tensor1D, variance: tf.Tensor1D, rows: number): void {
    tf.tidy(() => {
      const unbiased = tf.mul(variance, rows / Math.max(1, rows - 1));
      this.runningMean.assign(tf.add(tf.mul(this.runningMean, 1 - MOMENTUM), tf.mul(mean, MOMENTUM)));
      this.runningVariance.assign(tf.add(tf.mul(this.runningVariance, 1 - MOMENTUM), tf.mul(unbiased, MOMENTUM)));
    });
  }
}
