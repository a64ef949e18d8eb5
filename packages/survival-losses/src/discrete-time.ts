import * as tf from '@tensorflow/tfjs';
import { differentiable, MhimError } from '@mhim/tensor';

/** One subject's outcome on the discrete time axis. */
export interface DiscreteOutcome {
  /** Index of the time bin of the event, or of the last time seen. */
  bin: number;
  /** True when the event was not seen. */
  censored: boolean;
}

export interface DiscreteLossOptions {
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
 * Negative log-likelihood in discrete time (Zadeh & Schmid 2020; Chen et al. 2021 eq. 4–6):
 * −(1−c)[log S_{y−1} + log h_y] − c·log S_y with S_{−1} = 1; alpha adds its share of the uncensored part,
 * (1−α)·all + α·uncensored. A probability below eps counts as eps and passes no gradient.
 * @param logits [n, bins]
 * @param outcomes of each row; one outcome for one row
 * @returns the mean over the rows, a scalar
 * @throws MhimError `data` when a bin is not one of the columns, or outcomes are not one a row
 */
export function discreteNll(
  logits: tf.Tensor2D,
  outcomes: DiscreteOutcome | readonly DiscreteOutcome[],
  { alpha = 0, eps = 1e-7 }: DiscreteLossOptions = {},
): tf.Scalar {
  return meanOfRows(logits, outcomes, (row, { bin, censored }) => {
    if (censored) return row.logSurvival(bin, alpha - 1, eps);
    return row.logSurvival(bin - 1, -1, eps) + row.logHazard(bin, -1, eps);
  });
}

/**
 * Cross-entropy of surviving the outcome's bin, the other loss of MCAT (Chen et al. 2021): −c·log S_y − (1−c)·log(1 − S_y), of which
 * alpha gives its share to the likelihood of the uncensored, (1−α)·this − α·(1−c)[log S_{y−1} + log h_y]. In the last part
 * eps is added to S_{y−1}, as MCAT does it; elsewhere it is a bound.
 * @param logits [n, bins]
 * @param outcomes of each row; one outcome for one row
 * @returns the mean over the rows, a scalar
 * @throws MhimError `data`, see {@link discreteNll}
 */
export function discreteCrossEntropy(
  logits: tf.Tensor2D,
  outcomes: DiscreteOutcome | readonly DiscreteOutcome[],
  { alpha = 0, eps = 1e-7 }: DiscreteLossOptions = {},
): tf.Scalar {
  return meanOfRows(logits, outcomes, (row, { bin, censored }) => {
    if (censored) return row.logSurvival(bin, alpha - 1, eps);
    const likelihood = row.logSurvival(bin - 1, -alpha, eps, 'added') + row.logHazard(bin, -alpha, eps);
    return likelihood + row.logDeath(bin, alpha - 1, eps);
  });
}

/** Hazards and survival of one subject; every term of a loss that it gives is added to its gradient by the logits. */
class SubjectRow {
  /** d loss / d logit, [bins] */
  readonly gradient: Float64Array;
  private readonly hazard: Float64Array;
  private readonly alive: Float64Array;

  constructor(logits: ArrayLike<number>) {
    this.gradient = new Float64Array(logits.length);
    this.hazard = Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
    let alive = 1;
    this.alive = Float64Array.from(logits, (logit) => (alive /= 1 + Math.exp(logit)));
  }

  /** weight · log S_bin; S_{−1} = 1 */
  logSurvival(bin: number, weight: number, eps: number, how: 'bound' | 'added' = 'bound'): number {
    const alive = this.alive[bin] ?? 1;
    if (how === 'added') {
      this.slope(bin, (weight * alive) / (alive + eps));
      return weight * Math.log(alive + eps);
    }
    if (alive < eps) return weight * Math.log(eps);
    this.slope(bin, weight);
    return weight * Math.log(alive);
  }

  /** weight · log(1 − S_bin) */
  logDeath(bin: number, weight: number, eps: number): number {
    const alive = this.alive[bin] as number;
    if (1 - alive < eps) return weight * Math.log(eps);
    this.slope(bin, (-weight * alive) / (1 - alive));
    return weight * Math.log(1 - alive);
  }

  /** weight · log h_bin */
  logHazard(bin: number, weight: number, eps: number): number {
    const hazard = this.hazard[bin] as number;
    if (hazard < eps) return weight * Math.log(eps);
    this.gradient[bin] = (this.gradient[bin] as number) + weight * (1 - hazard);
    return weight * Math.log(hazard);
  }

  /** Adds factor · d log S_bin / d logit_j = −factor · h_j for j ≤ bin. */
  private slope(bin: number, factor: number): void {
    for (let j = 0; j <= bin; j++) {
      this.gradient[j] = (this.gradient[j] as number) - factor * (this.hazard[j] as number);
    }
  }
}

/**
 * The mean of a loss over rows, one node of the tape. A row is a handful of numbers, for which a tape of tensor operations costs
 * more than the training step of a small bag: value and gradient are computed here, in double precision.
 */
function meanOfRows(
  logits: tf.Tensor2D,
  outcomes: DiscreteOutcome | readonly DiscreteOutcome[],
  lossOf: (row: SubjectRow, outcome: DiscreteOutcome) => number,
): tf.Scalar {
  const [n, bins] = logits.shape;
  const list = 'bin' in outcomes ? [outcomes] : outcomes;
  checkOutcomes(list, n, bins);
  return differentiable((input: tf.Tensor2D) => {
    const values = input.dataSync();
    const gradients = new Float32Array(n * bins);
    let total = 0;
    list.forEach((outcome, i) => {
      const row = new SubjectRow(values.subarray(i * bins, (i + 1) * bins));
      total += lossOf(row, outcome);
      gradients.set(
        row.gradient.map((slope) => slope / n),
        i * bins,
      );
    });
    return {
      value: tf.scalar(total / n),
      save: [tf.tensor2d(gradients, [n, bins])],
      gradient: (upstream, [saved]) => [() => tf.mul(saved as tf.Tensor, upstream)],
    };
  })(logits);
}

function checkOutcomes(outcomes: readonly DiscreteOutcome[], n: number, bins: number): void {
  if (outcomes.length !== n) {
    throw new MhimError(`expected ${n} outcomes, one for each row of logits, got ${outcomes.length}.`, {
      code: 'data',
    });
  }
  for (const { bin } of outcomes) {
    if (!Number.isInteger(bin) || bin < 0 || bin >= bins) {
      throw new MhimError(`time bin ${bin} is not below ${bins}.`, { code: 'data' });
    }
  }
}

/** Cumulative products of the columns; `tf.cumprod` has no gradient, and there are only a few bins. */
function productsAlong(x: tf.Tensor2D): tf.Tensor2D {
  const [first, ...others] = tf.split(x, x.shape[1], 1) as [tf.Tensor2D, ...tf.Tensor2D[]];
  const products = [first];
  for (const column of others) products.push(tf.mul(products[products.length - 1] as tf.Tensor2D, column));
  return tf.concat(products, 1);
}
