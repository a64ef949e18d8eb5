import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/**
 * Tokens times a weight, head by head, as one node of the tape.
 * @param tokens [n, d]
 * @param weight [h·w, d]
 * @param front zero tokens that come first in the result
 * @returns [h, front + n, w]
 */
export function projectHeads(tokens: tf.Tensor2D, weight: tf.Tensor2D, heads: number, front = 0): tf.Tensor3D {
  return differentiable((x: tf.Tensor2D, w: tf.Tensor2D) => ({
    value: split(tf.matMul(x, w, false, true), heads, front),
    save: [x, w],
    gradient: (dy, [sx, sw]) =>
      tf.tidy(() => {
        const d = merge(dy, front);
        return [tf.matMul(d, sw as tf.Tensor2D), tf.matMul(d, sx as tf.Tensor2D, true)];
      }),
  }))(tokens, weight);
}

/** [n, h·w] → [h, front + n, w], the first `front` rows of each head zero. */
export function splitHeads(x: tf.Tensor2D, heads: number, front = 0): tf.Tensor3D {
  return differentiable((rows: tf.Tensor2D) => ({
    value: split(rows, heads, front),
    save: [],
    gradient: (dy) => [() => merge(dy, front)],
  }))(x);
}

/** [h, n, w] → [n, h·w] */
export const mergeHeads = differentiable((x: tf.Tensor3D) => ({
  value: merge(x, 0),
  save: [],
  gradient: (dy) => [() => split(dy, x.shape[0], 0)],
}));

function split(x: tf.Tensor2D, heads: number, front: number): tf.Tensor3D {
  const rows =
    front === 0
      ? x
      : tf.pad(x, [
          [front, 0],
          [0, 0],
        ]);
  return tf.transpose(tf.reshape(rows, [rows.shape[0], heads, -1]), [1, 0, 2]) as tf.Tensor3D;
}

function merge(x: tf.Tensor3D, front: number): tf.Tensor2D {
  const [heads, rows, width] = x.shape;
  const merged: tf.Tensor2D = tf.reshape(tf.transpose(x, [1, 0, 2]), [rows, heads * width]);
  return front === 0 ? merged : tf.slice(merged, [front, 0], [-1, -1]);
}
