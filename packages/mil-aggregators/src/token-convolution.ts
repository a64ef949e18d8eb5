import * as tf from '@tensorflow/tfjs';
import { isNative, nativeOp } from '@mhim/tensor';

/**
 * Depthwise convolution along the tokens of each group, with zeros beyond its ends; tap j of output i meets token
 * i + j − (k − 1)/2, as in PyTorch. For use inside a node of the tape: the gradients are the two functions below.
 * @param x [g, t, c]
 * @param taps [k, c], k odd
 * @returns [g, t, c]
 */
export function convolveTokens(x: tf.Tensor3D, taps: tf.Tensor2D): tf.Tensor3D {
  const [length, channels] = taps.shape;
  const filter: tf.Tensor4D = tf.reshape(taps, [length, 1, channels, 1]);
  return tf.reshape(tf.depthwiseConv2d(asImage(x), filter, 1, 'same'), x.shape);
}

/** d loss / d x, given d loss / d result. */
export function convolutionInputGradient(dy: tf.Tensor3D, taps: tf.Tensor2D): tf.Tensor3D {
  return convolveTokens(dy, tf.reverse(taps, 0));
}

/** d loss / d taps [k, c], given d loss / d result, x and the number k of taps. */
export function convolutionTapsGradient(dy: tf.Tensor3D, x: tf.Tensor3D, length: number): tf.Tensor2D {
  return isNative() ? tapsByKernel(dy, x, length) : tapsByShifts(dy, x, length);
}

function tapsByKernel(dy: tf.Tensor3D, x: tf.Tensor3D, length: number): tf.Tensor2D {
  const channels = x.shape[2];
  const ones = [1, 1, 1, 1];
  const gradient = nativeOp(
    'DepthwiseConv2dNativeBackpropFilter',
    [
      { name: 'T', type: 'TYPE', value: 'FLOAT' },
      { name: 'strides', type: 'INT', value: ones },
      { name: 'dilations', type: 'INT', value: ones },
      { name: 'padding', type: 'STRING', value: 'SAME' },
      { name: 'data_format', type: 'STRING', value: 'NHWC' },
    ],
    [asImage(x), tf.tensor1d([length, 1, channels, 1], 'int32'), asImage(dy)],
  );
  return tf.reshape(gradient, [length, channels]);
}

function tapsByShifts(dy: tf.Tensor3D, x: tf.Tensor3D, length: number): tf.Tensor2D {
  const padded = tf.pad3d(x, [
    [0, 0],
    [length >> 1, length >> 1],
    [0, 0],
  ]);
  const gradients = Array.from({ length }, (_, tap) =>
    tf.tidy(() => tf.sum(tf.mul(tf.slice(padded, [0, tap, 0], x.shape), dy), [0, 1]) as tf.Tensor1D),
  );
  return tf.stack(gradients) as tf.Tensor2D;
}

/** [g, t, c] as g images of height t and width 1. */
function asImage(x: tf.Tensor3D): tf.Tensor4D {
  return tf.reshape(x, [x.shape[0], x.shape[1], 1, x.shape[2]]);
}
