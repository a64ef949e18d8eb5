import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/**
 * The rows of x at `indices`, in their order. Its gradient is one scatter instead of sums over segments, and adds up where
 * a row was taken twice.
 * @param x [n, d]
 * @param indices on the host, or as an int32 tensor
 * @returns [indices.length, d]
 */
export function takeRows(x: tf.Tensor2D, indices: Int32Array | tf.Tensor1D): tf.Tensor2D {
  return differentiable((rows: tf.Tensor2D) => {
    const at = indices instanceof tf.Tensor ? indices : tf.tensor1d(indices, 'int32');
    return {
      value: tf.gather(rows, at),
      save: [at],
      gradient: (dy, [places]) => [
        () => tf.scatterND(tf.reshape(places as tf.Tensor1D, [-1, 1]), dy, x.shape) as tf.Tensor2D,
      ],
    };
  })(x);
}
