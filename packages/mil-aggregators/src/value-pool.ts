import * as tf from '@tensorflow/tfjs';
import { columnSums, differentiable, reluGradient } from '@mhim/tensor';
import { affine } from './affine.js';

/** The value network v of DSMIL: a linear layer, with ReLU after it or not. */
export interface ValueWeights {
  /** [d, d] and [d] */
  weight: tf.Tensor2D;
  bias?: tf.Tensor1D;
  rectified: boolean;
}

/**
 * Pools the instances' values by the softmax of their scores, one bag embedding a row of scores (Li et al. 2021 eq. 4–5),
 * as one node of the tape: B = A·v(Z).
 * @param instances [n, d]
 * @param scores [c, n]
 * @param values absent where the instances are their own values
 * @returns embedding B [c, d] and attention A [c, n]
 */
export function valuePool(
  instances: tf.Tensor2D,
  scores: tf.Tensor2D,
  values?: ValueWeights,
): { embedding: tf.Tensor2D; attention: tf.Tensor2D } {
  const { weight, bias, rectified = false } = values ?? {};
  const parameters = [weight, bias].filter((tensor) => tensor !== undefined) as tf.Tensor[];
  const pool = differentiable((z: tf.Tensor2D, s: tf.Tensor2D, ..._parameters: tf.Tensor[]) => {
    const attention = tf.softmax(s);
    const projected = weight ? affine(z, weight, bias) : z;
    const value: tf.Tensor2D = rectified ? tf.relu(projected) : projected;
    return {
      value: [tf.matMul(attention, value), attention] as tf.Tensor[],
      save: [z, value, attention, ...(weight ? [weight] : [])],
      gradient: (upstream, saved) => {
        const [dB, dA] = upstream as [tf.Tensor2D, tf.Tensor2D];
        const [x, v, a, w] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D | undefined];
        const da = tf.add(tf.matMul(dB, v, false, true), dA);
        const ds = tf.mul(a, tf.sub(da, tf.sum(tf.mul(a, da), 1, true)));
        const dValue: tf.Tensor2D = tf.matMul(a, dB, true);
        const dProjected = rectified ? reluGradient(dValue, v) : dValue;
        return [
          () => (w ? tf.matMul(dProjected, w) : dProjected),
          ds,
          () => tf.matMul(dProjected, x, true),
          () => columnSums(dProjected),
        ].slice(0, 2 + parameters.length);
      },
    };
  });
  const [embedding, attention] = pool(instances, scores, ...parameters) as tf.Tensor2D[];
  return { embedding: embedding as tf.Tensor2D, attention: attention as tf.Tensor2D };
}
