import * as tf from '@tensorflow/tfjs';
import { isNative, nativeOp } from '@mhim/tensor';

/**
 * Depthwise convolution along the tokens of each group, with zeros beyond its ends. PyTorch's orientation: output i takes
 * tap j of token i + j − (k − 1)/2. Records nothing of use on the tape; {@link tokenConvolutionGradients} are its gradients.
 * @param x [g, t, c]
 * @param taps [k, c], k odd
 * @returns [g, t, c]
 */
export function convolveTokens(x: tf.Tensor3D, taps: tf.Tensor2D): tf.Tensor3D {
  const [length, channels] = taps.shape;
  const filter: tf.Tensor4D = tf.reshape(taps, [length, 1, channels, 1]);
  return tf.reshape(tf.depthwiseConv2d(asImage(x), filter, 1, 'same'), x.shape);
}

/** d loss / d x and d loss / d taps given d loss / d result. */
export function tokenConvolutionGradients(
  dy: tf.Tensor3D,
  x: tf.Tensor3D,
  taps: tf.Tensor2D,
): { x: tf.Tensor3D; taps: tf.Tensor2D } {
  return {
    x: convolveTokens(dy, tf.reverse(taps, 0)),
    taps: isNative() ? tapsByKernel(dy, x, taps) : byShifts(dy, x, taps),
  };
}

function tapsByKernel(dy: tf.Tensor3D, x: tf.Tensor3D, taps: tf.Tensor2D): tf.Tensor2D {
  const [length, channels] = taps.shape;
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

function byShifts(dy: tf.Tensor3D, x: tf.Tensor3D, taps: tf.Tensor2D): tf.Tensor2D {
  const length = taps.shape[0];
  const padded = tf.pad(x, [
    [0, 0],
    [length >> 1, length >> 1],
    [0, 0],
  ]);
  const shifted = (tap: number) => tf.slice(padded, [0, tap, 0], x.shape);
  const gradients = Array.from({ length }, (_, tap) => tf.sum(tf.mul(shifted(tap), dy), [0, 1]) as tf.Tensor1D);
  return tf.stack(gradients) as tf.Tensor2D;
}

/** [g, t, c] as images g of height t and width 1. */
function asImage(x: tf.Tensor3D): tf.Tensor4D {
  return tf.reshape(x, [x.shape[0], x.shape[1], 1, x.shape[2]]);
}
