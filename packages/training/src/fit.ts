import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fitStandardiser, type BagSource, type Standardiser } from '@mhim/datasets';
import { MhimError, Rng } from '@mhim/tensor';
import { breathe } from './breathe.js';
import { EarlyStopping, type EarlyStoppingConfig, type EarlyStoppingState } from './early-stopping.js';
import { classificationTask, type Predictions } from './classification-task.js';
import { evaluate } from './evaluate.js';
import { FeatureCache } from './feature-cache.js';
import type { EpochRecord, FitObserver } from './fit-observer.js';
import type { Learner, StepLosses } from './learner.js';
import type { LearningRateSchedule } from './schedules.js';
import { hashOf, RunFiles, type RunIdentity } from './run-files.js';
import { lockRun, requireLock } from './run-lock.js';
import type { Task } from './task.js';
import { tensorBoard } from './tensorboard.js';

export interface FitOptions<P = Predictions> {
  source: BagSource;
  /** What is learnt and judged; default the classes of the source's labels. */
  task?: Task<P>;
  /** Bags to learn from. */
  train: readonly number[];
  /** Bags that choose epoch and threshold: the test fold under the paper's protocol, an inner validation split under the honest one. */
  select: readonly number[];
  /** Bags to report on; default `select`. */
  test?: readonly number[];
  /** Makes model and optimiser. */
  createLearner: (rng: Rng) => Learner | Promise<Learner>;
  epochs: number;
  /**
   * Epochs that schedules by steps (hard mining's mask ratios) are stretched over. Default `epochs`; more where a run is cut short, as
   * the official survival runs are: 30 epochs of a schedule of 200.
   */
  scheduleEpochs?: number;
  schedule: LearningRateSchedule;
  stopping?: EarlyStoppingConfig;
  /**
   * Which of several epochs with the same best metric is kept: the first, as in the official code (default), or the last, for
   * selection sets so small that the first epochs reach their best by chance.
   */
  ties?: 'first' | 'last';
  seed: number;
  /** Keeps runs of one seed apart: fold and stage. */
  stream: number;
  /** Standardises features by the training bags' instances. */
  standardise?: boolean;
  /** Where checkpoints go; without it nothing is written and nothing can be resumed. */
  folder?: string;
  /** What a resumed run has to agree on, beside what is given here. */
  identity?: RunIdentity;
  /** Least seconds between checkpoints, default 10. */
  checkpointSeconds?: number;
  /** Bytes of features kept on the device. Default 1 GiB. */
  memoryBudget?: number;
  /** Whether the native backend writes TensorBoard event files into `folder`. Default true. */
  tensorBoard?: boolean;
  /** Stops the run between two bags, in training as in evaluation, with its reason; the last checkpoint stays. */
  signal?: AbortSignal;
  observer?: FitObserver;
}

export interface FitResult<P = Predictions> {
  /** Epochs that were run. */
  epochs: number;
  bestEpoch: number;
  history: EpochRecord[];
  /** Predictions of the best epoch's model: on the selection bags and on the test bags. */
  best: { select: P; test: P };
  /** Predictions of the last epoch's model. */
  last: { select: P; test: P };
}

/** As many as have random numbers of their own beside those of other stages, see `streamOf`. */
export const MAX_EPOCHS = 100_000;

/** Streams of random numbers of one run. */
const INIT = 0;
const FIRST_EPOCH = 1;

/**
 * Trains one model: one bag a step, bags shuffled each epoch, learning rate per epoch, early stopping, best epoch kept.
 * With a folder, the same call again returns a finished run's result, or goes on after a kill exactly where the last
 * checkpoint left it: the results are the same to the last bit.
 * @throws MhimError `config` for more than {@link MAX_EPOCHS} epochs
 */
export async function fit<P = Predictions>(options: FitOptions<P>): Promise<FitResult<P>> {
  const { source, train, select, test = select, folder, seed, stream, epochs } = options;
  if (!Number.isInteger(epochs) || epochs < 1 || epochs > MAX_EPOCHS) {
    throw new MhimError(`expected a whole number from 1 to ${MAX_EPOCHS}, got ${epochs}.`, {
      code: 'config',
      path: 'epochs',
    });
  }
  const files = folder === undefined ? undefined : new RunFiles(folder, identityOf(options));
  const done = files?.readResult<FitResult<P>>();
  if (done) return done;
  const unlock = files && lockRun(files.folder);
  try {
    files?.prepare();
    const standardiser = options.standardise ? await fitStandardiser(source, train) : undefined;
    const learner = await options.createLearner(new Rng(seed, streamOf(stream, INIT)));
    const cache = new FeatureCache(source, standardiser, options.memoryBudget, learner.usesPositions);
    const run = new Run(options, learner, cache, files);
    try {
      await run.resume();
      await run.train();
      return await run.finish(test, standardiser);
    } finally {
      run.dispose();
      cache.dispose();
      learner.dispose();
    }
  } finally {
    unlock?.();
  }
}

class Run<P> {
  private epoch = 0;
  private history: EpochRecord[] = [];
  private readonly stopping: EarlyStopping;
  private bestEpoch = -1;
  private bestMetric = -Infinity;
  private best: Record<string, tf.Tensor> = {};
  private stopped = false;
  private readonly task: Task<P>;
  private lastSave = Date.now();
  private readonly observers: FitObserver[];

  constructor(
    private readonly options: FitOptions<P>,
    private readonly learner: Learner,
    private readonly cache: FeatureCache,
    private readonly files: RunFiles | undefined,
  ) {
    this.task = taskOf(options);
    this.stopping = new EarlyStopping(options.stopping);
    const board = files && options.tensorBoard !== false && tensorBoard(join(files.folder, 'tensorboard'));
    this.observers = [options.observer, board || undefined].filter((observer) => observer !== undefined);
  }

  async resume(): Promise<void> {
    const checkpoint = await this.files?.loadCheckpoint();
    if (!checkpoint) return;
    const { epoch, history, stopping, bestEpoch, bestMetric, stopped, step } =
      checkpoint.progress as unknown as Progress;
    const below = (prefix: string) =>
      Object.fromEntries(
        Object.entries(checkpoint.tensors)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
      );
    this.learner.restore({ step, tensors: below('learner.') });
    Object.assign(this, { epoch, history, bestEpoch, bestMetric, stopped });
    this.stopping.restore(stopping);
    this.best = Object.fromEntries(Object.entries(below('best.')).map(([name, tensor]) => [name, tf.clone(tensor)]));
    tf.dispose(checkpoint.tensors);
  }

  async train(): Promise<void> {
    const { train, epochs, schedule } = this.options;
    for (const observer of this.observers) {
      observer.onStart?.({ epochs, steps: train.length, startEpoch: this.epoch });
    }
    while (this.epoch < epochs && !this.stopped) {
      this.learner.learningRate = schedule(this.epoch);
      const losses = await this.oneEpoch();
      const predictions = await this.predict(this.options.select);
      this.judge(losses, this.task.selection(predictions));
      this.epoch++;
      this.checkpoint();
    }
  }

  async finish(test: readonly number[], standardiser?: Standardiser): Promise<FitResult<P>> {
    const { select } = this.options;
    const predict = async () => {
      const chosen = await this.predict(select);
      const same = test.length === select.length && test.every((index, i) => index === select[i]);
      return { select: chosen, test: same ? chosen : await this.predict(test) };
    };
    const last = await predict();
    const metadata: Record<string, string> = {};
    if (standardiser) metadata.standardiser = JSON.stringify(plain(standardiser));
    this.files?.saveModel('last', this.learner.model.stateDict(), { ...metadata, epoch: String(this.epoch - 1) });
    this.learner.model.loadStateDict(this.best);
    const best = await predict();
    this.files?.saveModel('best', this.learner.model.stateDict(), { ...metadata, epoch: String(this.bestEpoch) });
    const result: FitResult<P> = { epochs: this.epoch, bestEpoch: this.bestEpoch, history: this.history, best, last };
    this.files?.writeMetrics(this.history);
    this.files?.writeResult(result);
    return result;
  }

  dispose(): void {
    tf.dispose(this.best);
  }

  private async oneEpoch(): Promise<StepLosses> {
    const { train, seed, stream, epochs, scheduleEpochs = epochs } = this.options;
    const rng = new Rng(seed, streamOf(stream, FIRST_EPOCH + this.epoch));
    const order = Array.from(rng.permutation(train.length), (i) => train[i] as number);
    const sums = { loss: 0, label: 0, consistency: undefined as number | undefined };
    for (const [i, index] of order.entries()) {
      for (const next of order.slice(i + 1, i + 3)) this.cache.prefetch(next);
      const call = { rng, step: this.epoch * order.length + i, totalSteps: scheduleEpochs * order.length };
      const losses = await this.cache.with(index, (features, bag, positions) =>
        this.named(bag.id, () => this.learner.step(features, this.task.target(bag), { ...call, positions })),
      );
      sums.loss += losses.loss;
      sums.label += losses.label;
      if (losses.consistency !== undefined) sums.consistency = (sums.consistency ?? 0) + losses.consistency;
      for (const observer of this.observers) observer.onStep?.({ epoch: this.epoch, step: i, losses });
      await breathe(this.options.signal);
      this.requireLock();
    }
    const mean = (sum: number) => sum / order.length;
    return {
      loss: mean(sums.loss),
      label: mean(sums.label),
      ...(sums.consistency === undefined ? {} : { consistency: mean(sums.consistency) }),
    };
  }

  private async predict(indices: readonly number[]): Promise<P> {
    const predictions = await evaluate(this.learner, this.cache, indices, this.task, this.options.signal);
    this.requireLock();
    return predictions;
  }

  private requireLock(): void {
    if (this.files) requireLock(this.files.folder);
  }

  /** Errors of a step carry the bag they happened on. */
  private named<T>(id: string, step: () => T): T {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof MhimError) || error.path) throw error;
      const { message, code, cause } = error;
      throw new MhimError(message, { code, path: `bag "${id}", epoch ${this.epoch}`, cause });
    }
  }

  private judge(losses: StepLosses, metric: number): void {
    const record: EpochRecord = {
      epoch: this.epoch,
      learningRate: this.learner.learningRate,
      loss: losses.loss,
      labelLoss: losses.label,
      ...(losses.consistency === undefined ? {} : { consistency: losses.consistency }),
      selection: metric,
    };
    this.history.push(record);
    for (const observer of this.observers) observer.onEpoch?.(record);
    const tied = this.options.ties === 'last' && metric === this.bestMetric;
    if (metric > this.bestMetric || tied) {
      this.bestMetric = metric;
      this.bestEpoch = this.epoch;
      tf.dispose(this.best);
      // A clone shares the memory; the next step assigns new memory to the parameter and leaves this alone.
      const state = this.learner.model.stateDict();
      this.best = Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, tf.clone(tensor)]));
    }
    this.stopped = this.stopping.update(metric, this.epoch).stop;
  }

  private checkpoint(): void {
    const { checkpointSeconds = 10 } = this.options;
    if (!this.files || Date.now() - this.lastSave < checkpointSeconds * 1000) return;
    const { step, tensors } = this.learner.state();
    const progress: Progress = {
      epoch: this.epoch,
      history: this.history,
      stopping: this.stopping.state,
      bestEpoch: this.bestEpoch,
      bestMetric: this.bestMetric,
      stopped: this.stopped,
      step,
    };
    const prefixed = (prefix: string, from: Record<string, tf.Tensor>) =>
      Object.fromEntries(Object.entries(from).map(([name, tensor]) => [prefix + name, tensor]));
    this.files.saveCheckpoint({
      progress: progress as unknown as Record<string, unknown>,
      tensors: { ...prefixed('learner.', tensors), ...prefixed('best.', this.best) },
    });
    // The moments of a native optimiser are read out for the checkpoint; the parameters are live and stay.
    tf.dispose(
      Object.entries(tensors)
        .filter(([name, tensor]) => name.startsWith('optimiser.') && !(tensor instanceof tf.Variable))
        .map(([, tensor]) => tensor),
    );
    this.files.writeMetrics(this.history);
    this.lastSave = Date.now();
  }
}

interface Progress {
  epoch: number;
  history: EpochRecord[];
  stopping: EarlyStoppingState;
  bestEpoch: number;
  bestMetric: number;
  stopped: boolean;
  step: number;
}

function identityOf<P>({
  source,
  task,
  train,
  select,
  test,
  epochs,
  scheduleEpochs,
  schedule,
  stopping,
  ties,
  seed,
  stream,
  standardise,
  identity,
}: FitOptions<P>): RunIdentity {
  const ids = (indices?: readonly number[]) => indices?.map((index) => source.bags[index]?.id);
  return {
    ...identity,
    ...(task?.identity && { task: { name: task.name, ...task.identity } }),
    epochs,
    ...(scheduleEpochs !== undefined && scheduleEpochs !== epochs && { scheduleEpochs }),
    schedule: hashOf(Array.from({ length: epochs }, (_, epoch) => schedule(epoch))),
    seed,
    stream,
    standardise,
    stopping,
    ties,
    train: ids(train),
    select: ids(select),
    test: ids(test),
  };
}

/** Without a task of its own P is `Predictions`. */
function taskOf<P>({ task, source }: FitOptions<P>): Task<P> {
  return task ?? (classificationTask(source.classes) as unknown as Task<P>);
}

/** One stream for each purpose and epoch of each run. */
function streamOf(run: number, purpose: number): number {
  return (run * (MAX_EPOCHS + 3) + purpose) >>> 0;
}

function plain({ mean, std }: Standardiser): { mean: number[]; std: number[] } {
  return { mean: Array.from(mean), std: Array.from(std) };
}
