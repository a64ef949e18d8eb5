import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  BENCHMARKS,
  checkClassNumbers,
  labelBags,
  openBagFolder,
  openBags,
  openBenchmark,
  readLabels,
  verifyBagStore,
  type BagInfo,
  type BagSource,
  type BenchmarkName,
  type ExtractorName,
} from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import { openCohort, openFeatures } from '../cohorts/open-cohort.js';

export interface DataOptions {
  /** Bag store, folder of feature files, or the name of a built-in data set. */
  data: string;
  /** A data set of the paper, whose features lie below `data`. */
  dataSet?: string;
  /** Of a data set: the encoder. */
  extractor?: ExtractorName;
  /** Label table; default `labels.csv` in the folder, where there is one. `false` opens bags without looking for labels. */
  labels?: string | false;
  onMissing?: 'error' | 'skip';
  unit?: 'slide' | 'case';
  /** Hears what is fetched and what is left out. Default: standard error. */
  log?: (line: string) => void;
}

/** Opens bags by path or built-in name, with the labels that belong to them. */
export async function openData(options: DataOptions): Promise<BagSource> {
  const { data, dataSet, extractor, labels, onMissing, unit, log = toStderr } = options;
  if (dataSet !== undefined) {
    if (labels === false) return openFeatures({ set: dataSet, root: data, extractor });
    return openCohort({ set: dataSet, root: data, extractor, labels, onMissing, log });
  }
  if (!existsSync(data)) {
    if (isBuiltIn(data)) return openBenchmark(data, { log });
    const looksLikePath = /[\\/.]/.test(data);
    throw new MhimError('there is no such file or folder, nor a built-in data set of that name.', {
      code: looksLikePath ? 'file-missing' : 'config',
      path: data,
      hint: `Check the path, or use one of ${Object.keys(BENCHMARKS).join(', ')}.`,
    });
  }
  const table = labels === false ? undefined : (labels ?? tableIn(data));
  if (table === undefined) return openBags(data, { onMissing, unit });
  const source = await openBags(data, { labels: await infosOf(table, data, onMissing), onMissing, unit });
  if (source.skipped.length > 0) {
    const more = source.skipped.length > 5 ? ' …' : '';
    log(`Left out, bag or label missing: ${source.skipped.length} (${source.skipped.slice(0, 5).join(', ')}${more}).`);
  }
  return source;
}

/** @throws MhimError `data` naming bags without label, which cannot be trained on or judged */
export function requireLabels(source: BagSource): void {
  const without = source.bags.filter(({ label }) => label === undefined);
  if (without.length === 0) return;
  const names = without.slice(0, 5).map(({ id }) => id);
  const all = without.length === source.bags.length;
  throw new MhimError(
    all
      ? 'the bags have no labels.'
      : `${without.length} bags have no label: ${names.join(', ')}${without.length > 5 ? ' …' : ''}.`,
    {
      code: 'data',
      path: source.path ?? source.name,
      hint: 'Name a label table with --labels FILE.csv (columns slide_id,label), or put it into the folder as labels.csv.',
    },
  );
}

/** @throws MhimError `data` naming bags without survival time and event, or when nobody died */
export function requireOutcomes({ bags, path, name }: BagSource): void {
  const at = { code: 'data', path: path ?? name } as const;
  const without = bags.filter(({ time, event }) => time === undefined || event === undefined);
  if (without.length > 0) {
    const names = without.slice(0, 5).map(({ id }) => id);
    const more = without.length > 5 ? ' …' : '';
    throw new MhimError(`${without.length} bags have no survival time and event: ${names.join(', ')}${more}.`, {
      ...at,
      hint: 'Name a label table with --labels FILE.csv (columns case_id,time,event; event 1 = died, or censorship 1 = not).',
    });
  }
  if (bags.some(({ event }) => event === 1)) return;
  throw new MhimError(`all ${bags.length} bags are censored.`, {
    ...at,
    hint: 'Survival needs deaths. Is the status column the right way round (1 = died)?',
  });
}

/** The same bags without classes, so that folds are stratified by outcome. */
export function withoutClasses(source: BagSource): BagSource {
  return {
    name: source.name,
    path: source.path,
    width: source.width,
    classes: source.classes,
    simulated: source.simulated,
    bags: source.bags.map(({ label: _label, ...info }) => info),
    read: (index) => source.read(index),
    fingerprint: () => source.fingerprint(),
    close: () => source.close(),
  };
}

/**
 * @param labels the label table, where one is named
 * @throws MhimError `data` when all bags are of one class, from which nothing is to be learnt, or a class's number is left out
 */
export function requireClasses(source: BagSource, labels?: string): void {
  const { bags, path, name } = source;
  const classes = new Set(bags.map(({ label }) => label));
  if (classes.size !== 1) return checkClassNumbers(bags, labelsOf(source, labels));
  throw new MhimError(`all ${bags.length} bags are of class ${[...classes][0]}.`, {
    code: 'data',
    path: path ?? name,
    hint: 'Training and AUC need two classes at least. Is it the right label table, and the right column?',
  });
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Looks for a damaged bag among those that are known to have changed.
 * @throws MhimError naming the first one
 */
export async function requireReadable(source: BagSource): Promise<void> {
  if (source.path !== undefined && basename(source.path) === 'bags.safetensors') {
    await verifyBagStore(dirname(source.path));
  }
  for (const index of source.bags.keys()) await source.read(index);
}

function isBuiltIn(name: string): name is BenchmarkName {
  return Object.hasOwn(BENCHMARKS, name);
}

/** What to name in an error of labels: the table, where there is one, else the bags. */
export function labelsOf({ path, name }: BagSource, labels?: string): string {
  const table = path !== undefined && existsSync(path) ? tableIn(path) : undefined;
  return labels ?? table ?? path ?? name;
}

function tableIn(data: string): string | undefined {
  if (!statSync(data).isDirectory()) return undefined;
  const path = join(data, 'labels.csv');
  return existsSync(path) ? path : undefined;
}

/** The table's rows by slide; a table of cases is spread over the slides whose names begin with them. */
async function infosOf(path: string, data: string, onMissing?: 'error' | 'skip'): Promise<readonly BagInfo[]> {
  const table = await readLabels(path);
  const toBags = ({ line: _line, ...info }: (typeof table.rows)[number]): BagInfo => info;
  const ids = await bagIds(data);
  const known = new Set(ids);
  const byName = table.rows.some(({ id }) => known.has(id));
  if (byName || table.unit === 'slide') return table.rows.map(toBags);
  const skip = onMissing === 'skip';
  const labelled = labelBags(
    ids.map((id) => ({ id })),
    table,
    { unlabelledBags: skip ? 'drop' : 'error', unusedRows: skip ? 'ignore' : 'error' },
  );
  return labelled.map(({ info }) => info);
}

async function bagIds(data: string): Promise<string[]> {
  const isStore = !statSync(data).isDirectory() || existsSync(join(data, 'bags.safetensors'));
  const source = isStore ? await openBags(data) : await openBagFolder(data);
  const ids = source.bags.map(({ id }) => id);
  await source.close();
  return ids;
}
