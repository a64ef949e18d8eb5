import * as tf from '@tensorflow/tfjs';
import { isNative, nativeOp } from '../native.js';
import { differentiable } from './differentiable.js';

export const activationNames = ['relu', 'gelu', 'tanh', 'sigmoid', 'identity'] as const;
export type ActivationName = (typeof activationNames)[number];

/** Applies an activation by name, element by element. */
export function activate<T extends tf.Tensor>(name: ActivationName, x: T): T {
  switch (name) {
    case 'relu':
      return relu(x) as T;
    case 'gelu':
      return gelu(x) as T;
    case 'tanh':
      return tf.tanh(x);
    case 'sigmoid':
      return tf.sigmoid(x);
    case 'identity':
      return x;
  }
}

/**
 * The exact GELU, x·Φ(x) with the error function (Hendrycks & Gimpel 2016); PyTorch's default.
 * Its gradient is Φ(x) + x·φ(x); Φ is kept from the forward pass.
 */
export const gelu = differentiable((x: tf.Tensor) => {
  const cdf = normalCdf(x);
  return {
    value: tf.mul(x, cdf),
    save: [x, cdf],
    gradient: (dy, saved) => {
      const [input, phi] = saved as [tf.Tensor, tf.Tensor];
      const density = tf.exp(tf.mul(tf.square(input), -0.5));
      const slope = tf.add(phi, tf.mul(tf.mul(input, 1 / Math.sqrt(2 * Math.PI)), density));
      return [tf.mul(dy, slope)];
    },
  };
});

/** max(x, 0) with derivative 0 at 0, as PyTorch has it; the gradient needs only the output. */
export const relu = differentiable((x: tf.Tensor) => {
  const y = tf.relu(x);
  return { value: y, save: [y], gradient: (dy, [output]) => [reluGradient(dy, output as tf.Tensor)] };
});

/** d loss / d x of y = max(x, 0), from d loss / d y and y. */
export function reluGradient<T extends tf.Tensor>(dy: T, y: T): T {
  // tfjs composes `step` of several slow operations; TensorFlow has the gradient as one.
  return isNative()
    ? (nativeOp('ReluGrad', [{ name: 'T', type: 'TYPE', value: 'FLOAT' }], [dy, y]) as T)
    : tf.mul(dy, tf.cast(tf.greater(y, 0), 'float32'));
}

/** Φ(x) = ½(1 + erf(x/√2)). */
function normalCdf(x: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
}
