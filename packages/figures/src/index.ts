export { comparisonFigure, type Comparison } from './comparison-figure.js';
export { FigureError, type FigureErrorCode, type FigureErrorOptions } from './errors.js';
export { instanceLabelMap, instanceMap, type InstancePlaces, type MapOptions } from './instance-map.js';
export type { InstanceClasses } from './instance-labels.js';
export { renderReport } from './render-report.js';
export type {
  BagView,
  Cost,
  DataSetSummary,
  FoldValues,
  InstanceScores,
  Measured,
  MetricDefinition,
  ModelResult,
  Note,
  Numbers,
  PrecisionRecallCurves,
  PrecisionRecallPoints,
  Protocol,
  PublishedTable,
  ReportData,
  RocCurves,
  RocPoints,
  RunSummary,
  SignificanceTest,
  SurvivalCurves,
  SurvivalGroup,
  Sweep,
  TrainingCurve,
} from './report-data.js';
export { precisionRecallFigure } from './precision-recall-figure.js';
export { rocFigure } from './roc-figure.js';
export { survivalFigure } from './survival-figure.js';
export { sweepFigure } from './sweep-figure.js';
export { scoreHistogram, type ScoredInstances } from './score-histogram.js';
export { scoreRanking } from './score-ranking.js';
export type { FigureOptions } from './svg.js';
export type { ThemeName } from './theme.js';
export { trainingCurves, type TrainingOptions } from './training-curves.js';
export { writeReport } from './write-report.js';
