import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { Rng, useBackend } from '@mhim/tensor';
import { TopKMIL } from '../examples/top-k-mil.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

beforeAll(async () => {
  await useBackend({ log: () => undefined });
});

test('an aggregator written outside the packages trains with MHIM-v2', async () => {
  const { result } = await import('../examples/train-top-k-mil.js');
  expect(result.history).toHaveLength(2);
  for (const { loss, consistency } of result.history) {
    expect(Number.isFinite(loss)).toBe(true);
    expect(consistency).toBeGreaterThan(0);
  }
});

test.each([1, 2, 30])('it takes a bag of %i', (n) => {
  const model = new TopKMIL({ inputDim: 5, embedDim: 4, k: 3 }, new Rng(0));
  const features = new Rng(1).normal<tf.Rank.R2>([n, 5]);
  const { logits, instances, ...aggregation } = model.forward(features);
  expect(logits.shape).toEqual([1, 2]);
  expect(model.instanceLogits(instances).shape).toEqual([n, 2]);
  expect(aggregation.embedding.shape).toEqual([1, 4]);
  const { grads } = tf.variableGrads(() => tf.sum(tf.square(model.forward(features).logits)) as tf.Scalar);
  expect(Object.keys(grads)).toHaveLength(4);
  expect(() => model.forward(tf.zeros([0, 5]))).toThrow(/no instances/);
  model.dispose();
});

test('the documentation shows these files as they are', () => {
  const page = read('../../../docs/your-own-aggregator.md');
  for (const file of ['top-k-mil.ts', 'train-top-k-mil.ts']) {
    expect(page).toContain(`\`\`\`ts\n${read(`../examples/${file}`)}\`\`\``);
  }
  expect(read('../examples/top-k-mil.ts').trimEnd().split('\n').length).toBeLessThan(60);
});
