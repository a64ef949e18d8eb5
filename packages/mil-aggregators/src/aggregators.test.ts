import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients, keepMask, Rng, type Linear } from '@mhim/tensor';
import { expectAllClose, isFinite, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { ABMIL, gatedABMIL, mhimABMIL, type ABMILConfig } from './ab-mil.js';
import type { Aggregator, AggregatorCall, Positions } from './aggregator.js';
import { AttentionPooling } from './attention-pooling.js';
import { CLAMMB, CLAMSB } from './clam.js';
import { DSMIL, mhimDSMIL } from './ds-mil.js';
import { DTFDMIL, officialDTFD, type DTFDMILConfig } from './dtfd-mil.js';
import { IBMIL, type IBMILConfig } from './ib-mil.js';
import { MaxPooling, MeanPooling } from './instance-pooling.js';
import { Mamba2D } from './mamba-2d.js';
import { R2TMIL, type R2TMILConfig } from './r2t-mil.js';
import { mhimTransMIL, originalTransMIL, TransMIL, type TransMILConfig } from './trans-mil.js';

const [inputDim, embedDim, classes] = [7, 8, 3];
const sizes = { inputDim, embedDim, classes };
const base: ABMILConfig = { ...sizes, attentionDim: 6 };
const r2t: R2TMILConfig = {
  ...{ ...base, activation: 'gelu', attentionActivation: 'tanh' },
  ...{ heads: 2, crossHeads: 2, crossRegions: 2, epegKernel: 3 },
};

const dtfd: DTFDMILConfig = { inputDim, embedDim, classes, attentionDim: 6, groups: 3 };

const ibmil: IBMILConfig = { inputDim, embedDim, classes, attentionDim: 6, confounders: 4, confounderDim: 5 };
/** With a dictionary, which a new model has none of. */
const withConfounders = (config: IBMILConfig, rng: Rng): IBMIL => {
  const model = new IBMIL(config, rng);
  tf.tidy(() => model.setConfounders(new Rng(7).normal([4, model.embedDim])));
  return model;
};
const transBase: TransMILConfig = { inputDim, embedDim, classes, heads: 2 };

interface Entry {
  create: (rng: Rng) => Aggregator;
  /** Whether the order of the instances matters. */
  ordered?: boolean;
  positions?: boolean;
  /** Whether attention may go to what is no instance: the empty cells of a grid. */
  empties?: boolean;
  /** Whether attention is signed and does not sum to 1. */
  signed?: boolean;
}

const entries: Record<string, Entry> = {
  'AB-MIL': { create: (rng) => new ABMIL(base, rng) },
  'gated AB-MIL': { create: (rng) => new ABMIL(gatedABMIL(base), rng) },
  'AB-MIL inside MHIM': { create: (rng) => new ABMIL(mhimABMIL(base), rng) },
  'AB-MIL, GELU attention': { create: (rng) => new ABMIL({ ...base, attentionActivation: 'gelu' }, rng) },
  'AB-MIL, LayerNorm on features': { create: (rng) => new ABMIL({ ...base, norm: 'layer' }, rng) },
  'AB-MIL, BatchNorm on instances': {
    create: (rng) => new ABMIL({ ...base, norm: 'batch', normPosition: 'instances' }, rng),
  },
  'AB-MIL, LayerNorm without biases': {
    create: (rng) => new ABMIL({ ...base, norm: 'layer', featureBias: false }, rng),
  },
  'AB-MIL, positions': { create: (rng) => new ABMIL({ ...base, position: 'sin-cos' }, rng), positions: true },
  DSMIL: { create: (rng) => new DSMIL(sizes, rng) },
  'DSMIL inside MHIM': { create: (rng) => new DSMIL(mhimDSMIL(sizes), rng) },
  'DSMIL inside MHIM’s conference version': { create: (rng) => new DSMIL(mhimDSMIL(sizes, { method: 'mhim' }), rng) },
  'DSMIL, linear query and values': {
    create: (rng) => new DSMIL({ ...sizes, query: 'linear', values: 'linear', queryDim: 6 }, rng),
  },
  'DSMIL, BatchNorm': { create: (rng) => new DSMIL({ ...sizes, norm: 'batch', bias: false }, rng) },
  'CLAM-SB': { create: (rng) => new CLAMSB({ ...sizes, attentionDim: 6 }, rng) },
  'CLAM-MB, not gated': { create: (rng) => new CLAMMB({ ...sizes, attentionDim: 6, gated: false }, rng) },
  'mean pooling': { create: (rng) => new MeanPooling({ inputDim, embedDim, classes }, rng) },
  'DTFD-MIL': { create: (rng) => new DTFDMIL(dtfd, rng), ordered: true },
  'DTFD-MIL, best and worst instances': {
    create: (rng) => new DTFDMIL({ ...dtfd, distillation: 'MaxMinS', tiers: 'joint', residualBlocks: 1 }, rng),
    ordered: true,
  },
  'DTFD-MIL, official': { create: (rng) => new DTFDMIL(officialDTFD(dtfd), rng), ordered: true },
  IBMIL: { create: (rng) => withConfounders(ibmil, rng) },
  'IBMIL, first stage': { create: (rng) => new IBMIL({ ...ibmil, confounders: 0 }, rng) },
  'IBMIL, learnt dictionary subtracted': {
    create: (rng) => withConfounders({ ...ibmil, merge: 'sub', learnConfounders: true }, rng),
  },
  '2DMamba': {
    create: (rng) => new Mamba2D({ inputDim, embedDim, classes, states: 3, attentionDim: 6 }, rng),
    positions: true,
    empties: true,
  },
  '2DMamba, two layers, zero pads, fixed grid': {
    create: (rng) =>
      new Mamba2D(
        { inputDim, embedDim, classes, layers: 2, states: 3, padToken: 'zero', gridWidth: 6, gridHeight: 5 },
        rng,
      ),
    positions: true,
    empties: true,
  },
  TransMIL: { create: (rng) => new TransMIL(transBase, rng), ordered: true, signed: true },
  'TransMIL inside MHIM': {
    create: (rng) => new TransMIL(mhimTransMIL(transBase), rng),
    ordered: true,
    signed: true,
  },
  'TransMIL, original': {
    create: (rng) => new TransMIL({ ...originalTransMIL(transBase), dropout: 0.25 }, rng),
    ordered: true,
    signed: true,
  },
  'TransMIL, LayerNorm, no positions': {
    create: (rng) => new TransMIL({ ...transBase, norm: 'layer', position: 'none' }, rng),
    ordered: true,
    signed: true,
  },
  'TransMIL, BatchNorm': {
    create: (rng) => new TransMIL({ ...transBase, norm: 'batch' }, rng),
    ordered: true,
    signed: true,
  },
  'max pooling': { create: (rng) => new MaxPooling({ inputDim, embedDim, classes }, rng) },
  'R2T-MIL': { create: (rng) => new R2TMIL(r2t, rng), ordered: true },
  'R2T-MIL with everything': {
    create: (rng) =>
      new R2TMIL(
        { ...r2t, layers: 3, summaries: 1, shortcut: true, feedForward: true, gated: true, norm: 'layer' },
        rng,
      ),
    ordered: true,
  },
  'R2T-MIL with nothing': {
    create: (rng) => new R2TMIL({ ...r2t, epegKernel: 0, crossRegion: false, qkvBias: false }, rng),
    ordered: true,
  },
};

const bag = (n: number, seed = 1): tf.Tensor2D => new Rng(seed).normal([n, inputDim]);
const grid = (n: number): Positions => ({ xy: Array.from({ length: 2 * n }, (_, i) => i % 5), width: 5, height: 5 });
const callFor = ({ positions }: Entry, n: number): AggregatorCall => (positions ? { positions: grid(n) } : {});

describe.each(Object.entries(entries))('%s', (_, entry) => {
  beforeAll(async () => {
    await useNativeForTests();
  });
  const model = (seed = 0) => entry.create(new Rng(seed));

  it('gives the shapes of the interface, and forward is the composition of the four functions', () => {
    const m = model();
    const call = callFor(entry, 9);
    const whole = m.forward(bag(9), call);
    expect(whole.logits.shape).toEqual([1, classes]);
    expect(whole.instances.shape).toEqual([9, embedDim]);
    const instances = m.embed(bag(9), call);
    const aggregation = m.aggregate(instances, call);
    expectAllClose(m.classify(aggregation, call), whole.logits);
    expect(m.instanceLogits(instances, aggregation).shape).toEqual([9, classes]);
    if (!whole.attention) return;
    expect(whole.attention.shape[1]).toBe(9);
    if (entry.signed) return;
    const shares = tf.sum(whole.attention, 1);
    if (entry.empties) expect(Math.max(...shares.dataSync())).toBeLessThan(1 + 1e-5);
    else expectAllClose(shares, tf.ones([whole.attention.shape[0]]), { atol: 1e-5 });
  });

  it('does not depend on the order of instances', () => {
    if (entry.positions || entry.ordered) return;
    const m = model();
    const order = tf.tensor1d([4, 2, 0, 5, 1, 3], 'int32');
    const [straight, shuffled] = [m.forward(bag(6)), m.forward(tf.gather(bag(6), order))];
    expectAllClose(shuffled.logits, straight.logits, { atol: 1e-5 });
    if (straight.attention) {
      expectAllClose(shuffled.attention as tf.Tensor, tf.gather(straight.attention, order, 1), { atol: 1e-5 });
    }
  });

  it('has the right gradient with respect to the features', () => {
    const m = model();
    const weights = new Rng(5).normal([1, classes]);
    const f = (x: tf.Tensor) => tf.sum(tf.mul(m.forward(x as tf.Tensor2D, callFor(entry, 5)).logits, weights));
    const worst = checkGradients(f as (x: tf.Tensor) => tf.Scalar, [bag(5)], { step: 3e-3 });
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(5e-3);
  });

  it.each([1, 2])('takes a bag of %i', (n) => {
    const m = model();
    const { value, grads } = tf.variableGrads(() => tf.sum(m.forward(bag(n), callFor(entry, n)).logits) as tf.Scalar);
    expect(isFinite(value)).toBe(true);
    expect(Object.values(grads).every(isFinite)).toBe(true);
    m.dispose();
  });

  it('refuses an empty bag and features of another width, and says which', () => {
    expect(() => model().forward(tf.zeros([0, inputDim]))).toThrow(/no instances/);
    expect(() => model().forward(tf.zeros([4, 5]))).toThrow(/\[4,5\].*\[n, 7\]/);
  });

  it('leaves no tensors behind', () => {
    const [m, features] = [model(), bag(6)];
    const call = { ...callFor(entry, 6), training: true, rng: new Rng(2) };
    const step = () =>
      tf.tidy(() => void tf.variableGrads(() => tf.sum(m.forward(features, call).logits) as tf.Scalar));
    step();
    expect(tensorsLeftBy(step)).toBe(0);
    expect(tensorsLeftBy(() => model().dispose())).toBe(0);
  });

  it('predicts the same after its state dict went into another one, and by seed', () => {
    const [a, b, other] = [model(1), model(1), model(2)];
    const call = callFor(entry, 6);
    const want = a.forward(bag(6), call).logits.dataSync();
    expect(b.forward(bag(6), call).logits.dataSync()).toEqual(want);
    expect(other.forward(bag(6), call).logits.dataSync()).not.toEqual(want);
    other.loadStateDict(a.stateDict());
    expect(other.forward(bag(6), call).logits.dataSync()).toEqual(want);
  });

  it('repeats a training pass from the same Rng state, and differs at inference', () => {
    const m = model();
    const run = () => m.embed(bag(6), { ...callFor(entry, 6), training: true, rng: new Rng(3) }).dataSync();
    expect(run()).toEqual(run());
    expect(run()).not.toEqual(m.embed(bag(6), callFor(entry, 6)).dataSync());
  });
});

describe('attention pooling', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  it.each([
    ['plain', false, 'tanh', 1],
    ['plain', false, 'relu', 2],
    ['gated', true, 'tanh', 1],
    ['gated', true, 'relu', 3],
  ] as const)('as one node of the tape equals its definition: %s, %s, %s, %i heads', (_, gated, activation, heads) => {
    const names = { hidden: 'a', gate: 'b', score: 'c' };
    const pooling = new AttentionPooling(
      { dim: embedDim, attentionDim: 5, gated, activation, bias: true, heads, dropout: 0, names },
      new Rng(0),
    );
    const instances: tf.Tensor2D = new Rng(1).normal([10, embedDim]);
    const definition = (z: tf.Tensor2D) => {
      const attention: tf.Tensor2D = tf.softmax(pooling.scores(z));
      return { attention, embedding: tf.matMul(attention, z) };
    };
    // Both results take part, so that the gradient through the attention itself is covered.
    const scalar = ({ attention, embedding }: { attention: tf.Tensor; embedding: tf.Tensor }) =>
      tf.add(tf.sum(tf.square(embedding)), tf.sum(tf.mul(attention, new Rng(2).normal([heads, 10])))) as tf.Scalar;
    const variables = [...pooling.parameters().values()];
    const run = (f: (z: tf.Tensor2D) => { attention: tf.Tensor; embedding: tf.Tensor }) => ({
      value: scalar(f(instances)),
      features: tf.grad((z) => scalar(f(z as tf.Tensor2D)))(instances),
      grads: tf.variableGrads(() => scalar(f(instances)), variables).grads,
    });
    const [one, many] = [run((z) => pooling.forward(z)), run(definition)];
    expectAllClose(one.value, many.value);
    expectAllClose(one.features, many.features, { atol: 1e-5 });
    for (const { name } of variables) {
      expectAllClose(one.grads[name] as tf.Tensor, many.grads[name] as tf.Tensor, { atol: 1e-5 });
    }
    pooling.dispose();
  });

  it('drops elements of both branches by one mask, which is their masks’ product', () => {
    const names = { hidden: 'a', gate: 'b', score: 'c' };
    const rate = 0.25;
    const config = { dim: embedDim, attentionDim: 50, gated: true, bias: true, names } as const;
    const pooling = new AttentionPooling({ ...config, activation: 'tanh', dropout: rate }, new Rng(0));
    const { hidden, gate, score } = pooling;
    const mask = keepMask([10, 50], 1 - (1 - rate) ** 2, { rng: new Rng(4) });
    const kept = mask.dataSync().filter((factor) => factor > 0);
    expect(kept.length / mask.size).toBeCloseTo(0.75 ** 2, 1);
    expect(kept[0]).toBeCloseTo(1 / 0.75 ** 2, 5);
    const definition = (z: tf.Tensor2D) => {
      const joint = tf.mul(tf.tanh(hidden.forward(z)), tf.sigmoid((gate as Linear).forward(z)));
      const attention: tf.Tensor2D = tf.softmax(tf.transpose(score.forward(tf.mul(joint, mask))));
      return tf.sum(tf.square(tf.matMul(attention, z))) as tf.Scalar;
    };
    const fused = (z: tf.Tensor2D) =>
      tf.sum(tf.square(pooling.forward(z, { training: true, rng: new Rng(4) }).embedding)) as tf.Scalar;
    const instances: tf.Tensor2D = new Rng(1).normal([10, embedDim]);
    const variables = [...pooling.parameters().values()];
    const run = (f: (z: tf.Tensor2D) => tf.Scalar) => ({
      features: tf.grad((z) => f(z as tf.Tensor2D))(instances),
      ...tf.variableGrads(() => f(instances), variables),
    });
    const [one, many] = [run(fused), run(definition)];
    expectAllClose(one.value, many.value);
    expectAllClose(one.features, many.features, { atol: 1e-5 });
    for (const { name } of variables) {
      expectAllClose(one.grads[name] as tf.Tensor, many.grads[name] as tf.Tensor, { atol: 1e-5 });
    }
    pooling.dispose();
  });

  it('asks for positions where the model needs them', () => {
    const model = new ABMIL({ ...base, position: 'sin-cos' }, new Rng(0));
    expect(() => model.forward(bag(3))).toThrow(/positions/);
    expect(() =>
      new ABMIL({ ...base, embedDim: 6, position: 'sin-cos' }, new Rng(0)).forward(bag(3), { positions: grid(3) }),
    ).toThrow(/multiple of 4/);
  });

  it('has no use for the bag’s norm in the gated model, as officially', () => {
    const model = new ABMIL(gatedABMIL({ ...base, norm: 'batch' }), new Rng(0));
    const before = model.forward(bag(3)).logits.dataSync().slice();
    model
      .parameters()
      .get('norm1.weight')
      ?.assign(tf.fill([base.embedDim as number], 7));
    expect(model.forward(bag(3)).logits.dataSync()).toEqual(before);
  });

  it('trains through the batch norm of a single bag embedding', () => {
    const model = new ABMIL({ ...base, norm: 'batch' }, new Rng(0));
    const gradient = tf.grad((x) =>
      tf.sum(tf.square(model.forward(x as tf.Tensor2D, { training: true, rng: new Rng(1) }).logits)),
    );
    expect(tf.max(tf.abs(gradient(bag(3)))).dataSync()[0]).toBeGreaterThan(1e-6);
  });

  it('normalises instances with their positions', () => {
    const model = new ABMIL({ ...base, position: 'sin-cos', norm: 'layer', normPosition: 'instances' }, new Rng(0));
    const instances = model.embed(bag(3), { positions: grid(3) });
    expectAllClose(tf.mean(instances, 1), [0, 0, 0]);
  });

  it('sends the maximum’s gradient to one instance, also among equal ones', () => {
    const model = new MaxPooling({ inputDim, embedDim, classes }, new Rng(0));
    const same = tf.tile(bag(1), [4, 1]) as tf.Tensor2D;
    const gradient = tf.grad((x) => tf.sum(model.forward(x as tf.Tensor2D).logits))(same);
    const touched = tf
      .sum(tf.abs(gradient), 1)
      .dataSync()
      .filter((v) => v > 0);
    expect(touched).toHaveLength(1);
  });
});

describe('parameter counts of the paper (Table 6)', () => {
  it.each([
    ['AB-MIL inside MHIM', mhimABMIL({ inputDim: 1024 }), 591_490],
    // The "ABMIL" row of the table is the gated one with a 128-wide gate.
    ['gated, width 128', { inputDim: 1024, gated: true } as ABMILConfig, 657_283],
  ])('%s', (_, config, count) => {
    const model = new ABMIL(config, new Rng(0));
    expect(model.parameterCount()).toBe(count);
    model.dispose();
  });
});
