import type { PrecisionRecallCurves, RocCurves, SurvivalCurves, TrainingCurve } from '@mhim/figures';
import {
  averagePrecision,
  kaplanMeier,
  logRankTest,
  precisionRecallCurve,
  quantile,
  rocAuc,
  rocCurve,
  tryMetric,
} from '@mhim/metrics';
import type { Predictions, SurvivalPredictions } from '@mhim/training';
import type { TrainConfig } from '../config/train-config.js';
import { isSurvival } from '../run/results.js';
import type { Protocol, TrainedStage } from '../run/train-run.js';
import { groupedBy } from './grouped-by.js';
import { modelName, stageName } from './model-names.js';

/** The stages of one protocol, each with its folds, baseline first, by the model's name in words. */
export function modelsOf(
  stages: readonly TrainedStage[],
  protocol: Protocol,
  config: TrainConfig,
): { model: string; folds: TrainedStage[] }[] {
  const own = stages.filter((stage) => stage.protocol === protocol);
  return [...groupedBy(own, ({ stage }) => stage)].map(([stage, folds]) => ({
    model: stage === 'baseline' ? stageName(stage, config) : modelName(config),
    folds,
  }));
}

/** Of two classes. */
export function rocOf(stages: readonly TrainedStage[], protocol: Protocol, config: TrainConfig): RocCurves[] {
  return modelsOf(stages, protocol, config).map(({ model, folds }) => ({
    model,
    protocol,
    positiveClass: className(1, 2),
    folds: classPredictions(folds).map(({ labels, scores }) => {
      const auc = tryMetric(() => rocAuc(labels, scores));
      const { value } = tryMetric(() => rocCurve(labels, scores));
      return { fpr: Array.from(value?.fpr ?? []), tpr: Array.from(value?.tpr ?? []), auc };
    }),
  }));
}

/** Of two classes. */
export function precisionRecallOf(
  stages: readonly TrainedStage[],
  protocol: Protocol,
  config: TrainConfig,
): PrecisionRecallCurves[] {
  return modelsOf(stages, protocol, config).map(({ model, folds }) => {
    const predictions = classPredictions(folds);
    const labels = predictions.flatMap((fold) => fold.labels);
    return {
      model,
      protocol,
      positiveClass: className(1, 2),
      prevalence: labels.filter((label) => label === 1).length / Math.max(labels.length, 1),
      folds: predictions.map((fold) => {
        const { value } = tryMetric(() => precisionRecallCurve(fold.labels, fold.scores));
        return {
          recall: Array.from(value?.recall ?? []),
          precision: Array.from(value?.precision ?? []),
          averagePrecision: tryMetric(() => averagePrecision(fold.labels, fold.scores)),
        };
      }),
    };
  });
}

/** Test cases of all folds, each in the group of high risk where its risk is above the median of its fold; a case counts once. */
export function survivalOf(stages: readonly TrainedStage[], protocol: Protocol, config: TrainConfig): SurvivalCurves[] {
  return modelsOf(stages, protocol, config).map(({ model, folds }) => {
    const cases = onceEach(folds.flatMap(({ fit: { best } }) => (isSurvival(best.test) ? riskGroups(best.test) : [])));
    const all = outcomeOf(cases);
    return {
      model,
      protocol,
      // Published tables are read as months; what the user's own are in only the user knows.
      ...(config.dataSet === undefined ? {} : { unit: 'months' }),
      grouping: cases.some(({ judged }) => judged > 1)
        ? 'All test cases once: those that most of the models (of all folds and seeds) rank above the median against the others.'
        : 'All test cases, those of a predicted risk above the median of their own fold against the others (risks of different folds have no common scale).',
      groups: (['low risk', 'high risk'] as const).flatMap((name, group) => {
        const own = cases.filter((each) => each.group === group);
        const curve = tryMetric(() => kaplanMeier(outcomeOf(own))).value;
        if (!curve) return [];
        const { times, survival, lower, upper, atRisk } = curve;
        const lists = { times, survival, lower, upper, atRisk };
        const plain = Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, Array.from(list)]));
        const censored = own.filter(({ event }) => event === 0).map(({ time }) => time);
        return [{ name, censored, ...(plain as { [key in keyof typeof lists]: number[] }) }];
      }),
      logRank: tryMetric(
        () =>
          logRankTest(
            all,
            cases.map(({ group }) => group),
          ).p,
      ),
    };
  });
}

/** Loss and the figure that chooses the epoch; epochs count from 1, as while training. */
export function trainingOf(stages: readonly TrainedStage[], protocol: Protocol, config: TrainConfig): TrainingCurve[] {
  const figure = config.task === 'survival' ? 'C-index' : 'AUC';
  const chooser = `${protocol === 'paper' ? 'test' : 'validation'} ${figure}`;
  return modelsOf(stages, protocol, config).flatMap(({ model, folds }) => {
    const curve = (quantity: string, of: (record: TrainedStage['fit']['history'][number]) => number) => ({
      model: `${model}, ${protocol} protocol`,
      quantity,
      folds: folds.map(({ fit }) => ({
        epochs: fit.history.map(({ epoch }) => epoch + 1),
        values: fit.history.map(of),
        chosen: [{ protocol, epoch: fit.bestEpoch + 1 }],
      })),
    });
    return [curve('training loss', ({ loss }) => loss), curve(chooser, ({ selection }) => selection)];
  });
}

/** Labels and scores of the positive class of every fold's test bags. */
export function classPredictions(
  folds: readonly TrainedStage[],
): { ids: string[]; labels: number[]; scores: number[] }[] {
  return folds.flatMap(({ fit: { best } }) => {
    if (isSurvival(best.test)) return [];
    const { ids, labels, probabilities } = best.test as Predictions;
    return [{ ids, labels, scores: probabilities.map((row) => row[1] as number) }];
  });
}

export function className(label: number, classes: number): string {
  return classes === 2 ? (['negative', 'positive'][label] as string) : `class ${label}`;
}

interface RiskCase {
  id: string;
  time: number;
  event: number;
  /** 1 = high risk */
  group: 0 | 1;
}

/** A case that several models judged (those of several seeds, or of all folds on another set) is of the group that most put it in. */
function onceEach(cases: readonly RiskCase[]): (RiskCase & { judged: number })[] {
  return [...groupedBy(cases, ({ id }) => id).values()].map((same) => {
    const high = same.filter(({ group }) => group === 1).length;
    return { ...(same[0] as RiskCase), group: 2 * high > same.length ? 1 : 0, judged: same.length };
  });
}

function riskGroups({ ids, times, events, risks }: SurvivalPredictions): RiskCase[] {
  const median = quantile(risks, 0.5);
  return risks.map((risk, i) => ({
    id: ids[i] as string,
    time: times[i] as number,
    event: events[i] as number,
    group: risk > median ? 1 : 0,
  }));
}

function outcomeOf(cases: readonly RiskCase[]) {
  return { time: cases.map(({ time }) => time), event: cases.map(({ event }) => event) };
}
