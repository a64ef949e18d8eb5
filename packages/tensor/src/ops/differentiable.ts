import * as tf from '@tensorflow/tfjs';

/** A function with its hand-written gradient. */
export interface Differentiation<Out extends tf.Tensor> {
  value: Out;
  /** What the gradient needs; kept until the backward pass. */
  save: tf.Tensor[];
  /** d loss / d input for every input in order, given d loss / d value. */
  gradient: (upstream: Out, saved: tf.Tensor[]) => tf.Tensor[];
}

/**
 * Makes one node of the gradient tape of a whole computation: the forward pass records nothing inside, which saves the
 * tape's cost per operation and keeps only what the gradient needs. (`tf.customGrad` with types that hold.)
 */
export function differentiable<In extends tf.Tensor[], Out extends tf.Tensor>(
  forward: (...inputs: In) => Differentiation<Out>,
): (...inputs: In) => Out {
  const operation = tf.customGrad((...args) => {
    const save = args.pop() as tf.GradSaveFunc;
    const { value, save: kept, gradient } = forward(...(args as In));
    save(kept);
    return { value: value as tf.Tensor, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy as Out, saved) };
  });
  return (...inputs: In) => operation(...inputs) as Out;
}
