import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/**
 * Depthwise convolution over a map with zeros around it, stride 1, the same size out as in; kernel sides are odd.
 *
 * Its gradients avoid two slow kernels of TensorFlow: that of the input is the convolution with the kernel turned around,
 * that of a kernel several columns wide comes column by column, since the one-column case is thirty times faster.
 *
 * x [1, rows, columns, c], kernel [kr, kc, c, 1] → [1, rows, columns, c]
 */
export const depthwiseConvolution = differentiable((x: tf.Tensor4D, kernel: tf.Tensor4D) => ({
  value: tf.depthwiseConv2d(x, kernel, 1, 'same') as tf.Tensor4D,
  save: [x, kernel],
  gradient: (dy, saved) => {
    const [input, k] = saved as [tf.Tensor4D, tf.Tensor4D];
    return [
      () => tf.depthwiseConv2d(dy, tf.reverse(k, [0, 1]) as tf.Tensor4D, 1, 'same'),
      () => kernelGradient(input, dy, k.shape),
    ];
  },
}));

function kernelGradient(x: tf.Tensor4D, dy: tf.Tensor4D, [rows, columns, channels]: number[]): tf.Tensor4D {
  const column = [rows, 1, channels, 1] as [number, number, number, number];
  if (columns === 1) return columnGradient(x, dy, column);
  const [, height, width] = x.shape;
  const margin = ((columns as number) - 1) / 2;
  const wide = width + 2 * margin;
  const padded = (map: tf.Tensor4D, left: number, right: number, below: number) =>
    tf.reshape(
      tf.pad(map, [
        [0, 0],
        [0, below],
        [left, right],
        [0, 0],
      ]),
      [-1, channels as number],
    );
  // Row by row, a map moved by j columns is the same memory read j places on; dy is zero where a row runs into the next.
  const [from, onto] = [padded(x, margin, margin, 1), padded(dy, 0, 2 * margin, 0)];
  const map = [1, height, wide, channels] as [number, number, number, number];
  const moved = (j: number) => tf.reshape(tf.slice(from, [j, 0], [height * wide, -1]), map) as tf.Tensor4D;
  const target = tf.reshape(onto, map) as tf.Tensor4D;
  return tf.concat(
    Array.from({ length: columns as number }, (_, j) => columnGradient(moved(j), target, column)),
    1,
  );
}

function columnGradient(x: tf.Tensor4D, dy: tf.Tensor4D, filterShape: [number, number, number, number]): tf.Tensor4D {
  const kernel = tf.DepthwiseConv2dNativeBackpropFilter;
  if (!tf.getKernel(kernel, tf.getBackend())) return tapByTap(x, dy, filterShape);
  return tf.engine().runKernel(kernel, { x, dy } as unknown as tf.NamedTensorMap, {
    strides: [1, 1],
    dilations: [1, 1],
    pad: 'same',
    filterShape,
  }) as tf.Tensor4D;
}

/** For backends without the kernel, such as wasm. */
function tapByTap(x: tf.Tensor4D, dy: tf.Tensor4D, filterShape: [number, number, number, number]): tf.Tensor4D {
  const taps = filterShape[0];
  const margin = (taps - 1) / 2;
  const padded = tf.pad(x, [
    [0, 0],
    [margin, margin],
    [0, 0],
    [0, 0],
  ]);
  const tap = (i: number) => tf.sum(tf.mul(tf.slice(padded, [0, i, 0, 0], dy.shape), dy), [0, 1, 2]);
  return tf.reshape(tf.stack(Array.from({ length: taps }, (_, i) => tap(i))), filterShape);
}
