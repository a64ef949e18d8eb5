import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/** x·σ(x), the sigmoid linear unit ("swish"; Elfwing et al. 2018 eq. 5). */
export const silu = differentiable((x: tf.Tensor) => ({
  value: tf.mul(x, tf.sigmoid(x)),
  save: [x],
  gradient: (dy, [input]) => [siluGradient(input as tf.Tensor, dy)],
}));

/** The gradient of {@link silu} for x, given dy: dy∘(σ + x·σ·(1 − σ)). */
export function siluGradient<T extends tf.Tensor>(x: T, dy: T): T {
  return tf.tidy(() => {
    const gate = tf.sigmoid(x);
    return tf.mul(tf.mul(dy, gate), tf.add(tf.mul(x, tf.sub(1, gate)), 1)) as T;
  });
}
