import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/** What `compute` gives, as a constant: the gradient tape sees nothing of what happens inside. */
export function outsideTape<T extends tf.Tensor>(compute: () => T): T {
  return differentiable<[], T>(() => ({ value: compute(), save: [], gradient: () => [] }))();
}

/** Whether something is to be differentiated, so that gradients may be asked for. */
export function onTape(): boolean {
  return (tf.engine() as unknown as { isTapeOn(): boolean }).isTapeOn();
}
