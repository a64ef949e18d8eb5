import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bag, BagInfo, BagSource, Fold } from '@mhim/datasets';
import { MHIMv2 } from '@mhim/hard-mining';
import { ABMIL, mhimABMIL } from '@mhim/mil-aggregators';
import { discreteNll } from '@mhim/survival-losses';
import { Rng, useBackend } from '@mhim/tensor';
import { crossValidate } from './cross-validate.js';
import { fit } from './fit.js';
import { mhimLearner, supervisedLearner, type Learner } from './learner.js';
import { constantRate } from './schedules.js';
import { survivalMetrics, survivalTask } from './survival-task.js';
import { toyBags } from './test-helpers.js';

/** The toy bags with outcomes: the odd ones, whose instances look different, die early; every fourth is censored. */
function toyCohort(): BagSource {
  const toy = toyBags();
  const bags = toy.bags.map(({ id }, i): BagInfo => {
    return { id, time: (i % 2 ? 2 : 20) + ((7 * i) % 5) + i / 100, event: i % 4 === 2 ? 0 : 1 };
  });
  const content = toy.content.map((bag, i) => ({
    ...bag,
    features: bag.features.map((value, k) => (k % bag.width === 1 ? (i % 2 ? 1 : -1) : value)),
  }));
  return { ...toy, bags, read: async (i) => content[i] as Bag };
}

const source = toyCohort();
const train = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const learners: Record<string, (rng: Rng) => Learner> = {
  'ab-mil': (rng) => supervisedLearner(new ABMIL({ ...sizes, classes: 3 }, rng), { learningRate: 0.01 }),
  'mhim-v2': (rng) => {
    const base = mhimABMIL({ ...sizes, classes: 3 });
    return mhimLearner(new MHIMv2((stream) => new ABMIL(base, stream), rng, { queries: 2 }), { learningRate: 0.01 });
  },
};
const sizes = { inputDim: source.width, embedDim: 8, attentionDim: 4 };

beforeAll(async () => void (await useBackend({ log: () => {} })));

describe('survivalTask', () => {
  test('bins know the training bags, or all where that is asked for', () => {
    const own = survivalTask(source.bags, train, { bins: 2 });
    const all = survivalTask(source.bags, train, { bins: 2, binsFrom: 'cohort' });
    const longest = (places: readonly number[]) => Math.max(...places.map((i) => source.bags[i]?.time as number));
    expect(own.edges.at(-1)).toBeCloseTo(longest(train), 4);
    expect(all.edges.at(-1)).toBeCloseTo(longest(source.bags.map((_, i) => i)), 4);
    expect([own.outputs, own.edges.length]).toEqual([2, 3]);
  });

  test('the target of a bag is the likelihood at its time bin', () => {
    const task = survivalTask(source.bags, train, { bins: 3, alpha: 0.2 });
    const logits = tf.tensor2d([[0.3, -0.2, 1]]);
    const of = (info: BagInfo) => (task.target(info).loss(logits).dataSync()[0] as number).toFixed(6);
    const want = (bin: number, censored: boolean) =>
      (discreteNll(logits, { bin, censored }, { alpha: 0.2 }).dataSync()[0] as number).toFixed(6);
    expect(of({ id: 'early', time: 0.1, event: 1 })).toBe(want(0, false));
    expect(of({ id: 'late', time: 1000, event: 0 })).toBe(want(2, true));
    expect(() => task.target({ id: 'x', time: 3 })).toThrow(/bag "x": has no survival time and event/);
  });

  test('predictions are survival and risk; figures the C-index, or null', () => {
    const task = survivalTask(source.bags, train, { bins: 2 });
    const some = [
      { id: 'a', time: 1, event: 1 as const },
      { id: 'b', time: 2, event: 0 as const },
    ];
    const predictions = task.predictions(some, [Float32Array.of(0, 0), Float32Array.of(-50, -50)]);
    expect(predictions).toMatchObject({
      ids: ['a', 'b'],
      times: [1, 2],
      events: [1, 0],
      survival: [
        [0.5, 0.25],
        [1, 1],
      ],
    });
    expect(predictions.risks).toEqual([-0.75, -2]);
    expect(task.selection(predictions)).toBe(1);
    const allCensored = { ...predictions, events: [0, 0] };
    expect(survivalMetrics(allCensored)).toEqual({
      cIndex: null,
      reasons: { cIndex: 'none of the 2 cases has an event' },
    });
    expect(() => task.selection(allCensored)).toThrow(/none of the 2 cases has an event/);
  });
});

test.each(['ab-mil', 'mhim-v2'])('%s learns who dies early, leaks nothing, and repeats bit for bit', async (model) => {
  const before = tf.memory().numTensors;
  const run = () =>
    fit({
      source,
      task: survivalTask(source.bags, train, { bins: 3 }),
      train,
      select: [10, 11, 12, 13, 14, 15],
      createLearner: learners[model] as (rng: Rng) => Learner,
      epochs: 12,
      schedule: constantRate(0.01),
      seed: 3,
      stream: 1,
      standardise: true,
    });
  const first = await run();
  expect(tf.memory().numTensors).toBe(before);
  expect(first.history.at(-1)?.labelLoss).toBeLessThan(first.history[0]?.labelLoss as number);
  expect(survivalMetrics(first.best.test).cIndex).toBeGreaterThan(0.7);
  expect(await run()).toEqual(first);
});

test('cross-validation fits bins on each fold and sums up the C-index', async () => {
  const folds: Fold[] = [0, 1].map((fold) => ({
    fold,
    train: source.bags.flatMap((_, i) => (Math.floor(i / 4) % 2 === fold ? [i] : [])),
    test: source.bags.flatMap((_, i) => (Math.floor(i / 4) % 2 === fold ? [] : [i])),
  }));
  const edges: number[][] = [];
  const { folds: outcomes, summary } = await crossValidate({
    source,
    folds,
    task: ({ train: rows }) => {
      const task = survivalTask(source.bags, rows, { bins: 3 });
      edges.push([...task.edges]);
      return task;
    },
    createLearner: learners['ab-mil'] as (rng: Rng) => Learner,
    epochs: 2,
    schedule: constantRate(0.01),
    seed: 1,
  });
  expect(edges[0]).not.toEqual(edges[1]);
  const values = outcomes.map(({ best }) => best.cIndex as number);
  expect(summary.cIndex?.mean).toBeCloseTo(((values[0] as number) + (values[1] as number)) / 2, 12);
  expect(outcomes[0]?.fit.best.test.risks.length).toBe(8);
});

test('32 steps are those of PyTorch from the same weights: loss for loss, and the risks at the end', () => {
  // torch 2.6: Linear, GELU, tanh attention, Linear; nll of hazards; Adam(lr=2e-2, weight_decay=1e-3), one bag a step.
  const losses = [
    ...[0.570859, 2.635539, 0.542335, 2.944735, 1.687481, 2.982522, 1.600561, 2.707775],
    ...[0.649046, 1.844931, 0.846947, 2.245337, 1.632079, 1.928943, 0.910971, 1.705586],
    ...[1.070535, 1.488081, 1.260358, 1.90321, 1.788507, 1.332935, 0.604386, 1.192177],
    ...[1.341651, 1.482674, 1.464513, 1.750941, 1.921502, 1.066336, 0.538121, 0.962715],
  ];
  const risks = [-2.129974, -2.292974, -2.044609, -2.239372, -1.90155, -2.214481, -1.979566, -2.29591];
  const wave = (shape: [number, number] | [number], start: number, size = 0.4) =>
    tf.tensor(
      Array.from({ length: shape[0] * (shape[1] ?? 1) }, (_, i) => size * Math.sin(start + 1.7 * i)),
      shape,
    );
  const rng = new Rng(1);
  const model = new ABMIL({ inputDim: 6, embedDim: 8, attentionDim: 4, classes: 4, dropout: 0 }, rng);
  const weights: [string, [number, number] | [number]][] = [
    ['feature.0.weight', [8, 6]],
    ['feature.0.bias', [8]],
    ['attention.0.weight', [4, 8]],
    ['attention.0.bias', [4]],
    ['attention.2.weight', [1, 4]],
    ['attention.2.bias', [1]],
    ['classifier.weight', [4, 8]],
    ['classifier.bias', [4]],
  ];
  model.loadStateDict(Object.fromEntries(weights.map(([name, shape], i) => [name, wave(shape, i)])));
  const times = [4, 9, 2, 14, 7, 11, 5, 16];
  const cohort = times.map((time, i): BagInfo => ({ id: `${i}`, time, event: i === 3 || i === 6 ? 0 : 1 }));
  const features = cohort.map((_, i) => wave([3 + (i % 3), 6], 10 + i, 1.6) as tf.Tensor2D);
  const task = survivalTask(
    cohort,
    cohort.map((_, i) => i),
  );
  const learner = supervisedLearner(model, { learningRate: 2e-2, weightDecay: 1e-3 });
  losses.forEach((want, step) => {
    const [x, bag] = [features[step % 8] as tf.Tensor2D, cohort[step % 8] as BagInfo];
    const { loss } = learner.step(x, task.target(bag), { rng, step, totalSteps: losses.length });
    expect(loss).toBeCloseTo(want, 4);
  });
  const predictions = task.predictions(
    cohort,
    features.map((x) => learner.predict(x)),
  );
  predictions.risks.forEach((risk, i) => expect(risk).toBeCloseTo(risks[i] as number, 4));
  learner.dispose();
});
