import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/**
 * Ties the student's bag embedding to the teacher's (MHIM-v2 eq. 13 with the sum over dimensions written out):
 * mean over rows of −Σ_d softmax(Ft/τ)_d · log softmax(Fs)_d. No gradient reaches the teacher.
 * @param student [rows, d]
 * @param teacher [rows, d]
 * @param temperature τ of the teacher, default 0.1
 */
export function consistencyLoss(student: tf.Tensor2D, teacher: tf.Tensor2D, temperature = 0.1): tf.Scalar {
  return differentiable((embedding: tf.Tensor2D) => {
    const target: tf.Tensor2D = tf.softmax(tf.div<tf.Tensor2D>(teacher, temperature));
    const logProbabilities = tf.logSoftmax(embedding);
    const rows = embedding.shape[0];
    return {
      value: tf.mul(tf.sum(tf.mul(target, logProbabilities)), -1 / rows) as tf.Scalar,
      save: [target, logProbabilities],
      gradient: (dy, saved) => {
        const [t, logP] = saved as [tf.Tensor2D, tf.Tensor2D];
        return [tf.mul(tf.mul(dy, 1 / rows), tf.sub(tf.exp(logP), t))];
      },
    };
  })(student);
}
