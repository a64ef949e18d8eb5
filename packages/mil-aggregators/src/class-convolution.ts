import * as tf from '@tensorflow/tfjs';
import { Module, torchBias, torchWeight, type Rng } from '@mhim/tensor';

/**
 * DSMIL's bag classifier: a convolution over the classes' embeddings as channels, whose kernel is as wide as they are, so
 * that every logit sees every class's embedding. `weight` [c, c, d], `bias` [c], as `torch.nn.Conv1d`.
 */
export class ClassConvolution extends Module {
  readonly weight: tf.Variable<tf.Rank.R3>;
  readonly bias?: tf.Variable<tf.Rank.R1>;

  constructor(classes: number, dim: number, rng: Rng, { bias = true } = {}) {
    super();
    const shape: [number, number, number] = [classes, classes, dim];
    this.weight = this.parameter('weight', torchWeight<tf.Rank.R3>(shape, rng));
    if (bias) this.bias = this.parameter('bias', torchBias(shape)<tf.Rank.R1>([classes], rng));
  }

  /** Embeddings [c, d] → logits [1, c]. */
  forward(embedding: tf.Tensor2D): tf.Tensor2D {
    const [classes] = this.weight.shape;
    const flat: tf.Tensor2D = tf.reshape(embedding, [1, -1]);
    const product: tf.Tensor2D = tf.matMul(flat, tf.reshape(this.weight, [classes, -1]), false, true);
    return this.bias ? tf.add<tf.Tensor2D>(product, this.bias) : product;
  }
}
