import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashFolds, nameFolds, type BagSource, type Fold } from '@mhim/datasets';
import { MhimError, useBackend } from '@mhim/tensor';
import { lockRun, progressBar, type FitResult } from '@mhim/training';
import { idleOptions } from '../config/idle-options.js';
import type { TrainConfig } from '../config/train-config.js';
import { absolutePaths } from '../data/absolute-paths.js';
import { chooseFolds, innerSplit } from '../data/choose-folds.js';
import {
  openData,
  requireClasses,
  requireOutcomes,
  withoutClasses,
  requireLabels,
  requireReadable,
} from '../data/open-data.js';
import type { Interrupts } from '../interrupt.js';
import { aggregatorOf, baselineOf, rehearse, startsFromBaseline } from '../models/create-model.js';
import type { ModelConfig } from '../models/model-config.js';
import { comparable } from '../models/later-options.js';
import { isMethod } from '../models/model-names.js';
import { describeEnvironment } from './environment.js';
import { predictionsCsv, type PredictionRow } from './predictions.js';
import {
  definitions,
  isSurvival,
  summarise,
  survivalDefinitions,
  type AnyPredictions,
  type FoldResult,
  type Results,
  type StageResult,
} from './results.js';
import { RunFolder } from './run-folder.js';
import { runStage } from './stage.js';

export interface TrainOptions {
  config: TrainConfig;
  out: string;
  /** Train this fold only; the others are left for later calls. */
  onlyFold?: number;
  /** A finished run whose baselines a method or IBMIL starts from, instead of training them. */
  baselineDir?: string;
  /** Least seconds between checkpoints. */
  checkpointSeconds?: number;
  /** Numbers of epochs after which the teacher of the trained model is kept. */
  moments?: readonly number[];
  interrupts: Interrupts;
  log: (line: string) => void;
}

export type Protocol = 'paper' | 'honest';

/** A finished stage, for tables and reports. */
export interface TrainedStage {
  fold: number;
  protocol: Protocol;
  stage: string;
  folder: string;
  fit: FitResult<AnyPredictions>;
}

export interface TrainOutcome {
  results: Results;
  stages: TrainedStage[];
  /** Whether all of it was there already. */
  alreadyDone: boolean;
}

/**
 * Cross-validates a model into a run folder: every fold, protocol and stage is a training of its own that resumes by itself.
 * The same call again finishes what is left and gives the same files, byte for byte; only `timing.json` and
 * `environment.json` depend on the machine.
 */
export async function trainRun(options: TrainOptions): Promise<TrainOutcome> {
  const { config, out } = options;
  const source = await openSource(config, options.log);
  try {
    requireTargets(source, config);
    const folds = await chooseFolds(source, config);
    const wanted = chosenFolds(folds, options.onlyFold);
    const folder = new RunFolder(out);
    const release = lockRun(out);
    try {
      await claim(folder, config, source, folds, options.baselineDir);
      return await new TrainRun(options, source, folds, folder).run(wanted);
    } finally {
      release();
    }
  } finally {
    await source.close();
  }
}

async function openSource(config: TrainConfig, log: (line: string) => void): Promise<BagSource> {
  const source = await openData({ ...config, log });
  // A data set's source has no classes where it is of survival, and brings its folds.
  return config.task === 'survival' && config.dataSet === undefined ? withoutClasses(source) : source;
}

function requireTargets(source: BagSource, { task, labels }: TrainConfig): void {
  if (task === 'survival') return requireOutcomes(source);
  requireLabels(source);
  requireClasses(source, labels);
}

class TrainRun {
  private readonly stages: TrainedStage[] = [];
  private trained = 0;

  constructor(
    private readonly options: TrainOptions,
    private readonly source: BagSource,
    private readonly folds: readonly Fold[],
    private readonly folder: RunFolder,
  ) {}

  async run(wanted: readonly Fold[]): Promise<TrainOutcome> {
    const { log } = this.options;
    const before = this.folder.readJson<Results>('results.json');
    const alreadyDone =
      before !== undefined && wanted.every(({ fold }) => before.folds.some((done) => done.fold === fold));
    if (!alreadyDone) {
      const backend = await useBackend({ log });
      if (!this.folder.has('environment.json')) this.folder.writeJson(describeEnvironment(backend), 'environment.json');
      rehearse(modelConfig(this.options.config, this.source));
    } else {
      await useBackend({ log: () => {} });
    }
    for (const fold of this.folds) {
      const finished = this.folder.has(`fold-${fold.fold}`, 'metrics.json');
      if (wanted.includes(fold) || finished) await this.runFold(fold);
    }
    return { results: this.writeResults(), stages: this.stages, alreadyDone: alreadyDone && this.trained === 0 };
  }

  private async runFold(fold: Fold): Promise<void> {
    const { config } = this.options;
    const parts: Record<Protocol, (StageResult & { baseline?: StageResult }) | undefined> = {
      paper: undefined,
      honest: undefined,
    };
    const inner = config.protocol === 'paper' ? undefined : innerSplit(fold, this.source, config);
    const outer: Fold = { fold: fold.fold, train: fold.train, test: fold.test };
    if (config.protocol !== 'honest') parts.paper = await this.runProtocol(outer, 'paper');
    if (inner) parts.honest = await this.runProtocol(inner, 'honest');
    const honest = parts.honest &&
      inner && { ...parts.honest, trainBags: inner.train.length, validationBags: inner.validation.length };
    const main = parts.paper ?? (parts.honest as StageResult);
    const result: FoldResult = {
      fold: fold.fold,
      trainBags: parts.paper ? fold.train.length : (inner?.train.length ?? 0),
      testBags: fold.test.length,
      ...main,
      ...(honest ? { honest } : {}),
    };
    this.folder.writeJson(result, `fold-${fold.fold}`, 'metrics.json');
  }

  private async runProtocol(fold: Fold, protocol: Protocol): Promise<StageResult & { baseline?: StageResult }> {
    const { config } = this.options;
    const model = modelConfig(config, this.source);
    const stream = protocol === 'paper' ? 0 : 2;
    const starts = startsFromBaseline(model) || config.init !== undefined;
    if (!isMethod(model.model) && !starts) return this.runStage(fold, protocol, model.model, model, stream);
    const { baselineDir } = this.options;
    const stored = baselineDir && baselineStage(baselineDir, aggregatorOf(model), fold.fold, protocol);
    const baseline = starts
      ? stored
        ? storedStage(stored)
        : await this.runStage(fold, protocol, 'baseline', baselineOf(model), stream)
      : undefined;
    const from = baseline && (stored || this.stageFolder(fold, protocol, 'baseline'));
    const result = await this.runStage(fold, protocol, model.model, model, stream + 1, from);
    return { ...result, ...(baseline ? { baseline } : {}) };
  }

  private async runStage(
    fold: Fold,
    protocol: Protocol,
    stage: string,
    model: ModelConfig,
    stream: number,
    baseline?: string,
  ): Promise<StageResult> {
    const { config, checkpointSeconds, moments } = this.options;
    const folder = this.stageFolder(fold, protocol, stage);
    const isNew = !existsSync(join(folder, 'result.json'));
    const progress = progressBar();
    const start = Date.now();
    const title = `fold ${fold.fold + 1}/${this.folds.length} ${protocol} ${stage}`;
    try {
      const plan = {
        source: this.source,
        fold,
        model,
        training: config,
        folder,
        stream,
        baseline,
        checkpointSeconds,
        ...(stage === 'baseline' ? {} : { moments }),
        signal: this.options.interrupts.signal,
        observer: progress.run(title),
      };
      const { result, fit } = await runStage(plan);
      this.stages.push({ fold: fold.fold, protocol, stage, folder, fit });
      if (isNew) {
        this.trained++;
        progress.stop();
        this.note(title, result, (Date.now() - start) / 1000);
      }
      return result;
    } finally {
      progress.stop();
    }
  }

  private note(title: string, stage: StageResult, seconds: number): void {
    const { bestEpoch, epochs, reasons } = stage;
    const show = (name: 'auc' | 'accuracy' | 'cIndex') =>
      stage[name]?.toFixed(3) ?? `undefined${reasons?.[name] === undefined ? '' : ` (${reasons[name]})`}`;
    const survival = this.options.config.task === 'survival';
    const figures = survival ? `C-index ${show('cIndex')}` : `AUC ${show('auc')}, accuracy ${show('accuracy')}`;
    this.options.log(`${title}: ${figures}, best epoch ${bestEpoch + 1} of ${epochs}, ${seconds.toFixed(0)} s`);
    const timing = this.folder.readJson<Record<string, number>>('timing.json') ?? {};
    // A stage that was interrupted counts its last stretch only.
    this.folder.writeJson({ ...timing, [title]: Math.round(seconds * 10) / 10 }, 'timing.json');
  }

  private stageFolder({ fold }: Fold, protocol: Protocol, stage: string): string {
    return this.folder.file(`fold-${fold}`, protocol, stage);
  }

  private writeResults(): Results {
    const { config } = this.options;
    const done = this.folds.flatMap(
      ({ fold }) => this.folder.readJson<FoldResult>(`fold-${fold}`, 'metrics.json') ?? [],
    );
    const results: Results = {
      data: this.source.name,
      simulated: this.source.simulated,
      model: config.model,
      ...(config.base === undefined ? {} : { base: config.base }),
      protocol: config.protocol,
      figures: config.protocol === 'honest' ? 'honest' : 'paper',
      complete: done.length === this.folds.length,
      definitions: config.task === 'survival' ? survivalDefinitions : definitions,
      summary: summarise(done),
      folds: done,
    };
    this.folder.writeJson(results, 'results.json');
    this.folder.writeText(predictionsCsv(this.stages.flatMap(predictionRows)), 'predictions.csv');
    return results;
  }
}

/** The model that a training configuration describes, for the data at hand. */
function modelConfig(config: TrainConfig, { width, classes }: BagSource): ModelConfig {
  const { model, base, aggregator, mhim, task, bins } = config;
  const outputs = task === 'survival' ? { classes: bins as number, task } : { classes };
  return { format: 'mhim-model', version: 1, model, base, inputDim: width, ...outputs, aggregator, mhim };
}

async function claim(
  folder: RunFolder,
  config: TrainConfig,
  source: BagSource,
  folds: readonly Fold[],
  baselineDir: string | undefined,
): Promise<void> {
  const named = nameFolds(folds, source.bags);
  const fingerprint = await source.fingerprint();
  const before = folder.readJson<{ fingerprint?: string }>('data.json')?.fingerprint;
  // A bag that has been damaged since says more than two checksums.
  if (before !== undefined && before !== fingerprint) await requireReadable(source);
  const sha256 = hashFolds(named);
  const sameBags = before === fingerprint && folder.readJson<{ sha256?: string }>('folds.json')?.sha256 === sha256;
  folder.claim(
    {
      'config.json': absolutePaths(config),
      'data.json': {
        name: source.name,
        bags: source.bags.length,
        width: source.width,
        classes: source.classes,
        simulated: source.simulated,
        fingerprint,
        ...(baselineDir === undefined ? {} : { baseline: fingerprintOfBaseline(baselineDir, named) }),
      },
      'folds.json': { unit: 'bag', sha256, folds: named },
    },
    // Where the files lie does not matter; what they say is compared by its fingerprint. Of other bags or folds the option is named.
    sameBags ? [...idleOptions(config), 'name'] : ['data', 'labels', 'folds'],
    comparable,
  );
}

/** @throws MhimError `config` unless the baselines were trained on the same folds */
function fingerprintOfBaseline(baselineDir: string, folds: ReturnType<typeof nameFolds>): string {
  const other = new RunFolder(baselineDir).readJson<{ sha256: string }>('folds.json');
  if (other?.sha256 === hashFolds(folds)) return other.sha256;
  throw new MhimError(
    other ? 'its baselines were trained on other folds.' : 'is no run folder: it has no folds.json.',
    {
      code: 'config',
      path: baselineDir,
      hint: 'Name the folder of a finished run on the same data and folds, or leave --baseline-dir out.',
    },
  );
}

function baselineStage(run: string, aggregator: string, fold: number, protocol: Protocol): string {
  const found = ['baseline', aggregator]
    .map((stage) => join(run, `fold-${fold}`, protocol, stage))
    .find((folder) => existsSync(join(folder, 'result.json')));
  if (found !== undefined) return found;
  throw new MhimError(`has no finished baseline of fold ${fold} under the ${protocol} protocol.`, {
    code: 'config',
    path: run,
    hint: 'Finish that run first, or leave --baseline-dir out.',
  });
}

function storedStage(folder: string): StageResult {
  const fold = JSON.parse(readFileSync(join(folder, '..', '..', 'metrics.json'), 'utf8')) as FoldResult;
  const protocol = folder.split(/[\\/]/).at(-2) as Protocol;
  const own = protocol === 'honest' ? (fold.honest ?? fold) : fold;
  const { baseline, ...result } = own;
  const stage = folder.endsWith('baseline') && baseline ? baseline : result;
  const { auc, accuracy, f1, f1Macro, threshold, cIndex, reasons, bestEpoch, epochs, last, instanceAuc } = stage;
  return {
    ...{ auc, accuracy, f1, f1Macro, threshold, cIndex, bestEpoch, epochs, last },
    ...(reasons === undefined ? {} : { reasons }),
    ...(instanceAuc === undefined ? {} : { instanceAuc }),
  };
}

function chosenFolds(folds: readonly Fold[], only: number | undefined): readonly Fold[] {
  if (only === undefined) return folds;
  const chosen = folds.filter(({ fold }) => fold === only);
  if (chosen.length > 0) return chosen;
  throw new MhimError(`there is no fold ${only}.`, {
    code: 'config',
    path: '--only-fold',
    hint: `Folds are numbered 0 to ${folds.length - 1}.`,
  });
}

function predictionRows({ fold, protocol, stage, fit }: TrainedStage): PredictionRow[] {
  const { test } = fit.best;
  const whence = { fold, protocol, stage, epoch: fit.bestEpoch };
  if (isSurvival(test)) {
    return test.ids.map((id, i) => ({
      id,
      time: test.times[i],
      event: test.events[i],
      risk: test.risks[i],
      probabilities: test.survival[i] as number[],
      ...whence,
    }));
  }
  return test.ids.map((id, i) => ({
    id,
    label: test.labels[i],
    probabilities: test.probabilities[i] as number[],
    ...whence,
  }));
}
