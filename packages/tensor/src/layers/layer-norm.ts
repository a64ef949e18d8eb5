import * as tf from '@tensorflow/tfjs';
import { Module } from '../module.js';
import { layerNorm } from '../ops/layer-norm.js';
import { LAYER_NORM_EPSILON } from '../ops/standardise-rows.js';

export interface LayerNormOptions {
  /** Default true. */
  bias?: boolean;
  /** Added to the variance; default PyTorch's 1e-5. */
  epsilon?: number;
}

/** Layer normalisation over the last axis with affine `weight` and `bias` [d] (Ba et al. 2016). */
export class LayerNorm extends Module {
  readonly weight: tf.Variable<tf.Rank.R1>;
  readonly bias?: tf.Variable<tf.Rank.R1>;
  readonly epsilon: number;

  constructor(
    readonly dim: number,
    { bias = true, epsilon = LAYER_NORM_EPSILON }: LayerNormOptions = {},
  ) {
    super();
    this.epsilon = epsilon;
    this.weight = this.parameter('weight', tf.ones([dim]) as tf.Tensor1D);
    if (bias) this.bias = this.parameter('bias', tf.zeros([dim]) as tf.Tensor1D);
  }

  /** x [n, d] → [n, d] */
  forward(x: tf.Tensor2D): tf.Tensor2D {
    return layerNorm(x, this.weight, this.bias, this.epsilon);
  }
}
