import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { Rng } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { confounderDictionary } from './confounders.js';
import { IBMIL, type IBMILConfig } from './ib-mil.js';
import { createAggregator, insideMhim } from './registry.js';

const config: IBMILConfig = { inputDim: 7, embedDim: 8, classes: 3, attentionDim: 6, confounders: 4, dropout: 0 };
const bag = (n: number) => new Rng(1).normal<tf.Rank.R2>([n, 7]);
const dictionary = () => new Rng(5).normal<tf.Rank.R2>([4, 8]);

beforeAll(async () => {
  await useNativeForTests();
});

describe('IBMIL', () => {
  it('without a dictionary, or with none put in place yet, is attention pooling', () => {
    const [first, fresh] = [new IBMIL({ ...config, confounders: 0 }, new Rng(0)), new IBMIL(config, new Rng(1))];
    const state = first.stateDict();
    expect(fresh.loadStateDict(state, { strict: false }).misshaped.map(({ key }) => key)).toEqual(['head.weight']);
    const head = state['head.weight'] as tf.Tensor2D;
    fresh.loadStateDict({ 'head.weight': tf.concat([head, new Rng(2).normal([3, 8])], 1) }, { strict: false });
    expectAllClose(fresh.forward(bag(5)).logits, first.forward(bag(5)).logits);
    expect(first.deconfound(first.forward(bag(5)).embedding)).toBeUndefined();
  });

  it('has no dictionary inside MHIM, where nothing makes one, unless asked for', () => {
    const make = (confounders?: number) =>
      createAggregator(
        insideMhim({ name: 'ib-mil', inputDim: 7, embedDim: 8, ...(confounders ? { confounders } : {}) }),
        new Rng(0),
      );
    expect(Object.keys(make().stateDict())).not.toContain('confounder_feat');
    expect(make(3).stateDict().confounder_feat?.shape).toEqual([3, 8]);
  });

  it.each(['cat', 'add', 'sub'] as const)('%s: instance logits share out the bag’s own part of the logits', (merge) => {
    const model = new IBMIL({ ...config, merge }, new Rng(0));
    model.setConfounders(dictionary());
    const prediction = model.forward(bag(6));
    const shares = tf.sum(model.instanceLogits(prediction.instances, prediction), 0, true) as tf.Tensor2D;
    const nothing = new IBMIL({ ...config, merge }, new Rng(0));
    expectAllClose(shares, nothing.forward(bag(6)).logits, { atol: 1e-5 });
    expect(shares.dataSync()).not.toEqual(prediction.logits.dataSync());
  });

  it('keeps the dictionary fixed unless asked to learn it', () => {
    const facts = (learnConfounders: boolean) => {
      const model = new IBMIL({ ...config, learnConfounders }, new Rng(0));
      model.setConfounders(dictionary());
      return {
        trainable: model.trainableParameters().has('confounder_feat'),
        saved: 'confounder_feat' in model.stateDict(),
        count: model.parameterCount(),
      };
    };
    expect(facts(false)).toMatchObject({ trainable: false, saved: true });
    expect(facts(true)).toMatchObject({ trainable: true, saved: true, count: facts(false).count + 4 * 8 });
  });

  it('refuses a dictionary of another shape, and one where there is no place for it', () => {
    expect(() => new IBMIL(config, new Rng(0)).setConfounders(tf.zeros([2, 8]))).toThrow(/\[2,8\].*\[4,8\]/);
    const first = new IBMIL({ ...config, confounders: 0 }, new Rng(0));
    expect(() => first.setConfounders(dictionary())).toThrow(/no confounders.*confounders: 4/);
    expect(() => new IBMIL({ ...config, confounders: -1 }, new Rng(0))).toThrow(/whole number/);
    const model = new IBMIL(config, new Rng(0));
    const rows = dictionary();
    expect(tensorsLeftBy(() => model.setConfounders(rows))).toBe(0);
  });

  it('has the official number of parameters', () => {
    const model = new IBMIL({ inputDim: 1024 }, new Rng(0));
    expect(model.parameterCount()).toBe(723_971);
    model.dispose();
  });
});

describe('the confounder dictionary', () => {
  /** Three groups of directions with lengths from 1 to 5. */
  const vectors = Array.from({ length: 30 }, (_, i) => {
    const direction = [0, 0, 0, 0];
    direction[i % 3] = 1 + (i % 5);
    direction[3] = 0.05 * Math.sin(i);
    return direction;
  });

  it('holds the means of the vectors themselves, clustered by direction', async () => {
    const { shape, data } = await confounderDictionary(vectors, 3);
    expect(shape).toEqual([3, 4]);
    const rows = Array.from({ length: 3 }, (_, k) => Array.from(data.slice(4 * k, 4 * k + 4), Number));
    const expected = [0, 1, 2].map((axis) => {
      const members = vectors.filter((_, i) => i % 3 === axis);
      return [0, 1, 2, 3].map((j) => members.reduce((sum, row) => sum + (row[j] as number), 0) / members.length);
    });
    for (const mean of expected) {
      const distance = rows.map((row) => Math.max(...row.map((x, j) => Math.abs(x - (mean[j] as number)))));
      expect(Math.min(...distance)).toBeLessThan(1e-6);
    }
  });

  it('depends on the seed alone', async () => {
    const random = Array.from({ length: 40 }, (_, i) => Float32Array.from([1, 2, 3], (j) => Math.sin(i * j + j)));
    const of = async (seed?: number) => (await confounderDictionary(random, 8, { seed })).data;
    expect(await of()).toEqual(await of());
    expect(await of()).toEqual(await of(66));
    expect(await of(1)).not.toEqual(await of());
  });

  it('asks for at least as many different vectors as confounders', async () => {
    await expect(confounderDictionary(vectors.slice(0, 2), 3)).rejects.toThrow(/2 training bags.*fewer/);
    await expect(confounderDictionary(Array(5).fill([1, 2]), 2)).rejects.toThrow(/5 training bags give 1 different/);
    await expect(confounderDictionary(vectors, 0)).rejects.toThrow(/above 0/);
    expect((await confounderDictionary([[3, 4]], 1)).data).toEqual(Float32Array.of(3, 4));
  });
});
