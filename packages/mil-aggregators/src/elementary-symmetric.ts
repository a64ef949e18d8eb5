import * as tf from '@tensorflow/tfjs';

/** Stands for log 0; finite, so that no difference of two of them is undefined. */
export const LOG_ZERO = -1e30;

/** Logarithms of elementary symmetric polynomials, and their derivatives. */
export interface SymmetricPolynomials {
  /** log σ_m(e^x) of each row for m = 0 … k, [b, k + 1]. */
  logs: tf.Tensor2D;
  /** ∂ log σ_m / ∂ x, [b, c]: the share of σ_m's terms that each element takes part in. */
  shares: (order: number) => tf.Tensor2D;
}

/**
 * σ_m of the exponentials of each row of x, that is the sum over all m-element subsets of exp(sum of the subset), by adding
 * one element at a time: σ_m(S ∪ {x}) = σ_m(S) + e^x·σ_{m−1}(S). All terms are positive, so in logarithms nothing cancels.
 * @param x [b, c]
 * @param k largest order
 */
export function symmetricPolynomials(x: tf.Tensor2D, k: number): SymmetricPolynomials {
  const [rows, c] = x.shape;
  const empty = tf.concat([tf.zeros([rows, 1]), tf.fill([rows, k], LOG_ZERO)], 1) as tf.Tensor2D;
  const columns = tf.split(x, c, 1) as tf.Tensor2D[];
  const before = running(empty, columns);
  const logs = before[c] as tf.Tensor2D;
  const shares = (order: number): tf.Tensor2D => {
    if (order === 0) return tf.zerosLike(x);
    const after = running(empty, [...columns].reverse()).reverse();
    const total = tf.slice(logs, [0, order], [-1, 1]);
    return tf.concat(
      columns.map((column, j) => {
        const others = convolve(before[j] as tf.Tensor2D, after[j + 1] as tf.Tensor2D, order - 1);
        return tf.exp(tf.sub(tf.add(column, others), total)) as tf.Tensor2D;
      }),
      1,
    );
  };
  return { logs, shares };
}

/** The polynomials of the first 0, 1, …, c elements. */
function running(empty: tf.Tensor2D, columns: tf.Tensor2D[]): tf.Tensor2D[] {
  const [rows, width] = empty.shape;
  const results = [empty];
  for (const column of columns) {
    const last = results.at(-1) as tf.Tensor2D;
    const raised = tf.add(tf.slice(last, [0, 0], [-1, width - 1]), column) as tf.Tensor2D;
    results.push(logAddExp(last, tf.concat([tf.fill([rows, 1], LOG_ZERO) as tf.Tensor2D, raised], 1)));
  }
  return results;
}

/** log Σ_i exp(a_i + b_{order − i}), [b, 1]: σ_order of two sets together. */
function convolve(a: tf.Tensor2D, b: tf.Tensor2D, order: number): tf.Tensor2D {
  const head = (t: tf.Tensor2D) => tf.slice(t, [0, 0], [-1, order + 1]);
  return tf.logSumExp(tf.add(head(a), tf.reverse(head(b), 1)), 1, true) as tf.Tensor2D;
}

function logAddExp(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.maximum(a, b), tf.log1p(tf.exp(tf.neg(tf.abs(tf.sub(a, b))))));
}
