/** A plain or a typed array of numbers. Plain arrays survive JSON, typed arrays save memory; both are drawn alike. */
export type Numbers = ArrayLike<number>;

/**
 * A value, or null and why there is none; the form of `MetricResult` in `@mhim/metrics`.
 * Shown as `–` with the reason; NaN and infinities are taken as no value.
 */
export interface Measured {
  value: number | null;
  reason?: string | null;
}

/** All that one HTML report shows. Plain data: `JSON.parse(JSON.stringify(data))` renders the same. No string is trusted. */
export interface ReportData {
  title: string;
  dataSet: DataSetSummary;
  run: RunSummary;
  /** How epoch and threshold were chosen, in the order of the tables; put the honest one first. */
  protocols: readonly Protocol[];
  /** The columns of the tables, in order. */
  metrics: readonly MetricDefinition[];
  /** One entry a model and protocol; the order of models is that of their first entries. */
  results: readonly ModelResult[];
  /** What follows the ± sign, where the caller gives `std`; default `standard deviation over the folds (n in the denominator)`. */
  spread?: string;
  roc?: readonly RocCurves[];
  precisionRecall?: readonly PrecisionRecallCurves[];
  survival?: readonly SurvivalCurves[];
  /** Ours beside published figures. */
  published?: readonly PublishedTable[];
  /** A metric over the values of an option. */
  sweeps?: readonly Sweep[];
  /** Whether one model is better than another on the same cases. */
  tests?: readonly SignificanceTest[];
  /** Which pairs these are, and where others are. */
  testsNote?: string;
  /** What training and using each model takes. */
  costs?: readonly Cost[];
  /** One figure an entry: a quantity of one model, e.g. its training loss, over the epochs of all folds. */
  training?: readonly TrainingCurve[];
  /** A few bags whose instances are shown; at most 12 are, the caption says so when there are more. */
  bags?: readonly BagView[];
  /** What the reader must know, e.g. caveats; the protocols and the metrics explain themselves. */
  notes?: readonly Note[];
}

export interface DataSetSummary {
  name: string;
  /** `simulated` puts a badge on every table and figure. */
  origin: 'real' | 'simulated';
  /** What a bag and an instance are, one or two sentences. */
  description?: string;
  /** Where it comes from: citation, licence. */
  source?: string;
  bags: number;
  /** Bags of each class. */
  classes?: readonly { name: string; bags: number }[];
  /** Instances in all bags, where they were counted. */
  instances?: number;
  /** Features of an instance, where all have as many. */
  width?: number;
  folds: number;
}

export interface RunSummary {
  /** ISO 8601. */
  date: string;
  /** E.g. `tensorflow (CPU, 2 cores)`. */
  backend: string;
  seed: number | string;
  /** The command that makes this report again. */
  command: string;
  /** Name to version: node, the packages, TensorFlow. */
  versions: Readonly<Record<string, string>>;
  durations: readonly { name: string; seconds: number }[];
  /** The resolved configuration, anything that JSON can hold. */
  config: unknown;
}

export interface Protocol {
  /** What {@link ModelResult.protocol} refers to, e.g. `paper` or `honest`. */
  id: string;
  name: string;
  /** On what epoch and threshold are chosen, one or two sentences. */
  description: string;
  /** Whether something was chosen on the data that the numbers are of; said beside every such number. */
  optimistic: boolean;
}

export interface MetricDefinition {
  /** The key in {@link ModelResult.measures}. */
  id: string;
  name: string;
  /** Under what it is defined, where several columns are of one metric; default `name`. */
  term?: string;
  /** Precisely, e.g. `F1 of the positive class at the chosen threshold`. */
  definition: string;
  /** Whether more is better, the default; decides what is emphasised. */
  higherIsBetter?: boolean;
}

export interface ModelResult {
  model: string;
  /** Results that are compared with each other, in a table of their own; left out, all of a protocol are. */
  group?: string;
  /** A {@link Protocol.id}. */
  protocol: string;
  /** By {@link MetricDefinition.id}; a metric left out is shown as not measured. */
  measures: Readonly<Record<string, FoldValues>>;
}

/** A metric over the folds. */
export interface FoldValues {
  /** One value a fold, in the order of the folds. */
  folds: readonly Measured[];
  /** Left out, the mean of the folds that have a value. */
  mean?: Measured;
  /** Left out, their standard deviation with n in the denominator, as the official code reports it. */
  std?: Measured;
  /** E.g. a bootstrap interval of the mean; drawn instead of ± std. */
  interval?: { lower: number; upper: number; definition: string };
}

/** The ROC curves of one model: one a fold. */
export interface RocCurves {
  model: string;
  /** A {@link Protocol.id}: which epoch's scores these are. */
  protocol?: string;
  /** The class that counts as positive. */
  positiveClass: string;
  folds: readonly RocPoints[];
  /** The curve of all folds' scores together; left out, the vertical mean of the folds' curves is drawn. */
  pooled?: RocPoints;
}

/** E.g. `{ ...rocCurve(labels, scores), auc: tryMetric(() => rocAuc(labels, scores)) }` with `@mhim/metrics`. */
export interface RocPoints {
  /** False positive rates rising from 0 to 1, as long as `tpr`; both empty where the curve is undefined. */
  fpr: Numbers;
  /** True positive rates rising from 0 to 1. */
  tpr: Numbers;
  auc: Measured;
}

/** The precision–recall curves of one model: one a fold. */
export interface PrecisionRecallCurves {
  model: string;
  /** A {@link Protocol.id}. */
  protocol?: string;
  positiveClass: string;
  /** Share of positive bags, what chance gives. */
  prevalence: number;
  folds: readonly PrecisionRecallPoints[];
}

/** E.g. of `precisionRecallCurve` and `averagePrecision` of `@mhim/metrics`. */
export interface PrecisionRecallPoints {
  /** Falling from 1 to 0, as long as `precision`; both empty where the curve is undefined. */
  recall: Numbers;
  precision: Numbers;
  averagePrecision: Measured;
}

/** Kaplan–Meier curves of the cases of one model, grouped by predicted risk. */
export interface SurvivalCurves {
  model: string;
  /** A {@link Protocol.id}. */
  protocol?: string;
  /** Of the times, e.g. `months`. */
  unit?: string;
  /** How the groups were made, one sentence. */
  grouping: string;
  groups: readonly SurvivalGroup[];
  /** p of the log-rank test. */
  logRank: Measured;
}

/** E.g. `{ name, ...kaplanMeier(outcome) }` with `@mhim/metrics`. */
export interface SurvivalGroup {
  name: string;
  /** Rising. */
  times: Numbers;
  /** Survival just after each time, with the bounds of its confidence band. */
  survival: Numbers;
  lower?: Numbers;
  upper?: Numbers;
  /** Cases at risk just before each time. */
  atRisk: Numbers;
  /** Times at which cases are censored. */
  censored?: Numbers;
}

/** A table of a publication: our values beside its own. */
export interface PublishedTable {
  title: string;
  /** Where the published figures stand, e.g. `MHIM-v2, Table 4`. */
  source: string;
  /** What must be known to compare the two, e.g. that ours are of other data. */
  note?: string;
  metrics: readonly { id: string; name: string }[];
  rows: readonly {
    label: string;
    /** By metric id; ours may be missing, and so may theirs. */
    values: Readonly<
      Record<
        string,
        {
          ours?: FoldValues;
          published?: { mean: number; std?: number };
          /** Ours minus theirs; left out, that of the means where there are both, unless it is given as undefined. */
          difference?: { value: number; interval?: { lower: number; upper: number } } | undefined;
        }
      >
    >;
  }[];
}

/** A metric over the values of an option, a line a model or data set. */
export interface Sweep {
  title: string;
  /** The option, e.g. `high score mask ratio`. */
  option: string;
  metric: string;
  lines: readonly {
    name: string;
    points: readonly { at: number | string; values: FoldValues; reference?: number }[];
  }[];
}

/** A paired comparison of two models on the same cases. */
export interface SignificanceTest {
  /** Tests under one heading, e.g. a data set. */
  group?: string;
  metric: string;
  /** A {@link Protocol.id}. */
  protocol?: string;
  first: string;
  second: string;
  /** What the first is to the second, e.g. `its baseline`. */
  relation?: string;
  /** Second minus first. */
  difference: Measured;
  interval?: { lower: number; upper: number };
  p: Measured;
  /** E.g. `DeLong, all test folds pooled`. */
  method: string;
}

export interface Cost {
  model: string;
  parameters?: number;
  /** Seconds an epoch of training takes. */
  epochSeconds?: number;
  /** Bags predicted in a second. */
  bagsPerSecond?: number;
  /** Of all tensors alive at the peak of a step. */
  peakMegabytes?: number;
  /** Resident memory of the whole process, the library's own included. */
  processMegabytes?: number;
  /** What it was measured on, where that is not the machine of the whole run. */
  machine?: string;
}

/** One quantity of one model over the epochs, a line a fold. */
export interface TrainingCurve {
  model: string;
  /** E.g. `training loss` or `validation AUC`. */
  quantity: string;
  folds: readonly {
    /** Epochs counted from 1 (or 0), as long as `values`. */
    epochs: Numbers;
    /** Null or NaN where nothing was measured. */
    values: ArrayLike<number | null>;
    /** The epoch whose weights a {@link Protocol.id} reports. */
    chosen?: readonly { protocol: string; epoch: number }[];
  }[];
}

/** The instances of a bag with what one or more models make of them. */
export interface BagView {
  /** The bag's id or path. */
  bag: string;
  /** The bag's label, by name. */
  label: string;
  /** The fold in whose test set the bag is, counted from 1. */
  fold?: number;
  /** [n, 2] row by row: x to the right, y down, of the instance's upper left corner (patches) or centre (cells). */
  coords?: Numbers;
  /** Side of a patch in the unit of `coords`; left out, it is taken from the grid, and points are drawn where there is none. */
  patchSize?: number;
  /** Micrometres per unit of `coords`, for a scale bar. */
  micronsPerUnit?: number;
  /** [n] 1 = positive, 0 = negative, −1 or null = unknown; left out, the bag's instance labels are not known. */
  instanceLabels?: ArrayLike<number | null>;
  /** What the instance labels 1 and 0 mean, and where they come from. */
  instanceClasses?: { positive: string; negative: string; source?: string };
  scores: readonly InstanceScores[];
}

export interface InstanceScores {
  model: string;
  /** E.g. `attention` or `instance probability`. */
  name: string;
  /** What the score is and how it is computed, one sentence. */
  description: string;
  /** The class that a high score speaks for, or `any class` for class-agnostic attention. */
  className: string;
  /** [n] higher = more; non-finite values are left out and counted in the caption. */
  values: Numbers;
  /**
   * How the map is painted. `scale` (default): percentiles by colour. As in MHIM-v2's Figs. 1 and 7, known positives outlined in blue:
   * `brightness` by rank, `cyan` above `centre`, `masked` black where the value is 1.
   */
  style?: 'scale' | 'brightness' | 'cyan' | 'masked';
  /** Of `cyan`: the value at which the class is neither favoured nor not, default ½. */
  centre?: number;
  /** AUC of the scores against the known instance labels of this bag. */
  instanceAuc?: Measured;
  /** The bag's predicted class and its probability. */
  predicted?: { label: string; probability?: number };
}

export interface Note {
  title: string;
  /** Plain text; an empty line separates paragraphs. */
  text: string;
}
