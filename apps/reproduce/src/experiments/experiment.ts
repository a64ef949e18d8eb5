import type { AggregatorName } from '@mhim/mil-aggregators';
import type { TrainInput } from '../config/train-config.js';
import type { AggregatorSettings } from '../models/model-config.js';
import type { ModelName } from '../models/model-names.js';

/** The data sets of the paper (Table 1 and §4.3.4). */
export const DATA_SETS = [
  'camelyon',
  'tcga-nsclc',
  'tcga-brca',
  'tcga-luad',
  'tcga-lusc',
  'tcga-blca',
  'cptac',
] as const;
export type DataSetId = (typeof DATA_SETS)[number];

export const EXTRACTORS = ['resnet-50', 'plip', 'uni'] as const;
export type Extractor = (typeof EXTRACTORS)[number];

export type TaskName = 'classification' | 'survival';

/** Features that something is trained or judged on. */
export interface DataRef {
  set: DataSetId;
  extractor: Extractor;
  task: TaskName;
}

/** What a column shows of a trained model: a figure of its folds, or a cost that is measured (Tables 6 and 9). */
export const FIGURES = ['accuracy', 'auc', 'f1', 'f1Macro', 'cIndex'] as const;
export const COSTS = ['parameters', 'epochSeconds', 'memoryBytes', 'bagsPerSecond'] as const;
export type FigureName = (typeof FIGURES)[number];
export type CostName = (typeof COSTS)[number];
export type MetricName = FigureName | CostName;

/** All that a cell of a table says of what is trained; row and column say a part each. */
export interface CellSpec extends DataRef {
  model: ModelName;
  base?: AggregatorName;
  preset?: TrainInput['preset'];
  /** Options of the method over its preset. */
  mhim?: TrainInput['mhim'];
  aggregator?: AggregatorSettings;
  /** Starts the feature layer of an aggregator without mining from its own baseline (Table 11). */
  init?: 'feature';
  /** Judged on all of this set instead of the test fold (Table 5). */
  test?: DataSetId;
}

export interface Column {
  /** From the outermost heading to the innermost. */
  header: readonly string[];
  metric: MetricName;
  spec: Partial<CellSpec>;
}

export interface Row {
  /** What the paper prints across several rows. */
  group?: string;
  label: string;
  spec: Partial<CellSpec>;
  /** Of a sweep: the value of the parameter that `group` names. */
  x?: number;
  /** As the paper prints it, one a column; none where the paper only draws it. */
  paper: readonly string[];
}

interface Described {
  /** `table-4`, `figure-6`. */
  id: string;
  title: string;
  /** What the reader of the numbers must know. */
  notes?: readonly string[];
}

/** A table of the paper, or a figure that draws one: every row by every column is a model trained on data. */
export interface GridExperiment extends Described {
  kind: 'table' | 'sweep';
  rows: readonly Row[];
  columns: readonly Column[];
}

/**
 * `masked`: what MHIM's first step masks. `attention`: how much of the bag embedding is an instance's. `probability`: of the positive class, by
 * the instance's own logits.
 */
export type MapLayer = 'masked' | 'attention' | 'probability';

/** A figure of slides as models see them, from the trainings of the first fold. */
export interface MapExperiment extends Described {
  kind: 'maps';
  /** What is shown of a trained model, in this order; default attention. */
  layers?: readonly MapLayer[];
  /** Each is a model of the picture, in its order. */
  models: readonly { label: string; spec: CellSpec }[];
  /** Test slides shown, the first of the fold. */
  positive: number;
  negative: number;
  /** Figure 8: shows how the teacher scores at these shares of the training instead of the trained models. */
  moments?: readonly number[];
}

export type Experiment = GridExperiment | MapExperiment;

/** Row and column together. */
export function cellSpec(row: Row, column: Column): CellSpec {
  return mergeSpecs(row.spec, column.spec) as CellSpec;
}

/** The second's choices over the first's; options of methods and aggregators are joined. */
export function mergeSpecs(first: Partial<CellSpec>, second: Partial<CellSpec>): Partial<CellSpec> {
  const joined = { ...first, ...second };
  if (first.mhim && second.mhim) joined.mhim = { ...first.mhim, ...second.mhim };
  if (first.aggregator && second.aggregator) joined.aggregator = { ...first.aggregator, ...second.aggregator };
  return joined;
}
