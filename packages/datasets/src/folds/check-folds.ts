import { MhimError } from '@mhim/tensor';
import type { BagInfo } from '../bag.js';
import { checkClassNumbers } from '../bag-source.js';
import { partsOf, type Fold } from './fold.js';

/** What {@link checkFolds} looks for. */
export type FoldProblem = 'empty-part' | 'repeated-bag' | 'case-in-two-parts' | 'missing-class';

export interface CheckFoldsOptions {
  /** File that the folds came from, for the message. */
  path?: string;
  /** Problems to let pass, e.g. `case-in-two-parts` to repeat a published split that leaks. */
  allow?: readonly FoldProblem[];
}

/**
 * Checks that folds can be trained and trusted: no part is empty, no bag and no case stands in two parts of a fold, every
 * class (survival: an event; where the part is judged, a comparable pair) is in each part, so that AUC and C-index exist, and no
 * number of a class is left out.
 * @throws MhimError `data`, naming file, fold, what is wrong and what to do
 */
export function checkFolds(
  folds: readonly Fold[],
  bags: readonly BagInfo[],
  { path = 'folds', allow = [] }: CheckFoldsOptions = {},
): void {
  if (folds.length === 0) throw error(path, 'there are no folds.', 'Is this the right file?');
  const classes = new Set(bags.flatMap(({ label }) => label ?? []));
  // Bags of one class alone may be judged; nothing can be trained on them.
  if (classes.size > 1 && !allow.includes('missing-class')) checkClassNumbers(bags, path);
  for (const fold of folds) {
    checkIndices(fold, bags, path);
    if (!allow.includes('empty-part')) checkParts(fold, path);
    if (!allow.includes('repeated-bag')) checkBags(fold, bags, path);
    if (!allow.includes('case-in-two-parts')) checkCases(fold, bags, path);
    if (!allow.includes('missing-class')) checkClasses(fold, bags, classes, path);
  }
}

function checkIndices(fold: Fold, bags: readonly BagInfo[], path: string): void {
  for (const [part, indices] of partsOf(fold)) {
    const bad = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= bags.length);
    if (bad !== undefined) {
      const what = `${part} holds the index ${bad}, there are ${bags.length} bags.`;
      throw error(path, `fold ${fold.fold}: ${what}`, 'Were the folds made for other data?');
    }
  }
}

function checkParts(fold: Fold, path: string): void {
  for (const [part, indices] of partsOf(fold)) {
    if (indices.length === 0) throw error(path, `fold ${fold.fold}: ${part} is empty.`, 'Give every part bags.');
  }
}

function checkBags(fold: Fold, bags: readonly BagInfo[], path: string): void {
  const partOf = new Map<number, string>();
  for (const [part, indices] of partsOf(fold)) {
    for (const index of indices) {
      const other = partOf.get(index);
      if (other !== undefined) {
        const where = other === part ? `twice in ${part}` : `in ${other} and in ${part}`;
        throw error(path, `fold ${fold.fold}: bag "${bags[index]?.id}" is ${where}.`, 'Keep it in one part, once.');
      }
      partOf.set(index, part);
    }
  }
}

function checkCases(fold: Fold, bags: readonly BagInfo[], path: string): void {
  const home = new Map<string, { part: string; id: string }>();
  for (const [part, indices] of partsOf(fold)) {
    for (const index of indices) {
      const { id, caseId = id } = bags[index] as BagInfo;
      const first = home.get(caseId);
      if (first && first.part !== part) {
        throw error(
          path,
          `fold ${fold.fold}: case "${caseId}" is in ${first.part} (bag "${first.id}") and in ${part} (bag "${id}").`,
          'All slides of a patient belong in one part, or the test result is too good; make folds with patientFolds.',
        );
      }
      home.set(caseId, { part, id });
    }
  }
}

function checkClasses(fold: Fold, bags: readonly BagInfo[], classes: ReadonlySet<number>, path: string): void {
  for (const [part, indices] of partsOf(fold)) {
    const infos = indices.map((index) => bags[index] as BagInfo);
    const there = new Set(infos.map(({ label }) => label));
    const missing = [...classes].sort((a, b) => a - b).find((label) => !there.has(label));
    if (missing !== undefined) {
      const what = `fold ${fold.fold}: ${part} has no bag of class ${missing}.`;
      throw error(path, what, 'Use fewer folds or stratify them; AUC needs every class in every part.');
    }
    const survival = classes.size === 0 && infos.some(({ time }) => time !== undefined);
    if (survival && !infos.some(({ event }) => event === 1)) {
      const what = `fold ${fold.fold}: ${part} has no event, all its cases are censored.`;
      throw error(path, what, 'Use fewer folds or stratify them; the C-index needs an event.');
    }
    if (survival && part !== 'train' && !hasComparablePair(infos)) {
      const what = `fold ${fold.fold}: ${part} has no comparable pair, no case is known to have lived longer than one that died.`;
      throw error(path, what, 'Use fewer folds, or larger parts; the C-index compares such pairs.');
    }
  }
}

/** Whether a C-index exists: some case lives on after the first event, or is censored at its time. */
function hasComparablePair(infos: readonly BagInfo[]): boolean {
  const first = infos.reduce((least, { time = NaN, event }) => (event === 1 && time < least ? time : least), Infinity);
  return infos.some(({ time = NaN, event }) => time > first || (time === first && event !== 1));
}

function error(path: string, what: string, hint: string): MhimError {
  return new MhimError(what, { code: 'data', path, hint });
}
