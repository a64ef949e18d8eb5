import * as tf from '@tensorflow/tfjs';
import { MhimError } from '../errors.js';
import { differentiable } from './differentiable.js';

/**
 * Depthwise causal convolution along a sequence: yₜ = b + Σⱼ kⱼ∘xₜ₋₍ₖ₋₁₎₊ⱼ with zeros before the first row
 * (a PyTorch Conv1d with one group a channel, left padding k − 1).
 * @param x [n, c]
 * @param kernel [c, k], oldest tap first
 * @param bias [c]
 * @returns [n, c]
 */
export function causalConvolution(x: tf.Tensor2D, kernel: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  if (kernel.shape[0] !== x.shape[1]) {
    throw new MhimError(`the kernel has ${kernel.shape[0]} channels, the sequence ${x.shape[1]}.`, { code: 'shape' });
  }
  return tf.add(convolve(x, kernel), bias);
}

const convolve = differentiable((x: tf.Tensor2D, kernel: tf.Tensor2D) => {
  const taps = kernel.shape[1];
  const rows = x.shape[0];
  const padded = tf.pad(x, [
    [taps - 1, 0],
    [0, 0],
  ]);
  return {
    value: tf.addN(range(taps).map((j) => tf.mul(rowsFrom(padded, j, rows), tap(kernel, j)))) as tf.Tensor2D,
    save: [padded, kernel],
    gradient: (dy, saved) => {
      const [sequence, k] = saved as [tf.Tensor2D, tf.Tensor2D];
      const after = tf.pad(dy, [
        [0, taps - 1],
        [0, 0],
      ]);
      const dx = tf.addN(range(taps).map((j) => tf.mul(rowsFrom(after, taps - 1 - j, rows), tap(k, j))));
      const dk = range(taps).map((j) => tf.sum(tf.mul(rowsFrom(sequence, j, rows), dy), 0) as tf.Tensor1D);
      return [dx, tf.stack(dk, 1)];
    },
  };
});

function rowsFrom(x: tf.Tensor2D, first: number, rows: number): tf.Tensor2D {
  return tf.slice(x, [first, 0], [rows, -1]);
}

function tap(kernel: tf.Tensor2D, j: number): tf.Tensor1D {
  return tf.reshape(tf.slice(kernel, [0, j], [-1, 1]), [-1]);
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
