import type { BagInfo } from '@mhim/datasets';
import type { BagTarget } from '@mhim/mil-aggregators';

/**
 * What a model is trained for: the target of a bag, and what becomes of the logits. P are the predictions of some bags, M the
 * figures of a fold.
 */
export interface Task<P, M = unknown> {
  readonly name: string;
  /** Logits that a model needs: classes, or time bins. */
  readonly outputs: number;
  /** What a resumed run has to agree on; plain data. */
  readonly identity?: Readonly<Record<string, unknown>>;
  /** What a model learns from a bag. @throws MhimError `data` when the bag does not say */
  target(bag: BagInfo): BagTarget;
  /** Predictions as plain data, from the logits [outputs] of each bag. */
  predictions(bags: readonly BagInfo[], logits: readonly Float32Array[]): P;
  /** What the epoch is chosen by; larger is better. */
  selection(predictions: P): number;
  /** The figures of `test`; null where one is undefined. `select` is what a threshold may be chosen on. */
  metrics(test: P, select: P): M;
}
