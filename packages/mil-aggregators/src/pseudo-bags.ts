import * as tf from '@tensorflow/tfjs';
import { MhimError } from '@mhim/tensor';

/** The instances of each pseudo-bag, by their place in the bag; every instance is in one of them, and some may be empty. */
export type PseudoBags = readonly Int32Array[];

/**
 * Cuts a bag into consecutive stretches of sizes that differ by at most one, the larger ones first
 * (Zhang et al. 2022 §3). Of a bag of fewer instances than groups the last pseudo-bags are empty, as in the code of that paper.
 * @param order the instances in the order in which they are dealt out
 */
export function cutPseudoBags(order: Int32Array, groups: number): PseudoBags {
  const [size, larger] = [Math.floor(order.length / groups), order.length % groups];
  return Array.from({ length: groups }, (_, g) => {
    const start = g * size + Math.min(g, larger);
    return order.subarray(start, start + size + (g < larger ? 1 : 0));
  });
}

/**
 * Which instances a pooling of each pseudo-bag may see: 0 for its own, −10³⁰ for all others, to be added to their scores.
 * Those that are empty have no row, see {@link withEmptyRows}.
 * @returns [pseudo-bags, n]
 * @throws MhimError `data` unless every one of the n instances is in exactly one pseudo-bag
 */
export function pseudoBagMask(pseudoBags: PseudoBags, n: number): tf.Tensor2D {
  const group = new Int32Array(n).fill(-1);
  const full = pseudoBags.filter(({ length }) => length > 0);
  full.forEach((members, g) => {
    for (const i of members) {
      if (group[i] !== -1) throw wrong(`instance ${i} is ${i >= 0 && i < n ? 'in two pseudo-bags' : 'not in the bag'}`);
      group[i] = g;
    }
  });
  const missing = group.indexOf(-1);
  if (missing !== -1) throw wrong(`instance ${missing} is in no pseudo-bag`);
  return tf.tidy(() => {
    const others = tf.notEqual(tf.tensor2d(group, [1, n]), tf.range(0, full.length, 1, 'int32').expandDims(1));
    return tf.mul(tf.cast(others, 'float32'), -1e30);
  });
}

/** Adds rows of zeros for the empty pseudo-bags, whose pooling is a sum over nothing: [full pseudo-bags, …] → [pseudo-bags, …]. */
export function withEmptyRows(rows: tf.Tensor2D, pseudoBags: PseudoBags): tf.Tensor2D {
  const [full, all] = [rows.shape[0], pseudoBags.length];
  if (full === all) return rows;
  const places = new Float32Array(all * full);
  let row = 0;
  pseudoBags.forEach(({ length }, g) => {
    if (length > 0) places[g * full + row++] = 1;
  });
  return tf.matMul(tf.tensor2d(places, [all, full]), rows);
}

function wrong(what: string): MhimError {
  return new MhimError(`${what}.`, { code: 'data', path: 'pseudoBags', hint: 'Pseudo-bags divide the bag.' });
}
