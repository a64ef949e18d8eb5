import { describe, expect, it } from 'vitest';
import * as metrics from './index.js';

/*
 * Values of scikit-learn 1.9 and scikit-survival 0.28:
 *   y, s as below; f, t, h = roc_curve(y, s); roc_auc_score(y, s); average_precision_score(y, s); precision_recall_curve(y, s)
 *   p = s >= 0.6; precision_recall_fscore_support(y, p, average=…); matthews_corrcoef(y, p); cohen_kappa_score(y, p); log_loss(y, s)
 *   q = P.argmax(1); roc_auc_score(Y, P, multi_class=…, average=…); top_k_accuracy_score(Y, P, k=2); confusion_matrix(Y, q) …
 *   concordance_index_censored(event == 1, time, risk)
 */
const y = [0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0];
const s = [0.1, 0.4, 0.4, 0.8, 0.4, 0.3, 0.3, 0.9, 0.8, 0.6, 0.3, 0.6];
const Y = [0, 0, 0, 1, 1, 2, 2, 2, 1, 0];
const P = [7, 2, 1, 4, 4, 2, 2, 5, 3, 1, 8, 1, 4, 4, 2, 1, 2, 7, 3, 3, 4, 5, 1, 4, 2, 6, 2, 6, 3, 1].map((x) => x / 10);
const classes = 3;

describe('two classes, tied scores', () => {
  it('ROC curve without and with the points in between', () => {
    const curve = metrics.rocCurve(y, s);
    expectClose(curve.fpr, [0, 0, 1 / 3, 0.5, 5 / 6, 1]);
    expectClose(curve.tpr, [0, 1 / 6, 0.5, 5 / 6, 1, 1]);
    expect([...curve.thresholds]).toEqual([Infinity, 0.9, 0.6, 0.4, 0.3, 0.1]);
    const full = metrics.rocCurve(y, s, { dropIntermediate: false });
    expectClose(full.tpr, [0, 1 / 6, 1 / 3, 0.5, 5 / 6, 1, 1]);
    expect([...full.thresholds]).toEqual([Infinity, 0.9, 0.8, 0.6, 0.4, 0.3, 0.1]);
    expect(metrics.trapezoidArea(full.fpr, full.tpr)).toBeCloseTo(metrics.rocAuc(y, s), 12);
  });

  it('areas, threshold and probability scores', () => {
    expect(metrics.rocAuc(y, s)).toBeCloseTo(0.6944444444444445, 12);
    expect(metrics.averagePrecision(y, s)).toBeCloseTo(0.677020202020202, 12);
    expect(metrics.logLoss(y, s)).toBeCloseTo(0.6442623858684842, 12);
    expect(metrics.brierScore(y, s)).toBeCloseTo(0.23083333333333333, 12);
    expect(metrics.youdenThreshold(y, s)).toEqual({ threshold: 0.4, fpr: 0.5, tpr: 5 / 6 });
  });

  it('precision-recall curve', () => {
    const curve = metrics.precisionRecallCurve(y, s);
    expectClose(curve.precision, [0.5, 0.5454545454545454, 0.625, 0.6, 2 / 3, 1, 1]);
    expectClose(curve.recall, [1, 1, 5 / 6, 0.5, 1 / 3, 1 / 6, 0]);
    expect([...curve.thresholds]).toEqual([0.1, 0.3, 0.4, 0.6, 0.8, 0.9]);
  });

  it('decisions at a threshold', () => {
    const p = metrics.decide(s, 0.6);
    const { threshold, ...scores } = metrics.thresholdedScores(y, s, { threshold: 0.6 });
    expect(threshold).toBe(0.6);
    expectClose(Object.values(scores), [0.5833333333333334, 0.6944444444444445, 0.6, 0.5, 0.5454545454545454]);
    const macro = metrics.thresholdedScores(y, s, { threshold: 0.6, average: 'macro' });
    expectClose(
      [macro.precision, macro.recall, macro.f1],
      [0.5857142857142856, 0.5833333333333333, 0.5804195804195804],
    );
    expect(metrics.matthewsCorrelation(y, p)).toBeCloseTo(0.1690308509457033, 12);
    expect(metrics.cohenKappa(y, p)).toBeCloseTo(1 / 6, 12);
    expect(metrics.binaryCounts(y, p)).toEqual({
      trueNegatives: 4,
      falsePositives: 2,
      falseNegatives: 3,
      truePositives: 3,
    });
  });
});

describe('three classes, tied probabilities', () => {
  const q = metrics.argMax(P, classes);

  it('decisions', () => {
    expect([...q]).toEqual([0, 0, 1, 1, 0, 2, 2, 0, 1, 0]);
    expect([...metrics.confusionMatrix(Y, q).counts]).toEqual([3, 1, 0, 1, 2, 0, 1, 0, 2]);
    const averaged = (['macro', 'weighted', 'micro'] as const).map((average) => [
      metrics.precision(Y, q, { average }),
      metrics.recall(Y, q, { average }),
      metrics.f1Score(Y, q, { average }),
    ]);
    expectClose(averaged[0] ?? [], [0.7555555555555555, 0.6944444444444443, 0.7111111111111111]);
    expectClose(averaged[1] ?? [], [0.74, 0.7, 0.7066666666666667]);
    expectClose(averaged[2] ?? [], [0.7, 0.7, 0.7]);
    expect(metrics.balancedAccuracy(Y, q)).toBeCloseTo(0.6944444444444443, 12);
    expect(metrics.matthewsCorrelation(Y, q)).toBeCloseTo(0.5471422245456321, 12);
    const kappas = (['none', 'linear', 'quadratic'] as const).map((weights) => metrics.cohenKappa(Y, q, { weights }));
    expectClose(kappas, [0.5384615384615384, 0.5454545454545454, 0.5522388059701492]);
  });

  it('areas and probability scores', () => {
    const aucs = (['macro', 'weighted', 'micro'] as const).map((average) =>
      metrics.multiclassRocAuc(Y, P, { classes, average }),
    );
    expectClose(aucs, [0.9067460317460317, 0.8952380952380953, 0.885]);
    expect(metrics.multiclassRocAuc(Y, P, { classes, strategy: 'one-vs-one' })).toBeCloseTo(0.9097222222222223, 12);
    expect(metrics.macroAveragePrecision(Y, P, classes)).toBeCloseTo(0.8805555555555555, 12);
    expect(metrics.multiclassLogLoss(Y, P, classes)).toBeCloseTo(0.7232745526654376, 12);
    expect(metrics.topKAccuracy(Y, P, { classes, k: 2 })).toBeCloseTo(0.9, 12);
  });
});

it("Harrell's C-index, tied times and risks", () => {
  const time = [5, 3, 3, 8, 1, 5, 5, 9];
  const event = [1, 1, 0, 0, 1, 0, 1, 1];
  const risk = [0.5, 0.9, 0.5, 0.2, 0.9, 0.5, 0.7, 0.1];
  expect(metrics.concordance({ time, event }, risk)).toEqual({
    cIndex: 0.9473684210526315,
    concordant: 17,
    discordant: 0,
    tiedRisk: 2,
    tiedTime: 3,
  });
});

function expectClose(got: ArrayLike<number>, want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  want.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 12));
}
