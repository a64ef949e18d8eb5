import { argMax, decide, f1Score, meanAndStd, tryMetrics } from '@mhim/metrics';
import {
  foldMetrics,
  metricDefinitions,
  metricsAt,
  survivalMetricDefinitions,
  survivalMetrics,
  type FitResult,
  type FoldMetrics,
  type Predictions,
  type SurvivalPredictions,
} from '@mhim/training';

/** Predictions of either task. */
export type AnyPredictions = Predictions | SurvivalPredictions;

/** The figures of one set of predictions; null where one is undefined, absent where it is of the other task. */
export interface Metrics {
  auc?: number | null;
  accuracy?: number | null;
  f1?: number | null;
  f1Macro?: number | null;
  threshold?: number | null;
  cIndex?: number | null;
  /** Why a figure is null. */
  reasons?: Partial<Record<Exclude<keyof Metrics, 'reasons'>, string>>;
}

/** One model on one fold under one protocol. */
export interface StageResult extends Metrics {
  bestEpoch: number;
  /** Epochs that were run. */
  epochs: number;
  /** The last epoch's model, called at 0.5 (two classes) or by the most probable class. */
  last: Metrics;
  /** Area under the ROC curve of instance scores against known instance labels, mean over positive test bags. */
  instanceAuc?: number | null;
}

/** A fold of `results.json`: the trained model's figures, and beside them the baseline's that it was started from. */
export interface FoldResult extends StageResult {
  fold: number;
  trainBags: number;
  testBags: number;
  baseline?: StageResult;
  /** The same model trained without the validation part, epoch and threshold chosen on it, judged on the same test bags. */
  honest?: StageResult & { trainBags: number; validationBags: number; baseline?: StageResult };
}

export type Spread = { mean: number; std: number };
export type SummaryOf = {
  auc?: Spread;
  accuracy?: Spread;
  f1?: Spread;
  f1Macro?: Spread;
  instanceAuc?: Spread;
  cIndex?: Spread;
  last?: SummaryOf;
  baseline?: SummaryOf;
  honest?: SummaryOf;
};

/** What stands in `results.json`. */
export interface Results {
  data: string;
  /** True where the bags are made, not found. */
  simulated: boolean;
  model: string;
  /** What a method runs over; ab-mil where it is not said. */
  base?: string;
  protocol: string;
  /** What the unmarked figures of a fold are: the paper's protocol, or the honest one where only that was run. */
  figures: 'paper' | 'honest';
  complete: boolean;
  definitions: Record<string, string>;
  summary: SummaryOf;
  folds: FoldResult[];
}

/** What each figure is. */
export const definitions: Record<string, string> = {
  ...metricDefinitions,
  f1Macro: 'mean over classes of their F1 scores, decisions as for f1',
  instanceAuc:
    'area under the ROC curve of attention (class-aware instance score for models without) against the known instance labels, mean over the positive test bags that hold both kinds',
  bestEpoch:
    'epoch, from 0, with the largest selection metric (AUC; balanced accuracy for more than two classes): the first of equals under the paper’s protocol, the last under the honest one',
  paper:
    'epoch and threshold are chosen on the test fold, as the paper has no validation set: optimistic by construction',
  honest:
    'epoch and threshold are chosen on a stratified part of the training fold that the model does not train on; the test fold is used once',
  last: 'the last epoch’s model, called at 0.5 for two classes and by the most probable class for more',
  baseline:
    'what the training begins with, on the same bags: for MHIM its aggregator alone, for IBMIL the model without confounders',
  std: 'population standard deviation over folds',
};

/** What each figure is where survival is learnt. */
export const survivalDefinitions: Record<string, string> = {
  ...survivalMetricDefinitions,
  bestEpoch:
    'epoch, from 0, with the largest C-index: the first of equals under the paper’s protocol, the last under the honest one',
  paper: 'the epoch is chosen on the test fold, as the paper has no validation set: optimistic by construction',
  honest:
    'the epoch is chosen on a stratified part of the training fold that the model does not train on; the test fold is used once',
  last: 'the last epoch’s model',
  baseline: definitions.baseline as string,
  std: definitions.std as string,
};

export function isSurvival(predictions: AnyPredictions): predictions is SurvivalPredictions {
  return 'risks' in predictions;
}

/** The figures of a finished stage. */
export function stageResult(
  { best, last, bestEpoch, epochs }: FitResult<AnyPredictions>,
  instanceAuc?: number | null,
): StageResult {
  return {
    ...metricsOf(best.test, best.select),
    bestEpoch,
    epochs,
    last: plainMetrics(last.test),
    ...(instanceAuc === undefined ? {} : { instanceAuc }),
  };
}

/** Figures at the threshold that `select` (default: the same predictions) chooses. */
export function metricsOf(test: AnyPredictions, select: AnyPredictions = test): Metrics {
  return isSurvival(test) ? survivalMetrics(test) : withMacroF1(test, foldMetrics(test, select as Predictions));
}

/** Figures at a threshold that is given: 0.5 by default. */
export function plainMetrics(test: AnyPredictions, threshold = 0.5): Metrics {
  return isSurvival(test) ? survivalMetrics(test) : withMacroF1(test, metricsAt(test, threshold));
}

function withMacroF1(test: Predictions, { reasons, ...figures }: FoldMetrics): Metrics {
  const { threshold } = figures;
  if (reasons?.threshold !== undefined) {
    return { ...figures, f1Macro: null, reasons: { ...reasons, f1Macro: reasons.f1 } };
  }
  const calls = callsOf(test, threshold);
  const macro = tryMetrics({ f1Macro: () => f1Score(test.labels, calls, { average: 'macro', zeroDivision: 0 }) });
  const all = { ...reasons, ...macro.reasons };
  return { ...figures, f1Macro: macro.f1Macro, ...(Object.keys(all).length > 0 && { reasons: all }) };
}

/** Mean and spread over folds of all figures. */
export function summarise(folds: readonly FoldResult[]): SummaryOf {
  const summary = summaryOf(folds);
  const baselines = folds.flatMap(({ baseline }) => baseline ?? []);
  const honest = folds.flatMap((fold) => fold.honest ?? []);
  const honestBaselines = honest.flatMap(({ baseline }) => baseline ?? []);
  return {
    ...summary,
    ...(baselines.length > 0 ? { baseline: summaryOf(baselines) } : {}),
    ...(honest.length > 0
      ? {
          honest: {
            ...summaryOf(honest),
            ...(honestBaselines.length > 0 ? { baseline: summaryOf(honestBaselines) } : {}),
          },
        }
      : {}),
  };
}

function summaryOf(stages: readonly StageResult[]): SummaryOf {
  const of = (list: readonly (Metrics & { instanceAuc?: number | null })[]): SummaryOf => ({
    ...spread('auc', list),
    ...spread('accuracy', list),
    ...spread('f1', list),
    ...spread('f1Macro', list),
    ...spread('instanceAuc', list),
    ...spread('cIndex', list),
  });
  return { ...of(stages), last: of(stages.map(({ last }) => last)) };
}

function spread(
  name: 'auc' | 'accuracy' | 'f1' | 'f1Macro' | 'instanceAuc' | 'cIndex',
  list: readonly (Metrics & { instanceAuc?: number | null })[],
): SummaryOf {
  const values = list.map((metrics) => metrics[name] ?? null);
  if (values.every((value) => value === null)) return {};
  const { mean, std } = meanAndStd(values);
  return { [name]: { mean, std } };
}

function callsOf({ probabilities }: Predictions, threshold: number | null): Int32Array {
  const classes = probabilities[0]?.length ?? 2;
  if (threshold === null) return argMax(probabilities.flat(), classes);
  return decide(
    probabilities.map((row) => row[1] as number),
    threshold,
  );
}
