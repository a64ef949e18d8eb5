import * as tf from '@tensorflow/tfjs';
import { MhimError } from '../errors.js';
import type { Call } from '../module.js';

/**
 * Inverted dropout: in training each element is 0 with probability `rate`, else divided by 1 − rate
 * (Srivastava et al. 2014). At inference, or at rate 0, the input itself.
 * @throws MhimError `config` when training without an Rng
 */
export function dropout<T extends tf.Tensor>(x: T, rate: number, { training = false, rng }: Call): T {
  if (!training || rate === 0) return x;
  if (rng === undefined) {
    throw new MhimError('training with dropout needs an Rng.', {
      code: 'config',
      hint: 'Pass { training: true, rng }.',
    });
  }
  return tf.mul(x, rng.keepMask(x.shape as tf.ShapeMap[tf.Rank], rate)) as T;
}
