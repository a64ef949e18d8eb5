import { cosineSchedule } from '@mhim/hard-mining';

/** The learning rate in force during an epoch, counted from 0. */
export type LearningRateSchedule = (epoch: number) => number;

/** Always the same. */
export function constantRate(learningRate: number): LearningRateSchedule {
  return () => learningRate;
}

export interface WarmUp {
  /** Epochs of linear warm-up. */
  epochs: number;
  /** Rate at epoch 0. */
  start: number;
}

/**
 * Half a cosine from `learningRate` to `minimum` over the epochs, as timm's scheduler steps it (MHIM-v2 §4.2; minimum 1e-7 in the
 * official code). During a warm-up the rate rises linearly; the cosine does not wait for it.
 */
export function cosineRate(
  learningRate: number,
  epochs: number,
  { minimum = 1e-7, warmUp }: { minimum?: number; warmUp?: WarmUp } = {},
): LearningRateSchedule {
  return (epoch) => {
    if (warmUp && epoch < warmUp.epochs) {
      return warmUp.start + (epoch * (learningRate - warmUp.start)) / warmUp.epochs;
    }
    return epoch < epochs ? cosineSchedule(learningRate, minimum, epoch, epochs) : minimum;
  };
}

/** PyTorch's `CosineAnnealingLR`, which goes up again beyond `period`. */
export function cosineAnnealingRate(learningRate: number, period: number, minimum = 0): LearningRateSchedule {
  return (epoch) => cosineSchedule(learningRate, minimum, epoch, period);
}

/** Multiplies by `factor` at each milestone (`MultiStepLR`; one milestone at half time for the official `step`). */
export function stepRate(learningRate: number, milestones: readonly number[], factor: number): LearningRateSchedule {
  return (epoch) => learningRate * factor ** milestones.filter((milestone) => epoch >= milestone).length;
}

/**
 * The official repository's schedule per iteration: a linear warm-up from `start` that reaches `from` at its last step, then half a
 * cosine to `to` over the steps that are left.
 */
export function warmCosine(
  from: number,
  to: number,
  step: number,
  total: number,
  { steps = 0, start = 0 }: { steps?: number; start?: number } = {},
): number {
  if (step < steps) return steps === 1 ? start : start + (step * (from - start)) / (steps - 1);
  return cosineSchedule(from, to, step - steps, total - steps);
}
