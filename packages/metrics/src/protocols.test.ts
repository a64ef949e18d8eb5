import { describe, expect, it } from 'vitest';
import * as metrics from './index.js';

describe('official protocols', () => {
  const labels = [0, 0, 0, 1, 1, 1, 1];
  const scores = [0.1, 0.2, 0.6, 0.4, 0.8, 0.9, 0.95];

  it('the paper’s: positive from Youden’s threshold on; DTFD: only above it', () => {
    expect(metrics.youdenThreshold(labels, scores).threshold).toBe(0.8);
    expect(metrics.thresholdedScores(labels, scores)).toMatchObject({ accuracy: 6 / 7, precision: 1, recall: 3 / 4 });
    expect(metrics.dtfdScores(labels, scores)).toMatchObject({ accuracy: 5 / 7, precision: 1, recall: 2 / 4 });
  });

  it('a threshold that worse than chance scores lead to calls none positive', () => {
    expect(metrics.youdenThreshold([1, 0], [0.1, 0.9]).threshold).toBe(Infinity);
    expect(metrics.thresholdedScores([1, 0], [0.1, 0.9])).toMatchObject({
      accuracy: 0.5,
      precision: 0,
      recall: 0,
      f1: 0,
    });
  });

  it('AUC without softmax where all logits lie in [0, 1]', () => {
    // Logit of class 1 ranks the cases, its softmax does not: the second case has the larger difference.
    const inside = [0.9, 0.5, 0, 0.4];
    expect(metrics.mhimScores([1, 0], inside, 2).auc).toBe(0.5);
    const outside = inside.map((logit) => logit - 1);
    expect(metrics.mhimScores([1, 0], outside, 2).auc).toBe(0);
  });

  it('the binary option decides by the sigmoid of one logit, not by the arg-max', () => {
    const logits = [3, 2, 5, 1, -2, -1, -4, -3];
    const truth = [0, 0, 1, 0];
    expect(metrics.mhimScores(truth, logits, 2)).toMatchObject({
      accuracy: 0.75,
      macroAccuracy: expect.closeTo(5 / 6, 12) as number,
    });
    expect(metrics.mhimBinaryScores(truth, metrics.column(logits, 2, 1))).toMatchObject({ accuracy: 0.25, recall: 0 });
  });
});

describe('calibration', () => {
  it('bins are [a, b) in single precision; 1 has its own', () => {
    const bins = metrics.calibrationBins([0.3, Math.fround(0.3), 0.29, 1, 0.95], [1, 0, 0, 1, 0], { bins: 10 });
    expect(bins.map(({ count }) => count)).toEqual([0, 0, 1, 2, 0, 0, 0, 0, 0, 1, 1]);
    expect(bins[3]).toMatchObject({ accuracy: 0.5 });
  });

  it('ECE weighs the gaps by the cases, MCE takes the largest', () => {
    const confidences = [0.1, 0.1, 0.1, 0.9];
    const outcomes = [0, 0, 0, 0];
    expect(metrics.expectedCalibrationError(confidences, outcomes, { bins: 10 })).toBeCloseTo(0.3, 12);
    expect(metrics.maximumCalibrationError(confidences, outcomes, { bins: 10 })).toBeCloseTo(0.9, 12);
  });

  it('log loss of a certain mistake is large, not infinite', () => {
    expect(metrics.logLoss([1, 0], [0, 0])).toBeCloseTo(-Math.log(Number.EPSILON) / 2, 9);
  });

  it('softmax of large logits does not overflow', () => {
    expect([...metrics.softmax([1000, 1000, -1000, 0], 2)]).toEqual([0.5, 0.5, 0, 1]);
  });
});
