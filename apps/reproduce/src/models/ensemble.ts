import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bag } from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import { CALLS_NONE, type Explanation } from '@mhim/training';
import { requireAlike, runConfig } from './joined-runs.js';
import type { ModelConfig } from './model-config.js';
import { StoredModel } from './stored-model.js';

export interface ModelChoice {
  /** Run folders that were trained alike: the models of their folds. */
  run?: readonly string[];
  /** Or one model: a file, or the folder of a stage. */
  checkpoint?: string;
  /** Of a run: which protocol's models; default paper, where the run has it. */
  protocol?: 'paper' | 'honest';
  /** Of a run: the baseline that its models started from, instead of these. */
  baseline?: boolean;
}

export interface FoldModel {
  /** From 0; absent for a single checkpoint. */
  fold?: number;
  /** Of the run, where runs of several seeds are together. */
  seed?: number;
  model: StoredModel;
}

/**
 * Opens the model or models that the command line names.
 * @throws MhimError `config` when it names none, or runs that were not trained alike or have a fold twice
 */
export async function openModels({ run, checkpoint, protocol, baseline }: ModelChoice): Promise<FoldModel[]> {
  if (checkpoint !== undefined && run === undefined) return [{ model: await StoredModel.open(checkpoint) }];
  if (run === undefined || checkpoint !== undefined) {
    throw new MhimError('expected one of --run and --checkpoint.', { code: 'config', hint: 'Name the model to use.' });
  }
  if (run.length > 1) requireAlike(run);
  const seeds = new Map(run.length > 1 ? run.map((path) => [path, runConfig(path).seed]) : []);
  const several = new Set(seeds.values()).size > 1;
  const stages = run.flatMap((path) =>
    foldStages(path, protocol, baseline).map((stage) => ({
      ...{ ...stage, run: path },
      ...(several ? { seed: seeds.get(path) } : {}),
    })),
  );
  requireOnce(stages);
  const models: FoldModel[] = [];
  for (const { folder, fold, seed } of stages) models.push({ fold, seed, model: await StoredModel.open(folder) });
  return models;
}

/** What a fold's model is called, counted from 0. */
export function foldName(fold: number, seed?: number): string {
  return seed === undefined ? `fold ${fold}` : `fold ${fold} of seed ${seed}`;
}

function requireOnce(stages: readonly { fold: number; seed?: number; run: string }[]): void {
  const runs = new Map<string, string>();
  for (const { fold, seed, run } of stages) {
    const name = foldName(fold, seed);
    const other = runs.get(name);
    if (other !== undefined) {
      throw new MhimError(`has ${name}, and so has ${other}: a model counts once.`, {
        code: 'config',
        path: run,
        hint: 'Leave one of the two out.',
      });
    }
    runs.set(name, run);
  }
}

/** Whether the models predict survival. @throws MhimError `config` when only some do */
export function predictSurvival(models: readonly FoldModel[]): boolean {
  const survival = models.filter(({ model }) => model.config.task === 'survival').length;
  if (survival === 0 || survival === models.length) return survival > 0;
  throw new MhimError('some of the models predict survival and some classes.', { code: 'config', path: '--run' });
}

/** The threshold at which several models together call the second class: the mean of those stored with them, else 0.5. */
export function thresholdOf(models: readonly FoldModel[]): number {
  const stored = models.flatMap(({ model }) => storedThreshold(model.config) ?? []);
  return stored.length > 0 ? stored.reduce((a, b) => a + b, 0) / stored.length : 0.5;
}

function storedThreshold({ classes, threshold, thresholdReason }: ModelConfig): number | null | undefined {
  // Earlier runs wrote ∞ as JSON does, and never an undefined threshold.
  const wasInfinite = threshold === null && classes === 2 && thresholdReason === undefined;
  return wasInfinite ? CALLS_NONE : threshold;
}

/** The class that probabilities call: at a threshold where there are two, else the most probable. */
export function calledClass(probabilities: readonly number[], threshold: number): number {
  if (probabilities.length === 2) return (probabilities[1] as number) >= threshold ? 1 : 0;
  return probabilities.indexOf(Math.max(...probabilities));
}

/** The class probabilities [c] of several models on one bag, or those of surviving each time bin: their means. */
export function predictTogether(models: readonly FoldModel[], bag: Bag): number[] {
  return meanOf(models.map(({ model }) => Float64Array.from(model.probabilities(bag))));
}

/** The instance scores of several models on one bag: their means. */
export function explainTogether(models: readonly FoldModel[], bag: Bag): Omit<Explanation, 'probabilities'> {
  const all = models.map(({ model }) => model.explain(bag));
  const [first] = all as [Explanation];
  if (all.length === 1) return first;
  const withAttention = all.flatMap(({ attention }) => attention ?? []);
  const votes = all.map(({ classes }) => classes);
  return {
    attention: withAttention.length === all.length ? Float32Array.from(meanOf(withAttention)) : undefined,
    scores: Float32Array.from(meanOf(all.map(({ scores }) => scores))),
    classes: first.classes.map((_, i) => majority(votes.map((vote) => vote[i] as number))),
    instanceLogits: Float32Array.from(meanOf(all.map(({ instanceLogits }) => instanceLogits))),
  };
}

/** The folders of a run's final models, one a fold; or of their baselines. */
export function foldStages(
  run: string,
  protocol?: 'paper' | 'honest',
  baseline = false,
): { fold: number; folder: string }[] {
  if (!existsSync(run)) {
    throw new MhimError('there is no such run folder.', { code: 'file-missing', path: run, hint: 'Check the path.' });
  }
  const folds = readdirSync(run).flatMap((name) => (/^fold-\d+$/.test(name) ? [Number(name.slice(5))] : []));
  const found = folds
    .sort((a, b) => a - b)
    .flatMap((fold) => {
      const protocols = protocol ? [protocol] : (['paper', 'honest'] as const);
      const folder = protocols
        .flatMap((name) => stagesOf(join(run, `fold-${fold}`, name), baseline))
        .find((candidate) => existsSync(join(candidate, 'best.safetensors')));
      return folder === undefined ? [] : [{ fold, folder }];
    });
  if (found.length > 0) return found;
  throw new MhimError(
    `holds no finished ${baseline ? 'baseline' : 'model'}${protocol ? ` of the ${protocol} protocol` : ''}.`,
    {
      code: 'data',
      path: run,
      hint: 'Finish the training run first.',
    },
  );
}

/** The model itself; a baseline beside it is only its start. */
function stagesOf(folder: string, baseline: boolean): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => (name === 'baseline') === baseline)
    .map((name) => join(folder, name));
}

function meanOf(arrays: readonly (Float32Array | Float64Array)[]): number[] {
  return Array.from(
    arrays[0] as Float32Array,
    (_, i) => arrays.reduce((sum, array) => sum + (array[i] as number), 0) / arrays.length,
  );
}

function majority(votes: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const vote of votes) counts.set(vote, (counts.get(vote) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0]?.[0] as number;
}
