import { join } from 'node:path';
import { foldSeed, type BagSource, type Fold } from '@mhim/datasets';
import { HardMining, initialiseAggregator, initialiseFromBaseline } from '@mhim/hard-mining';
import { rocAuc } from '@mhim/metrics';
import { IBMIL } from '@mhim/mil-aggregators';
import {
  makeFolder,
  readSafetensors,
  writeFileAtomic,
  writeSafetensors,
  type HostTensor,
  type Rng,
  type StateSource,
} from '@mhim/tensor';
import {
  classificationTask,
  cosineRate,
  fit,
  mhimLearner,
  supervisedLearner,
  survivalTask,
  type FitObserver,
  type FitResult,
  type Learner,
  type SurvivalTask,
  type Task,
} from '@mhim/training';
import type { TrainConfig } from '../config/train-config.js';
import { baselineOf, createModel } from '../models/create-model.js';
import { comparable } from '../models/later-options.js';
import type { ModelConfig } from '../models/model-config.js';
import { StoredModel } from '../models/stored-model.js';
import { confounders } from './confounders.js';
import { stageResult, type AnyPredictions, type StageResult } from './results.js';
import { RunFolder } from './run-folder.js';
import { CostMeter } from './stage-cost.js';

/** The training of one model on one fold under one protocol. */
export interface StagePlan {
  source: BagSource;
  /** `validation`, where it is given, chooses epoch and threshold; else the test part does. */
  fold: Fold;
  model: ModelConfig;
  training: TrainConfig;
  folder: string;
  /** Keeps the random numbers of a fold's stages apart. */
  stream: number;
  /** The baseline's folder, from which a method starts, or IBMIL's dictionary comes. */
  baseline?: string;
  checkpointSeconds?: number;
  /** Numbers of epochs after which the teacher is kept, in `teacher-EPOCHS/`. */
  moments?: readonly number[];
  /** Stops the stage between two bags; what was trained since the last checkpoint is trained again. */
  signal?: AbortSignal;
  observer?: FitObserver;
}

export interface StageOutcome {
  result: StageResult;
  fit: FitResult<AnyPredictions>;
}

/** Trains a stage, or goes on with it, or takes the finished result from its folder. */
export async function runStage(plan: StagePlan): Promise<StageOutcome> {
  const { source, fold, model, training, folder } = plan;
  const select = fold.validation ?? fold.test;
  const survival = survivalOf(plan);
  const task: Task<AnyPredictions> = survival ?? classificationTask(model.classes);
  let learner: Learner | undefined;
  const meter = new CostMeter(fold.train.length, select.length);
  const outcome = await fit({
    source,
    task,
    train: fold.train,
    select,
    test: fold.test,
    createLearner: async (rng) => {
      learner = await createLearner(plan, rng);
      meter.parameters = learner.model.parameterCount();
      return learner;
    },
    epochs: training.epochs,
    scheduleEpochs: training.scheduleEpochs,
    schedule: cosineRate(training.learningRate, training.scheduleEpochs ?? training.epochs),
    stopping: {
      patience: training.patience,
      earliestEpoch: training.minimumEpochs - 1,
      perfectFrom: training.perfectFrom,
    },
    // A validation part of a few bags is soon ranked without error; the official rule would then keep the first epochs.
    ties: fold.validation ? 'last' : 'first',
    seed: foldSeed(training.seed, fold.fold),
    stream: plan.stream,
    standardise: training.standardise,
    folder,
    checkpointSeconds: plan.checkpointSeconds,
    signal: plan.signal,
    identity: {
      model: comparable(model),
      learningRate: training.learningRate,
      weightDecay: training.weightDecay,
      ...(training.init !== undefined && plan.baseline !== undefined ? { init: training.init } : {}),
    },
    observer: {
      onStart(run) {
        meter.onStart();
        plan.observer?.onStart?.(run);
      },
      onStep(step) {
        meter.onStep();
        plan.observer?.onStep?.(step);
      },
      onEpoch(record) {
        meter.onEpoch();
        if (learner && plan.moments?.includes(record.epoch + 1)) keepTeacher(plan, learner, record.epoch + 1);
        plan.observer?.onEpoch?.(record);
      },
    },
  });
  await meter.write(folder);
  const result = stageResult(outcome);
  const { threshold, reasons } = result;
  const config = { ...model, threshold, thresholdReason: reasons?.threshold, timeEdges: survival?.edges };
  writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const instanceAuc = await instanceAucOf(folder, source, fold.test, plan.signal);
  return { result: instanceAuc === undefined ? result : { ...result, instanceAuc }, fit: outcome };
}

/** Time bins know the bags that the stage learns from, or all of the source. */
function survivalOf({ source, fold, training: { task, bins, binsFrom, alpha } }: StagePlan): SurvivalTask | undefined {
  return task === 'survival' ? survivalTask(source.bags, fold.train, { bins, binsFrom, alpha }) : undefined;
}

async function createLearner({ model: config, training, baseline, ...plan }: StagePlan, rng: Rng): Promise<Learner> {
  const { learningRate, weightDecay } = training;
  const model = createModel(config, rng);
  if (model instanceof IBMIL && baseline !== undefined) {
    const { source, fold, folder } = plan;
    model.setConfounders(
      await confounders({ baseline, folder, source, train: fold.train, count: model.config.confounders }),
    );
  }
  if (!(model instanceof HardMining)) {
    if (training.init !== undefined && baseline !== undefined) {
      initialiseAggregator(model, await bestWeights(baseline), training.init);
    }
    return supervisedLearner(model, { learningRate, weightDecay });
  }
  if (baseline !== undefined) initialiseFromBaseline(model, await bestWeights(baseline));
  return mhimLearner(model, { learningRate, weightDecay });
}

/** Keeps the teacher as a model that can be opened by itself. Of a model without teacher, the model. */
function keepTeacher({ folder, model: config }: StagePlan, { model }: Learner, epochs: number): void {
  const [taught, described] =
    model instanceof HardMining ? [model.teacher.aggregator, baselineOf(config)] : [model, config];
  const path = join(folder, `teacher-${epochs}`);
  makeFolder(path);
  const tensors = Object.entries(taught.stateDict()).map(([name, tensor]): [string, HostTensor] => [
    name,
    { dtype: 'F32', shape: [...tensor.shape], data: tensor.dataSync() as Float32Array },
  ]);
  writeSafetensors(join(path, 'best.safetensors'), tensors, { epoch: String(epochs - 1) });
  writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(described, null, 2)}\n`);
}

async function bestWeights(stage: string): Promise<StateSource> {
  return Object.fromEntries((await readSafetensors(join(stage, 'best.safetensors'))).tensors);
}

/**
 * How well instance scores find the instances that make a bag positive; undefined where the data do not say which they are.
 * Kept in the stage's folder.
 */
async function instanceAucOf(
  path: string,
  source: BagSource,
  test: readonly number[],
  signal?: AbortSignal,
): Promise<number | null | undefined> {
  const folder = new RunFolder(path);
  const known = folder.readJson<{ auc: number | null; known: boolean }>('instances.json');
  if (known) return known.known ? known.auc : undefined;
  const first = test[0] === undefined ? undefined : await source.read(test[0]);
  if (!first?.instanceLabels) {
    folder.writeJson({ known: false, auc: null }, 'instances.json');
    return undefined;
  }
  const model = await StoredModel.open(path);
  const areas: number[] = [];
  try {
    for (const index of test) {
      signal?.throwIfAborted();
      if (source.bags[index]?.label !== 1) continue;
      const bag = await source.read(index);
      const labels = bag.instanceLabels?.map((label) => (label > 0 ? 1 : 0));
      if (!labels?.includes(1) || !labels.includes(0)) continue;
      const { attention, scores } = model.explain(bag);
      areas.push(rocAuc(labels, attention ?? scores));
    }
  } finally {
    model.dispose();
  }
  const auc = areas.length === 0 ? null : areas.reduce((a, b) => a + b, 0) / areas.length;
  folder.writeJson({ known: true, auc }, 'instances.json');
  return auc;
}
