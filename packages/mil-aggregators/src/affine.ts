import * as tf from '@tensorflow/tfjs';

/** x·Wᵀ + b, [n, in] → [n, out], inside operations that bring their own gradient. */
export function affine(x: tf.Tensor2D, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor2D {
  const product: tf.Tensor2D = tf.matMul(x, weight, false, true);
  return bias ? tf.add<tf.Tensor2D>(product, bias) : product;
}
