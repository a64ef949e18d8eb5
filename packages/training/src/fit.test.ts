import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bag, BagSource } from '@mhim/datasets';
import { MHIMv2 } from '@mhim/hard-mining';
import { ABMIL, mhimABMIL } from '@mhim/mil-aggregators';
import { Rng, useBackend } from '@mhim/tensor';
import { fit, type FitOptions } from './fit.js';
import { mhimLearner, supervisedLearner } from './learner.js';
import { cosineRate } from './schedules.js';

const width = 6;
const bags = Array.from({ length: 16 }, (_, i): Bag => {
  const instances = 3 + (i % 4);
  const label = i % 2;
  // Positive bags hold one instance that points along the first feature.
  const features = Float32Array.from({ length: instances * width }, (_, k) => Math.sin(17 * i + 3 * k) / 2);
  if (label) features[0] = 3;
  return { id: `bag-${i}`, instances, width, features, label };
});
const source: BagSource = {
  name: 'toy',
  width,
  classes: 2,
  simulated: true,
  bags: bags.map(({ id, label }) => ({ id, label })),
  read: async (i) => bags[i] as Bag,
  fingerprint: async () => 'toy',
  close: async () => {},
};
const config = mhimABMIL({ inputDim: width, embedDim: 8, attentionDim: 4 });
const learners = {
  'ab-mil': (rng: Rng) => supervisedLearner(new ABMIL(config, rng), { learningRate: 0.01 }),
  'mhim-v2': (rng: Rng) =>
    mhimLearner(new MHIMv2((r) => new ABMIL(config, r), rng, { queries: 2 }), { learningRate: 0.01 }),
};
const options = (model: keyof typeof learners): FitOptions => ({
  source,
  train: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  select: [10, 11, 12, 13, 14, 15],
  createLearner: learners[model],
  epochs: 6,
  schedule: cosineRate(0.01, 6),
  seed: 3,
  stream: 1,
  standardise: true,
});

let folder: string;
beforeAll(async () => {
  await useBackend({ log: () => {} });
  folder = mkdtempSync(join(tmpdir(), 'mhim-fit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(['ab-mil', 'mhim-v2'] as const)('%s: learns, leaks nothing, and repeats bit for bit', async (model) => {
  const before = tf.memory().numTensors;
  const first = await fit(options(model));
  expect(tf.memory().numTensors).toBe(before);
  expect(first.history.at(-1)?.labelLoss).toBeLessThan(first.history[0]?.labelLoss as number);
  expect(await fit(options(model))).toEqual(first);
  expect(await fit({ ...options(model), seed: 4 })).not.toEqual(first);
});

test.each(['ab-mil', 'mhim-v2'] as const)('%s: a run cut off anywhere goes on to the same bytes', async (model) => {
  const whole = join(folder, `${model}-whole`);
  const cut = join(folder, `${model}-cut`);
  const run = { ...options(model), checkpointSeconds: 0 };
  const result = await fit({ ...run, folder: whole });
  for (const [epoch, step] of [
    [0, 4],
    [2, 0],
    [4, 7],
  ]) {
    const observer = {
      onStep: (at: { epoch: number; step: number }) => {
        if (at.epoch === epoch && at.step === step) throw new Error('cut off');
      },
    };
    await expect(fit({ ...run, folder: cut, observer })).rejects.toThrow('cut off');
  }
  expect(await fit({ ...run, folder: cut })).toEqual(result);
  for (const file of ['metrics.jsonl', 'result.json', 'best.safetensors', 'last.safetensors']) {
    expect(readFileSync(join(cut, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
  }
  // Finished: the stored result, without training.
  const silent = { onStep: () => expect.unreachable() };
  expect(await fit({ ...run, folder: cut, observer: silent })).toEqual(result);
});

test('another configuration in the same folder is refused, naming the field', async () => {
  const run = { ...options('ab-mil'), folder: join(folder, 'other') };
  await fit(run);
  await expect(fit({ ...run, epochs: 7 })).rejects.toThrow(/another epochs \(6, now 7\)/);
});

test('a loss that is no number names the bag', async () => {
  const broken = {
    ...source,
    read: async (i: number) => ({ ...(bags[i] as Bag), features: new Float32Array(18).fill(NaN), instances: 3 }),
  };
  await expect(fit({ ...options('ab-mil'), standardise: false, source: broken })).rejects.toThrow(
    /bag "bag-\d+", epoch 0: the loss became NaN/,
  );
});
