import { fitTimeBins, timeBinOf } from '@mhim/survival-losses';
import { MhimError } from '@mhim/tensor';
import type { BagInfo } from '../bag.js';
import { holdOutValidation } from './official-folds.js';
import { foldSeed, type Fold } from './fold.js';
import { splitByFold, stratifiedKFold } from './stratified-k-fold.js';

export interface PatientFoldOptions {
  /** How many folds. Default 5. */
  folds?: number;
  seed: number;
  /** Share of each class's training cases that goes to an inner validation part (one case at least). Default 0: none. */
  validationRatio?: number;
  /** Where the labels come from, for messages. */
  path?: string;
}

/**
 * Folds that do not leak: all bags of a case go to the same part, cases are stratified by class (survival: by event and time
 * bin). Where every case has one bag these are scikit-learn's `StratifiedKFold(folds, shuffle=True, random_state=seed)`.
 *
 * A case's class is the largest label among its bags, as a patient is positive who has one positive slide.
 * @returns indices into `bags`, ascending
 * @throws MhimError `data` for bags without label or outcome, or a class with fewer cases than folds
 */
export function patientFolds(
  bags: readonly BagInfo[],
  { folds = 5, seed, validationRatio = 0, path }: PatientFoldOptions,
): Fold[] {
  checkRatio(validationRatio);
  const cases = casesOf(bags);
  const strata = strataOf(cases, path);
  if (cases[0]?.label !== undefined) checkClasses(strata, folds, path);
  const assignment = stratifiedKFold(strata, { folds, seed });
  return Array.from({ length: folds }, (_, fold) => {
    const split = splitByFold(assignment, fold);
    const test = bagsOf(cases, split.test);
    if (validationRatio === 0) return { fold, train: bagsOf(cases, split.train), test };
    const inner = holdOut(strata, split.train, validationRatio, foldSeed(seed, fold));
    return { fold, train: bagsOf(cases, inner.train), validation: bagsOf(cases, inner.validation), test };
  });
}

/**
 * Folds with an inner validation part taken from their training part, stratified, whole cases only; parts that are there stay.
 * @throws MhimError `config` for a ratio outside (0, 1), `data` as {@link patientFolds}
 */
export function withValidation(
  folds: readonly Fold[],
  bags: readonly BagInfo[],
  { ratio, seed, path }: { ratio: number; seed: number; path?: string },
): Fold[] {
  checkRatio(ratio);
  return folds.map((fold) => {
    if (fold.validation !== undefined || ratio === 0) return fold;
    const cases = casesOf(fold.train.map((index) => bags[index] as BagInfo));
    const all = cases.map((_, place) => place);
    const inner = holdOut(strataOf(cases, path), all, ratio, foldSeed(seed, fold.fold));
    const back = (places: number[]) => bagsOf(cases, places).map((place) => fold.train[place] as number);
    return { fold: fold.fold, train: back(inner.train), validation: back(inner.validation), test: fold.test };
  });
}

/**
 * Folds over the rows of a label table as folds over bags: every bag goes where its row or its case's row goes.
 * @param rowIds slide or case of each row, as bags' `id` or `caseId`; bags of no row are in no part
 */
export function foldsOverBags(folds: readonly Fold[], rowIds: readonly string[], bags: readonly BagInfo[]): Fold[] {
  const bagsOfRow = new Map<string, number[]>();
  bags.forEach(({ id, caseId }, index) => {
    for (const name of new Set([id, caseId])) {
      if (name !== undefined) bagsOfRow.set(name, [...(bagsOfRow.get(name) ?? []), index]);
    }
  });
  const expand = (rows: readonly number[]) => rows.flatMap((row) => bagsOfRow.get(rowIds[row] as string) ?? []);
  return folds.map(({ fold, train, validation, test }) => ({
    fold,
    train: expand(train),
    ...(validation !== undefined && { validation: expand(validation) }),
    test: expand(test),
  }));
}

interface Case {
  readonly bags: number[];
  readonly label?: number;
  readonly time?: number;
  readonly event?: 0 | 1;
}

function casesOf(bags: readonly BagInfo[]): Case[] {
  const cases = new Map<string, Case>();
  bags.forEach(({ id, caseId = id, label, time, event }, index) => {
    const known = cases.get(caseId) ?? { bags: [], label, time, event };
    known.bags.push(index);
    cases.set(caseId, { ...known, label: label === undefined ? known.label : Math.max(label, known.label ?? 0) });
  });
  return [...cases.values()];
}

function strataOf(cases: readonly Case[], path?: string): ArrayLike<number> {
  if (cases.length === 0) throw foldError('there are no bags to split.', 'Is the label table the right one?', path);
  const withLabel = cases.filter(({ label }) => label !== undefined).length;
  if (withLabel === cases.length) return cases.map(({ label }) => label as number);
  if (withLabel > 0)
    throw foldError(`${cases.length - withLabel} cases have no label.`, 'Label them or drop them.', path);
  const withOutcome = cases.filter(({ time, event }) => time !== undefined && event !== undefined).length;
  if (withOutcome < cases.length) {
    throw foldError(
      `${cases.length - withOutcome} cases have neither label nor outcome.`,
      'Label them or drop them.',
      path,
    );
  }
  const events = cases.map(({ event }) => event as number);
  const times = cases.map(({ time }) => time as number);
  const edges = fitTimeBins(times, events);
  return times.map((time, i) => 2 * timeBinOf(edges, time) + (events[i] as number));
}

function checkClasses(strata: ArrayLike<number>, folds: number, path?: string): void {
  const counts = new Map<number, number>();
  for (const label of Array.from(strata)) counts.set(label, (counts.get(label) ?? 0) + 1);
  for (const [label, count] of counts) {
    if (count < folds) {
      throw foldError(
        `class ${label} has ${count} ${count === 1 ? 'case' : 'cases'}, ${folds} folds need ${folds} at least.`,
        'Use fewer folds, or merge the class with another one.',
        path,
      );
    }
  }
}

/** As the official hold-out, but with one case of each class at least, where the class has two. */
function holdOut(strata: ArrayLike<number>, train: readonly number[], ratio: number, seed: number) {
  const { train: kept, validation } = holdOutValidation(strata, train, ratio, seed);
  const seen = new Set(validation.map((row) => strata[row]));
  for (const label of new Set(kept.map((row) => strata[row]))) {
    const rows = kept.filter((row) => strata[row] === label);
    if (!seen.has(label) && rows.length > 1) {
      validation.push(rows[0] as number);
      kept.splice(kept.indexOf(rows[0] as number), 1);
    }
  }
  return { train: kept, validation };
}

function bagsOf(cases: readonly Case[], places: readonly number[]): number[] {
  return places.flatMap((place) => (cases[place] as Case).bags).sort((a, b) => a - b);
}

function checkRatio(ratio: number): void {
  if (!(ratio >= 0 && ratio < 1)) {
    throw new MhimError(`expected a share in [0, 1), got ${ratio}.`, { code: 'config', path: 'validationRatio' });
  }
}

function foldError(what: string, hint: string, path = 'folds'): MhimError {
  return new MhimError(what, { code: 'data', path, hint });
}
