import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { MhimError } from '@mhim/tensor';
import { foldStages, openModels, type FoldModel } from '../models/ensemble.js';
import { isOneCrossValidation, runConfig } from '../models/joined-runs.js';
import { modelName, stageName } from '../report/model-names.js';

/** The models of a run that explain slides together, under one name. */
export interface ModelSet {
  /** Folder name. */
  id: string;
  name: string;
  models: FoldModel[];
  /** Of each fold, by its number: ids of the bags that no model of it has seen. */
  testIds: Map<number, ReadonlySet<string>>;
  /** Where the run keeps its models, by fold. */
  folders: Map<number, string>;
}

export interface ModelSetChoice {
  runs: readonly string[];
  protocol?: 'paper' | 'honest';
  /** Also the baselines of runs that have them. */
  baseline?: boolean;
}

/** Opens the models of runs, the baseline of a run before what was trained from it. */
export async function openModelSets({ runs, protocol, baseline = false }: ModelSetChoice): Promise<ModelSet[]> {
  const sets: ModelSet[] = [];
  const together = crossValidations(runs, protocol);
  for (const folders of together) {
    const [run] = folders;
    const config = runConfig(run);
    const trained = { model: config.model ?? 'ab-mil', base: config.base };
    const testIds = testBags(run);
    const prefix = together.length > 1 ? `${basename(resolve(run))}-` : '';
    for (const isBaseline of baseline ? [true, false] : [false]) {
      const stage = isBaseline ? 'baseline' : trained.model;
      sets.push({
        id: fileName(`${prefix}${stage}`),
        name: isBaseline ? stageName('baseline', trained) : modelName(trained),
        models: await openModels({ run: folders, protocol, baseline: isBaseline }),
        testIds,
        folders: new Map(
          folders.flatMap((path) => foldStages(path, protocol, isBaseline)).map(({ fold, folder }) => [fold, folder]),
        ),
      });
    }
  }
  return withDifferentNames(sets);
}

/** Runs of different folds of one cross-validation, as the jobs of a table are, are one; all others stand for themselves. */
function crossValidations(runs: readonly string[], protocol: ModelSetChoice['protocol']): [string, ...string[]][] {
  const sets: { runs: [string, ...string[]]; folds: Set<number> }[] = [];
  for (const run of runs) {
    const folds = foldStages(run, protocol).map(({ fold }) => fold);
    const set = sets.find(
      (one) => folds.every((fold) => !one.folds.has(fold)) && isOneCrossValidation(one.runs[0], run),
    );
    if (!set) sets.push({ runs: [run], folds: new Set(folds) });
    else {
      set.runs.push(run);
      for (const fold of folds) set.folds.add(fold);
    }
  }
  return sets.map((set) => set.runs);
}

export type FoldSelection = 'auto' | 'all' | number;

/**
 * Which of a set's models explain a slide: by default that of the fold which has the slide in its test part, or else all together.
 * @returns the models and how to call them
 */
export function modelsFor(
  { models, testIds, name }: ModelSet,
  ids: readonly (string | undefined)[],
  selection: FoldSelection,
): { models: FoldModel[]; detail: string } {
  const together = { models, detail: models.length === 1 ? 'one model' : `mean of ${models.length} folds` };
  if (selection === 'all') return together;
  const wanted =
    selection === 'auto'
      ? models.find(({ fold }) => ids.some((id) => id !== undefined && testIds.get(fold ?? -1)?.has(id)))
      : models.find(({ fold }) => fold === selection - 1);
  if (wanted) {
    const isTest = ids.some((id) => id !== undefined && testIds.get(wanted.fold ?? -1)?.has(id));
    const fold = `fold ${(wanted.fold ?? 0) + 1}`;
    return { models: [wanted], detail: isTest ? `${fold}, not trained on this slide` : fold };
  }
  if (selection === 'auto') return together;
  throw new MhimError(`${name} has no fold ${selection}.`, {
    code: 'config',
    path: '--fold',
    hint: `Folds are ${models.map(({ fold }) => (fold ?? 0) + 1).join(', ')}.`,
  });
}

/** Test parts of a run's folds; none where the run keeps no folds. */
function testBags(run: string): Map<number, ReadonlySet<string>> {
  const path = join(run, 'folds.json');
  if (!existsSync(path)) return new Map();
  try {
    const { folds } = JSON.parse(readFileSync(path, 'utf8')) as { folds: { test: string[] }[] };
    return new Map(folds.map(({ test }, fold) => [fold, new Set(test)]));
  } catch (cause) {
    throw new MhimError('is no valid list of folds.', { code: 'file-format', path, hint: 'Was it changed?', cause });
  }
}

function withDifferentNames(sets: ModelSet[]): ModelSet[] {
  return sets.map((set, i) => {
    const same = sets.filter(({ name }) => name === set.name);
    return {
      ...set,
      id: sets.slice(0, i).some(({ id }) => id === set.id) ? `${set.id}-${i + 1}` : set.id,
      name: same.length > 1 ? `${set.name} · ${set.id}` : set.name,
    };
  });
}

function fileName(text: string): string {
  return text.replace(/[^\w.-]+/g, '-').replace(/^\.+/, '');
}
