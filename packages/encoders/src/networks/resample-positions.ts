import * as tf from '@tensorflow/tfjs';
import { resamplingTaps } from '../preprocessing/resampling-taps.js';

/**
 * A table of positions for a grid of another size: bicubic with antialiasing, the class token's entry as it is
 * (timm's `resample_abs_pos_embed`).
 * @param table [1 + side², d]
 * @returns [1 + rows·columns, d]
 */
export function resamplePositions(table: tf.Tensor2D, rows: number, columns: number): tf.Tensor2D {
  const [entries, dim] = table.shape;
  const side = Math.round(Math.sqrt(entries - 1));
  if (rows === side && columns === side) return table;
  const grid = tf.reshape(tf.slice(table, [1, 0]), [side, side * dim]);
  const tall = tf.reshape(tf.matMul(resamplingMatrix(side, rows), grid), [rows, side, dim]);
  const turned = tf.reshape(tf.transpose(tall, [1, 0, 2]), [side, rows * dim]);
  const wide = tf.reshape(tf.matMul(resamplingMatrix(side, columns), turned), [columns, rows, dim]);
  return tf.concat([
    tf.slice(table, [0, 0], [1, -1]),
    tf.reshape(tf.transpose(wide, [1, 0, 2]), [rows * columns, dim]),
  ]);
}

/** The weights of each input in each output, [output, input]. */
function resamplingMatrix(input: number, output: number): tf.Tensor2D {
  const { first, count, weights, stride } = resamplingTaps(input, output, 'bicubic');
  const matrix = new Float32Array(output * input);
  for (let i = 0; i < output; i++) {
    const taps = weights.subarray(i * stride, i * stride + (count[i] as number));
    matrix.set(taps, i * input + (first[i] as number));
  }
  return tf.tensor2d(matrix, [output, input]);
}
