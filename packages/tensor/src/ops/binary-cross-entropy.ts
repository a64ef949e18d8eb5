import * as tf from '@tensorflow/tfjs';
import { MhimError } from '../errors.js';
import { differentiable } from './differentiable.js';

/**
 * Mean binary cross-entropy of logits against 0/1 (or soft) targets of the same shape, in the form that cannot overflow:
 * max(x, 0) − x·y + log(1 + e^−|x|).
 */
export function binaryCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  if (logits.shape.join() !== targets.shape.join()) {
    throw new MhimError(`targets have shape [${targets.shape}], logits [${logits.shape}].`, { code: 'shape' });
  }
  return differentiable((x: tf.Tensor) => {
    const y = tf.cast(targets, 'float32');
    const overflow = tf.softplus(tf.neg(tf.abs(x)));
    return {
      value: tf.mean(tf.add(tf.sub(tf.relu(x), tf.mul(x, y)), overflow)) as tf.Scalar,
      save: [x, y],
      gradient: (dy, saved) => {
        const [input, target] = saved as [tf.Tensor, tf.Tensor];
        return [tf.mul(tf.div(dy, input.size), tf.sub(tf.sigmoid(input), target))];
      },
    };
  })(logits);
}
