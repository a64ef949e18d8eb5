import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';
import { LAYER_NORM_EPSILON } from './standardise-rows.js';

/**
 * Layer normalisation of rows, standardised∘weight + bias, as one node of the tape (Ba et al. 2016 eq. 3–4).
 *
 * x [n, d], weight [d], bias [d] → [n, d]
 */
export const layerNormalise = differentiable((x: tf.Tensor2D, weight: tf.Tensor1D, bias: tf.Tensor1D) => {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), LAYER_NORM_EPSILON));
  const standardised: tf.Tensor2D = tf.mul(centred, scale);
  return {
    value: tf.add(tf.mul(standardised, weight), bias) as tf.Tensor2D,
    save: [standardised, scale, weight],
    gradient: (dy, saved) => {
      const [y, rowScale, w] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
      return [
        () => {
          const d = tf.mul(dy, w);
          const along = tf.mean(tf.mul(d, y), 1, true);
          return tf.mul(tf.sub(tf.sub(d, tf.mean(d, 1, true)), tf.mul(y, along)), rowScale);
        },
        () => tf.sum(tf.mul(dy, y), 0),
        () => tf.sum(dy, 0),
      ];
    },
  };
});
