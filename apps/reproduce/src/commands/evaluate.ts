import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EXTRACTORS, readFolds, type BagInfo, type BagSource, type ExtractorName, type Fold } from '@mhim/datasets';
import { MhimError, useBackend, writeFileAtomic } from '@mhim/tensor';
import { riskOf, type Predictions, type SurvivalPredictions } from '@mhim/training';
import { Option, type Command } from 'commander';
import { readConfig } from '../config/read-config.js';
import { trainInputSchema } from '../config/train-config.js';
import { openData, requireLabels, requireOutcomes } from '../data/open-data.js';
import type { Interrupts } from '../interrupt.js';
import { dataOf } from './option-types.js';
import {
  openModels,
  predictSurvival,
  predictTogether,
  thresholdOf,
  type FoldModel,
  type ModelChoice,
} from '../models/ensemble.js';
import { requireKnownClasses } from '../models/known-classes.js';
import { definitions, plainMetrics, survivalDefinitions, type AnyPredictions, type Metrics } from '../run/results.js';
import { aligned } from '../text-table.js';

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

export function evaluateCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('evaluate')
    .description('figures of stored models on bags with labels, at the thresholds that were stored with them')
    .option('--run <dir>', 'run folder; without --data, its own data and test folds')
    .option('--checkpoint <file>', 'one model: safetensors, or a PyTorch file of a model that we know')
    .addOption(new Option('--protocol <name>', 'which models of the run').choices(['paper', 'honest']))
    .option('--data <path|name>', 'bag store, folder of feature files, or built-in name')
    .option('--labels <csv>', 'label table; default labels.csv in the data folder')
    .option('--data-set <name>', 'a data set of the paper below --root, for example cptac-nsclc')
    .option('--root <dir>', 'where the features of --data-set lie')
    .addOption(new Option('--extractor <name>', 'encoder of those').choices(Object.keys(EXTRACTORS)))
    .option('--folds <file>', 'judge each fold’s model on the test part of its fold only')
    .addOption(new Option('--on-missing <what>', 'bags or labels without partner').choices(['error', 'skip']))
    .addOption(new Option('--unit <what>', 'what a bag is in a folder of slides').choices(['slide', 'case']))
    .option('--json <file>', 'write the figures as JSON too')
    .addHelpText(
      'after',
      `
A figure that is undefined for the bags is – in the table and null in the JSON, both with the reason.

Examples:
  $ reproduce evaluate --run runs/musk1
  $ reproduce evaluate --run runs/camelyon --data external/ --labels external.csv
  $ reproduce evaluate --run runs/nsclc --data-set cptac-nsclc --root features/ --extractor uni
  $ reproduce evaluate --checkpoint fold_0_model_best.pt --data features/ --labels slides.csv --json figures.json`,
    )
    .action(async (options: EvaluateOptions) => {
      const evaluation = await evaluateModels(options, interrupts.signal);
      const figures: [string, FigureName][] =
        evaluation.definitions.cIndex === undefined
          ? [
              ['AUC', 'auc'],
              ['accuracy', 'accuracy'],
              ['F1', 'f1'],
              ['threshold', 'threshold'],
            ]
          : [['C-index', 'cIndex']];
      const rows = evaluation.rows.map((row) => [
        ...[row.what, String(row.bags)],
        ...figures.map(([, name]) => shown(name, row[name])),
      ]);
      const header = ['model', 'bags', ...figures.map(([name]) => name)];
      process.stdout.write(`${[aligned([header, ...rows]), ...footnotes(evaluation, figures)].join('\n')}\n`);
    });
}

type FigureName = Exclude<keyof Metrics, 'reasons'>;

function shown(name: FigureName, value: number | null | undefined): string {
  if (name === 'threshold' && typeof value === 'number' && value > 1) return '> 1';
  return value?.toFixed(4) ?? '–';
}

/** Why figures of the table are undefined, once where the reason is the same. */
function footnotes({ rows }: Evaluation, figures: readonly [string, FigureName][]): string[] {
  const undefinedBy = new Map<string, Set<string>>();
  for (const { reasons } of rows) {
    for (const [title, name] of figures) {
      const reason = reasons?.[name];
      if (reason !== undefined) undefinedBy.set(reason, (undefinedBy.get(reason) ?? new Set()).add(title));
    }
  }
  return [...undefinedBy].map(([reason, titles]) => `– ${[...titles].join(', ')} undefined: ${reason}.`);
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
  const { dataSet, extractor, labels, folds, onMissing, unit, run } = options;
  const data = dataOf(options.data, options.root, dataSet);
  if (data !== undefined) return { data, dataSet, extractor, labels, folds, onMissing, unit };
  const path = run === undefined ? undefined : join(run, 'config.json');
  if (run === undefined || path === undefined || !existsSync(path)) {
    throw new MhimError('is missing.', { code: 'config', path: '--data', hint: 'Name bags with labels.' });
  }
  const config = readConfig(path, trainInputSchema);
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
    what: model.fold === undefined ? 'model' : `fold ${model.fold}`,
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
    signal?.throwIfAborted();
    const bag = await source.read(index);
    const probabilities = predictTogether(models, bag);
    const { label = -1, time = NaN, event = 0 } = source.bags[index] as BagInfo;
    classes.ids.push(bag.id);
    classes.labels.push(label);
    classes.probabilities.push(probabilities);
    survival.times.push(time);
    survival.events.push(event);
    survival.risks.push(riskOf(probabilities));
    await new Promise(setImmediate);
  }
  const { ids, probabilities } = classes;
  return predictSurvival(models) ? { ...survival, ids, survival: probabilities } : classes;
}
