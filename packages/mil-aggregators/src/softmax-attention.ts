import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/** The softmax over the last axis, whose first entry stands for `equal` entries of that value and gets the share of them all. */
export function softmaxOfEqual(logits: tf.Tensor3D, equal: number): tf.Tensor3D {
  if (equal === 1) return tf.softmax(logits);
  return tf.softmax(tf.add<tf.Tensor3D>(logits, tf.pad(tf.fill([1], Math.log(equal)), [[0, logits.shape[2] - 1]])));
}

export interface AttendOptions {
  /** [h, r, a]: also gives mix·softmax(q·kᵀ), without a gradient. */
  mix?: tf.Tensor3D;
  /** How many equal keys, of equal values, the first one stands for. Default 1. */
  equal?: number;
}

/**
 * softmax(q·kᵀ)·v head by head as one node of the tape (Vaswani et al. 2017 eq. 1; scale the smaller of q and k before).
 * Its gradient takes the softmax's inner sum from the product that is known already, Σⱼ aᵢⱼ·daᵢⱼ = ⟨doᵢ, oᵢ⟩ (Dao et al.
 * 2022 App. B.2), and so passes over the attention matrix only twice.
 * @param query [h, a, w]
 * @param keys [h, b, w]
 * @param values [h, b, v]
 * @returns output [h, a, v] and mixed [h, r, b]
 */
export function attend(
  query: tf.Tensor3D,
  keys: tf.Tensor3D,
  values: tf.Tensor3D,
  { mix, equal = 1 }: AttendOptions = {},
): { output: tf.Tensor3D; mixed?: tf.Tensor3D } {
  const node = differentiable((q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => {
    const attention = softmaxOfEqual(tf.matMul<tf.Tensor3D>(q, k, false, true), equal);
    const result: tf.Tensor3D = tf.matMul(attention, v);
    return {
      value: mix ? [result, tf.matMul(mix, attention)] : [result],
      save: [q, k, v, attention, result],
      gradient: ([dy], saved) =>
        // In one scope, so that the gradient of the whole attention matrix is gone when the step goes on.
        tf.tidy(() => {
          const [sq, sk, sv, a, o] = saved as Saved;
          const inner = tf.sum(tf.mul(dy as tf.Tensor3D, o), 2, true);
          const core: tf.Tensor3D = tf.mul(tf.sub(tf.matMul(dy as tf.Tensor3D, sv, false, true), inner), a);
          return [tf.matMul(core, sk), tf.matMul(core, sq, true), tf.matMul(a, dy as tf.Tensor3D, true)];
        }),
    };
  });
  const [output, mixed] = node(query, keys, values) as [tf.Tensor3D, tf.Tensor3D?];
  return { output, mixed };
}

type Saved = [q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, attention: tf.Tensor3D, output: tf.Tensor3D];

/**
 * One row for each head, mix·softmax(q·kᵀ). The gradient of the attention matrix has rank one, so what leads to the logits
 * is aᵢⱼ·(dwⱼ − Σⱼ aᵢⱼ·dwⱼ), with the factor mixᵢ left to the thin sides of the products.
 * @param mix [h, 1, a]
 * @param query [h, a, w]
 * @param keys [h, b, w]
 * @param equal how many equal keys the first one stands for
 * @returns [h, 1, b]
 */
export function mixAttention(mix: tf.Tensor3D, query: tf.Tensor3D, keys: tf.Tensor3D, equal = 1): tf.Tensor3D {
  return differentiable((m: tf.Tensor3D, q: tf.Tensor3D, k: tf.Tensor3D) => {
    const attention = softmaxOfEqual(tf.matMul<tf.Tensor3D>(q, k, false, true), equal);
    return {
      value: tf.matMul(m, attention) as tf.Tensor3D,
      save: [m, q, k, attention],
      gradient: (dy, saved) =>
        tf.tidy(() => {
          const [row, sq, sk, a] = saved as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
          const column: tf.Tensor3D = tf.transpose(row, [0, 2, 1]);
          const inner: tf.Tensor3D = tf.matMul(a, dy, false, true);
          const core: tf.Tensor3D = tf.mul(tf.sub(dy, inner), a);
          return [
            tf.transpose(inner, [0, 2, 1]),
            tf.mul(tf.matMul(core, sk), column),
            tf.matMul(core, tf.mul(sq, column) as tf.Tensor3D, true),
          ];
        }),
    };
  })(mix, query, keys);
}
