import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFolds, type BagInfo, type BagSource, type ExtractorName, type Fold } from '@mhim/datasets';
import { MhimError, useBackend, writeFileAtomic } from '@mhim/tensor';
import { breathe, riskOf, type Predictions, type SurvivalPredictions } from '@mhim/training';
import { dataOf } from '../commands/option-types.js';
import { openData, requireLabels, requireOutcomes } from '../data/open-data.js';
import {
  foldName,
  openModels,
  predictSurvival,
  predictTogether,
  thresholdOf,
  type FoldModel,
  type ModelChoice,
} from '../models/ensemble.js';
import { requireKnownClasses } from '../models/known-classes.js';
import { foldsDiffer, runConfig } from '../models/joined-runs.js';
import { definitions, plainMetrics, survivalDefinitions, type AnyPredictions, type Metrics } from './results.js';

export interface EvaluateOptions extends ModelChoice {
  data?: string;
  /** A data set of the paper below `root`, or below `data`. */
  dataSet?: string;
  root?: string;
  extractor?: ExtractorName;
  labels?: string;
  folds?: string;
  onMissing?: 'error' | 'skip';
  unit?: 'slide' | 'case';
  json?: string;
}

export interface Evaluation {
  definitions: Record<string, string>;
  /** What was judged on what: a fold's model on its test part, one model or the folds' mean on all bags. */
  rows: ({ what: string; bags: number } & Metrics)[];
}

/** Judges stored models on labelled bags. @returns beside the figures the predictions that each row is of */
export async function evaluateModels(
  options: EvaluateOptions,
  signal?: AbortSignal,
): Promise<Evaluation & { predictions: AnyPredictions[] }> {
  const { folds: foldsPath, ...data } = withOwnData(options);
  const source = await openData(data);
  try {
    const folds = foldsPath === undefined ? undefined : await readFolds(foldsPath, source);
    await useBackend();
    const models = await openModels(options);
    try {
      const survival = predictSurvival(models);
      if (survival) requireOutcomes(source);
      else {
        requireLabels(source);
        requireKnownClasses(source, models, data.labels);
      }
      const rows: Evaluation['rows'] = [];
      const all: AnyPredictions[] = [];
      for (const { what, using, indices } of judgements(models, folds, source)) {
        const predictions = await predictAll(using, source, indices, signal);
        all.push(predictions);
        rows.push({ what, bags: indices.length, ...plainMetrics(predictions, thresholdOf(using)) });
      }
      const evaluation = { definitions: survival ? survivalDefinitions : definitions, rows };
      if (options.json !== undefined) writeFileAtomic(options.json, `${JSON.stringify(evaluation, null, 2)}\n`);
      return { ...evaluation, predictions: all };
    } finally {
      for (const { model } of models) model.dispose();
    }
  } finally {
    await source.close();
  }
}

type OwnData = Pick<EvaluateOptions, 'dataSet' | 'extractor' | 'labels' | 'folds' | 'onMissing' | 'unit'> & {
  data: string;
};

/** A run knows its data and its folds. */
function withOwnData(options: EvaluateOptions): OwnData {
  const { dataSet, extractor, labels, folds, onMissing, unit, run: runs = [] } = options;
  const data = dataOf(options.data, options.root, dataSet);
  if (data !== undefined) return { data, dataSet, extractor, labels, folds, onMissing, unit };
  const [run, ...others] = runs;
  if (run === undefined || !existsSync(join(run, 'config.json'))) {
    throw new MhimError('is missing.', { code: 'config', path: '--data', hint: 'Name bags with labels.' });
  }
  const other = others.find((path) => foldsDiffer(run, path));
  if (other !== undefined && folds === undefined) {
    throw new MhimError(`has other folds than ${run}.`, {
      code: 'config',
      path: other,
      hint: 'Name bags with --data to judge all models on the same.',
    });
  }
  const config = runConfig(run);
  return {
    data: config.data as string,
    dataSet: config.dataSet,
    extractor: config.extractor,
    labels: labels ?? config.labels,
    folds: folds ?? join(run, 'folds.json'),
    onMissing: onMissing ?? config.onMissing,
    unit: unit ?? config.unit,
  };
}

function judgements(
  models: readonly FoldModel[],
  folds: readonly Fold[] | undefined,
  { bags }: BagSource,
): { what: string; using: readonly FoldModel[]; indices: readonly number[] }[] {
  const all = bags.map((_, index) => index);
  if (folds) {
    return models.map((model) => {
      const fold = folds[model.fold ?? 0];
      if (!fold) throw new MhimError(`the folds have no fold ${model.fold}.`, { code: 'config', path: '--folds' });
      return { what: `fold ${fold.fold} on its test part`, using: [model], indices: fold.test };
    });
  }
  const each = models.map((model) => ({
    what: model.fold === undefined ? 'model' : foldName(model.fold, model.seed),
    using: [model],
    indices: all,
  }));
  return models.length === 1
    ? each
    : [...each, { what: `mean of ${models.length} models`, using: models, indices: all }];
}

async function predictAll(
  models: readonly FoldModel[],
  source: BagSource,
  indices: readonly number[],
  signal?: AbortSignal,
): Promise<AnyPredictions> {
  const classes: Predictions = { ids: [], labels: [], probabilities: [] };
  const survival: SurvivalPredictions = { ids: [], times: [], events: [], risks: [], survival: [] };
  for (const index of indices) {
    await breathe(signal);
    const bag = await source.read(index);
    const probabilities = predictTogether(models, bag);
    const { label = -1, time = NaN, event = 0 } = source.bags[index] as BagInfo;
    classes.ids.push(bag.id);
    classes.labels.push(label);
    classes.probabilities.push(probabilities);
    survival.times.push(time);
    survival.events.push(event);
    survival.risks.push(riskOf(probabilities));
  }
  const { ids, probabilities } = classes;
  return predictSurvival(models) ? { ...survival, ids, survival: probabilities } : classes;
}
