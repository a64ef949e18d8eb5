import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import {
  aggregatorNames,
  createAggregator,
  insideMhim,
  registry,
  type AggregatorName,
  type AggregatorOptions,
  type Positions,
} from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import { expectAllClose, isFinite, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import type { HardMining } from './hard-mining.js';
import type { MiningScore } from './instance-score.js';
import { MHIMv2 } from './mhim-v2.js';
import { MHIM } from './mhim.js';
import { bagOf, trainingStep } from './test-helpers.js';

/*
 * Both methods over every aggregator of the registry, known by its interface alone: a new entry is tested without a line here.
 */
const inputDim = 6;
const grid = (n: number): Positions => ({
  xy: Array.from({ length: n }, (_, i) => [i % 4, Math.floor(i / 4)]).flat(),
  width: 4,
  height: 4,
});

function optionsOf(name: AggregatorName, method?: 'mhim' | 'mhim-v2'): AggregatorOptions {
  const small = 'embedDim' in registry[name].defaults ? { embedDim: 16 } : {};
  return insideMhim({ name, inputDim, classes: 2, ...small } as AggregatorOptions, { method });
}

const common = { momentum: 0.9, consistencyWeight: 0.5 };
const methods: [string, (name: AggregatorName, score: MiningScore) => HardMining][] = [
  [
    'MHIM',
    (name, score) =>
      new MHIM((rng) => createAggregator(optionsOf(name, 'mhim'), rng), new Rng(0), {
        ...common,
        maskRatioRandom: 0.3,
        maskRatioLow: 0.2,
        maskRatioHigh: 0.1,
        score,
      }),
  ],
  [
    'MHIM-v2',
    (name, score) =>
      new MHIMv2((rng) => createAggregator(optionsOf(name), rng), new Rng(0), {
        ...common,
        maskRatioHigh: 0.1,
        keepRatio: 0.4,
        queries: 2,
        recycleHeads: 2,
        recycleHeadDim: 4,
        score,
      }),
  ],
];

describe.each(aggregatorNames)('over %s', (name) => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  const hasAttention = () => {
    const aggregator = createAggregator(optionsOf(name), new Rng(0));
    const has = tf.tidy(() => aggregator.forward(bagOf(4, inputDim), { positions: grid(4) }).attention !== undefined);
    aggregator.dispose();
    return has;
  };

  describe.each(methods)('%s', (method, create) => {
    it.each([1, 2, 3, 12])('takes two training steps on a bag of %i', (n) => {
      const model = create(name, 'probability');
      const [features, positions, rng] = [bagOf(n, inputDim), grid(n), new Rng(3)];
      const moved = [...model.teacher.parameters()].filter(
        ([key]) => model.trainableParameters().has(key) && key.startsWith(model.student.featurePrefix),
      );
      expect(moved).not.toHaveLength(0);
      for (const step of [0, 1]) {
        const before = moved.map(([, value]) => value.dataSync().slice());
        const outcome = trainingStep(model, features, rng, { step, totalSteps: 10, positions });
        expect(outcome.finite).toBe(true);
        expect(outcome.consistency).toBeTypeOf('number');
        expect(outcome.reached.some((key) => key.startsWith(model.student.featurePrefix))).toBe(true);
        const { masked, kept, recycled } = outcome.hard;
        expect([...masked, ...kept, ...recycled].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        expect(kept.length + recycled.length).toBeGreaterThan(0);
        moved.forEach(([key, value], i) => {
          const student = (model.parameters().get(key) as tf.Variable).dataSync();
          const old = before[i] as Float32Array;
          expectAllClose(
            value,
            student.map((now, at) => 0.1 * now + 0.9 * (old[at] as number)),
          );
          expect(value.dataSync()).not.toEqual(old);
        });
      }
      expect(tensorsLeftBy(() => trainingStep(model, features, rng, { positions }))).toBe(0);
      expect(isFinite(model.predict(features, { positions }).logits)).toBe(true);
      expect(tensorsLeftBy(() => create(name, 'probability').dispose())).toBe(0);
      model.dispose();
    });

    it('ranks by attention where there is one, and says so where there is none', () => {
      const model = create(name, 'attention');
      const step = () => trainingStep(model, bagOf(9, inputDim), new Rng(3), { positions: grid(9) });
      if (hasAttention()) expect(step().finite).toBe(true);
      else expect(step).toThrow(/score: the aggregator has no attention/);
      model.dispose();
    });

    it('keeps everything in its state dict', () => {
      const [model, other] = [create(name, 'probability'), create(name, 'probability')];
      trainingStep(model, bagOf(9, inputDim), new Rng(3), { positions: grid(9) });
      other.loadStateDict(model.stateDict());
      const logits = (from: HardMining) => from.predict(bagOf(9, inputDim), { positions: grid(9) }).logits.dataSync();
      expect(logits(other)).toEqual(logits(model));
      const names = Object.keys(model.stateDict()).filter((key) => !key.startsWith('merge.'));
      expect(names).toEqual(Object.keys(model.student.stateDict()));
      if (method === 'MHIM') expect(names).toEqual(Object.keys(model.stateDict()));
    });
  });
});
