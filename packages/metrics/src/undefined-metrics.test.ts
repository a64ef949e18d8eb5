import { describe, expect, it } from 'vitest';
import * as metrics from './index.js';

const train = { time: [1, 2, 3, 4], event: [1, 1, 0, 1] };

describe('metrics without a value', () => {
  const oneClass: [string, number | undefined, () => unknown][] = [
    ['AUC', 0, () => metrics.rocAuc([1, 1, 1], [0.2, 0.5, 0.9])],
    ['ROC curve', 1, () => metrics.rocCurve([0, 0], [0.2, 0.5])],
    ['ROC curve', 1, () => metrics.youdenThreshold([0, 0], [0.2, 0.5])],
    ['AUC', 2, () => metrics.multiclassRocAuc([0, 1], [1, 0, 0, 0, 1, 0], { classes: 3 })],
    ['AUC', 1, () => metrics.multiclassRocAuc([0, 2], [1, 0, 0, 0, 1, 0], { classes: 3, strategy: 'one-vs-one' })],
    ['average precision', 1, () => metrics.averagePrecision([0, 0], [0.2, 0.5])],
    ['recall', 1, () => metrics.recall([0, 0], [0, 1])],
    ['precision', 1, () => metrics.precision([0, 1], [0, 0])],
    ['F1', 1, () => metrics.f1Score([0, 0], [0, 0])],
    ['specificity', 0, () => metrics.specificity([1, 1], [0, 1])],
    ['balanced accuracy', 1, () => metrics.balancedAccuracy([0, 0], [0, 1])],
    ['kappa', undefined, () => metrics.cohenKappa([1, 1], [1, 1])],
    ['Matthews correlation', undefined, () => metrics.matthewsCorrelation([0, 1], [1, 1])],
    ['C-index', 1, () => metrics.cIndex({ time: [1, 2], event: [0, 0] }, [0.1, 0.2])],
    ['C-index', undefined, () => metrics.cIndex({ time: [1, 2], event: [0, 1] }, [0.1, 0.2])],
    ['C-index', undefined, () => metrics.cIndex({ time: [3, 3], event: [1, 1] }, [0.1, 0.2])],
    ["Uno's C-index", 1, () => metrics.unoCIndex(train, { time: [1, 2], event: [0, 0] }, [1, 2])],
    ["Uno's C-index", undefined, () => metrics.unoCIndex(train, { time: [2, 3], event: [1, 0] }, [1, 2], { tau: 2 })],
    ["Uno's C-index", undefined, () => metrics.unoCIndex(train, { time: [7, 8], event: [1, 0] }, [1, 2])],
    ['time-dependent AUC', undefined, () => metrics.cumulativeDynamicAuc(train, train, [1, 2, 3, 4], [0.5])],
    ['time-dependent AUC', undefined, () => metrics.cumulativeDynamicAuc(train, train, [1, 2, 3, 4], [4])],
    ['survival Brier score', undefined, () => metrics.survivalBrierScores(train, train, [1, 1, 1, 1], [4])],
    ['log-rank test', undefined, () => metrics.logRankTest(train, [5, 5, 5, 5])],
    ['log-rank test', undefined, () => metrics.logRankTest({ time: [1, 2], event: [0, 0] }, [0, 1])],
    ['log-rank test', undefined, () => metrics.logRankTest({ time: [1, 2, 3], event: [0, 1, 1] }, [0, 1, 1])],
    ['survival', undefined, () => metrics.survivalAt(metrics.kaplanMeier({ time: [1, 2], event: [1, 0] }), 3)],
    ["DeLong's variance", undefined, () => metrics.delongCovariance([0, 0, 1], [0.1, 0.2, 0.3])],
    ["DeLong's test", undefined, () => metrics.delongTest([0, 0, 1, 1], [1, 3, 2, 4], [1, 3, 2, 4])],
    [
      'logit interval of the AUC',
      undefined,
      () => metrics.delongInterval([0, 0, 1, 1], [1, 2, 3, 4], { scale: 'logit' }),
    ],
    ['mean', undefined, () => metrics.meanAndStd([null, null])],
    ['standard deviation', undefined, () => metrics.standardDeviation([1], { ddof: 1 })],
  ];

  it.each(oneClass)('%s: names the missing class (%s)', (metric, absentClass, compute) => {
    const error = thrownBy(compute);
    expect(error).toBeInstanceOf(metrics.UndefinedMetricError);
    expect(error).toMatchObject({ code: 'undefined-metric', metric, absentClass });
    expect(metrics.tryMetric(compute)).toEqual({ value: null, reason: (error as metrics.UndefinedMetricError).reason });
  });

  it('says what is missing and what to do', () => {
    expect(() => metrics.rocAuc([1, 1, 1], [0.2, 0.5, 0.9])).toThrow(
      'AUC is undefined: none of the 3 labels is 0. Use folds in which every class occurs',
    );
  });

  it('several by name: nulls with their reasons, and no reasons where all have a value', () => {
    const [auc, recall] = [() => metrics.rocAuc([1, 1], [0.2, 0.9]), () => metrics.recall([1, 1], [0, 1])];
    const none = 'none of the 2 labels is 0';
    expect(metrics.tryMetrics({ auc, recall })).toEqual({ auc: null, recall: 0.5, reasons: { auc: none } });
    expect(metrics.tryMetrics({ recall })).toEqual({ recall: 0.5 });
    expect(() => metrics.tryMetrics({ auc: () => metrics.rocAuc([0, 1], [0.5, NaN]) })).toThrow(/NaN/);
  });

  it('takes a number for 0/0 where asked', () => {
    expect(metrics.precision([0, 1], [0, 0], { zeroDivision: 0 })).toBe(0);
    expect(metrics.balancedAccuracy([0, 0], [0, 1], { absentClasses: 'skip' })).toBe(0.5);
    expect(metrics.tryMetric(() => metrics.f1Score([0, 1], [0, 0]))).toEqual({ value: 0, reason: null });
  });

  it('macro averages leave out a class that occurs nowhere', () => {
    expect(metrics.f1Score([0, 2], [0, 2], { average: 'macro', classes: 4 })).toBe(1);
  });

  it('AUC of an absent class: skipped, or 0 as torchmetrics', () => {
    const scores = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1];
    expect(metrics.multiclassRocAuc([0, 1], scores, { classes: 3, absentClasses: 'skip' })).toBe(1);
    expect(metrics.multiclassRocAuc([0, 1], scores, { classes: 3, absentClasses: 'zero' })).toBeCloseTo(2 / 3, 12);
  });
});

describe('bad input', () => {
  it.each<[string, metrics.MetricErrorCode, string, () => unknown]>([
    ['NaN score', 'non-finite', 'entry 1 is NaN', () => metrics.rocAuc([0, 1], [0.5, NaN])],
    ['lengths', 'data', 'scores: expected 2 values', () => metrics.rocAuc([0, 1], [0.5])],
    ['no cases', 'data', 'labels: expected at least one value', () => metrics.rocAuc([], [])],
    ['label 2 of two classes', 'data', 'entry 1 is 2', () => metrics.rocAuc([0, 2], [0.1, 0.2])],
    ['label −1', 'data', 'entry 0 is -1', () => metrics.accuracy([-1, 0], [0, 0])],
    ['binary F1 of three classes', 'config', "Choose 'macro'", () => metrics.f1Score([0, 1, 2], [0, 1, 2])],
    ['ragged matrix', 'data', 'rows of 3', () => metrics.argMax([1, 2, 3, 4], 3)],
    ['logits for probabilities', 'data', 'softmax', () => metrics.logLoss([0, 1], [-1, 3])],
    ['threshold NaN', 'config', 'threshold', () => metrics.decide([0.5], NaN)],
    ['no random source', 'config', 'seededRandom', () => metrics.bootstrap(3, () => 1, {})],
    ['resample outside', 'data', 'entry 1 is 2', () => metrics.bootstrap(2, () => 1, { resamples: [0, 2] })],
    ['level', 'config', 'between 0 and 1', () => metrics.wilsonInterval(1, 2, { level: 95 })],
    ['more successes than trials', 'data', 'at most 2', () => metrics.wilsonInterval(3, 2)],
    [
      'times that do not ascend',
      'config',
      'entry 1 is 2',
      () => metrics.cumulativeDynamicAuc(train, train, [1, 2, 3, 4], [2, 2]),
    ],
    [
      'risk of another shape',
      'data',
      '4 × 2 or 4',
      () => metrics.cumulativeDynamicAuc(train, train, [1, 2, 3], [2, 3]),
    ],
    ['survival above 1', 'data', 'probabilities', () => metrics.survivalBrierScores(train, train, [1, 2, 0, 1], [2])],
    ['one time', 'config', 'two times', () => metrics.integratedBrierScore(train, train, [1, 1, 0, 1], [2])],
    ['groups missing', 'data', 'groups: expected 4', () => metrics.logRankTest(train, [0, 1])],
    ['event 2', 'data', 'event', () => metrics.cIndex({ time: [1, 2], event: [2, 0] }, [1, 2])],
  ])('%s', (_, code, message, compute) => {
    const error = thrownBy(compute);
    expect(error).toBeInstanceOf(metrics.MetricError);
    expect(error).not.toBeInstanceOf(metrics.UndefinedMetricError);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(message);
    expect(() => metrics.tryMetric(compute)).toThrow(metrics.MetricError);
  });
});

function thrownBy(compute: () => unknown): unknown {
  try {
    compute();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}
