import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import { findCohort } from '../../cohorts/catalogue.js';
import type { Cohort } from '../../cohorts/cohort.js';
import type { TrainInput } from '../../config/train-config.js';
import { absolutePaths } from '../../data/absolute-paths.js';
import { DATA_SETS, EXTRACTORS, type DataRef } from '../experiment.js';
import type { SimulatedSets } from './simulated-sets.js';

/** Where the user's data lie. */
export interface DataPlaces {
  /**
   * Holds the features of every set with their label tables, as `reproduce train --data-set` finds them; or SET/EXTRACTOR/ with
   * SET/labels.csv, SET/survival.csv and SET/folds beside.
   */
  root?: string;
  /** Paths by `SET/EXTRACTOR` or `SET`; under `*` what stands in for every set. */
  given?: Readonly<Record<string, string>>;
  /** Makes simulated slides instead. */
  simulated?: SimulatedSets;
  /** Whether slides without features or label are left out. */
  onMissing?: 'error' | 'skip';
}

/** What a training configuration says of its data. */
export type LocatedData = Pick<TrainInput, 'dataSet' | 'extractor' | 'labels' | 'folds' | 'unit' | 'onMissing'> & {
  data: string;
};

/**
 * The one place that knows where features, labels and folds of a data set are; whether they are all there is seen when they are opened.
 * Undefined where no place is named. Paths are absolute: jobs are done from other working folders and on other machines.
 *
 * In order: what `--data` names for the set and extractor, the set, or everything; simulated slides; below `--data-root` a bag store or
 * labelled folder SET/EXTRACTOR, else whatever the catalogue of data sets finds there.
 */
export async function locateData(ref: DataRef, places: DataPlaces): Promise<LocatedData | undefined> {
  const located = await find(ref, places);
  return located && absolutePaths(located);
}

async function find(ref: DataRef, places: DataPlaces): Promise<LocatedData | undefined> {
  const { set, extractor, task } = ref;
  const given = places.given?.[`${set}/${extractor}`] ?? places.given?.[set] ?? places.given?.['*'];
  const { onMissing } = places;
  const unit = {
    ...(task === 'survival' ? ({ unit: 'case' } as const) : {}),
    ...(onMissing === undefined ? {} : { onMissing }),
  };
  if (given !== undefined) return { data: given, ...besides(given, task), ...unit };
  if (places.simulated) return places.simulated.locate(ref);
  if (places.root === undefined) return undefined;
  const folder = join(places.root, set);
  const data = join(folder, extractor);
  const beside = besides(folder, task);
  const labelled =
    beside.labels !== undefined || ['bags.safetensors', 'labels.csv'].some((file) => existsSync(join(data, file)));
  if (existsSync(data) && labelled) return { data, ...beside, ...unit };
  const dataSet = cohortOf(ref)?.name;
  if (dataSet === undefined) return undefined;
  const { folds } = beside;
  return { data: places.root, dataSet, extractor, ...(folds === undefined ? {} : { folds }), ...unit };
}

/** The set as the catalogue has it: of CPTAC, the one of the task. */
function cohortOf({ set, task }: DataRef): Cohort | undefined {
  const cohort = findCohort(set === 'cptac' ? (task === 'survival' ? 'cptac-luad' : 'cptac-nsclc') : set);
  return cohort?.task === task ? cohort : undefined;
}

/** Where a set would have to lie, for messages. */
export function expectedPlace({ set, extractor }: DataRef, { root }: DataPlaces): string {
  return root === undefined ? `name it with --data ${set}/${extractor}=PATH` : join(root, set, extractor);
}

/** Label table and folds that lie beside the features. */
function besides(folder: string, task: DataRef['task']): Pick<TrainInput, 'labels' | 'folds'> {
  const first = (...names: string[]) => names.map((name) => join(folder, name)).find((path) => existsSync(path));
  const labels = task === 'survival' ? first('survival.csv', 'labels.csv') : first('labels.csv');
  const folds = first('folds', 'folds.json');
  return { ...(labels === undefined ? {} : { labels }), ...(folds === undefined ? {} : { folds }) };
}

/** @throws MhimError `config` for an option that names no data set */
export function parsePlaces(options: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    options.map((option) => {
      const [, name, path] = /^([\w-]+(?:\/[\w-]+)?)=(.+)$/.exec(option) ?? [];
      if (name === undefined || path === undefined) return ['*', option];
      const [set, extractor] = name.split('/') as [string, string?];
      const known = (DATA_SETS as readonly string[]).includes(set);
      if (known && (extractor === undefined || (EXTRACTORS as readonly string[]).includes(extractor))) {
        return [name, path];
      }
      throw new MhimError(`"${name}" is no data set of the paper.`, {
        code: 'config',
        path: '--data',
        hint: `Expected SET=PATH or SET/EXTRACTOR=PATH; sets: ${DATA_SETS.join(', ')}; extractors: ${EXTRACTORS.join(', ')}.`,
      });
    }),
  );
}
