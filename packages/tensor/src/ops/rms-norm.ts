import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

const EPSILON = 1e-5;

/**
 * Root mean square normalisation, x·rsqrt(mean(x²) + 1e-5)∘weight (Zhang & Sennrich 2019 eq. 4).
 *
 * x [n, d], weight [d] → [n, d]
 */
export const rmsNorm = differentiable((x: tf.Tensor2D, weight: tf.Tensor1D) => ({
  value: tf.mul(tf.mul(x, rowScale(x)), weight) as tf.Tensor2D,
  save: [x, weight],
  gradient: (dy, saved) => rmsNormGradients(saved[0] as tf.Tensor2D, saved[1] as tf.Tensor1D, dy),
}));

/** The gradients of {@link rmsNorm} for x and weight, given dy [n, d]. */
export function rmsNormGradients(x: tf.Tensor2D, weight: tf.Tensor1D, dy: tf.Tensor2D): [tf.Tensor2D, tf.Tensor1D] {
  return tf.tidy(() => {
    const scale = rowScale(x);
    const y = tf.mul(x, scale);
    const dScaled = tf.mul(dy, weight);
    const along = tf.mean(tf.mul(dScaled, y), 1, true);
    return [tf.mul(tf.sub(dScaled, tf.mul(y, along)), scale), tf.sum(tf.mul(dy, y), 0)] as [tf.Tensor2D, tf.Tensor1D];
  });
}

function rowScale(x: tf.Tensor2D): tf.Tensor2D {
  return tf.rsqrt(tf.add<tf.Tensor2D>(tf.mean(tf.square(x), 1, true), EPSILON));
}
