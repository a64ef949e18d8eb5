import * as tf from '@tensorflow/tfjs';
import { MhimError } from '../errors.js';
import { torchBias, torchWeight, zeros, type Initialiser } from '../initialisers.js';
import { Module } from '../module.js';
import type { Rng } from '../rng.js';

export interface LinearOptions {
  /** Default true. */
  bias?: boolean;
  /** Default PyTorch's. */
  weightInit?: Initialiser;
  /** Default PyTorch's beside a PyTorch weight, zero beside any other. */
  biasInit?: Initialiser;
}

/** y = x·Wᵀ + b with `weight` [out, in] and `bias` [out], as `torch.nn.Linear`. */
export class Linear extends Module {
  readonly weight: tf.Variable<tf.Rank.R2>;
  readonly bias?: tf.Variable<tf.Rank.R1>;

  constructor(
    readonly inputDim: number,
    readonly outputDim: number,
    rng: Rng,
    { bias = true, weightInit = torchWeight, biasInit }: LinearOptions = {},
  ) {
    super();
    const shape: [number, number] = [outputDim, inputDim];
    this.weight = this.parameter('weight', weightInit<tf.Rank.R2>(shape, rng));
    if (bias) {
      const initialise = biasInit ?? (weightInit === torchWeight ? torchBias(shape) : zeros);
      this.bias = this.parameter('bias', initialise<tf.Rank.R1>([outputDim], rng));
    }
  }

  /** x [n, in] → [n, out] */
  forward(x: tf.Tensor2D): tf.Tensor2D {
    if (x.shape[1] !== this.inputDim) {
      throw new MhimError(`expected ${this.inputDim} columns, got a tensor of shape [${x.shape}].`, { code: 'shape' });
    }
    const product: tf.Tensor2D = tf.matMul(x, this.weight, false, true);
    return this.bias ? tf.add<tf.Tensor2D>(product, this.bias) : product;
  }
}
