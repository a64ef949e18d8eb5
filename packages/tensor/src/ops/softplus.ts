import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/** log(1 + eˣ), with derivative σ(x). Above 20 it equals x to float32 precision, which PyTorch has as a rule. */
export const softplus = differentiable((x: tf.Tensor) => ({
  value: tf.softplus(x),
  save: [x],
  gradient: (dy, [input]) => [tf.mul(dy, tf.sigmoid(input as tf.Tensor))],
}));
