import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bag } from '@mhim/datasets';
import { useBackend, type Rng } from '@mhim/tensor';
import { fit, type FitOptions } from './fit.js';
import { cosineRate } from './schedules.js';
import { toyBags, toyLearner, type ToyModel } from './test-helpers.js';

const source = toyBags();
const options = (model: ToyModel): FitOptions => ({
  source,
  train: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  select: [10, 11, 12, 13, 14, 15],
  createLearner: toyLearner(model, source.width),
  epochs: 6,
  schedule: cosineRate(0.01, 6),
  seed: 3,
  stream: 1,
  standardise: true,
});
const models: ToyModel[] = ['ab-mil', 'mhim', 'mhim-v2', 'student copy'];

let folder: string;
beforeAll(async () => {
  await useBackend({ log: () => {} });
  folder = mkdtempSync(join(tmpdir(), 'mhim-fit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(models)('%s: learns, leaks nothing, and repeats bit for bit', async (model) => {
  const before = tf.memory().numTensors;
  const first = await fit(options(model));
  expect(tf.memory().numTensors).toBe(before);
  expect(first.history.at(-1)?.labelLoss).toBeLessThan(first.history[0]?.labelLoss as number);
  expect(await fit(options(model))).toEqual(first);
  expect(await fit({ ...options(model), seed: 4 })).not.toEqual(first);
});

test.each(models)('%s: a run cut off anywhere goes on to the same bytes', async (model) => {
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

test.each([
  ['between two epochs', 3],
  ['of the finished model', 6],
])(
  'asked to stop in the evaluation %s, a run stops at the next bag and goes on to the same result',
  async (_, epoch) => {
    const run = { ...options('ab-mil'), checkpointSeconds: 0, folder: join(folder, `evaluation-${epoch}`) };
    const controller = new AbortController();
    let [epochs, predicted] = [0, 0];
    const createLearner = async (rng: Rng) => {
      const learner = await options('ab-mil').createLearner(rng);
      const predict = learner.predict.bind(learner);
      learner.predict = (...args) => {
        if (epochs === epoch && ++predicted === 2) setImmediate(() => controller.abort(new Error('stop')));
        return predict(...args);
      };
      return learner;
    };
    const observer = { onEpoch: () => void epochs++ };
    await expect(fit({ ...run, createLearner, observer, signal: controller.signal })).rejects.toThrow('stop');
    expect(predicted).toBeLessThan(4);
    expect(await fit(run)).toEqual(await fit(options('ab-mil')));
  },
);

test('a damaged checkpoint costs an epoch, not the run', async () => {
  const run = { ...options('ab-mil'), checkpointSeconds: 0 };
  const damaged = join(folder, 'damaged');
  let epochs = 0;
  const observer = {
    onEpoch: () => {
      if (++epochs === 4) throw new Error('cut off');
    },
  };
  await expect(fit({ ...run, folder: damaged, observer })).rejects.toThrow('cut off');
  truncateSync(join(damaged, 'state.safetensors'), 500);
  const starts: number[] = [];
  const result = await fit({ ...run, folder: damaged, observer: { onStart: (at) => starts.push(at.startEpoch) } });
  expect(starts).toEqual([2]);
  expect(result).toEqual(await fit(options('ab-mil')));
});

test('another configuration in the same folder is refused, naming the field', async () => {
  const run = { ...options('ab-mil'), folder: join(folder, 'other') };
  await fit(run);
  await expect(fit({ ...run, epochs: 7 })).rejects.toThrow(/another epochs \(6, now 7\)/);
});

test('a loss that is no number names the bag', async () => {
  const broken = {
    ...source,
    read: async (i: number) => ({
      ...(source.content[i] as Bag),
      features: new Float32Array(18).fill(NaN),
      instances: 3,
    }),
  };
  await expect(fit({ ...options('ab-mil'), standardise: false, source: broken })).rejects.toThrow(
    /bag "bag-\d+", epoch 0: the loss became NaN/,
  );
});

test.each([1e9, 0, 2.5, NaN])('%d epochs are refused before anything else', async (epochs) => {
  const failure = fit({ ...options('ab-mil'), epochs, folder: join(folder, 'epochs') });
  await expect(failure).rejects.toThrow(/^epochs: expected a whole number from 1 to 100000, got /);
});
