import * as tf from '@tensorflow/tfjs';
import { MhimError } from '../errors.js';
import { differentiable } from './differentiable.js';

export interface CrossEntropyOptions {
  /** Share of each target that is spread evenly over all classes (Szegedy et al. 2016 §7), default 0. */
  labelSmoothing?: number;
  /** One weight a class; the mean is then weighted by those of the labels, as PyTorch's is. */
  classWeights?: ArrayLike<number>;
}

/**
 * Mean cross-entropy of logits [b, c] at class indices: −log softmax(logits)[label] (MHIM-v2 eq. 12 for c = 2).
 * @param labels one index a row; a number for a single row
 * @throws MhimError `data` when a label is no class index, `shape` when there is not one for each row
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  labels: number | ArrayLike<number>,
  options: CrossEntropyOptions = {},
): tf.Scalar {
  const [rows, classes] = logits.shape;
  const indices = typeof labels === 'number' ? [labels] : Array.from(labels);
  if (indices.length !== rows) {
    throw new MhimError(`there are ${indices.length} labels for ${rows} rows of logits.`, { code: 'shape' });
  }
  for (const label of indices) {
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new MhimError(`label ${label} is no class index below ${classes}.`, { code: 'data' });
    }
  }
  return towards(targetShares(indices, classes, options))(logits);
}

/** [b, c] row by row, scaled so that the loss is −Σ target·log p. */
function targetShares(
  labels: number[],
  classes: number,
  { labelSmoothing = 0, classWeights }: CrossEntropyOptions,
): Float32Array {
  const weight = (label: number) => classWeights?.[label] ?? 1;
  const total = labels.reduce((sum, label) => sum + weight(label), 0);
  const shares = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    for (let c = 0; c < classes; c++) {
      const share = labelSmoothing / classes + (c === label ? 1 - labelSmoothing : 0);
      shares[row * classes + c] = (weight(c) * share) / total;
    }
  });
  return shares;
}

/** One node on the tape: the gradient is softmax·(mass of the row's target) − target. */
const towards = (shares: Float32Array) =>
  differentiable((logits: tf.Tensor2D) => {
    const target = tf.tensor2d(shares, logits.shape);
    const logProbabilities = tf.logSoftmax(logits);
    return {
      value: tf.neg(tf.sum(tf.mul(target, logProbabilities))) as tf.Scalar,
      save: [logProbabilities, target],
      gradient: (dy, saved) => {
        const [logP, t] = saved as [tf.Tensor2D, tf.Tensor2D];
        return [tf.mul(dy, tf.sub(tf.mul(tf.exp(logP), tf.sum(t, 1, true)), t))];
      },
    };
  });
