import * as tf from '@tensorflow/tfjs';
import type { PseudoBags } from './pseudo-bags.js';

/**
 * What a pseudo-bag hands on to the second tier (Zhang et al. 2022 §3): its best instances, its best and its worst, or the
 * vector it was pooled to.
 */
export type Distillation = 'MaxS' | 'MaxMinS' | 'AFS';

/**
 * A score in the order of an instance's probability of the last class, 1/Σ_c exp(l_c − l_last), without the ties that float32
 * has there: attention makes logits of size 1/n.
 * @param logits [n, c]
 * @returns [n]
 */
export function lastClassScore(logits: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    const last = tf.slice(logits, [0, logits.shape[1] - 1], [-1, 1]);
    return tf.neg(tf.sum(tf.expm1(tf.sub(logits, last)), 1)) as tf.Tensor1D;
  });
}

/**
 * The instances that represent each pseudo-bag: the `count` best, best first, and for `MaxMinS` then the `count` worst, the
 * best of them first. A pseudo-bag of fewer gives what it has, and gives it twice where best and worst overlap.
 */
export function distilledInstances(
  scores: ArrayLike<number>,
  pseudoBags: PseudoBags,
  count: number,
  distillation: 'MaxS' | 'MaxMinS',
): Int32Array {
  const score = (i: number) => scores[i] as number;
  return Int32Array.from(
    pseudoBags.flatMap((members) => {
      const best = foremost(members, count, score);
      return distillation === 'MaxS' ? best : [...best, ...foremost(members, count, (i) => -score(i)).reverse()];
    }),
  );
}

/** The `count` members of the largest values, largest first; they are few, so insertion beats sorting. */
function foremost(members: Int32Array, count: number, value: (i: number) => number): number[] {
  const chosen: number[] = [];
  for (const i of members) {
    if (chosen.length === count && !(value(i) > value(chosen.at(-1) as number))) continue;
    const behind = chosen.findIndex((other) => value(i) > value(other));
    chosen.splice(behind === -1 ? chosen.length : behind, 0, i);
    if (chosen.length > count) chosen.pop();
  }
  return chosen;
}
