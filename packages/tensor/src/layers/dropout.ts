import * as tf from '@tensorflow/tfjs';
import { MhimError } from '../errors.js';
import type { Call } from '../module.js';
import type { Rng } from '../rng.js';

/**
 * Inverted dropout: in training each element is 0 with probability `rate`, else divided by 1 − rate
 * (Srivastava et al. 2014). At inference, or at rate 0, the input itself.
 * @throws MhimError `config` when training without an Rng
 */
export function dropout<T extends tf.Tensor>(x: T, rate: number, call: Call): T {
  if (!call.training || rate === 0) return x;
  return tf.mul(x, keepMask(x.shape, rate, call)) as T;
}

/**
 * The factor of inverted dropout, `scale`/(1 − rate) or 0 for each element.
 * @throws MhimError `config` without an Rng
 */
export function keepMask(shape: number[], rate: number, call: Call, scale = 1): tf.Tensor {
  return rngOf(call).keepMask(shape as tf.ShapeMap[tf.Rank], rate, scale);
}

/**
 * Booleans: whether dropout lets an element through.
 * @throws MhimError `config` without an Rng
 */
export function keptElements<R extends tf.Rank>(shape: tf.ShapeMap[R], rate: number, call: Call): tf.Tensor<R> {
  return rngOf(call).keeps<R>(shape, rate);
}

function rngOf({ rng }: Call): Rng {
  if (rng !== undefined) return rng;
  throw new MhimError('training with dropout needs an Rng.', {
    code: 'config',
    hint: 'Pass { training: true, rng }.',
  });
}
