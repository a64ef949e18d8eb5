import * as tf from '@tensorflow/tfjs';
import { reluGradient } from './activation.js';

/** What of a piece of rows the gradient starts from, [n, d] each. */
export interface FusedPiece {
  value: tf.Tensor2D;
  /** Booleans: what dropout let through. Nothing where it does nothing. */
  kept?: tf.Tensor2D;
  saved: tf.Tensor2D[];
}

/** An activation and the inverted dropout after it, of s = scale·(x·Wᵀ + b). */
export interface FusedActivation {
  scale: number;
  forward(s: tf.Tensor2D, kept?: tf.Tensor2D): { value: tf.Tensor2D; save: tf.Tensor2D[] };
  /** d loss / d value → d loss / d s */
  backward(dy: tf.Tensor2D, piece: FusedPiece): tf.Tensor2D;
}

/** By name, given the rate of dropout. */
export const fusedActivations = { gelu: fusedGelu, relu: fusedRelu };

/**
 * GELU(v) = v·Φ(v) with v = √2·s is (s + s·erf s)/√2, so the scale 1/√2 goes before it and the factor √2/2 into that of dropout.
 */
function fusedGelu(rate: number): FusedActivation {
  const factor = Math.SQRT1_2 / (1 - rate);
  const through = (x: tf.Tensor2D, kept?: tf.Tensor2D): tf.Tensor2D =>
    tf.mul(x, kept ? tf.mul(tf.cast(kept, 'float32'), factor) : factor);
  return {
    scale: Math.SQRT1_2,
    forward(s, kept) {
      const doubleCdf: tf.Tensor2D = tf.add(tf.erf(s), 1);
      return { value: through(tf.mul(s, doubleCdf), kept), save: [s, doubleCdf] };
    },
    backward(dy, { kept, saved: [s, doubleCdf] }) {
      // d(s(1 + erf s))/ds = 1 + erf s + s·2/√π·exp(−s²); the constant is inside the exponential.
      const bell = tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.square(s as tf.Tensor2D)));
      const slope = tf.add(doubleCdf as tf.Tensor2D, tf.mul(s as tf.Tensor2D, bell));
      return tf.mul(through(dy, kept), slope);
    },
  };
}

/**
 * relu(v)·m = relu(v/(1−r))·[kept], so dropout's scale goes before it. The output is positive exactly where
 * both relu and dropout let through, so its gradient is relu's by the output, and nothing else is needed for it.
 */
function fusedRelu(rate: number): FusedActivation {
  return {
    scale: 1 / (1 - rate),
    forward(s, kept) {
      const positive: tf.Tensor2D = tf.relu(s);
      return { value: kept ? tf.mul(positive, tf.cast(kept, 'float32')) : positive, save: [] };
    },
    backward: (dy, { value }) => reluGradient(dy, value),
  };
}
