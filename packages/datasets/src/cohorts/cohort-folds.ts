import { fitTimeBins, timeBinOf } from '@mhim/survival-losses';
import { MhimError } from '@mhim/tensor';
import type { BagInfo } from '../bag.js';
import { checkFolds } from '../folds/check-folds.js';
import type { Fold } from '../folds/fold.js';
import { headFolds, rrtSurvivalFolds, v1Folds } from '../folds/official-folds.js';
import { foldsOverBags, patientFolds } from '../folds/patient-folds.js';
import type { LabelRow } from '../label-row.js';

/**
 * How a data set is split:
 * - `patient`: ours, stratified, whole cases only, in every data set;
 * - `official`: the rows of the published list as the current MHIM-v2 code splits them;
 * - `official-as-run`: the same without the first row, which that code loses where the list has no header;
 * - `v1`: as MHIM's first code and RRT-MIL split classes; `rrt-survival`: as RRT-MIL splits survival.
 */
export const FOLD_SCHEMES = ['patient', 'official', 'official-as-run', 'v1', 'rrt-survival'] as const;
export type FoldScheme = (typeof FOLD_SCHEMES)[number];

export interface CohortFoldOptions {
  /** How many; default 5. */
  folds?: number;
  /** Default 2021, of `rrt-survival` 1. */
  seed?: number;
  /** Hears of cases that an official split of slides has in two parts. */
  warn?: (line: string) => void;
  path?: string;
}

/**
 * Folds over bags by a scheme. Official ones are made over the table's rows in their order, which has to be the published list's, and are
 * then spread over the bags.
 * @throws MhimError `config` for a scheme of the other task, `data` as `checkFolds` does
 */
export function cohortFolds(
  scheme: FoldScheme,
  rows: readonly LabelRow[],
  bags: readonly BagInfo[],
  { folds = 5, seed, warn, path }: CohortFoldOptions = {},
): Fold[] {
  if (scheme === 'patient') {
    const made = patientFolds(bags, { folds, seed: seed ?? 2021, path });
    checkFolds(made, bags, { path });
    return made;
  }
  const overRows = officialFolds(scheme, rows, folds, seed);
  const made = foldsOverBags(
    overRows,
    rows.map(({ id }) => id),
    bags,
  );
  const leaking = straddling(made, bags);
  if (leaking.length > 0) {
    warn?.(
      `${leaking.length} cases are in training and test of one fold, as the published list splits slides: ${leaking.slice(0, 3).join(', ')} …`,
    );
  }
  checkFolds(made, bags, { path, allow: ['case-in-two-parts'] });
  return made;
}

function officialFolds(
  scheme: Exclude<FoldScheme, 'patient'>,
  rows: readonly LabelRow[],
  folds: number,
  seed?: number,
): Fold[] {
  const survival = rows.every(({ label }) => label === undefined);
  if (scheme === 'rrt-survival') {
    if (survival && folds === 5) return rrtSurvivalFolds(rows.length, { seed });
    throw new MhimError(survival ? 'has five folds.' : 'is a split of survival data.', {
      code: 'config',
      path: `fold scheme ${scheme}`,
      hint: 'Choose patient or official.',
    });
  }
  const strata = survival ? timeBins(rows) : rows.map(({ label }) => label as number);
  const options = { folds, ...(seed !== undefined && { seed }) };
  if (scheme === 'v1') return v1Folds(strata, options);
  return headFolds(strata, { ...options, loseFirstRow: scheme === 'official-as-run' });
}

/** The official code's: of the whole cohort, before it is split. */
function timeBins(rows: readonly LabelRow[]): number[] {
  const times = rows.map(({ time }) => time as number);
  const edges = fitTimeBins(
    times,
    rows.map(({ event }) => event as number),
  );
  return times.map((time) => timeBinOf(edges, time));
}

function straddling(folds: readonly Fold[], bags: readonly BagInfo[]): string[] {
  const found = new Set<string>();
  for (const { train, test } of folds) {
    const casesOf = (indices: readonly number[]) =>
      new Set(indices.map((index) => bags[index]?.caseId ?? bags[index]?.id));
    const trained = casesOf(train);
    for (const id of casesOf(test)) if (id !== undefined && trained.has(id)) found.add(id);
  }
  return [...found];
}
