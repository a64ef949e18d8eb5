import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { IBMIL } from '@mhim/mil-aggregators';
import { Rng, useBackend } from '@mhim/tensor';
import { bagVectors, confoundersOf } from './ibmil-stages.js';
import { supervisedLearner } from './learner.js';
import { toyBags } from './test-helpers.js';

beforeAll(() => useBackend({ log: () => {} }));

const source = toyBags();
const config = { inputDim: source.width, embedDim: 8, attentionDim: 4 };
const train = [3, 0, 5, 8, 9, 12];

test('bag vectors are the embeddings at inference, in the order asked for', async () => {
  const model = new IBMIL({ ...config, confounders: 0 }, new Rng(0));
  const vectors = await bagVectors(model, source, train);
  expect(vectors).toHaveLength(train.length);
  const { features, instances, width } = await source.read(5);
  const { embedding } = model.forward(tf.tensor2d(features, [instances, width]));
  expect(vectors[2]).toEqual(embedding.dataSync());
  const shift = { mean: new Float32Array(width).fill(1), std: new Float32Array(width).fill(1) };
  expect((await bagVectors(model, source, train, { standardiser: shift }))[2]).not.toEqual(vectors[2]);
});

test('the three stages follow one another, and leave nothing behind', async () => {
  const before = tf.memory().numTensors;
  const first = supervisedLearner(new IBMIL({ ...config, confounders: 0 }, new Rng(0)));
  const features = tf.tidy(() => new Rng(1).normal<tf.Rank.R2>([5, source.width]));
  first.step(features, 1, { rng: new Rng(2), step: 0, totalSteps: 1 });
  const dictionary = await confoundersOf(first.model as IBMIL, source, train, 4);
  expect(dictionary.shape).toEqual([4, 8]);
  const model = new IBMIL({ ...config, confounders: 4 }, new Rng(3));
  model.setConfounders(dictionary);
  const third = supervisedLearner(model);
  third.step(features, 1, { rng: new Rng(2), step: 0, totalSteps: 1 });
  expect(model.stateDict().confounder_feat?.dataSync()).toEqual(dictionary.data);
  first.dispose();
  third.dispose();
  features.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
