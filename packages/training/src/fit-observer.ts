import type { StepLosses } from './learner.js';

/** One epoch of a run, as `metrics.jsonl` keeps it. */
export interface EpochRecord {
  epoch: number;
  learningRate: number;
  /** Means over the training bags. */
  loss: number;
  labelLoss: number;
  consistency?: number;
  /** The metric that the epoch is chosen by, on the selection bags. */
  selection: number;
}

/** Hears how a run goes on. */
export interface FitObserver {
  onStart?(run: { epochs: number; steps: number; startEpoch: number }): void;
  onStep?(step: { epoch: number; step: number; losses: StepLosses }): void;
  onEpoch?(record: EpochRecord): void;
}
