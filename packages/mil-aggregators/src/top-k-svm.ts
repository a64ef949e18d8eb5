import * as tf from '@tensorflow/tfjs';
import { differentiable, MhimError } from '@mhim/tensor';
import { LOG_ZERO, symmetricPolynomials } from './elementary-symmetric.js';

export interface TopKSvmOptions {
  /** A row is right when its class is among the k highest; default 1. */
  k?: number;
  /** Margin α by which it should be, default 1. */
  margin?: number;
  /** Temperature τ of the smoothing, default 1; 0 for the hard hinge everywhere. */
  temperature?: number;
}

/** Beyond this ratio of e^{(kth highest)/kτ} to the next, smoothing changes nothing that float32 could hold well. */
const DECIDED = 1000;

/**
 * The smooth top-k SVM loss (Berrada et al. 2018 eq. 7–9; for k = 1 the instance loss of CLAM), mean over rows. The hard one
 * is max(0, α + (s₍ₖ₎ − s_y)/k), s₍ₖ₎ the kth highest score of the other classes; the smooth one replaces that maximum over
 * sets of k classes by τ·log Σ exp(·/τ), which is τ·softplus(α/τ + log σ_k − log σ_{k−1} − s_y/kτ) with σ the elementary
 * symmetric polynomials of the other classes' exp(s/kτ). As officially, rows whose kth and next score lie kτ·ln 1000 apart
 * take the hard one.
 * @param logits [b, c]
 * @param labels one class a row
 * @throws MhimError `config` unless 1 ≤ k < c
 */
export function topKSvm(logits: tf.Tensor2D, labels: ArrayLike<number>, options: TopKSvmOptions = {}): tf.Scalar {
  const { k = 1, margin = 1, temperature = 1 } = options;
  const [rows, classes] = logits.shape;
  if (!(Number.isInteger(k) && k >= 1 && k < classes)) {
    throw new MhimError(`expected a whole number from 1 to ${classes - 1}, got ${k}.`, { code: 'config', path: 'k' });
  }
  return differentiable((x: tf.Tensor2D) => {
    const truth = oneHot(Int32Array.from(labels), classes);
    const hard = hinge(x, truth, k, margin);
    const smooth = temperature > 0 ? softHinge(x, truth, k, margin, temperature) : hard;
    const decided: tf.Tensor2D = decidedRows(x, { k, temperature });
    const loss = tf.where(decided, hard.loss, smooth.loss);
    return {
      value: tf.mean(loss) as tf.Scalar,
      save: [tf.div(tf.where(decided, hard.gradient, smooth.gradient), rows)],
      gradient: (dy, [gradient]) => [tf.mul(dy, gradient as tf.Tensor2D)],
    };
  })(logits);
}

/** The rows of logits [b, c] that take the hard branch of {@link topKSvm}, [b, 1] of booleans. */
export function decidedRows(logits: tf.Tensor2D, { k = 1, temperature = 1 }: TopKSvmOptions = {}): tf.Tensor2D {
  return tf.tidy(() => {
    const [last, next] = tf.split(tf.slice(tf.topk(logits, k + 1).values, [0, k - 1], [-1, 2]), 2, 1);
    return tf.greaterEqual(tf.sub(last as tf.Tensor, next as tf.Tensor), k * temperature * Math.log(DECIDED));
  });
}

/** Loss [b, 1] and its gradient [b, c] row by row. */
interface RowLosses {
  loss: tf.Tensor2D;
  gradient: tf.Tensor2D;
}

function hinge(x: tf.Tensor2D, truth: tf.Tensor2D, k: number, margin: number): RowLosses {
  const { values, indices } = tf.topk(excluding(x, truth), k);
  const last = tf.slice(values, [0, k - 1], [-1, 1]);
  const excess: tf.Tensor2D = tf.add(margin, tf.div(tf.sub(last, own(x, truth)), k));
  const rival = oneHot(tf.reshape(tf.slice(indices, [0, k - 1], [-1, 1]), [-1]), x.shape[1]);
  const active = tf.cast(tf.greater(excess, 0), 'float32');
  return { loss: tf.relu(excess), gradient: tf.mul(tf.div(active, k), tf.sub(rival, truth)) };
}

function softHinge(x: tf.Tensor2D, truth: tf.Tensor2D, k: number, margin: number, temperature: number): RowLosses {
  const scaled: tf.Tensor2D = tf.div(x, k * temperature);
  const { logs, shares } = symmetricPolynomials(excluding(scaled, truth), k);
  const [without, within] = [tf.slice(logs, [0, k], [-1, 1]), tf.slice(logs, [0, k - 1], [-1, 1])];
  const excess = tf.add(tf.sub(tf.sub(without, within), own(scaled, truth)), margin / temperature);
  const slope = tf.div(tf.sigmoid(excess), k);
  return {
    loss: tf.mul(tf.softplus(excess), temperature),
    gradient: tf.mul(slope, tf.sub(tf.sub(shares(k), shares(k - 1)), truth)),
  };
}

/** The score of each row's class, [b, 1]. */
function own(x: tf.Tensor2D, truth: tf.Tensor2D): tf.Tensor2D {
  return tf.sum(tf.mul(x, truth), 1, true);
}

/** x with each row's class out of the running. */
function excluding(x: tf.Tensor2D, truth: tf.Tensor2D): tf.Tensor2D {
  return tf.where(tf.cast(truth, 'bool'), tf.fill(x.shape, LOG_ZERO), x);
}

function oneHot(labels: Int32Array | tf.Tensor, classes: number): tf.Tensor2D {
  const indices = labels instanceof tf.Tensor ? labels : tf.tensor1d(labels, 'int32');
  return tf.cast(tf.oneHot(indices, classes), 'float32') as tf.Tensor2D;
}
