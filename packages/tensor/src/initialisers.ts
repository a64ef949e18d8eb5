import * as tf from '@tensorflow/tfjs';
import type { Rng } from './rng.js';

/** Draws a tensor of the given shape; shapes are PyTorch's: [out, in] or [out, in/groups, …kernel]. */
export type Initialiser = <R extends tf.Rank>(shape: tf.ShapeMap[R], rng: Rng) => tf.Tensor<R>;

/** N(0, 2/(fanIn+fanOut)): Glorot & Bengio 2010 eq. 12 in its normal form (`nn.init.xavier_normal_`, gain 1). */
export const xavierNormal: Initialiser = (shape, rng) => {
  const { fanIn, fanOut } = fans(shape);
  return scaled(rng.normal(shape), Math.sqrt(2 / (fanIn + fanOut)));
};

/** U(±√(6/(fanIn+fanOut))): Glorot & Bengio 2010 eq. 16. */
export const xavierUniform: Initialiser = (shape, rng) => {
  const { fanIn, fanOut } = fans(shape);
  return uniform(Math.sqrt(6 / (fanIn + fanOut)))(shape, rng);
};

/** N(0, 2/fanIn): He et al. 2015 eq. 10. */
export const kaimingNormal: Initialiser = (shape, rng) => scaled(rng.normal(shape), Math.sqrt(2 / fans(shape).fanIn));

/** U(±√(6/((1+a²)·fanIn))): He et al. 2015 with leaky slope `a`. */
export function kaimingUniform(a = 0): Initialiser {
  return (shape, rng) => uniform(Math.sqrt(6 / ((1 + a * a) * fans(shape).fanIn)))(shape, rng);
}

/** PyTorch's default weight of Linear and Conv layers: Kaiming uniform with a = √5, that is U(±1/√fanIn). */
export const torchWeight: Initialiser = kaimingUniform(Math.sqrt(5));

/** PyTorch's default bias beside a weight of shape `weightShape`: U(±1/√fanIn). */
export function torchBias(weightShape: readonly number[]): Initialiser {
  return uniform(1 / Math.sqrt(fans(weightShape).fanIn));
}

/** U(−bound, bound). */
export function uniform(bound: number): Initialiser {
  return <R extends tf.Rank>(shape: tf.ShapeMap[R], rng: Rng) =>
    tf.tidy(() => tf.sub(tf.mul(rng.uniform<R>(shape), 2 * bound), bound) as tf.Tensor<R>);
}

/** U[0, 1). */
export const unitUniform: Initialiser = (shape, rng) => rng.uniform(shape);

/** N(0, std²). */
export function normal(std: number): Initialiser {
  return (shape, rng) => scaled(rng.normal(shape), std);
}

export const zeros: Initialiser = (shape) => tf.zeros(shape);
export const ones: Initialiser = (shape) => tf.ones(shape);

/** Fan-in and fan-out of a weight in PyTorch's axis order. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const kernel = shape.slice(2).reduce((a, b) => a * b, 1);
  return { fanIn: (shape[1] ?? 1) * kernel, fanOut: (shape[0] ?? 1) * kernel };
}

function scaled<R extends tf.Rank>(tensor: tf.Tensor<R>, factor: number): tf.Tensor<R> {
  const result = tf.mul(tensor, factor) as tf.Tensor<R>;
  tensor.dispose();
  return result;
}
