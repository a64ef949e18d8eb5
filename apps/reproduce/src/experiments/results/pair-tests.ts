import type { SignificanceTest } from '@mhim/figures';
import { paper } from '@mhim/hard-mining';
import { groupedBy } from '../../report/grouped-by.js';
import { judgedModel, pairTests, type JudgedModel } from '../../report/model-tests.js';
import { stageName } from '../../report/model-names.js';
import { isMethod } from '../../models/model-names.js';
import type { TrainedStage } from '../../run/train-run.js';
import type { TrainedSeries } from './trained-series.js';

/** Why a pair is shown: what the second is compared with. */
export type Asked = 'its baseline' | 'the best other model' | 'the default';

/** Two models of one column, compared on the same test cases. */
export interface TestedPair {
  /** Data set and features, as the headings call them. */
  place: string;
  set: string;
  extractor: string;
  first: string;
  second: string;
  /** Whether the second is MHIM-v2 as its paper has it. */
  ofMethod: boolean;
  /** None for a pair that only the file has. */
  asked: readonly Asked[];
  /** Different test cases. */
  cases: number;
  /** One kind of test a line; none where the two were not judged on the same cases. */
  tests: readonly Omit<SignificanceTest, 'first' | 'second' | 'protocol'>[];
}

/** A row of one column, or a baseline that has no row. */
interface Contender {
  name: string;
  judged: JudgedModel;
  series?: TrainedSeries;
}

/**
 * All pairs of models of every column. Asked for are: MHIM-v2 against its own baseline and against the best other model of the column;
 * where a column varies MHIM-v2, each row against the default instead; MHIM, and a feature layer that was started from a baseline, against
 * that.
 */
export function testedPairs(series: readonly TrainedSeries[], judge: Judge = judgedOnce()): TestedPair[] {
  return [...groupedBy(series, ({ place }) => place).values()].flatMap((own) => pairsOfColumn(own, judge));
}

/** What `judgedModel` makes of stages; undefined where there is nothing to judge. */
export type Judge = (stages: readonly TrainedStage[]) => JudgedModel | undefined;

/** The same trainings stand in several tables, and their resampling takes most of the time. */
export function judgedOnce(): Judge {
  const known = new Map<string, JudgedModel | undefined>();
  return (stages) => {
    const key = keyOf(stages);
    if (!known.has(key)) known.set(key, stages.length === 0 ? undefined : judgedModel(stages));
    return known.get(key);
  };
}

function keyOf(stages: readonly TrainedStage[]): string {
  return stages.map(({ folder }) => folder).join();
}

function pairsOfColumn(series: readonly TrainedSeries[], judge: Judge): TestedPair[] {
  // By their trainings: the default is in every panel of a sweep, and most baselines are rows.
  const contenders = new Map<string, Contender>();
  const add = (stages: readonly TrainedStage[], name: string, own?: TrainedSeries) => {
    const judged = judge(stages);
    if (judged && !contenders.has(keyOf(stages))) contenders.set(keyOf(stages), { name, judged, series: own });
  };
  for (const each of series) add(each.stages, each.label, each);
  for (const each of series) {
    const { model, base = model } = each.spec;
    if (each.baseline && startsFrom(each)) add(each.baseline, stageName('baseline', { model, base }));
  }
  const all = [...contenders.values()];
  const asked = new Map(all.map((second) => [second, askedOf(second, all, contenders)]));
  const pairs = all
    .flatMap((one, i) =>
      all.slice(i + 1).map((other): Pair => (asked.get(one)?.has(other) ? [other, one] : [one, other])),
    )
    .sort(([, a], [, b]) => all.indexOf(a) - all.indexOf(b));
  const { set, extractor, test } = (series[0] as TrainedSeries).spec;
  return pairs.flatMap(([first, second]) => {
    const tests = pairTests(first.judged, second.judged);
    if (tests.length === 0) return [];
    return {
      place: (series[0] as TrainedSeries).place,
      set: test === undefined ? set : `${set} → ${test}`,
      extractor,
      first: first.name,
      second: second.name,
      ofMethod: isDefault(second.series),
      asked: asked.get(second)?.get(first) ?? [],
      cases: first.judged.cases,
      tests,
    };
  });
}

type Pair = [first: Contender, second: Contender];

/** What a model is to be compared with, and why. */
function askedOf(
  second: Contender,
  all: readonly Contender[],
  byKey: ReadonlyMap<string, Contender>,
): Map<Contender, Asked[]> {
  const found = new Map<Contender, Asked[]>();
  const ask = (first: Contender | undefined, why: Asked) => {
    if (first && first !== second) found.set(first, [...(found.get(first) ?? []), why]);
  };
  const { series } = second;
  if (!series) return found;
  const varied = all.filter((other) => isVariant(other.series));
  const standard = all.find((other) => isDefault(other.series) && other.series?.spec.base === series.spec.base);
  if (isVariant(series) && standard) {
    ask(standard, 'the default');
    return found;
  }
  if (series.baseline && startsFrom(series)) ask(byKey.get(keyOf(series.baseline)), 'its baseline');
  if (isDefault(series) && varied.length === 0) ask(best(all, second), 'the best other model');
  return found;
}

/** The highest figure of those that are not MHIM-v2, on the same test cases. */
function best(all: readonly Contender[], { judged }: Contender): Contender | undefined {
  return all
    .filter(({ series, judged: other }) => series && series.spec.model !== 'mhim-v2' && other.folds === judged.folds)
    .filter(({ judged: { figure } }) => figure.value !== null)
    .sort((a, b) => (b.judged.figure.value as number) - (a.judged.figure.value as number))[0];
}

function isVariant(series: TrainedSeries | undefined): boolean {
  return series?.spec.model === 'mhim-v2' && !isDefault(series);
}

/** MHIM-v2 with what its paper sets, whatever the command line sets for all rows. */
function isDefault(series: TrainedSeries | undefined): boolean {
  if (series?.spec.model !== 'mhim-v2') return false;
  return Object.entries(series.spec.mhim ?? {}).every(([key, value]) => paper[key as keyof typeof paper] === value);
}

/** Whether what a training began with is its baseline; that of IBMIL is a part of it. */
function startsFrom({ spec: { model, init } }: TrainedSeries): boolean {
  return isMethod(model) || init !== undefined;
}
