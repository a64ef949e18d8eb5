import * as tf from '@tensorflow/tfjs';
import { MhimError } from '@mhim/tensor';

/** The instances of each pseudo-bag, by their place in the bag; every instance is in one of them. */
export type PseudoBags = readonly Int32Array[];

/**
 * Cuts a bag into consecutive stretches of sizes that differ by at most one, the larger ones first
 * (Zhang et al. 2022 §3). A bag of fewer instances than groups gives one pseudo-bag an instance.
 * @param order the instances in the order in which they are dealt out
 */
export function cutPseudoBags(order: Int32Array, groups: number): PseudoBags {
  const count = Math.min(groups, order.length);
  const [size, larger] = [Math.floor(order.length / count), order.length % count];
  return Array.from({ length: count }, (_, g) => {
    const start = g * size + Math.min(g, larger);
    return order.subarray(start, start + size + (g < larger ? 1 : 0));
  });
}

/**
 * Which instances a pooling of each pseudo-bag may see: 0 for its own, −10³⁰ for all others, to be added to their scores.
 * @returns [pseudo-bags, n]
 * @throws MhimError `data` unless every one of the n instances is in exactly one pseudo-bag and none of these is empty
 */
export function pseudoBagMask(pseudoBags: PseudoBags, n: number): tf.Tensor2D {
  const group = new Int32Array(n).fill(-1);
  pseudoBags.forEach((members, g) => {
    if (members.length === 0) throw wrong(`pseudo-bag ${g} is empty`);
    for (const i of members) {
      if (group[i] !== -1) throw wrong(`instance ${i} is ${i >= 0 && i < n ? 'in two pseudo-bags' : 'not in the bag'}`);
      group[i] = g;
    }
  });
  const missing = group.indexOf(-1);
  if (missing !== -1) throw wrong(`instance ${missing} is in no pseudo-bag`);
  return tf.tidy(() => {
    const others = tf.notEqual(tf.tensor2d(group, [1, n]), tf.range(0, pseudoBags.length, 1, 'int32').expandDims(1));
    return tf.mul(tf.cast(others, 'float32'), -1e30);
  });
}

function wrong(what: string): MhimError {
  return new MhimError(`${what}.`, { code: 'data', path: 'pseudoBags', hint: 'Pseudo-bags divide the bag.' });
}
