import { describe, expect, it } from 'vitest';
import type { AnyPredictions } from '../run/results.js';
import type { TrainConfig } from '../config/train-config.js';
import type { TrainedStage } from '../run/train-run.js';
import { precisionRecallOf, survivalOf } from './fold-curves.js';
import { testsOf } from './model-tests.js';

const config = { model: 'mhim-v2', base: 'ab-mil', task: 'classification' } as unknown as TrainConfig;
const survivalConfig = { ...config, task: 'survival' } as TrainConfig;

const stage = (name: string, fold: number, test: AnyPredictions): TrainedStage => ({
  fold,
  protocol: 'paper',
  stage: name,
  folder: '',
  fit: { epochs: 1, bestEpoch: 0, history: [], best: { select: test, test }, last: { select: test, test } },
});
const classes = (scores: number[], part = ''): AnyPredictions => ({
  ids: scores.map((_, i) => `${part}${i}`),
  labels: scores.map((_, i) => i % 2),
  probabilities: scores.map((score) => [1 - score, score]),
});
const survival = (risks: number[], part = ''): AnyPredictions => ({
  ids: risks.map((_, i) => `${part}${i}`),
  times: risks.map((_, i) => i + 1),
  events: risks.map((_, i) => (i % 4 === 3 ? 0 : 1)),
  risks,
  survival: risks.map(() => [1]),
});
const [weak, strong] = [
  [0.4, 0.3, 0.6, 0.7, 0.2, 0.5, 0.1, 0.4],
  [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.2, 0.6],
];

describe('the curves and tests of a run', () => {
  const both = [0, 1].flatMap((fold) => [
    stage('baseline', fold, classes(weak, `${fold}-`)),
    stage('mhim-v2', fold, classes(strong, `${fold}-`)),
  ]);

  it('have precision and recall of every model with the share of positive bags', () => {
    const [baseline, mhim] = precisionRecallOf(both, 'paper', config);
    expect([baseline?.model, mhim?.model]).toEqual(['AB-MIL (baseline)', 'MHIM-v2 (AB-MIL)']);
    expect(mhim?.prevalence).toBe(0.5);
    expect(mhim?.folds.map(({ averagePrecision }) => averagePrecision.value)).toEqual([1, 1]);
  });

  it('compare the model with its baseline on the same bags', () => {
    const [bootstrapped, delong] = testsOf(both, 'paper', config);
    // Of the 16 pairs of a fold the weak model orders 11 right and ties one, the strong one all.
    expect(bootstrapped?.difference.value).toBeCloseTo(1 - 11.5 / 16, 10);
    expect(bootstrapped?.interval?.lower).toBeGreaterThan(0);
    expect(bootstrapped?.p.value).toBeLessThan(0.05);
    expect(delong?.difference.value).toBeGreaterThan(0);
  });

  it('say why there is no p where both models rank alike', () => {
    const alike = ['baseline', 'mhim-v2'].map((name) => stage(name, 0, classes(strong)));
    const delong = testsOf(alike, 'paper', config)[1];
    expect(delong?.p.value).toBeNull();
    expect(delong?.p.reason).toMatch(/no variance/);
  });

  it('have no test without a baseline, or with folds of one of the two missing', () => {
    expect(testsOf([stage('mhim-v2', 0, classes(strong))], 'paper', config)).toEqual([]);
    expect(testsOf(both.slice(0, 3), 'paper', config)).toEqual([]);
  });

  it('split the cases of each fold at its own median risk', () => {
    const falling = [8, 7, 6, 5, 4, 3, 2, 1];
    const shifted = falling.map((risk) => risk + 100);
    const stages = [stage('ab-mil', 0, survival(falling, 'a')), stage('ab-mil', 1, survival(shifted, 'b'))];
    const [curves] = survivalOf(stages, 'paper', { ...survivalConfig, model: 'ab-mil' });
    expect(curves?.groups.map(({ name, atRisk }) => [name, atRisk[0]])).toEqual([
      ['low risk', 8],
      ['high risk', 8],
    ]);
    // Who was to die early did: no case of low risk dies before the last of high risk.
    expect(curves?.groups[0]?.survival[0]).toBeGreaterThan(0);
    expect(curves?.logRank.value).toBeLessThan(0.01);
    expect(curves).not.toHaveProperty('unit');
    const published = { ...survivalConfig, model: 'ab-mil', dataSet: 'tcga-luad' } as TrainConfig;
    expect(survivalOf(stages, 'paper', published)[0]?.unit).toBe('months');
  });

  it('count a case once that several models judged', () => {
    const falling = [8, 7, 6, 5, 4, 3, 2, 1];
    const once = survivalOf([stage('ab-mil', 0, survival(falling))], 'paper', { ...survivalConfig, model: 'ab-mil' });
    // Two models of three agree with the first alone.
    const three = [falling, falling.map((risk) => risk + 100), [...falling].reverse()];
    const stages = three.map((risks, fold) => stage('ab-mil', fold, survival(risks)));
    const [curves] = survivalOf(stages, 'paper', { ...survivalConfig, model: 'ab-mil' });
    expect(curves?.groups).toEqual(once[0]?.groups);
    expect(curves?.logRank).toEqual(once[0]?.logRank);
    expect(curves?.grouping).toMatch(/^All test cases once: those that most of the models/);
    const twice = [0, 1].flatMap((fold) => [
      stage('baseline', fold, classes(weak)),
      stage('mhim-v2', fold, classes(strong)),
    ]);
    const alone = testsOf(twice.slice(0, 2), 'paper', config);
    for (const [i, test] of testsOf(twice, 'paper', config).entries()) {
      expect(test.difference).toEqual(alone[i]?.difference);
      expect(test.p).toEqual(alone[i]?.p);
      expect(test.interval).toEqual(alone[i]?.interval);
    }
  });

  it('compare C-indices of survival models', () => {
    const stages = [
      stage('baseline', 0, survival([1, 2, 3, 4, 5, 6, 7, 8])),
      stage('mhim-v2', 0, survival([8, 7, 6, 5, 4, 3, 2, 1])),
    ];
    const [test] = testsOf(stages, 'paper', survivalConfig);
    expect(test?.difference.value).toBe(1);
    expect(test?.p.value).toBeLessThan(0.01);
  });
});
