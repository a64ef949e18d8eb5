import * as tf from '@tensorflow/tfjs';
import type { InstanceScore } from '@mhim/mil-aggregators';

/**
 * What hard mining ranks instances by, as the aggregator wants it: {@link instanceMargin}, in the order of their class
 * probabilities, or their largest logit.
 * @param logits [n, c]
 * @returns [n]
 */
export function rankingScore(logits: tf.Tensor2D, kind: InstanceScore = 'probability'): tf.Tensor1D {
  return kind === 'logit' ? (tf.max(logits, 1) as tf.Tensor1D) : instanceMargin(logits);
}

/**
 * Class-aware instance probability (MHIM-v2 eq. 6): the largest class probability of each instance.
 * In float32 it crowds around 1/c, because attention weights are about 1/n; rank by {@link instanceMargin} instead.
 * @param logits [n, c]
 * @returns [n]
 */
export function instanceProbability(logits: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => tf.max(tf.softmax(logits), 1) as tf.Tensor1D);
}

/**
 * A score in the same order as {@link instanceProbability} but without its ties:
 * −Σ_c (exp(l_c − l_max) − 1) = c − 1/p_max, computed with expm1 and so exact for tiny margins.
 * For two classes it grows with |l₁ − l₀|.
 * @param logits [n, c]
 * @returns [n], 0 for an undecided instance
 */
export function instanceMargin(logits: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    const below = tf.sub(logits, tf.max(logits, 1, true));
    return tf.neg(tf.sum(tf.expm1(below), 1)) as tf.Tensor1D;
  });
}
