import * as tf from '@tensorflow/tfjs';
import { MhimError } from '@mhim/tensor';

/** One subject's outcome on the discrete time axis. */
export interface DiscreteOutcome {
  /** Index of the time bin of the event, or of the last time seen. */
  bin: number;
  /** True when the event was not seen. */
  censored: boolean;
}

export interface DiscreteNllOptions {
  /** Extra weight of the uncensored part, default 0 (MHIM-v2's experiments). */
  alpha?: number;
  /** Smallest probability whose logarithm is taken, default 1e-7. */
  eps?: number;
}

/** h_j = σ(logit_j), the probability of the event in bin j given survival up to it. [n, bins] → [n, bins] */
export function hazards(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.sigmoid(logits);
}

/** S_j = Π_{i≤j} (1 − h_i), the probability of surviving bin j. [n, bins] → [n, bins] */
export function survival(logits: tf.Tensor2D): tf.Tensor2D {
  return productsAlong(tf.sub(1, hazards(logits)));
}

/** −Σ_j S_j: larger for a shorter expected survival; what the C-index ranks by. [n, bins] → [n] */
export function risk(logits: tf.Tensor2D): tf.Tensor1D {
  return tf.neg(tf.sum(survival(logits), 1)) as tf.Tensor1D;
}

/**
 * Negative log-likelihood of one subject in discrete time (Zadeh & Schmid 2020; Chen et al. 2021 eq. 4–6):
 * −(1−c)[log S_{y−1} + log h_y] − c·log S_y with S_{−1} = 1; alpha adds its share of the uncensored part,
 * (1−α)·all + α·uncensored.
 * @param logits [1, bins]
 * @returns a scalar
 * @throws MhimError `data` when the bin is not one of the columns
 */
export function discreteNll(
  logits: tf.Tensor2D,
  { bin, censored }: DiscreteOutcome,
  { alpha = 0, eps = 1e-7 }: DiscreteNllOptions = {},
): tf.Scalar {
  const bins = logits.shape[1];
  if (!Number.isInteger(bin) || bin < 0 || bin >= bins) {
    throw new MhimError(`time bin ${bin} is not below ${bins}.`, { code: 'data' });
  }
  const curve = survival(logits);
  const logOf = (p: tf.Tensor2D, at: number) => tf.log(tf.maximum(tf.slice(p, [0, at], [1, 1]), eps));
  const loss = censored
    ? tf.mul(logOf(curve, bin), alpha - 1)
    : tf.neg(bin === 0 ? logOf(hazards(logits), 0) : tf.add(logOf(curve, bin - 1), logOf(hazards(logits), bin)));
  return tf.squeeze(loss) as tf.Scalar;
}

/** Cumulative products of the columns; `tf.cumprod` has no gradient, and there are only a few bins. */
function productsAlong(x: tf.Tensor2D): tf.Tensor2D {
  const [first, ...others] = tf.split(x, x.shape[1], 1) as [tf.Tensor2D, ...tf.Tensor2D[]];
  const products = [first];
  for (const column of others) products.push(tf.mul(products[products.length - 1] as tf.Tensor2D, column));
  return tf.concat(products, 1);
}
