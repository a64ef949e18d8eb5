import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/** x·σ(x), the sigmoid linear unit ("swish"; Elfwing et al. 2018 eq. 5). */
export const silu = differentiable((x: tf.Tensor) => {
  const gate = tf.sigmoid(x);
  const y = tf.mul(x, gate);
  return {
    value: y,
    save: [gate, y],
    gradient: (dy, saved) => {
      const [g, output] = saved as [tf.Tensor, tf.Tensor];
      // σ + x·σ·(1 − σ) = σ + y·(1 − σ)
      return [tf.mul(dy, tf.add(g, tf.mul(output, tf.sub(1, g))))];
    },
  };
});
