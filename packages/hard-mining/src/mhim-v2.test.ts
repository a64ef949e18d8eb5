import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ABMIL, MeanPooling, mhimABMIL } from '@mhim/mil-aggregators';
import { checkGradients, Rng, type StateDict } from '@mhim/tensor';
import { expectAllClose, isFinite, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { consistencyLoss } from './consistency-loss.js';
import { initialiseFromBaseline } from './initialise.js';
import { instanceMargin, instanceProbability } from './instance-score.js';
import { presets, type MHIMv2Config } from './mhim-v2-config.js';
import { MHIMv2 } from './mhim-v2.js';
import { bagOf, trainingStep } from './test-helpers.js';

const [inputDim, embedDim] = [6, 8];
const base = mhimABMIL({ inputDim, embedDim });
const create = (config: Partial<MHIMv2Config> = {}, seed = 0) =>
  new MHIMv2((rng) => new ABMIL(base, rng), new Rng(seed), {
    queries: 2,
    recycleHeads: 2,
    recycleHeadDim: 4,
    ...config,
  });
const bag = (n: number, seed = 1) => bagOf(n, inputDim, seed);

describe('a training step', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  const variants: [string, Partial<MHIMv2Config>][] = [
    ['paper', {}],
    ['official README', presets['official-readme']],
    ['split by low scores', { split: 'low-score' }],
    ['no split', { split: 'none' }],
    ['no recycling', { recycle: false, recycleAtInference: false }],
  ];
  describe.each(variants)('%s', (_, config) => {
    it.each([1, 2, 3, 4, 5, 40])('is finite and predicts on a bag of %i', (n) => {
      const model = create({ ...config, queries: 2, recycleHeads: 2, recycleHeadDim: 4 });
      expect(trainingStep(model, bag(n), new Rng(5)).finite).toBe(true);
      expect(isFinite(model.predict(bag(n)).logits)).toBe(true);
      model.dispose();
    });
  });

  it('sorts every instance into masked, kept or recycled, once', () => {
    const model = create();
    const { masked, kept, recycled, scores } = model.mine(bag(100), { rng: new Rng(1) });
    expect([masked.length, kept.length, recycled.length]).toEqual([3, 19, 78]);
    expect([...masked, ...kept, ...recycled].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    // RHSM: the three masked are among the six best.
    const best = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number));
    expect(masked.every((i) => best.slice(0, 6).includes(i))).toBe(true);
  });

  it('lowers the loss, moves teacher and query slowly, and gives the teacher no gradient', () => {
    const model = create({ momentum: 0.9, queryMomentum: 0.9, maskRatioHighDecay: 'none' });
    const name = 'feature.0.weight';
    const teacher = model.teacher.parameters().get(name) as tf.Variable;
    const student = model.parameters().get(name) as tf.Variable;
    const [before, query] = [teacher.dataSync().slice(), model.recycle?.globalQuery.dataSync().slice()];
    const losses = Array.from({ length: 30 }, (_, i) => trainingStep(model, bag(30), new Rng(i)).loss);
    expect(losses.slice(-5).reduce((a, b) => a + b)).toBeLessThan(losses.slice(0, 5).reduce((a, b) => a + b));
    expect(teacher.dataSync()).not.toEqual(before);
    expect(teacher.dataSync()).not.toEqual(student.dataSync());
    expect(model.recycle?.globalQuery.dataSync()).not.toEqual(query);
    expect([...model.parameters().values()]).not.toContain(teacher);
  });

  it('makes the teacher the student of this step at momentum 0, and keeps it at 1', () => {
    const [copy, fixed] = [create({ momentum: 0 }), create({ momentum: 1 })];
    const before = fixed.teacher.parameters().get('predictor.weight')?.dataSync().slice();
    for (const model of [copy, fixed]) trainingStep(model, bag(20), new Rng(0));
    for (const [name, value] of copy.teacher.parameters())
      expectAllClose(value, copy.parameters().get(name) as tf.Tensor);
    expect(fixed.teacher.parameters().get('predictor.weight')?.dataSync()).toEqual(before);
  });

  it('repeats from a stored Rng state, bit for bit', () => {
    const run = (resume: boolean) => {
      const model = create({ momentum: 0.5 });
      let rng = new Rng(4);
      trainingStep(model, bag(25), rng);
      if (resume) rng = Rng.from(JSON.parse(JSON.stringify(rng.state)));
      trainingStep(model, bag(25, 2), rng);
      return Array.from(model.student.classify({ embedding: tf.ones([1, embedDim]) }).dataSync());
    };
    expect(run(true)).toEqual(run(false));
  });

  it('leaves no tensors behind', () => {
    const [model, features] = [create(), bag(20)];
    trainingStep(model, features, new Rng(0));
    expect(tensorsLeftBy(() => trainingStep(model, features, new Rng(1)))).toBe(0);
    expect(tensorsLeftBy(() => create().dispose())).toBe(0);
  });

  it('runs over an aggregator without attention', () => {
    const model = new MHIMv2((rng) => new MeanPooling({ inputDim, embedDim, classes: 2 }, rng), new Rng(0), {
      recycle: false,
      recycleAtInference: false,
    });
    expect(trainingStep(model, bag(12), new Rng(0)).finite).toBe(true);
  });

  it('refuses an empty bag and options that cannot be', () => {
    expect(() => create().mine(tf.zeros([0, inputDim]), { rng: new Rng(0) })).toThrow(/no instances/);
    expect(() => create().predict(tf.zeros([3, 2]))).toThrow(/\[3,2\]/);
    expect(() => create({ keepRatio: 1.2 })).toThrow(/keepRatio: expected a number between 0 and 1, got 1\.2/);
    expect(() => create({ recycle: false })).toThrow(/recycleAtInference/);
    expect(() => create({ temperature: 0 })).toThrow(/temperature/);
  });
});

describe('prediction', () => {
  it('appends the recycled instances, and attends to them, only when told to', () => {
    expect(create().predict(bag(9)).attention?.shape).toEqual([1, 11]);
    expect(create({ recycleAtInference: false }).predict(bag(9)).attention?.shape).toEqual([1, 9]);
  });

  it('has the official names and the paper’s parameter count (Table 6)', () => {
    const model = new MHIMv2((rng) => new ABMIL(mhimABMIL({ inputDim: 1024 }), rng), new Rng(0));
    expect(model.parameterCount()).toBe(1_641_602);
    expect(Object.keys(model.stateDict())[0]).toMatch(/^merge\./);
    expect(Object.keys(model.stateDict())).toEqual(
      expect.arrayContaining([
        'merge.global_q',
        'feature.0.weight',
        'online_encoder.attention.attention.0.weight',
        'predictor.bias',
      ]),
    );
    model.dispose();
  });
});

describe('initialiseFromBaseline', () => {
  const baseline = (seed = 9): StateDict => new ABMIL(base, new Rng(seed)).stateDict();
  const value = (state: StateDict, key: string) => state[key] as tf.Tensor;

  it('fills the whole teacher and the student’s feature layer', () => {
    const [model, state] = [create(), baseline()];
    const student = model.parameters().get('predictor.weight')?.dataSync().slice();
    initialiseFromBaseline(model, state);
    expectAllClose(model.teacher.parameters().get('predictor.weight') as tf.Tensor, value(state, 'predictor.weight'));
    expectAllClose(model.parameters().get('feature.0.weight') as tf.Tensor, value(state, 'feature.0.weight'));
    expect(model.parameters().get('predictor.weight')?.dataSync()).toEqual(student);
  });

  it('understands the names of the conference version and of wrapped models', () => {
    const [model, state] = [create(), baseline()];
    const old = Object.fromEntries(
      Object.entries(state).map(([key, tensor]) => [`module.${key.replace('feature.', 'patch_to_emb.')}`, tensor]),
    );
    initialiseFromBaseline(model, old);
    expectAllClose(model.parameters().get('feature.0.weight') as tf.Tensor, value(state, 'feature.0.weight'));
    const zeros = Object.fromEntries(
      Object.entries(state).map(([key, t]) => [`teacher.${key}`, tf.zerosLike(t as tf.Tensor)]),
    );
    const named = Object.fromEntries(Object.entries(old).map(([key, tensor]) => [`model.${key}`, tensor]));
    const other = create();
    initialiseFromBaseline(other, { ...named, ...zeros, epoch: tf.scalar(3) });
    expectAllClose(other.parameters().get('feature.0.weight') as tf.Tensor, value(state, 'feature.0.weight'));
  });

  it('names every key that a checkpoint lacks or has in another shape', () => {
    const { 'predictor.bias': _bias, ...state } = baseline();
    const wrong = { ...state, 'feature.0.weight': tf.zeros([embedDim, 3]) };
    expect(() => initialiseFromBaseline(create(), wrong)).toThrow(
      /teacher: feature\.0\.weight is \[8,3\], not \[8,6\], predictor\.bias is missing/,
    );
    expect(() => initialiseFromBaseline(create({ initTeacher: false }), {})).toThrow(
      /student: .*feature\.0\.weight is missing/,
    );
  });
});

describe('scores and consistency', () => {
  it('the margin has the order of the probability, and tells apart what float32 probabilities cannot', () => {
    const logits: tf.Tensor2D = new Rng(2).normal([50, 3]);
    const rank = (x: tf.Tensor) =>
      Array.from(x.dataSync())
        .map((v, i) => [v, i] as const)
        .sort((a, b) => b[0] - a[0])
        .map(([, i]) => i);
    expect(rank(instanceMargin(logits))).toEqual(rank(instanceProbability(logits)));
    const tiny = tf.tensor2d([
      [0, 1e-9],
      [0, 3e-9],
      [2e-9, 0],
    ]);
    expect(new Set(instanceProbability(tiny).dataSync()).size).toBe(1);
    expect(rank(instanceMargin(tiny))).toEqual([1, 2, 0]);
  });

  it('consistency is the cross-entropy from teacher to student, with its gradient', () => {
    const [student, teacher]: tf.Tensor2D[] = [new Rng(1).normal([2, 5]), new Rng(2).normal([2, 5])];
    const want = tf.neg(
      tf.mean(tf.sum(tf.mul(tf.softmax(tf.div(teacher as tf.Tensor, 0.5)), tf.logSoftmax(student as tf.Tensor)), 1)),
    );
    expectAllClose(consistencyLoss(student as tf.Tensor2D, teacher as tf.Tensor2D, 0.5), want);
    const loss = (s: tf.Tensor) => consistencyLoss(s as tf.Tensor2D, teacher as tf.Tensor2D, 0.5);
    expect(checkGradients(loss, [student as tf.Tensor]).error).toBeLessThan(2e-3);
  });
});
