export { cohenKappa, matthewsCorrelation, type KappaOptions } from './agreement.js';
export { bootstrap, drawResamples, seededRandom, type BootstrapOptions, type BootstrapResult } from './bootstrap.js';
export { cIndex, concordance, unoCIndex, unoConcordance, type Concordance, type UnoOptions } from './c-index.js';
export {
  brierScore,
  calibrationBins,
  expectedCalibrationError,
  logLoss,
  maximumCalibrationError,
  multiclassBrierScore,
  multiclassLogLoss,
  topLabel,
  type CalibrationBin,
} from './calibration.js';
export { censoringWeights } from './censoring-distribution.js';
export type { Numbers } from './check.js';
export { chiSquaredP } from './chi-squared.js';
export {
  accuracy,
  balancedAccuracy,
  classScores,
  f1Score,
  precision,
  recall,
  specificity,
  type Average,
  type ClassScores,
  type ScoreOptions,
  type ZeroDivision,
} from './classification.js';
export { binaryCounts, confusionMatrix, type BinaryCounts, type ConfusionMatrix } from './confusion-matrix.js';
export { argMax, column, decide, decideStrictly, oneVersusRest, softmax, take } from './decisions.js';
export { delongCovariance, delongInterval, delongTest, type DeLongOptions } from './delong.js';
export { survivalCurves, survivalRisks } from './discrete-survival.js';
export { MetricError, UndefinedMetricError, type MetricErrorCode, type MetricErrorOptions } from './errors.js';
export type { Interval } from './interval.js';
export {
  kaplanMeier,
  medianSurvivalTime,
  restrictedMeanSurvivalTime,
  survivalAt,
  type KaplanMeierCurve,
  type KaplanMeierOptions,
} from './kaplan-meier.js';
export { logRankTest, type LogRankOptions, type LogRankResult } from './log-rank-test.js';
export { mcnemarTest, type McNemarResult } from './mcnemar-test.js';
export { nelsonAalen, type CumulativeHazard } from './nelson-aalen.js';
export {
  averagePrecision,
  macroAveragePrecision,
  precisionRecallCurve,
  type PrecisionRecallCurve,
} from './precision-recall.js';
export {
  dtfdScores,
  mhimBinaryScores,
  mhimScores,
  thresholdedScores,
  type DtfdScores,
  type LoggedScores,
  type ThresholdedScores,
} from './protocols.js';
export { classRocAucs, multiclassRocAuc, rocAuc, type MulticlassAucOptions } from './roc-auc.js';
export { rocCurve, trapezoidArea, type RocCurve } from './roc-curve.js';
export { mean, meanAndStd, quantile, standardDeviation, type FoldSummary } from './statistics.js';
export { integratedBrierScore, survivalBrierScores } from './survival-brier.js';
export type { RiskTable, SurvivalOutcome } from './survival-outcome.js';
export { cumulativeDynamicAuc, type TimeDependentAuc } from './time-dependent-auc.js';
export { topKAccuracy } from './top-k-accuracy.js';
export { tryMetric, tryMetrics, type MetricResult, type MetricResults } from './try-metric.js';
export { wilsonInterval } from './wilson-interval.js';
export { youdenThreshold, type OperatingPoint } from './youden-threshold.js';
