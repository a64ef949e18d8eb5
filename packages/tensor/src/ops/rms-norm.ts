import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

const EPSILON = 1e-5;

/**
 * Root mean square normalisation, x·rsqrt(mean(x²) + 1e-5)∘weight (Zhang & Sennrich 2019 eq. 4).
 * @param x [n, d]
 * @param weight [d]
 * @returns [n, d]
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D): tf.Tensor2D {
  return tf.mul(scaleRows(x), weight);
}

const scaleRows = differentiable((x: tf.Tensor2D) => {
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), EPSILON));
  const result: tf.Tensor2D = tf.mul(x, scale);
  return {
    value: result,
    save: [result, scale],
    gradient: (dy, saved) => {
      const [y, rowScale] = saved as [tf.Tensor2D, tf.Tensor2D];
      const along = tf.mean(tf.mul(dy, y), 1, true);
      return [tf.mul(tf.sub(dy, tf.mul(y, along)), rowScale)];
    },
  };
});
