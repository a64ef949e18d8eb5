import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { crossEntropy, Rng } from '@mhim/tensor';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { AttentionPooling } from './attention-pooling.js';
import { distilledInstances, lastClassScore } from './distillation.js';
import { DTFDMIL, officialDTFD, type DTFDMILConfig } from './dtfd-mil.js';
import { cutPseudoBags, pseudoBagMask } from './pseudo-bags.js';

const config: DTFDMILConfig = { inputDim: 7, embedDim: 8, classes: 3, attentionDim: 6, groups: 3, dropout: 0 };
const bag = (n: number) => new Rng(1).normal<tf.Rank.R2>([n, 7]);
const target = { label: 1, loss: (logits: tf.Tensor2D) => crossEntropy(logits, 1) };
const training = () => ({ training: true, rng: new Rng(4) });
const inOrder = (n: number) => Int32Array.from(Array(n).keys());

beforeAll(async () => {
  await useNativeForTests();
});

describe('pseudo-bags', () => {
  it('differ in size by at most one, and some are empty for a small bag', () => {
    const sizes = (n: number, groups: number) => cutPseudoBags(inOrder(n), groups).map(({ length }) => length);
    expect(sizes(53, 5)).toEqual([11, 11, 11, 10, 10]);
    expect(sizes(6, 3)).toEqual([2, 2, 2]);
    expect(sizes(2, 5)).toEqual([1, 1, 0, 0, 0]);
    expect(cutPseudoBags(Int32Array.of(4, 0, 3, 1, 2), 2).map((g) => [...g])).toEqual([
      [4, 0, 3],
      [1, 2],
    ]);
  });

  it('have to divide the bag', () => {
    const of = (...groups: number[][]) => groups.map((group) => Int32Array.from(group));
    expect(() => pseudoBagMask(of([0, 1], [1, 2]), 3)).toThrow(/instance 1 is in two pseudo-bags/);
    expect(() => pseudoBagMask(of([0, 1], [3]), 3)).toThrow(/instance 3 is not in the bag/);
    expect(() => pseudoBagMask(of([0], [2]), 3)).toThrow(/instance 1 is in no pseudo-bag/);
    expect(pseudoBagMask(of([0, 2], [], [1]), 3).shape).toEqual([2, 3]);
  });

  it('pooled in one pass are those pooled one by one, gradients too', () => {
    const names = { hidden: 'a', gate: 'b', score: 'c' };
    const settings = {
      dim: 8,
      attentionDim: 5,
      gated: true,
      activation: 'tanh',
      bias: true,
      dropout: 0,
      names,
    } as const;
    const pooling = new AttentionPooling(settings, new Rng(0));
    const instances: tf.Tensor2D = new Rng(1).normal([7, 8]);
    const groups = cutPseudoBags(new Rng(2).permutation(7), 3);
    const together = (z: tf.Tensor2D) => pooling.forward(z, {}, pseudoBagMask(groups, 7)).embedding;
    const apart = (z: tf.Tensor2D) =>
      tf.concat(groups.map((members) => pooling.forward(tf.gather(z, tf.tensor1d(members, 'int32'))).embedding));
    const weights = new Rng(3).normal<tf.Rank.R2>([3, 8]);
    const run = (pool: (z: tf.Tensor2D) => tf.Tensor2D) => {
      const loss = (z: tf.Tensor) => tf.sum(tf.mul(pool(z as tf.Tensor2D), weights)) as tf.Scalar;
      const { grads } = tf.variableGrads(() => loss(instances), [...pooling.parameters().values()]);
      return [pool(instances), tf.grad(loss)(instances), ...Object.values(grads)];
    };
    const [one, many] = [run(together), run(apart)];
    one.forEach((tensor, i) => expectAllClose(tensor, many[i] as tf.Tensor, { atol: 1e-5 }));
  });
});

describe('distillation', () => {
  it('takes the best, best first, and the worst, the best of them first', () => {
    const scores = [0.3, 0.9, 0.1, 0.5, 0.7, 0.2];
    const groups = [Int32Array.of(0, 1, 2, 3), Int32Array.of(4, 5)];
    expect([...distilledInstances(scores, groups, 1, 'MaxS')]).toEqual([1, 4]);
    expect([...distilledInstances(scores, groups, 2, 'MaxMinS')]).toEqual([1, 3, 0, 2, 4, 5, 4, 5]);
    expect([...distilledInstances(scores, groups, 3, 'MaxS')]).toEqual([1, 3, 0, 4, 5]);
  });

  it('ranks by the probability of the last class', () => {
    const logits: tf.Tensor2D = new Rng(0).normal([20, 3]);
    const rank = (values: ArrayLike<number>) => Array.from(values, (_, i) => i).sort((a, b) => values[b]! - values[a]!);
    const probability = tf.slice(tf.softmax(logits), [0, 2], [-1, 1]).dataSync();
    expect(rank(lastClassScore(logits).dataSync())).toEqual(rank(probability));
  });

  it.each(['MaxS', 'MaxMinS'] as const)(
    '%s hands on instances as they are, twice where a pseudo-bag has one',
    (how) => {
      const model = new DTFDMIL({ ...config, distillation: how, tiers: 'joint' }, new Rng(0));
      for (const n of [2, 9]) {
        const { selected, distilled, instances } = model.forward(bag(n), training());
        expectAllClose(distilled, tf.gather(instances, tf.tensor1d(selected as Int32Array, 'int32')));
        expect(selected).toHaveLength(Math.min(3, n) * (how === 'MaxS' ? 1 : 2));
      }
      const gradient = (f: (x: tf.Tensor2D) => tf.Tensor) => tf.grad((x) => tf.sum(f(x as tf.Tensor2D)))(bag(2));
      const { selected } = model.forward(bag(2), training());
      const definition = (x: tf.Tensor2D) => tf.gather(model.embed(x), tf.tensor1d(selected as Int32Array, 'int32'));
      expectAllClose(
        gradient((x) => model.forward(x, training()).distilled),
        gradient(definition),
      );
    },
  );
});

describe('DTFD-MIL', () => {
  it('deals instances out anew in every training step, and always the same way at inference', () => {
    const model = new DTFDMIL(config, new Rng(0));
    const logits = (call = {}) => model.forward(bag(12), call).logits.dataSync();
    expect(logits()).toEqual(logits());
    const rng = new Rng(4);
    expect(logits({ training: true, rng })).not.toEqual(logits({ training: true, rng }));
    expect(() => logits({ training: true })).toThrow(/needs an Rng/);
  });

  it('lets attention sum to 1 in every pseudo-bag and nowhere else', () => {
    const { attention } = new DTFDMIL(config, new Rng(0)).forward(bag(10), {
      pseudoBags: cutPseudoBags(inOrder(10), 3),
    });
    expect(attention.shape).toEqual([3, 10]);
    expectAllClose(tf.sum(attention, 1), [1, 1, 1]);
    expect([...tf.sum(tf.cast(tf.greater(attention, 0), 'int32'), 1).dataSync()]).toEqual([4, 3, 3]);
  });

  it('pools an empty pseudo-bag to zeros, and takes no instance of it', () => {
    const pseudoBags = cutPseudoBags(inOrder(2), 4);
    const run = (distillation: 'AFS' | 'MaxS') =>
      new DTFDMIL({ ...config, distillation }, new Rng(0)).forward(bag(2), { pseudoBags });
    const { attention, distilled, pseudoLogits } = run('AFS');
    expect([attention.shape, distilled.shape[0], pseudoLogits.shape[0]]).toEqual([[4, 2], 4, 4]);
    expectAllClose(tf.sum(attention, 1), [1, 1, 0, 0]);
    expectAllClose(tf.slice(distilled, [2, 0]), tf.zeros([2, distilled.shape[1]]));
    expect(run('MaxS').selected).toEqual(Int32Array.of(0, 1));
  });

  it('adds the mean loss of the pseudo-bags to the bag’s', () => {
    const model = new DTFDMIL(config, new Rng(0));
    const prediction = model.forward(bag(10), training());
    const each = tf.unstack(prediction.pseudoLogits).map((row) => target.loss(tf.expandDims(row) as tf.Tensor2D));
    expectAllClose(model.loss(prediction, target), tf.add(target.loss(prediction.logits), tf.mean(tf.stack(each))));
  });

  it.each([1, 2])('trains every parameter on a bag of %i', (n) => {
    const model = new DTFDMIL({ ...config, tiers: 'joint' }, new Rng(0));
    const { grads } = tf.variableGrads(() => model.loss(model.forward(bag(n), training()), target));
    expect(Object.keys(grads)).toHaveLength(model.parameters().size);
  });

  it('keeps the second tier’s loss out of the first tier, or lets it through', () => {
    const touched = (options: Partial<DTFDMILConfig>) => {
      const model = new DTFDMIL({ ...config, ...options }, new Rng(0));
      const { grads } = tf.variableGrads(() => target.loss(model.forward(bag(10), training()).logits));
      return [...model.parameters()].filter(([, variable]) => grads[variable.name]).map(([name]) => name);
    };
    const second = touched({});
    expect(second.length).toBeGreaterThan(0);
    expect(second.every((name) => name.startsWith('UClassifier.'))).toBe(true);
    expect(touched({ tiers: 'joint' })).toContain('dimReduction.fc1.weight');
    expect(touched(officialDTFD(config))).toContain('attention.attention_V.0.weight');
    expect(touched(officialDTFD(config))).not.toContain('classifier.fc.weight');
  });

  it('refuses options under which nothing would learn', () => {
    expect(() => new DTFDMIL({ ...config, tierOneLoss: false }, new Rng(0))).toThrow(/tiers.*no loss/);
    expect(() => new DTFDMIL({ ...config, groups: 0 }, new Rng(0))).toThrow(/groups.*above 0/);
  });

  it('has the official number of parameters', () => {
    const model = new DTFDMIL({ inputDim: 1024 }, new Rng(0));
    expect(model.parameterCount()).toBe(789_254);
    model.dispose();
  });
});
