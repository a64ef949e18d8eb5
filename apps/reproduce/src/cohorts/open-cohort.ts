import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  cohortFolds,
  EXTRACTORS,
  findFeatures,
  joinCohort,
  openBagFiles,
  openBags,
  type BagFolder,
  type BagInfo,
  type BagSource,
  type CohortJoin,
  type ExtractorName,
  type FeatureFile,
  type FeatureFolder,
  type Fold,
  type FoldScheme,
  type LabelRow,
} from '@mhim/datasets';
import { MhimError, suggestion } from '@mhim/tensor';
import { COHORT_NAMES, findCohort } from './catalogue.js';
import { foldersOf, type Cohort, type NamedSlides } from './cohort.js';
import { readTables, type CohortTables } from './find-tables.js';

export interface OpenCohortOptions {
  /** Name of the data set. */
  set: string;
  /** Folder that holds its features, and its label table unless `labels` names that; or a bag store. */
  root: string;
  extractor?: ExtractorName;
  /** Label table, or a folder that holds it under a published name. */
  labels?: string;
  /** Whether listed slides without features, or several files of one slide, are an error (default) or left out. */
  onMissing?: 'error' | 'skip';
  /** Whether a bag is a slide, or a case with all its slides. Default: as the paper has it. */
  unit?: 'slide' | 'case';
  /** Hears what is left out. */
  log?: (line: string) => void;
}

/** A data set's bags, with what splits them. */
export interface CohortSource extends BagSource {
  readonly cohort: Cohort;
  /** Folds over the bags by one of the schemes. */
  folds(scheme: FoldScheme, options?: { folds?: number; seed?: number }): Fold[];
}

/** A data set's files and table, every file and row accounted for. */
export interface LocatedCohort {
  readonly cohort: Cohort;
  /** Empty where the root is a bag store. */
  readonly folders: readonly FeatureFolder[];
  readonly isStore: boolean;
  readonly tables: CohortTables;
  readonly join: CohortJoin;
}

/** @throws MhimError `config` for a name that is none */
export function cohortNamed(set: string): Cohort {
  const cohort = findCohort(set);
  if (cohort) return cohort;
  throw new MhimError(`there is no data set "${set}"${suggestion(set, COHORT_NAMES)}.`, {
    code: 'config',
    path: '--data-set',
    hint: `Choose one of ${COHORT_NAMES.join(', ')}.`,
  });
}

/** Finds a data set's features and table and puts them together; nothing of the features is read. */
export async function locateCohort({ set, root, extractor, labels }: OpenCohortOptions): Promise<LocatedCohort> {
  const cohort = cohortNamed(set);
  const isStore = existsSync(join(root, 'bags.safetensors'));
  const folders = isStore ? [] : await findFeatures(root, { extractor, dataSet: foldersOf(cohort) });
  const files = isStore ? await filesOfStore(root) : folders.flatMap((folder) => folder.files);
  const tables = await readTables(cohort, root, labels);
  const { task, excluded, named = [] } = cohort;
  const rows = [...tables.rows, ...named.flatMap((series) => rowsOf(series, tables.rows))];
  const joined = joinCohort(
    files,
    { rows, unit: tables.unit },
    {
      target: task === 'survival' ? 'outcome' : 'label',
      excluded,
      labelOfName: (name) => named.find(({ start }) => name.startsWith(start))?.label,
    },
  );
  return { cohort, folders, isStore, tables, join: joined };
}

/**
 * Opens a data set: its bags with classes, or with time and event and all slides of a case in one bag, and its folds.
 * @throws MhimError naming what is missing, twice, or of another encoder; `reproduce data check` says all of it at once
 */
export async function openCohort(options: OpenCohortOptions): Promise<CohortSource> {
  const { root, extractor, onMissing = 'error', log = () => {} } = options;
  const located = await locateCohort(options);
  const { cohort, isStore, tables, join: joined } = located;
  requireWhole(located, root, onMissing);
  for (const line of leftOut(located, onMissing)) log(line);
  const unit = options.unit ?? cohort.unit;
  const labels = joined.slides.map(({ info }): BagInfo => info);
  const files = new Map(joined.slides.map(({ info, file }) => [info.id, file.path]));
  const bags = isStore
    ? await openBags(root, { labels, onMissing: 'skip', unit })
    : await openBagFiles(root, files, { labels, unit });
  requireWidth(bags, root, extractor);
  const { officialRows } = cohort;
  return {
    name: cohort.name,
    path: bags.path,
    width: bags.width,
    classes: bags.classes,
    simulated: bags.simulated,
    bags: bags.bags,
    cohort,
    read: (index) => bags.read(index),
    fingerprint: () => bags.fingerprint(),
    close: () => bags.close(),
    folds(scheme, { folds, seed } = {}) {
      requireScheme(cohort, scheme);
      const path = tables.files.map((file) => file.path).join(' and ');
      if (scheme !== 'patient' && tables.rows.length !== officialRows) {
        throw new MhimError(
          `has ${tables.rows.length} rows; the published list of ${cohort.name} has ${officialRows}.`,
          {
            code: 'config',
            path,
            hint: `The fold scheme ${scheme} goes by that list’s rows in their order: name it with --labels, or use --fold-scheme patient.`,
          },
        );
      }
      return cohortFolds(scheme, tables.rows, bags.bags, { folds, seed, warn: log, path });
    },
  };
}

/** A data set's features without labels, to predict. */
export async function openFeatures({ set, root, extractor }: OpenCohortOptions): Promise<BagSource> {
  if (existsSync(join(root, 'bags.safetensors'))) return openBags(root);
  const cohort = cohortNamed(set);
  const folders = await findFeatures(root, { extractor, dataSet: foldersOf(cohort) });
  const files = new Map(folders.flatMap((folder) => folder.files).map(({ id, path }) => [id, path]));
  const bags = await openBagFiles(root, files);
  requireWidth(bags, root, extractor);
  return { ...bags, name: cohort.name };
}

export function isCohortSource(source: BagSource): source is CohortSource {
  return 'cohort' in source;
}

/** Slides that have their class in their names stand in tables of the others only by chance: unless they do, all are expected. */
function rowsOf({ start, label, slides }: NamedSlides, listed: readonly LabelRow[]): LabelRow[] {
  if (listed.some(({ id }) => id.startsWith(start))) return [];
  return slides.map((id) => ({ id, label, line: 0 }));
}

async function filesOfStore(root: string): Promise<FeatureFile[]> {
  const store = await openBags(root);
  const files = store.bags.map(({ id }): FeatureFile => ({ id, path: root }));
  await store.close();
  return files;
}

function requireWhole({ cohort, join: joined }: LocatedCohort, root: string, onMissing: 'error' | 'skip'): void {
  const { slides, missing, missingSlides, duplicates } = joined;
  const check = `reproduce data check ${cohort.name} --root ${root} says all that is amiss`;
  const fail = (what: string, hint: string) =>
    new MhimError(what, { code: 'data', path: root, hint: `${hint}; ${check}.` });
  if (slides.length === 0)
    throw fail('no slide here is in the label table.', 'Is it the right root, and the right table?');
  if (onMissing === 'skip') return;
  if (missing.length > 0) {
    const what = `${missing.length} of the table’s rows have no features: ${some(missing.map(({ id }) => id))}.`;
    throw fail(what, 'Extract them, or leave them out with --on-missing skip');
  }
  if (missingSlides.length > 0) {
    const what = `${missingSlides.length} of the slides that the table names of its cases have no features: ${some(missingSlides)}.`;
    throw fail(what, 'Extract them, or train on the others of their cases with --on-missing skip');
  }
  if (duplicates.length > 0) {
    const what = `${duplicates.length} slides have several files: ${some(duplicates.map(({ id }) => id))}.`;
    throw fail(what, 'Keep one file a slide, or take the first with --on-missing skip');
  }
}

/** @throws MhimError `data` where the features are not as wide as the extractor's */
export function requireWidth(bags: BagFolder, root: string, extractor: ExtractorName | undefined): void {
  if (extractor === undefined || bags.width === EXTRACTORS[extractor].width) return;
  const { title, width } = EXTRACTORS[extractor];
  throw new MhimError(`features have ${bags.width} columns, those of ${title} have ${width}.`, {
    code: 'data',
    path: root,
    hint: 'Check --extractor, or extract the features again.',
  });
}

function requireScheme({ name, folds, trainedOn }: Cohort, scheme: FoldScheme): void {
  if (folds.includes(scheme)) return;
  throw new MhimError(
    folds.length === 0
      ? `${name} is a test set for models trained on ${trainedOn}.`
      : `${name} has no folds of that kind.`,
    {
      code: 'config',
      path: `--fold-scheme ${scheme}`,
      hint: folds.length === 0 ? `Use reproduce evaluate --data-set ${name}.` : `Choose one of ${folds.join(', ')}.`,
    },
  );
}

/** What is not used, a line each. */
function* leftOut({ join: joined, tables }: LocatedCohort, onMissing: 'error' | 'skip'): Generator<string> {
  const { missing, missingSlides, unlabelled, frozen, excluded, withoutTarget, duplicates } = joined;
  const ofOtherClass = tables.files.flatMap((file) => file.leftOut.filter((row) => row.unknownClass !== undefined));
  const line = (what: string, names: readonly string[]) => `Left out, ${what}: ${names.length} (${some(names)}).`;
  const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
  if (onMissing === 'skip' && missing.length > 0) yield line('no features', ids(missing));
  if (onMissing === 'skip' && missingSlides.length > 0) yield line('slides of cases without features', missingSlides);
  if (onMissing === 'skip' && duplicates.length > 0) yield line('further files of one slide', ids(duplicates));
  if (unlabelled.length > 0) yield line('not in the label table', ids(unlabelled));
  if (frozen.length > 0) yield line('frozen tissue', ids(frozen));
  if (excluded.length > 0) yield line('excluded', ids(excluded));
  if (withoutTarget.length > 0) yield line('no class or outcome in the table', ids(withoutTarget));
  if (ofOtherClass.length > 0) {
    const classes = new Set(ofOtherClass.map(({ unknownClass }) => unknownClass));
    yield line(`class ${[...classes].join(', ')} in the table`, ids(ofOtherClass));
  }
}

export function some(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} …` : names.join(', ');
}
