import * as tf from '@tensorflow/tfjs';
import { MhimError } from '../errors.js';
import { differentiable } from './differentiable.js';

/**
 * Cross-entropy of logits [1, C] at a class index: −log softmax(logits)[label] (MHIM-v2 eq. 12 for C = 2).
 * @throws MhimError `data` when the label is no class index
 */
export function crossEntropy(logits: tf.Tensor2D, label: number): tf.Scalar {
  const classes = logits.shape[1];
  if (!Number.isInteger(label) || label < 0 || label >= classes) {
    throw new MhimError(`label ${label} is no class index below ${classes}.`, { code: 'data' });
  }
  return atLabel(label)(logits);
}

/** One node on the tape: the gradient is softmax − one-hot. */
const atLabel = (label: number) =>
  differentiable((logits: tf.Tensor2D) => {
    const logProbabilities = tf.logSoftmax(logits);
    return {
      value: tf.neg(tf.squeeze(tf.slice(logProbabilities, [0, label], [1, 1]))) as tf.Scalar,
      save: [logProbabilities],
      gradient: (dy, saved) => {
        const [logP] = saved as [tf.Tensor2D];
        const target = tf.cast(tf.oneHot(tf.tensor1d([label], 'int32'), logP.shape[1]), 'float32');
        return [tf.mul(dy, tf.sub(tf.exp(logP), target))];
      },
    };
  });
