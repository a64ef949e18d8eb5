export {
  crossValidate,
  foldFolder,
  type CrossValidateOptions,
  type CrossValidation,
  type CrossValidationObserver,
  type FoldOutcome,
} from './cross-validate.js';
export { EarlyStopping, type EarlyStoppingConfig, type EarlyStoppingState } from './early-stopping.js';
export {
  evaluate,
  foldMetrics,
  metricDefinitions,
  selectionMetric,
  type FoldMetrics,
  type Predictions,
} from './evaluate.js';
export { FeatureCache, type CachedBag } from './feature-cache.js';
export { fit, type EpochRecord, type FitObserver, type FitOptions, type FitResult } from './fit.js';
export {
  mhimLearner,
  supervisedLearner,
  type Explanation,
  type Learner,
  type StepCall,
  type StepLosses,
} from './learner.js';
export {
  adam,
  NativeAdam,
  PlainAdam,
  Sgd,
  type AdamConfig,
  type Optimiser,
  type OptimiserState,
  type SgdConfig,
} from './optimiser.js';
export { hashOf, loadModel, RunFiles, type Checkpoint, type RunIdentity } from './run-files.js';
export { lockRun } from './run-lock.js';
export {
  constantRate,
  cosineAnnealingRate,
  cosineRate,
  stepRate,
  warmCosine,
  type LearningRateSchedule,
  type WarmUp,
} from './schedules.js';
export { duration, progressBar, type Progress } from './progress.js';
export { tensorBoard } from './tensorboard.js';
