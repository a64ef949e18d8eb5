import { join } from 'node:path';
import type { Fold } from '@mhim/datasets';
import { meanAndStd, tryMetric, type FoldSummary } from '@mhim/metrics';
import type { Rng } from '@mhim/tensor';
import { foldMetrics, type FoldMetrics } from './evaluate.js';
import { fit, type FitObserver, type FitOptions, type FitResult } from './fit.js';
import type { Learner } from './learner.js';
import { lockRun } from './run-lock.js';

export interface CrossValidateOptions extends Omit<
  FitOptions,
  'train' | 'select' | 'test' | 'createLearner' | 'observer' | 'stream'
> {
  /**
   * Epoch and threshold are chosen on a fold's validation part. Without one they are chosen on its test part, which is the
   * paper's protocol and optimistic.
   */
  folds: readonly Fold[];
  createLearner: (rng: Rng, fold: Fold) => Learner | Promise<Learner>;
  /** Keeps runs of one seed apart, the baseline from what starts from it, say. Default 0. */
  stream?: number;
  observer?: CrossValidationObserver;
}

/** Hears how folds and, inside them, epochs go on. */
export interface CrossValidationObserver {
  /** The observer of a fold's training. */
  forFold?(fold: Fold): FitObserver | undefined;
  onFold?(outcome: FoldOutcome): void;
}

export interface FoldOutcome {
  fold: number;
  /** Of the best epoch's model on the test part. */
  best: FoldMetrics;
  /** Of the last epoch's model on the test part. */
  last: FoldMetrics;
  fit: FitResult;
}

export interface CrossValidation {
  folds: FoldOutcome[];
  /** Mean and population standard deviation over folds of the best epochs' figures; null where no fold has one. */
  summary: Record<'auc' | 'accuracy' | 'f1', FoldSummary | null>;
}

/**
 * Trains and judges a model on every fold, one after the other; fold k is seeded with `seed + k`. With a folder, fold k lives in
 * {@link foldFolder} and the same call again goes on where it was stopped, to the same bits.
 * @throws MhimError whatever {@link fit} throws, and `config` when another process trains into the folder
 */
export async function crossValidate(options: CrossValidateOptions): Promise<CrossValidation> {
  const { folds, createLearner, observer, folder, seed, stream = 0, ...rest } = options;
  const unlock = folder === undefined ? undefined : lockRun(folder);
  const outcomes: FoldOutcome[] = [];
  try {
    for (const fold of folds) {
      const result = await fit({
        ...rest,
        train: fold.train,
        select: fold.validation ?? fold.test,
        test: fold.test,
        createLearner: (rng) => createLearner(rng, fold),
        seed: seed + fold.fold,
        stream,
        folder: folder === undefined ? undefined : foldFolder(folder, fold.fold),
        observer: observer?.forFold?.(fold),
      });
      const { best, last } = result;
      const outcome: FoldOutcome = {
        fold: fold.fold,
        best: foldMetrics(best.test, best.select),
        last: foldMetrics(last.test, last.select),
        fit: result,
      };
      outcomes.push(outcome);
      observer?.onFold?.(outcome);
    }
  } finally {
    unlock?.();
  }
  const summaryOf = (name: 'auc' | 'accuracy' | 'f1') =>
    tryMetric(() => meanAndStd(outcomes.map(({ best }) => best[name]))).value;
  return { folds: outcomes, summary: { auc: summaryOf('auc'), accuracy: summaryOf('accuracy'), f1: summaryOf('f1') } };
}

/** Where {@link crossValidate} keeps a fold: `<folder>/fold-<k>`, with `best.safetensors` when it is done. */
export function foldFolder(folder: string, fold: number): string {
  return join(folder, `fold-${fold}`);
}
