import { join } from 'node:path';
import { foldSeed, type Fold } from '@mhim/datasets';
import { meanAndStd, tryMetric, type FoldSummary } from '@mhim/metrics';
import type { Rng } from '@mhim/tensor';
import { classificationTask, type FoldMetrics, type Predictions } from './classification-task.js';
import { fit, type FitOptions, type FitResult } from './fit.js';
import type { FitObserver } from './fit-observer.js';
import type { Learner } from './learner.js';
import { lockRun } from './run-lock.js';
import type { Task } from './task.js';

export interface CrossValidateOptions<P = Predictions, M = FoldMetrics> extends Omit<
  FitOptions<P>,
  'task' | 'train' | 'select' | 'test' | 'createLearner' | 'observer' | 'stream'
> {
  /** What is learnt and judged on a fold, e.g. `({ train }) => survivalTask(source.bags, train)`; default the classes of the labels. */
  task?: (fold: Fold) => Task<P, M>;
  /**
   * Epoch and threshold are chosen on a fold's validation part. Without one they are chosen on its test part, which is the
   * paper's protocol and optimistic.
   */
  folds: readonly Fold[];
  createLearner: (rng: Rng, fold: Fold) => Learner | Promise<Learner>;
  /** Keeps runs of one seed apart, the baseline from what starts from it, say. Default 0. */
  stream?: number;
  observer?: CrossValidationObserver<P, M>;
}

/** Hears how folds and, inside them, epochs go on. */
export interface CrossValidationObserver<P = Predictions, M = FoldMetrics> {
  /** The observer of a fold's training. */
  forFold?(fold: Fold): FitObserver | undefined;
  onFold?(outcome: FoldOutcome<P, M>): void;
}

export interface FoldOutcome<P = Predictions, M = FoldMetrics> {
  fold: number;
  /** Of the best epoch's model on the test part. */
  best: M;
  /** Of the last epoch's model on the test part. */
  last: M;
  fit: FitResult<P>;
}

export interface CrossValidation<P = Predictions, M = FoldMetrics> {
  folds: FoldOutcome<P, M>[];
  /** Mean and population standard deviation over folds of the best epochs' figures; null where no fold has one. */
  summary: Record<Exclude<keyof M, 'threshold' | 'reasons'>, FoldSummary | null>;
}

/**
 * Trains and judges a model on every fold, one after the other; fold k is seeded with `seed + k`. With a folder, fold k lives in
 * {@link foldFolder} and the same call again goes on where it was stopped, to the same bits.
 * @throws MhimError whatever {@link fit} throws, and `config` when another process trains into the folder
 */
export async function crossValidate<P = Predictions, M = FoldMetrics>(
  options: CrossValidateOptions<P, M>,
): Promise<CrossValidation<P, M>> {
  const { folds, createLearner, observer, folder, seed, stream = 0, task: taskFor, ...rest } = options;
  const unlock = folder === undefined ? undefined : lockRun(folder);
  const outcomes: FoldOutcome<P, M>[] = [];
  try {
    for (const fold of folds) {
      // Without a task of its own P is `Predictions` and M `FoldMetrics`.
      const task = taskFor?.(fold) ?? (classificationTask(rest.source.classes) as unknown as Task<P, M>);
      const result = await fit({
        ...rest,
        task,
        train: fold.train,
        select: fold.validation ?? fold.test,
        test: fold.test,
        createLearner: (rng) => createLearner(rng, fold),
        seed: foldSeed(seed, fold.fold),
        stream,
        folder: folder === undefined ? undefined : foldFolder(folder, fold.fold),
        observer: observer?.forFold?.(fold),
      });
      const { best, last } = result;
      const outcome: FoldOutcome<P, M> = {
        fold: fold.fold,
        best: task.metrics(best.test, best.select),
        last: task.metrics(last.test, last.select),
        fit: result,
      };
      outcomes.push(outcome);
      observer?.onFold?.(outcome);
    }
  } finally {
    unlock?.();
  }
  return { folds: outcomes, summary: summaryOf(outcomes.map(({ best }) => best)) };
}

/** Every figure but the threshold, which is a choice. */
function summaryOf<M>(figures: readonly M[]): CrossValidation<unknown, M>['summary'] {
  const rows = figures as readonly Record<string, number | null>[];
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'threshold' && name !== 'reasons');
  const valueOf = (name: string) => tryMetric(() => meanAndStd(rows.map((row) => row[name] ?? null))).value;
  return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as CrossValidation<unknown, M>['summary'];
}

/** Where {@link crossValidate} keeps a fold: `<folder>/fold-<k>`, with `best.safetensors` when it is done. */
export function foldFolder(folder: string, fold: number): string {
  return join(folder, `fold-${fold}`);
}
