import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { MhimError } from '@mhim/tensor';
import type { BagInfo } from '../bag.js';
import { parseLabels } from '../labels.js';
import { checkFolds, type CheckFoldsOptions } from './check-folds.js';
import { partNamed, partNames, type Fold, type FoldPart } from './fold.js';
import { hashFolds, type NamedFold } from './write-folds.js';

/**
 * Reads folds and checks them ({@link checkFolds}). Either a JSON file, `{ "folds": [{ "train": […], "validation": […],
 * "test": […] }] }`, of bag ids or case ids (a case stands for all its bags), or a folder of one CSV a fold: CLAM's
 * `splits_0.csv` (columns train, val, test) or the official `fold_0.csv` (ID, Label, Split); or a folder with a `folds.json`.
 * @throws MhimError naming file, fold and remedy: unknown ids, a leak, a part without a class, a changed file
 */
export async function readFolds(
  path: string,
  source: { readonly bags: readonly BagInfo[] },
  options: Omit<CheckFoldsOptions, 'path'> = {},
): Promise<Fold[]> {
  const kind = await stat(path).catch((cause) => {
    throw new MhimError('there are no folds.', { code: 'file-missing', path, hint: 'Check the path.', cause });
  });
  const named = kind.isDirectory() ? await readFolder(path) : parseJson(await readFile(path, 'utf8'), path);
  const bagsOf = bagsByName(source.bags);
  const folds = named.map(({ train, validation, test }, fold) => {
    const indices = (part: string, names: readonly string[]) => resolve(names, bagsOf, `${path}: fold ${fold}`, part);
    return {
      fold,
      train: indices('train', train),
      ...(validation !== undefined && { validation: indices('validation', validation) }),
      test: indices('test', test),
    };
  });
  checkFolds(folds, source.bags, { ...options, path });
  return folds;
}

function parseJson(text: string, path: string): NamedFold[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `no valid JSON: ${(cause as Error).message}.`, cause);
  }
  const { folds, sha256 } = (content ?? {}) as { folds?: unknown; sha256?: unknown };
  if (!Array.isArray(folds) || folds.length === 0) throw invalid(path, 'expected an object with a list "folds".');
  const named = folds.map((fold: Record<string, unknown> | null, i): NamedFold => {
    const parts: Partial<Record<FoldPart, string[]>> = {};
    for (const [name, ids] of Object.entries(fold ?? {})) {
      const part = partNamed(name);
      const isList = Array.isArray(ids) && ids.every((id) => typeof id === 'string');
      if (part && !isList) throw invalid(path, `fold ${i}: "${name}" is no list of ids.`);
      if (part) parts[part] = [...(parts[part] ?? []), ...(ids as string[])];
      else if (isList && ids.length > 0) throw invalid(path, `fold ${i}: the list "${name}" is none of ${partNames}.`);
    }
    const { train, validation, test } = parts;
    if (!train || !test) throw invalid(path, `fold ${i} has no "${train ? 'test' : 'train'}".`);
    return validation ? { train, validation, test } : { train, test };
  });
  if (sha256 !== undefined && sha256 !== hashFolds(named)) {
    throw new MhimError('the folds do not fit their checksum.', {
      code: 'data',
      path,
      hint: 'The file was changed after it was written; delete its "sha256" if that was meant.',
    });
  }
  return named;
}

async function readFolder(path: string): Promise<NamedFold[]> {
  const names = await readdir(path);
  if (names.includes('folds.json')) return parseJson(await readFile(join(path, 'folds.json'), 'utf8'), path);
  const numbered = names.flatMap((name) => {
    const match = /^(?:splits|fold)_(\d+)\.csv$/.exec(name);
    return match ? [{ name, number: Number(match[1]) }] : [];
  });
  numbered.sort((a, b) => a.number - b.number);
  if (numbered.length === 0) {
    throw invalid(path, 'no fold in this folder: expected splits_0.csv, splits_1.csv … or fold_0.csv, fold_1.csv …');
  }
  return Promise.all(
    numbered.map(async ({ name }) => {
      const file = join(path, name);
      const text = await readFile(file, 'utf8');
      return name.startsWith('splits') ? parseClam(text, file) : parseSplitColumn(text, file);
    }),
  );
}

/** Columns of unequal length, filled up with empty cells; the first one is a row number without a name. */
function parseClam(text: string, path: string): NamedFold {
  let rows: Record<string, string>[];
  try {
    rows = parse(text, { bom: true, columns: true, skip_empty_lines: true, trim: true, relax_column_count: true });
  } catch (cause) {
    throw invalid(path, `no valid CSV: ${(cause as Error).message}.`, cause);
  }
  const parts: Record<FoldPart, string[]> = { train: [], validation: [], test: [] };
  for (const [place, name] of [...new Set(rows.flatMap(Object.keys))].entries()) {
    const part = partNamed(name);
    const ids = rows.flatMap((row) => row[name] || []);
    if (part) parts[part] = [...parts[part], ...ids];
    else if (place > 0 && ids.length > 0) throw invalid(path, `the column "${name}" is none of ${partNames}.`);
  }
  if (parts.train.length === 0 || parts.test.length === 0) {
    throw invalid(path, 'expected the columns train, val and test.');
  }
  return withoutEmpty(parts);
}

function parseSplitColumn(text: string, path: string): NamedFold {
  const { rows } = parseLabels(text, path);
  const parts: Record<FoldPart, string[]> = { train: [], validation: [], test: [] };
  const splits = rows.filter(({ split }) => split !== undefined);
  for (const { id, split = '', line } of splits.length > 0 ? rows : []) {
    const part = partNamed(split);
    // A bag that is in no part would be left out without a word.
    if (!part) throw invalid(path, `line ${line}: "${id}" has the split "${split}", which is none of ${partNames}.`);
    parts[part].push(id);
  }
  if (parts.train.length === 0 || parts.test.length === 0) {
    throw invalid(path, 'expected a column Split with train and test.');
  }
  return withoutEmpty(parts);
}

function withoutEmpty({ train, validation, test }: Record<FoldPart, string[]>): NamedFold {
  return validation.length > 0 ? { train, validation, test } : { train, test };
}

function bagsByName(bags: readonly BagInfo[]): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  bags.forEach(({ caseId }, index) => {
    if (caseId !== undefined) byName.set(caseId, [...(byName.get(caseId) ?? []), index]);
  });
  // A bag's own name comes first, where a case is called like one of its slides.
  bags.forEach(({ id }, index) => byName.set(id, [index]));
  return byName;
}

function resolve(
  names: readonly string[],
  bagsOf: ReadonlyMap<string, number[]>,
  where: string,
  part: string,
): number[] {
  const unknown = names.filter((name) => !bagsOf.has(name));
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 3).map((name) => `"${name}"`);
    throw new MhimError(
      `${unknown.length} of ${names.length} ids in ${part} are no bag and no case (${shown.join(', ')}${unknown.length > 3 ? ', …' : ''}).`,
      { code: 'data', path: where, hint: 'Were the folds made for other data, or are feature files missing?' },
    );
  }
  return names.flatMap((name) => bagsOf.get(name) as number[]);
}

function invalid(path: string, what: string, cause?: unknown): MhimError {
  return new MhimError(what, { code: 'file-format', path, hint: 'See writeFolds for the format.', cause });
}
