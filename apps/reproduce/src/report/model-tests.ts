import type { SignificanceTest } from '@mhim/figures';
import {
  bootstrap,
  cIndex,
  delongTest,
  drawResamples,
  mean,
  quantile,
  rocAuc,
  seededRandom,
  tryMetric,
} from '@mhim/metrics';
import type { MetricResult } from '@mhim/metrics';
import type { TrainConfig } from '../config/train-config.js';
import { isSurvival } from '../run/results.js';
import type { Protocol, TrainedStage } from '../run/train-run.js';
import { classPredictions, modelsOf } from './fold-curves.js';
import { groupedBy } from './grouped-by.js';

/** Paired tests of each trained model against the first one (its baseline) on the same test bags. */
export function testsOf(stages: readonly TrainedStage[], protocol: Protocol, config: TrainConfig): SignificanceTest[] {
  const [first, ...others] = modelsOf(stages, protocol, config);
  const baseline = first && judgedModel(first.folds);
  if (!baseline) return [];
  return others.flatMap((second) => {
    const names = { protocol, first: first.model, second: second.model };
    const judged = judgedModel(second.folds);
    return judged ? pairTests(baseline, judged).map((test) => ({ ...names, ...test })) : [];
  });
}

/** A model's figure on the test cases of its folds, and on every resample of them. */
export interface JudgedModel {
  /** The cases of every fold; only models of the same ones are compared. */
  folds: string;
  /** Different cases. */
  cases: number;
  metric: string;
  figure: MetricResult<number>;
  /** The figure in each resample, NaN where it is undefined; models of the same cases have the same resamples. */
  resampled: MetricResult<Float64Array>;
  /** Every case once with the mean of its scores, where there are two classes. */
  pooled?: { labels: number[]; scores: number[]; repeated: boolean };
}

type Test = Omit<SignificanceTest, 'first' | 'second' | 'protocol'>;

const METHOD = 'paired bootstrap of the test cases, 2,000 resamples';

/** What the tests of a model need, worked out once for all its pairs. Undefined for more than two classes. */
export function judgedModel(stages: readonly TrainedStage[]): JudgedModel | undefined {
  const survival = stages.flatMap(({ fit: { best } }) => (isSurvival(best.test) ? [best.test] : []));
  if (survival.length > 0) {
    const folds = survival.map(({ ids, times, events, risks }) => ({
      ids,
      figure: (rows: readonly number[]) =>
        cIndex({ time: rowsOf(times, rows), event: rowsOf(events, rows) }, rowsOf(risks, rows)),
    }));
    return resampledFigures('C-index, mean of the folds', folds);
  }
  const classes = classPredictions(stages);
  if (classes.some(({ labels }) => labels.some((label) => label > 1))) return undefined;
  const folds = classes.map(({ ids, labels, scores }) => ({
    ids,
    figure: (rows: readonly number[]) => rocAuc(rowsOf(labels, rows), rowsOf(scores, rows)),
  }));
  const cases = classes.flatMap(({ ids, labels, scores }) =>
    ids.map((id, i) => ({ id, label: labels[i], score: scores[i] })),
  );
  const once = [...groupedBy(cases, ({ id }) => id).values()];
  return {
    ...resampledFigures('AUC, mean of the folds', folds),
    pooled: {
      labels: once.map(([one]) => one?.label as number),
      scores: once.map((same) => mean(same.map(({ score }) => score as number))),
      repeated: once.length < cases.length,
    },
  };
}

/** Tests of the second against the first; none where they were not judged on the same cases, fold by fold. */
export function pairTests(first: JudgedModel, second: JudgedModel): Test[] {
  if (first.folds !== second.folds) return [];
  return [
    bootstrapTest(first, second),
    ...(first.pooled && second.pooled ? [delong(first.pooled, second.pooled)] : []),
  ];
}

/** The test cases of a fold, and the figure of some of its rows. */
interface JudgedFold {
  ids: readonly string[];
  figure: (rows: readonly number[]) => number;
}

/** Cases are drawn, not rows: one that several folds or seeds judge brings all that was said of it. */
function resampledFigures(metric: string, folds: readonly JudgedFold[]): JudgedModel {
  const rows = folds.flatMap(({ ids }, fold) => ids.map((id, row) => ({ id, fold, row })));
  const cases = [...groupedBy(rows, ({ id }) => id).values()];
  const meanOfFolds = (resample: Int32Array) => {
    const own = folds.map((): number[] => []);
    for (const index of resample) for (const { fold, row } of cases[index] ?? []) own[fold]?.push(row);
    return mean(folds.flatMap(({ figure }, fold) => (own[fold]?.length ? figure(own[fold]) : [])));
  };
  return {
    ...{ folds: JSON.stringify(folds.map(({ ids }) => ids)), metric, cases: cases.length },
    figure: tryMetric(() => meanOfFolds(Int32Array.from(cases.keys()))),
    resampled: tryMetric(
      () => bootstrap(cases.length, meanOfFolds, { resamples: resamplesOf(cases.length) }).estimates,
    ),
  };
}

/** The same for every model, so that two of them pair up. */
function resamplesOf(cases: number): Int32Array {
  const known = drawn.get(cases) ?? drawResamples(cases, 2000, seededRandom(2021));
  drawn.set(cases, known);
  return known;
}

const drawn = new Map<number, Int32Array>();

function rowsOf(values: readonly number[], rows: readonly number[]): number[] {
  return rows.map((row) => values[row] as number);
}

/** Two-sided: p is twice the smaller share of resamples on either side of no difference, what was found counting as one of them. */
function bootstrapTest(first: JudgedModel, second: JudgedModel): Test {
  const about = { metric: first.metric, method: METHOD };
  const undefinedBy = [first, second].flatMap(({ figure, resampled }) => figure.reason ?? resampled.reason ?? [])[0];
  const [a, b] = [first.resampled.value, second.resampled.value];
  const difference =
    first.figure.value === null || second.figure.value === null
      ? { value: null, reason: undefinedBy }
      : { value: second.figure.value - first.figure.value };
  if (!a || !b) return { ...about, difference, p: { value: null, reason: undefinedBy } };
  const estimates = b.map((value, i) => value - (a[i] as number)).filter((value) => !Number.isNaN(value));
  const below = estimates.filter((value) => value <= 0).length;
  const above = estimates.filter((value) => value >= 0).length;
  return {
    ...about,
    difference,
    interval: { lower: quantile(estimates, 0.025), upper: quantile(estimates, 0.975) },
    p: { value: Math.min(1, (2 * (Math.min(below, above) + 1)) / (estimates.length + 1)) },
  };
}

type Pooled = NonNullable<JudgedModel['pooled']>;

function delong(first: Pooled, second: Pooled): Test {
  const { value, reason } = tryMetric(() => delongTest(first.labels, second.scores, first.scores));
  return {
    metric: 'AUC',
    difference: { value: value?.difference ?? null, reason },
    p: { value: value?.p ?? null, reason },
    method: first.repeated
      ? 'DeLong, every test bag once, by the mean of the models that judged it'
      : 'DeLong, the test bags of all folds pooled',
  };
}
