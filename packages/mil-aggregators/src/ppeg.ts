import * as tf from '@tensorflow/tfjs';
import { MhimError, Module, torchBias, torchWeight, type Initialiser, type Rng } from '@mhim/tensor';
import { depthwiseConvolution } from './depthwise-convolution.js';

export interface PPEGConfig {
  /** Width d of the instances. */
  dim: number;
  /** Side of the largest kernel, odd; default 7. */
  kernel?: number;
  /** Default true. */
  bias?: boolean;
  weightInit?: Initialiser;
  /** Default PyTorch's. */
  biasInit?: Initialiser;
}

/**
 * Pyramid position encoding generator (Shao et al. 2021 §3.3): the instances are laid out row by row on a square and three
 * depthwise convolutions of them are added, 7×7, 5×5 and 3×3.
 *
 * Convolutions of the same map add up to the convolution with the sum of their kernels, and the identity is a kernel too,
 * so one 7×7 convolution does it all. State: `proj`, `proj1`, `proj2`, each `weight` [d, 1, k, k] and `bias` [d].
 */
export class PPEG extends Module {
  private readonly kernels: { side: number; weight: tf.Variable<tf.Rank.R4>; bias?: tf.Variable<tf.Rank.R1> }[];
  private readonly dim: number;

  /** @throws MhimError `config` for an even kernel */
  constructor({ dim, kernel = 7, bias = true, weightInit = torchWeight, biasInit }: PPEGConfig, rng: Rng) {
    super();
    if (kernel % 2 === 0) {
      throw new MhimError(`expected an odd side, got ${kernel}.`, { code: 'config', path: 'kernel' });
    }
    this.dim = dim;
    const names = ['proj', 'proj1', 'proj2'];
    this.kernels = [kernel, 5, 3].map((side, i) => {
      const shape: [number, number, number, number] = [dim, 1, side, side];
      const name = names[i] as string;
      const weight = this.parameter(`${name}.weight`, weightInit<tf.Rank.R4>(shape, rng));
      if (!bias) return { side, weight };
      const initial = (biasInit ?? torchBias(shape))<tf.Rank.R1>([dim], rng);
      return { side, weight, bias: this.parameter(`${name}.bias`, initial) };
    });
  }

  /**
   * Instances [n, d] → [n, d]. The square's side is ⌈√n⌉; what is missing are the first instances once more, and below a
   * side of 7 zeros as well, up to 7×7.
   */
  forward(instances: tf.Tensor2D): tf.Tensor2D {
    const [n] = instances.shape;
    const side = Math.ceil(Math.sqrt(n));
    const [missing, zeros] = [side * side - n, Math.max(0, 49 - side * side)];
    const square = missing > 0 ? tf.concat([instances, tf.slice(instances, [0, 0], [missing, -1])]) : instances;
    const map =
      zeros > 0
        ? tf.pad(square, [
            [0, zeros],
            [0, 0],
          ])
        : square;
    return tf.slice(this.onSquare(map), [0, 0], [n, -1]);
  }

  /** The square itself, row by row: [side², d] → [side², d]. */
  onSquare(square: tf.Tensor2D): tf.Tensor2D {
    const side = Math.round(Math.sqrt(square.shape[0]));
    const map = tf.reshape(square, [1, side, side, this.dim]) as tf.Tensor4D;
    const convolved: tf.Tensor2D = tf.reshape(depthwiseConvolution(map, this.kernel()), [-1, this.dim]);
    const biases = this.kernels.flatMap(({ bias }) => (bias ? [bias as tf.Tensor1D] : []));
    return biases.length > 0 ? tf.add(convolved, tf.addN(biases)) : convolved;
  }

  /** The three kernels and the identity in one, [k, k, d, 1]. */
  private kernel(): tf.Tensor4D {
    const largest = Math.max(...this.kernels.map(({ side }) => side));
    const parts = this.kernels.map(({ side, weight }) => {
      const margin = (largest - side) / 2;
      return tf.pad(weight as tf.Tensor4D, [
        [0, 0],
        [0, 0],
        [margin, margin],
        [margin, margin],
      ]);
    });
    const centre = tf.oneHot(tf.scalar((largest * largest - 1) / 2, 'int32'), largest * largest);
    const sum = tf.add(tf.addN(parts), tf.reshape(tf.cast(centre, 'float32'), [1, 1, largest, largest]));
    return tf.transpose(sum, [2, 3, 0, 1]) as tf.Tensor4D;
  }
}
