import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/** The constant PyTorch's LayerNorm adds to the variance. */
export const LAYER_NORM_EPSILON = 1e-5;

/**
 * Rows with zero mean and unit variance: LayerNorm without its affine part (Ba et al. 2016 eq. 3–4).
 * The backward pass keeps only the result and one number a row.
 *
 * x [n, d] → [n, d]
 */
export const standardiseRows = differentiable((x: tf.Tensor2D) => {
  const { rows, scale } = standardised(x);
  return {
    value: rows,
    save: [rows, scale],
    gradient: (dy, saved) => [
      () => {
        const [y, rowScale] = saved as [tf.Tensor2D, tf.Tensor2D];
        const along = tf.mean(tf.mul(dy, y), 1, true);
        const level = tf.mean(dy, 1, true);
        return tf.mul(tf.sub(tf.sub(dy, level), tf.mul(y, along)), rowScale);
      },
    ],
  };
});

/** x [n, d] → rows [n, d] and the factor [n, 1] that made each of its centred row. */
export function standardised(x: tf.Tensor2D, epsilon = LAYER_NORM_EPSILON): { rows: tf.Tensor2D; scale: tf.Tensor2D } {
  const centred: tf.Tensor2D = tf.sub(x, tf.mean(x, 1, true));
  const variance: tf.Tensor2D = tf.mean(tf.square(centred), 1, true);
  const scale = tf.rsqrt(tf.add<tf.Tensor2D>(variance, epsilon));
  return { rows: tf.mul<tf.Tensor2D>(centred, scale), scale };
}
