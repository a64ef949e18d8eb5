import * as tf from '@tensorflow/tfjs';
import type { Aggregator, AggregatorCall, InstanceScore } from '@mhim/mil-aggregators';
import { MhimError } from '@mhim/tensor';

/**
 * What easy instances are told by (MHIM-v2 §3.3.1, Table 8): the class-aware instance probability, or whatever else the
 * aggregator makes of its instance logits ({@link rankingScore}); or the aggregator's attention.
 */
export type MiningScore = 'probability' | 'attention';

/** What a model makes of all instances of a bag. */
export interface Assessment {
  /** Of every instance, [n]; attention of several heads is [heads, n], row by row. */
  scores: Float32Array;
  /** Rows of `scores`. */
  heads: number;
  /** The bag embedding. The caller disposes it. */
  embedding: tf.Tensor2D;
}

/**
 * Scores all instances of a bag, outside the tape (MHIM-v2 eq. 5 and 6).
 * @param features [n, in]
 * @throws MhimError `config` for the attention of an aggregator that has none
 */
export function assessInstances(
  aggregator: Aggregator,
  features: tf.Tensor2D,
  score: MiningScore,
  call: AggregatorCall,
): Assessment {
  const [embedding, ranked] = tf.tidy(() => {
    const instances = aggregator.embed(features, call);
    const aggregation = aggregator.aggregate(instances, call);
    if (score === 'attention') return [aggregation.embedding, aggregation.attention ?? noAttention()];
    const logits = aggregator.instanceLogits(instances, aggregation, call);
    return [aggregation.embedding, rankingScore(logits, aggregator.instanceScore)];
  }) as [tf.Tensor2D, tf.Tensor];
  const scores = ranked.dataSync() as Float32Array;
  ranked.dispose();
  return { scores, heads: scores.length / features.shape[0], embedding };
}

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

function noAttention(): never {
  throw new MhimError('the aggregator has no attention to rank instances by.', {
    code: 'config',
    path: 'score',
    hint: 'Use score: probability.',
  });
}
