import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ABMIL, MeanPooling, mhimABMIL, type Aggregation, type AggregatorCall } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import { expectAllClose, isFinite, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { initialiseFromBaseline } from './initialise.js';
import { conferencePresets, type MHIMConfig } from './mhim-v1-config.js';
import { MHIM } from './mhim.js';
import { momentumSchedule } from './schedules.js';
import { bagOf, trainingStep } from './test-helpers.js';

const [inputDim, embedDim] = [6, 8];
const base = mhimABMIL({ inputDim, embedDim });
const create = (config: Partial<MHIMConfig> = {}, seed = 0) =>
  new MHIM((rng) => new ABMIL(base, rng), new Rng(seed), config);
const bag = (n: number, seed = 1) => bagOf(n, inputDim, seed);
const constant = { maskRatioHighDecay: 'none', teacherDropout: false } as const;

/** AB-MIL with a second head, which looks at the instances in reverse. */
class TwoHeads extends ABMIL {
  override aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): Aggregation {
    const { embedding, attention } = super.aggregate(instances, call);
    return { embedding, attention: tf.concat([attention as tf.Tensor2D, tf.reverse(attention as tf.Tensor2D, 1)]) };
  }
}

beforeAll(async () => {
  await useNativeForTests();
});

describe('the masks of the conference version', () => {
  it('are united over the whole bag, random, low and high, and what is left keeps its order', () => {
    const model = create({
      ...constant,
      maskRatioRandom: 0.5,
      maskRatioLow: 0.2,
      maskRatioHigh: 0.1,
      randomHigh: 1,
    });
    const random = Array.from({ length: 20 }, (_, i) => (7 * i + 3) % 20);
    const { masked, kept, recycled, scores } = model.mine(bag(20), {
      rng: new Rng(0),
      draws: { random: () => random },
    });
    const ranked = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number));
    const want = new Set([...random.slice(0, 10), ...ranked.slice(-4), ...ranked.slice(0, 2)]);
    expect([...masked]).toEqual([...want].sort((a, b) => a - b));
    expect([...kept]).toEqual(Array.from({ length: 20 }, (_, i) => i).filter((i) => !want.has(i)));
    expect(recycled).toHaveLength(0);
    // By attention, not by instance probability.
    expectAllClose(scores, model.teacher.aggregator.forward(bag(20)).attention?.dataSync() as Float32Array);
  });

  it.each(Object.entries(conferencePresets))('%s masks its published shares of 1000 instances', (_, preset) => {
    const model = create({ ...preset, headFusion: 'vote' });
    const { masked, kept } = model.mine(bag(1000), { rng: new Rng(0), step: 0, totalSteps: 100 });
    const { maskRatioRandom, maskRatioLow, maskRatioHigh } = preset;
    const shares = [maskRatioRandom, maskRatioLow, maskRatioHigh];
    expect(masked.length).toBeLessThanOrEqual(1000 * shares.reduce((sum, share) => sum + share));
    expect(masked.length).toBeGreaterThanOrEqual(1000 * Math.max(...shares));
    expect(masked.length + kept.length).toBe(1000);
  });

  it('draw high score candidates at random among twice as many', () => {
    const model = create({ ...constant, maskRatioRandom: 0, maskRatioHigh: 0.1 });
    const { masked, scores } = model.mine(bag(20), { rng: new Rng(0), draws: { highScore: () => [3, 1, 0, 2] } });
    const ranked = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number));
    expect([...masked]).toEqual([ranked[3], ranked[1]].map(Number).sort((a, b) => a - b));
  });

  it('leave the highest score where together they cover the bag', () => {
    const model = create({ ...constant, maskRatioRandom: 1, maskRatioLow: 0.5, maskRatioHigh: 0.5 });
    const { kept, scores } = model.mine(bag(5), { rng: new Rng(0) });
    expect([...kept]).toEqual([scores.indexOf(Math.max(...scores))]);
  });

  it('let the heads of attention vote, unite or count by their largest', () => {
    const of = (headFusion: MHIMConfig['headFusion']) => {
      const config = { ...constant, maskRatioRandom: 0, maskRatioHigh: 0.2, randomHigh: 1, headFusion };
      const model = new MHIM((rng) => new TwoHeads(base, rng), new Rng(0), config);
      const { masked, scores } = model.mine(bag(10), { rng: new Rng(0) });
      expect(scores).toHaveLength(20);
      return { masked: [...masked], scores };
    };
    const { scores } = of('vote');
    const ranked = Array.from({ length: 10 }, (_, i) => i).sort(
      (a, b) => (scores[b] as number) - (scores[a] as number),
    );
    const mirrored = (i: number) => 9 - i;
    const ascending = (list: number[]) => [...list].sort((a, b) => a - b);
    const [first, second] = ranked as [number, number];
    expect(of('union').masked).toEqual(ascending([first, mirrored(first)]));
    expect(of('max').masked).toEqual(ascending([first, mirrored(first)]));
    // Each head votes for two; all four have one vote, unless two of them mirror each other.
    const votes = ascending([...new Set([first, second, mirrored(first), mirrored(second)])]);
    expect(votes).toEqual(expect.arrayContaining(of('vote').masked));
  });
});

describe('a training step of the conference version', () => {
  it.each([1, 2, 3, 4, 5, 40])('is finite and predicts on a bag of %i', (n) => {
    const model = create(conferencePresets['nsclc-ab-mil']);
    expect(trainingStep(model, bag(n), new Rng(5)).finite).toBe(true);
    expect(isFinite(model.predict(bag(n)).logits)).toBe(true);
    model.dispose();
  });

  it('lowers the loss, and leaves no tensors behind', () => {
    const [model, features] = [create({ momentum: 0.9, ...constant }), bag(30)];
    const losses = Array.from({ length: 30 }, (_, i) => trainingStep(model, features, new Rng(i)).loss);
    expect(losses.slice(-5).reduce((a, b) => a + b)).toBeLessThan(losses.slice(0, 5).reduce((a, b) => a + b));
    expect(tensorsLeftBy(() => trainingStep(model, features, new Rng(1)))).toBe(0);
    expect(tensorsLeftBy(() => create().dispose())).toBe(0);
    expect(tensorsLeftBy(() => create({ teacher: 'student' }).dispose())).toBe(0);
  });

  it('moves the teacher by a momentum that rises to 1', () => {
    const model = create({ momentum: 0.5, momentumRise: 'cosine' });
    const weight = model.teacher.parameters().get('predictor.weight') as tf.Variable;
    const student = model.parameters().get('predictor.weight') as tf.Variable;
    for (const step of [0, 50, 99]) {
      const before = weight.dataSync().slice();
      trainingStep(model, bag(20), new Rng(step), { step, totalSteps: 100 });
      const momentum = momentumSchedule(0.5, step, 100);
      expectAllClose(
        weight,
        before.map((value, i) => momentum * value + (1 - momentum) * (student.dataSync()[i] as number)),
      );
    }
  });

  it('ranks by instance probability when told to, and by attention only where there is one', () => {
    const model = create({ ...constant, score: 'probability' });
    const { scores } = model.mine(bag(20), { rng: new Rng(0) });
    expect(scores).not.toEqual(model.teacher.aggregator.forward(bag(20)).attention?.dataSync());
    const without = new MHIM((rng) => new MeanPooling({ inputDim, embedDim }, rng), new Rng(0));
    expect(() => without.mine(bag(4), { rng: new Rng(0) })).toThrow(/score: the aggregator has no attention/);
  });
});

describe('state of the conference version', () => {
  it('is its aggregator’s, under the official names and those of its own code', () => {
    const [model, alone] = [create(), new ABMIL(base, new Rng(7))];
    expect(Object.keys(model.stateDict())).toEqual(Object.keys(alone.stateDict()));
    const old = Object.fromEntries(
      Object.entries(alone.stateDict()).map(([name, tensor]) => [name.replace('feature.', 'patch_to_emb.'), tensor]),
    );
    model.loadStateDict({ ...old, 'online_encoder.mask_token': tf.zeros([1, 1, embedDim]) });
    expectAllClose(model.predict(bag(9)).logits, alone.forward(bag(9)).logits);
  });

  it('starts from a baseline: teacher whole, student’s feature layer', () => {
    const [model, baseline] = [create(), new ABMIL(base, new Rng(7))];
    initialiseFromBaseline(model, baseline.stateDict());
    expectAllClose(model.teacher.aggregator.forward(bag(9)).logits, baseline.forward(bag(9)).logits);
    expectAllClose(model.student.embed(bag(9)), baseline.embed(bag(9)));
    expect(model.predict(bag(9)).logits.dataSync()).not.toEqual(baseline.forward(bag(9)).logits.dataSync());
  });

  it('refuses options that cannot be, by name', () => {
    expect(() => create({ maskRatioLow: 1.2 })).toThrow(/maskRatioLow: expected a number between 0 and 1, got 1\.2/);
    expect(() => create({ headFusion: 'mean' as 'vote' })).toThrow(/headFusion: expected one of vote, union, max/);
    expect(() => create({ momentumRise: 'linear' as 'none' })).toThrow(/momentumRise/);
  });
});
