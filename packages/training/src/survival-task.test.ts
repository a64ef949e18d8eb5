import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bag, BagInfo, BagSource, Fold } from '@mhim/datasets';
import { MHIMv2 } from '@mhim/hard-mining';
import { ABMIL, mhimABMIL } from '@mhim/mil-aggregators';
import { discreteNll } from '@mhim/survival-losses';
import { useBackend, type Rng } from '@mhim/tensor';
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
    expect(survivalMetrics(allCensored)).toEqual({ cIndex: null });
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
