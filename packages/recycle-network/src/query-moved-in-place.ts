import * as tf from '@tensorflow/tfjs';
import { differentiable, LAYER_NORM_EPSILON, standardiseRows, type LayerNorm } from '@mhim/tensor';

/**
 * LN(query) whose gradient is that of the official code. There the global query moves in place before the backward pass,
 * which then multiplies by the moved query under the statistics of the old one: the norm's weight sees x̂ + (1−λq)·(z − q)·r
 * instead of x̂ = (q − μ)·r. Everything else has the gradient of the definition.
 * @param query [K, d]
 * @param momentum λq
 * @returns LN(query), and `mark`, through which the recycled instances z [K, d] have to pass
 */
export function queryMovedInPlace(
  query: tf.Tensor2D,
  norm: LayerNorm,
  momentum: number,
): { normed: tf.Tensor2D; mark: (recycled: tf.Tensor2D) => tf.Tensor2D } {
  // z is known after LN(query), but its gradient comes before: what it leaves here is there in time.
  let drift: tf.Tensor2D;
  const scale = differentiable((weight: tf.Tensor1D) => {
    const standardised = standardiseRows(query);
    const value: tf.Tensor2D = tf.mul(standardised, weight);
    return {
      value,
      save: [standardised],
      gradient: (dy, [rows]) => [() => tf.sum(tf.mul(dy, tf.add(rows as tf.Tensor2D, drift)), 0)],
    };
  });
  const mark = differentiable((recycled: tf.Tensor2D) => ({
    value: tf.clone(recycled),
    save: [recycled, query],
    gradient: (dy, saved) => {
      const [z, before] = saved as [tf.Tensor2D, tf.Tensor2D];
      const { variance } = tf.moments(before, 1, true);
      const moved: tf.Tensor2D = tf.mul(tf.sub(z, before), 1 - momentum);
      drift = tf.mul(moved, tf.rsqrt(tf.add(variance, LAYER_NORM_EPSILON)));
      return [dy];
    },
  }));
  const scaled = scale(norm.weight);
  return { normed: norm.bias ? tf.add<tf.Tensor2D>(scaled, norm.bias) : scaled, mark };
}
