import * as tf from '@tensorflow/tfjs';
import { columnSums } from './column-sums.js';
import { differentiable } from './differentiable.js';
import { LAYER_NORM_EPSILON, standardised } from './standardise-rows.js';

/**
 * Layer normalisation of rows with its affine part (Ba et al. 2016) as one node of the tape, which keeps the standardised
 * rows and one number a row. Sums over rows or columns are products with vectors, which take half the time of reductions.
 * @param x [n, d]
 * @param weight [d]
 * @param bias [d]
 * @param epsilon added to the variance
 * @returns [n, d]
 */
export function layerNorm(
  x: tf.Tensor2D,
  weight: tf.Tensor1D,
  bias?: tf.Tensor1D,
  epsilon = LAYER_NORM_EPSILON,
): tf.Tensor2D {
  return differentiable((input: tf.Tensor2D, gain: tf.Tensor1D, ..._bias: tf.Tensor1D[]) => {
    const { rows, scale } = standardised(input, epsilon);
    const scaled: tf.Tensor2D = tf.mul(rows, gain);
    return {
      value: bias ? tf.add<tf.Tensor2D>(scaled, bias) : scaled,
      save: [rows, scale, gain],
      gradient: (dy, saved) => tf.tidy(() => backward(dy, saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D], bias)),
    };
  })(x, weight, ...(bias ? [bias] : []));
}

function backward(
  dy: tf.Tensor2D,
  [y, scale, weight]: [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D],
  bias?: tf.Tensor1D,
): tf.Tensor[] {
  const product: tf.Tensor2D = tf.mul(dy, y);
  const column: tf.Tensor2D = tf.reshape(tf.div(weight, weight.size), [-1, 1]);
  const [along, level] = [tf.matMul(product, column), tf.matMul(dy, column)];
  const dx = tf.mul(tf.sub(tf.mul(dy, weight), tf.add(tf.mul(y, along), level)), scale);
  return [dx, columnSums(product), ...(bias ? [columnSums(dy)] : [])];
}
