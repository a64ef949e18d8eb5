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
  return convolve(x, kernel, bias);
}

/** The gradients of {@link causalConvolution} for x, kernel and bias, given dy [n, c]. */
export function causalConvolutionGradients(
  x: tf.Tensor2D,
  kernel: tf.Tensor2D,
  dy: tf.Tensor2D,
): [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D] {
  return tf.tidy(() => {
    const [rows, taps] = [x.shape[0], kernel.shape[1]];
    const after = tf.pad(dy, [
      [0, taps - 1],
      [0, 0],
    ]);
    const dk = range(taps).map((j) => {
      const late = Math.min(taps - 1 - j, rows);
      return tf.tidy(() => tf.sum(tf.mul(rowsFrom(x, 0, rows - late), rowsFrom(dy, late, rows - late)), 0));
    });
    return [
      sumOf(taps, (j) => tf.mul(rowsFrom(after, taps - 1 - j, rows), tap(kernel, j))),
      tf.stack(dk, 1) as tf.Tensor2D,
      tf.sum(dy, 0) as tf.Tensor1D,
    ] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
  });
}

const convolve = differentiable((x: tf.Tensor2D, kernel: tf.Tensor2D, bias: tf.Tensor1D) => {
  const [rows, taps] = [x.shape[0], kernel.shape[1]];
  const padded = tf.pad(x, [
    [taps - 1, 0],
    [0, 0],
  ]);
  return {
    value: tf.add(
      sumOf(taps, (j) => tf.mul(rowsFrom(padded, j, rows), tap(kernel, j))),
      bias,
    ) as tf.Tensor2D,
    save: [x, kernel],
    gradient: (dy, saved) => causalConvolutionGradients(saved[0] as tf.Tensor2D, saved[1] as tf.Tensor2D, dy),
  };
});

/** Sums term by term, with no more than three of them in memory. */
function sumOf(count: number, term: (j: number) => tf.Tensor): tf.Tensor {
  return range(count - 1).reduce(
    (sum, j) => {
      const next = tf.tidy(() => tf.add(sum, term(j + 1)));
      sum.dispose();
      return next;
    },
    tf.tidy(() => term(0)),
  );
}

function rowsFrom(x: tf.Tensor2D, first: number, rows: number): tf.Tensor2D {
  return tf.slice(x, [first, 0], [rows, -1]);
}

function tap(kernel: tf.Tensor2D, j: number): tf.Tensor1D {
  return tf.reshape(tf.slice(kernel, [0, j], [-1, 1]), [-1]);
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
