import * as tf from '@tensorflow/tfjs';

/** A function with its hand-written gradient. */
export interface Differentiation<Out extends tf.Tensor | tf.Tensor[]> {
  value: Out;
  /** What the gradient needs; kept until the backward pass. */
  save: tf.Tensor[];
  /**
   * d loss / d input for every input in order, given d loss / d value. A gradient given as a function is computed only if
   * something asks for it: bag features, for one, hardly ever need theirs. Of several values, one that nothing used has a
   * gradient of zeros.
   */
  gradient: (upstream: Out, saved: tf.Tensor[]) => (tf.Tensor | (() => tf.Tensor))[];
}

/** The part of tfjs' engine that `tf.customGrad` itself is built on, and that allows gradients on demand. */
interface Engine {
  runKernelFunc(params: {
    forwardFunc: (backend: unknown, save: tf.GradSaveFunc) => tf.Tensor | tf.Tensor[];
    backwardsFunc: (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
    inputs: Record<string, tf.Tensor>;
  }): tf.Tensor | tf.Tensor[];
}

/**
 * Makes one node of the gradient tape of a whole computation: the forward pass records nothing inside, which saves the
 * tape's cost per operation and keeps only what the gradient needs.
 */
export function differentiable<In extends tf.Tensor[], Out extends tf.Tensor | tf.Tensor[]>(
  forward: (...inputs: In) => Differentiation<Out>,
): (...inputs: In) => Out {
  return (...inputs: In) => {
    let gradient: Differentiation<Out>['gradient'];
    let several = false;
    const result = (tf.engine() as unknown as Engine).runKernelFunc({
      forwardFunc: (_backend, save) => {
        const differentiation = forward(...inputs);
        gradient = differentiation.gradient;
        several = Array.isArray(differentiation.value);
        save(differentiation.save);
        return differentiation.value;
      },
      backwardsFunc: (dy, saved) => {
        // tfjs hands over the gradient of an array of one as if it were no array.
        const upstream = several && !Array.isArray(dy) ? [dy] : dy;
        const gradients = gradient(upstream as Out, saved);
        return Object.fromEntries(gradients.map((g, i) => [String(i), typeof g === 'function' ? g : () => g] as const));
      },
      inputs: Object.fromEntries(inputs.map((input, i) => [String(i), input])),
    });
    return result as Out;
  };
}
