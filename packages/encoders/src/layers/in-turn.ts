import type * as tf from '@tensorflow/tfjs';
import { tidy } from '@tensorflow/tfjs';

/** Hears of an intermediate tensor of a forward pass; it is gone afterwards. */
export type Tap = (name: string, value: tf.Tensor) => void;

export interface Step<T extends tf.Tensor> {
  /** What a {@link Tap} hears its result as. */
  readonly name: string;
  run(x: T): T;
}

/** Sends `x` through the steps and frees each result as soon as the next one is there; `x` itself is freed too. */
export function inTurn<T extends tf.Tensor>(x: T, steps: Iterable<Step<T>>, tap?: Tap): T {
  for (const { name, run } of steps) {
    const next = tidy(() => run(x));
    x.dispose();
    tap?.(name, next);
    x = next;
  }
  return x;
}
