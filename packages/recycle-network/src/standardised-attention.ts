import * as tf from '@tensorflow/tfjs';
import { differentiable, keepMask, LAYER_NORM_EPSILON, type Call } from '@mhim/tensor';

export interface StandardisedAttentionOptions {
  /** Dropout rate on the attention. */
  dropout: number;
  /** [1, n], 0 for instances that take part and a large negative number for those that do not. */
  exclude?: tf.Tensor2D;
}

/**
 * Attention of a few probes over the standardised rows x̂ of x, without ever writing x̂ (or its gradient) down:
 * A = dropout(softmax(P·x̂ᵀ)), with x̂ = (x − μ)·r row by row. Means and scales are applied on the thin side of every product,
 * so a bag of n instances costs three passes over its memory forward and three backward.
 * @param x [n, d]
 * @param probes P [p, d]
 * @returns pooled A·x̂ [p, d], and the row sums of A [p, 1], which are 1 without dropout
 */
export function standardisedAttention(
  x: tf.Tensor2D,
  probes: tf.Tensor2D,
  { dropout, exclude }: StandardisedAttentionOptions,
  call: Call,
): { pooled: tf.Tensor2D; mass: tf.Tensor2D } {
  const attend = differentiable((rows: tf.Tensor2D, queries: tf.Tensor2D) => {
    const { mean, scale } = rowStatistics(rows);
    const logits = againstStandardised(queries, rows, mean, scale);
    const weights: tf.Tensor2D = tf.softmax(exclude ? tf.add<tf.Tensor2D>(logits, exclude) : logits);
    const keep = call.training && dropout > 0 ? keepMask(weights.shape, dropout, call) : undefined;
    const attention: tf.Tensor2D = keep ? tf.mul(weights, keep) : weights;
    return {
      value: [combineStandardised(attention, rows, scale), tf.sum(attention, 1, true)] as tf.Tensor[],
      save: [rows, queries, mean, scale, logits, weights, attention, ...(keep ? [keep] : [])],
      gradient: (upstream, saved) => backward(upstream as tf.Tensor2D[], saved as tf.Tensor2D[]),
    };
  });
  const [pooled, mass] = attend(x, probes) as [tf.Tensor2D, tf.Tensor2D];
  return { pooled, mass };
}

/** Mean and 1/√(variance + ε) of every row, as [1, n]. */
function rowStatistics(x: tf.Tensor2D): { mean: tf.Tensor2D; scale: tf.Tensor2D } {
  const column = tf.mean(x, 1, true);
  const variance = tf.mean(tf.squaredDifference(x, column), 1);
  return {
    mean: tf.reshape(column, [1, -1]),
    scale: tf.reshape(tf.rsqrt(tf.add(variance, LAYER_NORM_EPSILON)), [1, -1]),
  };
}

/** Q·x̂ᵀ, [q, n]. */
function againstStandardised(q: tf.Tensor2D, x: tf.Tensor2D, mean: tf.Tensor2D, scale: tf.Tensor2D): tf.Tensor2D {
  const centred = tf.sub(tf.matMul(q, x, false, true), tf.mul(tf.sum(q, 1, true), mean));
  return tf.mul(centred, scale);
}

/**
 * W·x̂, [w, d]. The rows of x̂ have mean zero, hence those of W·x̂ too: centring the product itself, twice because the first
 * mean is rounded, keeps rounding from shifting a whole row, which subtracting W·μ does.
 */
function combineStandardised(w: tf.Tensor2D, x: tf.Tensor2D, scale: tf.Tensor2D): tf.Tensor2D {
  const product: tf.Tensor2D = tf.matMul(tf.mul(w, scale) as tf.Tensor2D, x);
  return centreRows(centreRows(product));
}

function centreRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.sub(x, tf.mean(x, 1, true));
}

function backward(
  [dPooled, dMass]: tf.Tensor2D[],
  [x, probes, mean, scale, logits, weights, attention, keep]: tf.Tensor2D[],
): (() => tf.Tensor)[] {
  const [rows, mu, r, p, a, dC] = [x, mean, scale, probes, attention, dPooled] as [
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  const dim = rows.shape[1];
  const reach = againstStandardised(dC, rows, mu, r);
  const dAttention = tf.add(reach, dMass as tf.Tensor2D);
  const dWeights = keep ? tf.mul(dAttention, keep) : dAttention;
  const inner = tf.sum(tf.mul(dWeights, weights as tf.Tensor2D), 1, true);
  const dLogits: tf.Tensor2D = tf.mul(weights as tf.Tensor2D, tf.sub<tf.Tensor2D>(dWeights, inner));

  const dRows = () => {
    // G = dLᵀ·P + Aᵀ·dC is d loss / d x̂; its row means, alone and against x̂, are what LayerNorm's gradient takes off.
    const sides: tf.Tensor2D = tf.concat([dLogits, a], 0);
    const factors: tf.Tensor2D = tf.concat([p, dC], 0);
    const level: tf.Tensor2D = tf.div(tf.matMul(tf.sum(factors, 1, true) as tf.Tensor2D, sides, true), dim);
    const along: tf.Tensor2D = tf.div(
      tf.sum(tf.add(tf.mul(dLogits, logits as tf.Tensor2D), tf.mul(a, reach)), 0, true),
      dim,
    );
    const stretch: tf.Tensor2D = tf.mul(tf.square(r), along);
    const constant: tf.Tensor2D = tf.sub(tf.mul(stretch, mu), tf.mul(r, level));
    const left: tf.Tensor2D = tf.concat([tf.mul<tf.Tensor2D>(sides, r), constant], 0);
    const right: tf.Tensor2D = tf.concat([factors, tf.ones([1, dim])], 0);
    return tf.sub(tf.matMul(left, right, true), tf.mul(rows, tf.reshape(stretch, [-1, 1])));
  };
  return [dRows, () => combineStandardised(dLogits, rows, r)];
}
