export type { Fold } from './folds/fold.js';
export {
  headFolds,
  holdOutValidation,
  rrtSurvivalFolds,
  v1Folds,
  type HeadFoldOptions,
  type OfficialFoldOptions,
} from './folds/official-folds.js';
export { splitByFold, stratifiedKFold, type StratifiedKFoldOptions } from './folds/stratified-k-fold.js';
export { binOf, survivalBins, type SurvivalBins } from './folds/survival-bins.js';
