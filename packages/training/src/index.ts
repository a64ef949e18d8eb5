export {
  CALLS_NONE,
  classificationTask,
  foldMetrics,
  metricDefinitions,
  metricsAt,
  selectionMetric,
  type FoldMetrics,
  type Predictions,
} from './classification-task.js';
export {
  crossValidate,
  foldFolder,
  type CrossValidateOptions,
  type CrossValidation,
  type CrossValidationObserver,
  type FoldOutcome,
} from './cross-validate.js';
export { EarlyStopping, type EarlyStoppingConfig, type EarlyStoppingState } from './early-stopping.js';
export { breathe } from './breathe.js';
export { evaluate } from './evaluate.js';
export { FeatureCache } from './feature-cache.js';
export { fit, MAX_EPOCHS, type FitOptions, type FitResult } from './fit.js';
export type { EpochRecord, FitObserver } from './fit-observer.js';
export { clipGradients, withClippedGradients, type GradientClip } from './gradient-clip.js';
export { bagVectors, confoundersOf, type BagVectorOptions } from './ibmil-stages.js';
export {
  mhimLearner,
  supervisedLearner,
  type Explanation,
  type Learner,
  type StepCall,
  type StepLosses,
  type SupervisedConfig,
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
export { lockRun, requireLock } from './run-lock.js';
export {
  constantRate,
  cosineAnnealingRate,
  cosineRate,
  stepRate,
  warmCosine,
  type LearningRateSchedule,
  type WarmUp,
} from './schedules.js';
export { countProgress, duration, progressBar, type CountProgress, type Progress } from './progress.js';
export {
  riskOf,
  survivalMetricDefinitions,
  survivalMetrics,
  survivalTask,
  type SurvivalMetrics,
  type SurvivalPredictions,
  type SurvivalTask,
  type SurvivalTaskOptions,
} from './survival-task.js';
export type { Task } from './task.js';
export { tensorBoard } from './tensorboard.js';
