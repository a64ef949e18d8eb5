import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fold } from '@mhim/datasets';
import { initialiseFromBaseline, MHIMv2 } from '@mhim/hard-mining';
import { ABMIL, mhimABMIL } from '@mhim/mil-aggregators';
import { readSafetensors, useBackend } from '@mhim/tensor';
import { crossValidate, foldFolder } from './cross-validate.js';
import { foldMetrics } from './classification-task.js';
import { mhimLearner } from './learner.js';
import { cosineRate } from './schedules.js';
import { toyBags, toyLearner } from './test-helpers.js';

let folder: string;
beforeAll(async () => {
  await useBackend({ log: () => {} });
  folder = mkdtempSync(join(tmpdir(), 'mhim-folds-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('MHIM-v2 from the baseline of the same fold; the honest threshold comes from the validation part', async () => {
  const source = toyBags();
  const folds: Fold[] = [0, 1].map((fold) => {
    const half = [...Array(8).keys()].map((i) => i + 8 * fold);
    const rest = [...Array(8).keys()].map((i) => i + 8 * (1 - fold));
    return { fold, train: rest.slice(0, 4), validation: rest.slice(4), test: half };
  });
  const common = { source, folds, epochs: 3, schedule: cosineRate(0.01, 3), seed: 1, standardise: true };
  const baseline = await crossValidate({
    ...common,
    createLearner: toyLearner('ab-mil', source.width),
    folder: join(folder, 'baseline'),
  });
  const heard: number[] = [];
  const mined = await crossValidate({
    ...common,
    stream: 1,
    createLearner: async (rng, { fold }) => {
      const config = mhimABMIL({ inputDim: source.width, embedDim: 8, attentionDim: 4 });
      const mhim = new MHIMv2((stream) => new ABMIL(config, stream), rng, { queries: 2 });
      const { tensors } = await readSafetensors(join(foldFolder(join(folder, 'baseline'), fold), 'best.safetensors'));
      initialiseFromBaseline(mhim, Object.fromEntries(tensors));
      return mhimLearner(mhim, { learningRate: 0.01 });
    },
    folder: join(folder, 'mhim-v2'),
    observer: { onFold: ({ fold }) => heard.push(fold) },
  });
  expect(heard).toEqual([0, 1]);
  for (const { folds: outcomes, summary } of [baseline, mined]) {
    expect(outcomes.map(({ fit }) => fit.best.test.ids.length)).toEqual([8, 8]);
    expect(outcomes.map(({ fit }) => fit.best.select.ids)).toEqual(
      folds.map(({ validation }) => validation?.map((i) => `bag-${i}`)),
    );
    const aucs = outcomes.map(({ best }) => best.auc as number);
    expect(summary.auc?.mean).toBeCloseTo(((aucs[0] as number) + (aucs[1] as number)) / 2, 12);
    for (const { best, fit } of outcomes) expect(best.threshold).toBe(foldMetrics(fit.best.select).threshold);
  }
  expect(existsSync(join(folder, 'mhim-v2', 'fold-1', 'best.safetensors'))).toBe(true);
});

test('the largest seed has folds too', async () => {
  const source = toyBags();
  const parts = [
    [0, 1, 2, 3, 4, 5, 6, 7],
    [8, 9, 10, 11, 12, 13, 14, 15],
  ] as const;
  const folds: Fold[] = [0, 1].map((fold) => ({
    fold,
    train: [...(parts[fold] as readonly number[])],
    test: [...(parts[1 - fold] as readonly number[])],
  }));
  const common = {
    source,
    epochs: 1,
    schedule: cosineRate(0.01, 1),
    createLearner: toyLearner('ab-mil', source.width),
  };
  const { folds: outcomes } = await crossValidate({ ...common, folds, seed: 0xffffffff });
  const [second] = (await crossValidate({ ...common, folds: [{ ...(folds[1] as Fold), fold: 0 }], seed: 0 })).folds;
  expect(outcomes[1]?.fit).toEqual(second?.fit);
});
