import type * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/** What `compute` gives, as a constant: the gradient tape sees nothing of what happens inside. */
export function outsideTape<T extends tf.Tensor>(compute: () => T): T {
  return differentiable<[], T>(() => ({ value: compute(), save: [], gradient: () => [] }))();
}
