import { basename, join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { EXTRACTORS, type Bag, type BagSource, type ExtractorName } from '@mhim/datasets';
import { breathe, riskOf } from '@mhim/training';
import { makeFolder, MhimError, useBackend, writeFileAtomic, writeSafetensors, type HostTensor } from '@mhim/tensor';
import { Option, type Command } from 'commander';
import { openData } from '../data/open-data.js';
import type { Interrupts } from '../interrupt.js';
import { dataOf } from './option-types.js';
import {
  calledClass,
  explainTogether,
  openModels,
  predictSurvival,
  predictTogether,
  thresholdOf,
  type ModelChoice,
} from '../models/ensemble.js';
import { predictionsCsv, type PredictionRow } from '../run/predictions.js';

export interface PredictOptions extends ModelChoice {
  data?: string;
  /** A data set of the paper below `root`, or below `data`. */
  dataSet?: string;
  root?: string;
  extractor?: ExtractorName;
  out?: string;
  /** Folder for one file of instance scores a bag. */
  instances?: string;
  instancesFormat: 'csv' | 'safetensors';
}

export function predictCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('predict')
    .description(
      'class probabilities of bags, or risk and survival, with or without labels; a run predicts with the mean of its folds',
    )
    .option(
      '--run <dirs...>',
      'run folders: their folds’ models together; several must be trained alike, as jobs/ID of a table’s cell',
    )
    .option('--checkpoint <file>', 'one model: safetensors, or a PyTorch file of a model that we know')
    .addOption(new Option('--protocol <name>', 'which models of the run').choices(['paper', 'honest']))
    .option('--data <path|name>', 'bag store, folder of feature files, one feature file’s folder, or built-in name')
    .option('--data-set <name>', 'or a data set of the paper below --root')
    .option('--root <dir>', 'where the features of --data-set lie')
    .addOption(new Option('--extractor <name>', 'encoder of those').choices(Object.keys(EXTRACTORS)))
    .option('--out <file>', 'where the CSV goes (default: standard output)')
    .option('--instances <dir>', 'also write attention and scores of every instance, a file a bag')
    .addOption(new Option('--instances-format <format>').choices(['csv', 'safetensors']).default('csv'))
    .addHelpText(
      'after',
      `
Examples:
  $ reproduce predict --run runs/musk1 --data musk1 > predictions.csv
  $ reproduce predict --run runs/paper/jobs/0c… runs/paper/jobs/7f… --data new-slides/ --out new.csv   # reproduce collect says which
  $ reproduce predict --checkpoint fold_0_model_best.pt --data new-slides/ --out new.csv --instances new-scores/`,
    )
    .action(async (options: PredictOptions) => {
      const outcome = await predict(options, interrupts.signal);
      if (outcome.failures.length < outcome.bags) {
        if (options.out === undefined) process.stdout.write(outcome.csv);
        else process.stderr.write(`Predictions: ${options.out}\n`);
      }
      if (outcome.failures.length > 0) throw leftOut(outcome);
    });
}

export interface PredictionOutcome {
  /** The table of all bags that could be read. */
  csv: string;
  bags: number;
  /** What is wrong with the others. */
  failures: MhimError[];
}

/**
 * Predicts all bags and writes the files that are asked for. A bag that cannot be read does not cost the predictions of the
 * others.
 */
export async function predict(options: PredictOptions, signal?: AbortSignal): Promise<PredictionOutcome> {
  const { dataSet, extractor } = options;
  const data = dataOf(options.data, options.root, dataSet);
  if (data === undefined) {
    throw new MhimError('is missing.', { code: 'config', path: '--data', hint: 'Name bags to predict.' });
  }
  const source = await openData({ data, dataSet, extractor, labels: false });
  try {
    if (options.instances !== undefined) for (const { id } of source.bags) checkFileName(id, source.path);
    await useBackend();
    const models = await openModels(options);
    const survival = predictSurvival(models);
    const threshold = thresholdOf(models);
    const rows: PredictionRow[] = [];
    const failures: MhimError[] = [];
    try {
      for (const [index, info] of source.bags.entries()) {
        await breathe(signal);
        const bag = await readOrNote(source, index, failures);
        if (!bag) continue;
        const probabilities = predictTogether(models, bag);
        const { id, label, time, event } = info;
        const outcome = survival
          ? { time, event, risk: riskOf(probabilities) }
          : { label, called: calledClass(probabilities, threshold) };
        rows.push({ id, probabilities, ...outcome });
        if (options.instances !== undefined) {
          writeInstances(options.instances, options.instancesFormat, bag, explainTogether(models, bag));
        }
      }
    } finally {
      for (const { model } of models) model.dispose();
    }
    const csv = predictionsCsv(rows);
    if (options.out !== undefined && rows.length > 0) writeFileAtomic(options.out, csv);
    return { csv, bags: source.bags.length, failures };
  } finally {
    await source.close();
  }
}

async function readOrNote(source: BagSource, index: number, failures: MhimError[]): Promise<Bag | undefined> {
  try {
    return await source.read(index);
  } catch (error) {
    if (!(error instanceof MhimError)) throw error;
    failures.push(error);
    return undefined;
  }
}

/** The error of the bags that were left out, after all others are written. */
function leftOut({ bags, failures }: PredictionOutcome): MhimError {
  const [first] = failures as [MhimError];
  const shown = failures.slice(0, 5).map(({ message }) => message);
  const more = failures.length > shown.length ? ' …' : '';
  return new MhimError(`${failures.length} of ${bags} bags were not predicted: ${shown.join(' ')}${more}`, {
    code: first.code,
  });
}

/** Ids come from files of others: none may lead out of the folder. */
export function checkFileName(id: string, path: string | undefined): void {
  if (id !== '' && basename(id) === id && !id.includes('\\') && !id.startsWith('.')) return;
  throw new MhimError(`the bag id "${id}" is no file name.`, { code: 'data', path, hint: 'Rename the bag.' });
}

/** One file a bag: place, attention, score and favoured class of every instance. */
function writeInstances(
  folder: string,
  format: 'csv' | 'safetensors',
  bag: Bag,
  explanation: ReturnType<typeof explainTogether>,
): void {
  makeFolder(folder);
  const { attention, scores, classes } = explanation;
  const { coords } = bag;
  const path = join(folder, `${bag.id}.${format}`);
  if (format === 'safetensors') {
    const n = bag.instances;
    const tensors: [string, HostTensor][] = [
      ['scores', { dtype: 'F32', shape: [n], data: scores }],
      ['classes', { dtype: 'I32', shape: [n], data: classes }],
    ];
    if (attention) tensors.push(['attention', { dtype: 'F32', shape: [n], data: attention }]);
    if (coords) tensors.push(['coords', { dtype: 'F32', shape: [n, 2], data: coords }]);
    writeSafetensors(path, tensors);
    return;
  }
  const header = ['instance', ...(coords ? ['x', 'y'] : []), ...(attention ? ['attention'] : []), 'score', 'class'];
  const rows = Array.from(scores, (score, i) => [
    i,
    ...(coords ? [coords[2 * i], coords[2 * i + 1]] : []),
    ...(attention ? [attention[i]] : []),
    score,
    classes[i],
  ]);
  writeFileAtomic(path, stringify([header, ...rows]));
}
