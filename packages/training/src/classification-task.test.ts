import { expect, test } from 'vitest';
import { CALLS_NONE, foldMetrics, metricsAt, type Predictions } from './classification-task.js';

/** Predictions of two classes. */
function predictions(labels: number[], scores: number[]): Predictions {
  return { ids: labels.map(String), labels, probabilities: scores.map((score) => [1 - score, score]) };
}

const worse = predictions([1, 1, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0.7, 0.8, 1]);

test('where none positive is as good as any threshold, the threshold is a number that JSON keeps and that calls none', () => {
  const metrics = foldMetrics(worse);
  expect(metrics).toEqual({ auc: 0, accuracy: 0.5, f1: 0, threshold: CALLS_NONE });
  const { threshold } = JSON.parse(JSON.stringify(metrics)) as { threshold: number };
  expect(metricsAt(worse, threshold)).toEqual(metrics);
  for (let folds = 1; folds < 30; folds++) {
    const sum = Array.from({ length: folds }, () => threshold).reduce((a, b) => a + b, 0);
    expect(sum / folds).toBeGreaterThan(1);
  }
});

test('a selection of one class has no threshold: null with the reason, and so what would need one', () => {
  const test_ = predictions([0, 1], [0.2, 0.8]);
  expect(foldMetrics(test_, predictions([1, 1], [0.2, 0.9]))).toEqual({
    ...{ auc: 1, accuracy: null, f1: null, threshold: null },
    reasons: {
      accuracy: 'no threshold, as none of the 2 labels is 0 among the selection bags',
      f1: 'no threshold, as none of the 2 labels is 0 among the selection bags',
      threshold: 'none of the 2 labels is 0',
    },
  });
});

test('figures at a given threshold say which are undefined', () => {
  expect(metricsAt(predictions([0, 0], [0.2, 0.4]), 0.5)).toEqual({
    ...{ auc: null, accuracy: 1, f1: null, threshold: 0.5 },
    reasons: { auc: 'none of the 2 labels is 1', f1: expect.any(String) as string },
  });
});

test('more than two classes have no threshold, and need no reason', () => {
  const three: Predictions = { ids: ['a', 'b', 'c'], labels: [0, 1, 2], probabilities: [0, 1, 2].map(oneHot) };
  expect(foldMetrics(three)).toEqual({ auc: 1, accuracy: 1, f1: 1, threshold: null });
});

function oneHot(index: number): number[] {
  return [0, 1, 2].map((c) => (c === index ? 0.8 : 0.1));
}
