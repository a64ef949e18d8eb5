import * as tf from '@tensorflow/tfjs';
import { dropout, keepMask } from '../layers/dropout.js';
import type { Call } from '../module.js';
import { activate, reluGradient, type ActivationName } from './activation.js';
import { columnSums } from './column-sums.js';
import { differentiable } from './differentiable.js';

export interface FeatureLayerOptions {
  activation: ActivationName;
  /** Dropout rate after the activation. */
  dropout: number;
}

/**
 * The patch-to-embedding layer of every MIL model, dropout(activation(x·Wᵀ + b)), as one node of the tape where that pays:
 * over ten thousand instances the passes through memory cost as much as the product.
 * @param x [n, in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [n, out]
 */
export function featureLayer(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D | undefined,
  { activation, dropout: rate }: FeatureLayerOptions,
  call: Call,
): tf.Tensor2D {
  if (activation === 'gelu' && bias) return geluLayer(x, weight, bias, rate, call);
  if (activation === 'relu') return reluLayer(x, weight, bias, rate, call);
  const product: tf.Tensor2D = tf.matMul(x, weight, false, true);
  return dropout(activate(activation, bias ? tf.add<tf.Tensor2D>(product, bias) : product), rate, call);
}

/**
 * GELU(v) = v·Φ(v) with v = √2·s is (s + s·erf s)/√2, so the scale 1/√2 goes into weight and bias, which are small, and
 * the factor √2/2 into the dropout mask.
 */
function geluLayer(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D, rate: number, call: Call): tf.Tensor2D {
  return differentiable((features: tf.Tensor2D, w: tf.Tensor2D, b: tf.Tensor1D) => {
    const scaled: tf.Tensor2D = tf.mul(w, Math.SQRT1_2);
    const s: tf.Tensor2D = tf.add(tf.matMul(features, scaled, false, true), tf.mul(b, Math.SQRT1_2));
    const doubleCdf = tf.add(tf.erf(s), 1);
    const mask = call.training && rate > 0 ? keepMask(s.shape, rate, call, Math.SQRT1_2) : tf.scalar(Math.SQRT1_2);
    return {
      value: tf.mul(tf.mul(s, doubleCdf), mask) as tf.Tensor2D,
      save: [features, scaled, s, doubleCdf, mask],
      gradient: (dy, saved) => {
        const [input, scaledWeight, at, cdf2, keep] = saved as [
          tf.Tensor2D,
          tf.Tensor2D,
          tf.Tensor2D,
          tf.Tensor2D,
          tf.Tensor,
        ];
        // d(s(1 + erf s))/ds = 1 + erf s + s·2/√π·exp(−s²); the constant is inside the exponential.
        const bell = tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.square(at)));
        const slope = tf.add(cdf2, tf.mul(at, bell));
        const ds: tf.Tensor2D = tf.mul(tf.mul(dy, keep), slope);
        return [
          () => tf.matMul(ds, scaledWeight),
          () => tf.mul(tf.matMul(ds, input, true), Math.SQRT1_2),
          () => tf.mul(columnSums(ds), Math.SQRT1_2),
        ];
      },
    };
  })(x, weight, bias);
}

/**
 * relu(v)·m = relu(v/(1−r))·[kept], so dropout's scale goes into weight and bias too. The output is positive exactly where
 * both relu and dropout let through, so its gradient is relu's by the output, and no mask is kept.
 */
function reluLayer(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D | undefined,
  rate: number,
  call: Call,
): tf.Tensor2D {
  const drops = call.training === true && rate > 0;
  const scale = drops ? 1 / (1 - rate) : 1;
  const scaled = <T extends tf.Tensor>(tensor: T): T => (drops ? tf.mul(tensor, scale) : tensor);
  const layer = differentiable((features: tf.Tensor2D, w: tf.Tensor2D, ..._bias: tf.Tensor1D[]) => {
    const scaledWeight = scaled(w);
    const product: tf.Tensor2D = tf.matMul(features, scaledWeight, false, true);
    const positive: tf.Tensor2D = tf.relu(bias ? tf.add<tf.Tensor2D>(product, scaled(bias)) : product);
    const value: tf.Tensor2D = drops ? tf.mul(positive, keepMask(positive.shape, rate, call, 1 - rate)) : positive;
    return {
      value,
      save: [features, scaledWeight, value],
      gradient: (dy, saved) => {
        const [input, heldWeight, output] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const ds = reluGradient(dy, output);
        return [
          () => tf.matMul(ds, heldWeight),
          () => scaled(tf.matMul(ds, input, true)),
          ...(bias ? [() => scaled(columnSums(ds))] : []),
        ];
      },
    };
  });
  return layer(x, weight, ...(bias ? [bias] : []));
}
