import {
  checkFolds,
  patientFolds,
  readFolds,
  withValidation,
  type BagSource,
  type Fold,
  type FoldScheme,
} from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import { isCohortSource } from '../cohorts/open-cohort.js';

export interface FoldChoice {
  /** A folds file or folder; without it `k` folds are made. */
  folds?: string;
  k?: number;
  /** Of a data set: how it is split. */
  foldScheme?: FoldScheme;
  seed: number;
  /** Share of the training part that becomes the inner validation part of the honest protocol. */
  validationRatio: number;
}

/** The folds of a run, each with a validation part taken from its training part where the honest protocol wants one. */
export async function chooseFolds(source: BagSource, choice: FoldChoice): Promise<Fold[]> {
  const { folds: path, k = 5, foldScheme = 'patient', seed } = choice;
  if (path !== undefined) return readFolds(path, source);
  if (isCohortSource(source)) {
    return source.folds(foldScheme, { folds: k, ...(foldScheme === 'rrt-survival' ? {} : { seed }) });
  }
  const data = nameOf(source);
  const folds = patientFolds(source.bags, { folds: k, seed, path: data });
  checkFolds(folds, source.bags, { path: `${data}, ${k} folds` });
  return folds;
}

/** Splits a validation part off the training part, stratified and by whole cases; one that the file gives stays. */
export function innerSplit(fold: Fold, source: BagSource, choice: FoldChoice): Required<Fold> {
  const path = `${choice.folds ?? nameOf(source)}, inner validation part`;
  const [split] = withValidation([fold], source.bags, { ratio: choice.validationRatio, seed: choice.seed, path });
  if (split?.validation && split.validation.length > 0) {
    checkFolds([split], source.bags, { path });
    return split as Required<Fold>;
  }
  throw new MhimError(`fold ${fold.fold} has too few training bags for an inner validation part.`, {
    code: 'data',
    path,
    hint: 'Raise validationRatio, use fewer folds, or train with --protocol paper.',
  });
}

function nameOf({ path, name }: BagSource): string {
  return path ?? name;
}
