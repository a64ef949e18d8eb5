import type { SignificanceTest } from '@mhim/figures';
import { bootstrap, cIndex, delongTest, mean, rocAuc, seededRandom, tryMetric } from '@mhim/metrics';
import type { TrainConfig } from '../config/train-config.js';
import { isSurvival } from '../run/results.js';
import type { Protocol, TrainedStage } from '../run/train-run.js';
import { classPredictions, modelsOf } from './fold-curves.js';
import { groupedBy } from './grouped-by.js';

/** Paired tests of each trained model against the first one (its baseline) on the same test bags. */
export function testsOf(stages: readonly TrainedStage[], protocol: Protocol, config: TrainConfig): SignificanceTest[] {
  const [first, ...others] = modelsOf(stages, protocol, config);
  if (!first) return [];
  return others.flatMap((second) => {
    const names = { protocol, first: first.model, second: second.model };
    return pairTests(first.folds, second.folds, config.task === 'survival').map((test) => ({ ...names, ...test }));
  });
}

/** Tests of the second against the first, fold by fold; none where they were not judged on the same bags. */
export function pairTests(first: readonly TrainedStage[], second: readonly TrainedStage[], survival: boolean): Test[] {
  const ids = (folds: readonly TrainedStage[]) => JSON.stringify(folds.map(({ fit }) => fit.best.test.ids));
  if (ids(first) !== ids(second)) return [];
  return survival ? [survivalTest(first, second)] : classTests(first, second);
}

/** One case as both models see it; the same case comes again where several folds or seeds judge it. */
interface PairedCase {
  id: string;
  fold: number;
  first: number;
  second: number;
}

type Test = Omit<SignificanceTest, 'first' | 'second' | 'protocol'>;

const METHOD = 'paired bootstrap of the test cases, 2,000 resamples';

interface ClassCase extends PairedCase {
  label: number;
}

function classTests(first: readonly TrainedStage[], second: readonly TrainedStage[]): Test[] {
  const ours = classPredictions(second);
  const cases = classPredictions(first).flatMap(({ ids, labels, scores }, fold) =>
    labels.map((label, i): ClassCase => {
      const score = ours[fold]?.scores[i] as number;
      return { id: ids[i] as string, fold, label, first: scores[i] as number, second: score };
    }),
  );
  if (cases.some(({ label }) => label > 1)) return [];
  const pooled = [...groupedBy(cases, ({ id }) => id).values()].map((same) => ({
    label: (same[0] as ClassCase).label,
    first: mean(same.map((each) => each.first)),
    second: mean(same.map((each) => each.second)),
  }));
  const delong = tryMetric(() =>
    delongTest(
      pooled.map(({ label }) => label),
      pooled.map((each) => each.second),
      pooled.map((each) => each.first),
    ),
  );
  const repeated = pooled.length < cases.length;
  return [
    pairedBootstrap('AUC, mean of the folds', cases, (own, score) =>
      rocAuc(
        own.map(({ label }) => label),
        own.map(score),
      ),
    ),
    {
      metric: 'AUC',
      difference: { value: delong.value?.difference ?? null, reason: delong.reason },
      p: { value: delong.value?.p ?? null, reason: delong.reason },
      method: repeated
        ? 'DeLong, every test bag once, by the mean of the models that judged it'
        : 'DeLong, the test bags of all folds pooled',
    },
  ];
}

function survivalTest(first: readonly TrainedStage[], second: readonly TrainedStage[]): Test {
  const cases = first.flatMap(({ fit: { best } }, fold) => {
    const theirs = best.test;
    const ours = second[fold]?.fit.best.test;
    if (!ours || !isSurvival(theirs) || !isSurvival(ours)) return [];
    return theirs.risks.map((risk, i) => ({
      id: theirs.ids[i] as string,
      fold,
      time: theirs.times[i] as number,
      event: theirs.events[i] as number,
      first: risk,
      second: ours.risks[i] as number,
    }));
  });
  return pairedBootstrap('C-index, mean of the folds', cases, (own, score) =>
    cIndex({ time: own.map(({ time }) => time), event: own.map(({ event }) => event) }, own.map(score)),
  );
}

/** A drawn case brings all that was said of it. Two-sided: p is twice the smaller share of resamples on either side of no difference. */
function pairedBootstrap<C extends PairedCase>(
  metric: string,
  cases: readonly C[],
  figure: (cases: readonly C[], score: (each: C) => number) => number,
): Test {
  const drawable = [...groupedBy(cases, ({ id }) => id).values()];
  const difference = (rows: Int32Array) => {
    const resample = Array.from(rows, (row) => drawable[row] as C[]).flat();
    const folds = groupedBy(resample, ({ fold }) => fold);
    return mean(
      Array.from(folds.values(), (own) => figure(own, ({ second }) => second) - figure(own, ({ first }) => first)),
    );
  };
  const whole = tryMetric(() => difference(Int32Array.from(drawable.keys())));
  const drawn = tryMetric(() => bootstrap(drawable.length, difference, { count: 2000, random: seededRandom(2021) }));
  const estimates = (drawn.value?.estimates ?? new Float64Array()).filter((value) => !Number.isNaN(value));
  const below = estimates.filter((value) => value <= 0).length;
  const above = estimates.filter((value) => value >= 0).length;
  return {
    metric,
    difference: whole,
    ...(drawn.value ? { interval: { lower: drawn.value.lower, upper: drawn.value.upper } } : {}),
    p: drawn.value
      ? { value: Math.min(1, (2 * Math.min(below, above)) / estimates.length) }
      : { value: null, reason: drawn.reason },
    method: METHOD,
  };
}
