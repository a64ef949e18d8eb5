import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hashFolds, type NamedFold } from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import { isTrainConfig } from '../config/train-config.js';
import type { RunFolder } from './run-folder.js';

/** What a run writes beside its folds, once `config.json` and `data.json` say what it is. */
const LATER = ['environment.json', 'results.json', 'predictions.csv', 'report.html', 'timing.json'];
const FOLD = /^fold-\d+$/;

/** The tree below fold-K: a name of a folder leads to what it may hold, `null` is a file. */
interface Tree {
  [pattern: string]: Tree | null;
}
const TEMPORARY = '.*\\.[0-9a-f]{8}\\.tmp';
const MODEL: Tree = { 'best\\.safetensors': null, 'config\\.json': null, [TEMPORARY]: null };
const STAGE: Tree = {
  '(config|identity|result|cost|instances)\\.json': null,
  'metrics\\.jsonl': null,
  '(best|last|state|state\\.previous)\\.safetensors': null,
  'train_bag_cls_agnostic_feats_proto_\\d+\\.npy': null,
  '\\.lock.*': null,
  [TEMPORARY]: null,
  'teacher-\\d+': MODEL,
  tensorboard: { 'events\\.out\\.tfevents\\..*': null },
};
const CONTENT: Tree = { 'metrics\\.json': null, [TEMPORARY]: null, '(paper|honest)': { '[a-z0-9-]+': STAGE } };

/**
 * Makes sure that a folder is empty of what a run would replace, or holds a run. Files of other names are nobody's business.
 * @throws MhimError `config` naming a file that would be replaced and that no run wrote
 */
export function requireRunFolder(folder: RunFolder): void {
  const [config, data, folds] = ['config.json', 'data.json', 'folds.json'].map((name) =>
    folder.readJson<unknown>(name),
  );
  if (config !== undefined && !isTrainConfig(config)) throw foreign(folder.file('config.json'));
  if (data !== undefined && !isRunData(data)) throw foreign(folder.file('data.json'));
  if (folds !== undefined && !isRunFolds(folds)) throw foreign(folder.file('folds.json'));
  if (config !== undefined || data !== undefined) return;
  const names = existsSync(folder.path) ? readdirSync(folder.path) : [];
  const taken = names.find((name) => name === 'folds.json' || LATER.includes(name) || FOLD.test(name));
  if (taken !== undefined) throw foreign(folder.file(taken));
}

/** The folders fold-K of a run. */
export function foldFolders(folder: RunFolder): string[] {
  return readdirSync(folder.path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && FOLD.test(entry.name))
    .map(({ name }) => folder.file(name));
}

/** @throws MhimError `config` naming a file below fold-K that no run wrote */
export function requireRunFolds(folds: readonly string[]): void {
  const other = folds.map((path) => firstForeign(path, CONTENT)).find((path) => path !== undefined);
  if (other !== undefined) throw foreign(other);
}

function firstForeign(path: string, tree: Tree): string | undefined {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    const known = Object.entries(tree).find(([pattern]) => new RegExp(`^${pattern}$`).test(entry.name))?.[1];
    if (known === undefined || entry.isDirectory() !== (known !== null)) return inside;
    const other = known === null ? undefined : firstForeign(inside, known);
    if (other !== undefined) return other;
  }
  return undefined;
}

function isRunData(content: unknown): boolean {
  const { name, bags, fingerprint } = (content ?? {}) as Record<string, unknown>;
  return typeof name === 'string' && typeof bags === 'number' && typeof fingerprint === 'string';
}

function isRunFolds(content: unknown): boolean {
  const { unit, sha256, folds } = (content ?? {}) as { unit?: unknown; sha256?: unknown; folds?: NamedFold[] };
  const named = Array.isArray(folds) && folds.every((fold) => typeof fold === 'object' && fold !== null);
  return named && unit === 'bag' && sha256 === hashFolds(folds);
}

function foreign(path: string): MhimError {
  return new MhimError('is of no run: this folder holds something else.', {
    code: 'config',
    path,
    hint: 'Choose another --out.',
  });
}
