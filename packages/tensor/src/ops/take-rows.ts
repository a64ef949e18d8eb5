import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/**
 * The rows of x at distinct `indices`, in their order. Its gradient scatters instead of summing segments, which needs the
 * indices to be distinct.
 * @param x [n, d]
 * @returns [indices.length, d]
 */
export function takeRows(x: tf.Tensor2D, indices: Int32Array): tf.Tensor2D {
  return differentiable((rows: tf.Tensor2D) => {
    const at = tf.tensor1d(indices, 'int32');
    return {
      value: tf.gather(rows, at),
      save: [at],
      gradient: (dy, [places]) => [
        () => tf.scatterND(tf.reshape(places as tf.Tensor1D, [-1, 1]), dy, x.shape) as tf.Tensor2D,
      ],
    };
  })(x);
}
