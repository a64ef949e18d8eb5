import type { BagInfo } from '@mhim/datasets';
import { breathe } from './breathe.js';
import type { FeatureCache } from './feature-cache.js';
import type { Learner } from './learner.js';
import type { Task } from './task.js';

/** Predicts bags one after the other; stops between two of them with the reason of a signal that was given. */
export async function evaluate<P>(
  learner: Pick<Learner, 'predict'>,
  cache: FeatureCache,
  indices: readonly number[],
  task: Pick<Task<P>, 'predictions'>,
  signal?: AbortSignal,
): Promise<P> {
  const bags: BagInfo[] = [];
  const logits: Float32Array[] = [];
  for (const [i, index] of indices.entries()) {
    for (const next of indices.slice(i + 1, i + 3)) cache.prefetch(next);
    await cache.with(index, (features, info, positions) => {
      bags.push(info);
      logits.push(learner.predict(features, positions));
    });
    await breathe(signal);
  }
  return task.predictions(bags, logits);
}
