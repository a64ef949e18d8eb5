import * as tf from '@tensorflow/tfjs';

/** Rows of a matrix: the first, and how many. */
export type Rows = readonly [first: number, count: number];

/** 16 MB of 512 columns: small beside a large bag, large beside the cost of a call. */
const mostRows = 8192;

/** Cuts n rows into pieces of about the same size. */
export function rowPieces(n: number): Rows[] {
  const count = Math.max(1, Math.ceil(n / mostRows));
  const size = Math.ceil(n / count);
  return Array.from({ length: count }, (_, i) => [i * size, Math.min(size, n - i * size)] as const);
}

/** Those rows of x; TensorFlow shares their memory with x. */
export function rowsOf(x: tf.Tensor2D, [first, count]: Rows): tf.Tensor2D {
  return count === x.shape[0] ? x : tf.slice(x, [first, 0], [count, -1]);
}
