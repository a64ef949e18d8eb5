import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy, writeBagStore, writeNpy } from '@mhim/datasets';
import { readSafetensors } from '@mhim/tensor';
import { beforeAll, expect, test } from 'vitest';
import { reproduce, temporaryFolder, tinySlides } from './test-helpers.js';

const at = temporaryFolder();
const file = 'train_bag_cls_agnostic_feats_proto_3.npy';
const train = (out: string, ...more: string[]) =>
  reproduce(
    ...['train', '--data', at('slides'), '--model', 'ib-mil', '--k', '2', '--epochs', '2', '--out', out],
    ...['--set', 'aggregator.confounders=3', '--set', 'aggregator.embedDim=16', ...more],
  );
const stageOf = (run: string, stage = 'ib-mil') => join(run, 'fold-0', 'paper', stage);
const dictionaryOf = async (run: string) =>
  (await readSafetensors(join(stageOf(run), 'best.safetensors'))).tensors.get('confounder_feat');

beforeAll(async () => {
  await writeBagStore(at('slides'), tinySlides());
});

test('IBMIL trains in three stages, and its dictionary is in a file and in the model', async () => {
  const run = at('run');
  const { code, out } = await train(run);
  expect(code).toBe(0);
  expect(out).toContain('IBMIL');
  const baseline = await readSafetensors(join(stageOf(run, 'baseline'), 'best.safetensors'));
  expect(baseline.tensors.get('head.weight')?.shape).toEqual([2, 16]);
  const dictionary = await readNpy(join(stageOf(run), file));
  expect(dictionary.shape).toEqual([3, 16]);
  expect((await dictionaryOf(run))?.data).toEqual(dictionary.data);
  const results = JSON.parse(readFileSync(join(run, 'results.json'), 'utf8')) as { folds: { baseline: object }[] };
  expect(results.folds[0]?.baseline).toBeDefined();
  expect((await train(run)).out).toContain('is done already');
  expect((await reproduce('evaluate', '--data', at('slides'), '--run', run)).code).toBe(0);
}, 60_000);

test('a dictionary that is there is used, whatever was lost after it', async () => {
  const run = at('run');
  const changed = { dtype: 'F32' as const, shape: [3, 16], data: Float32Array.from({ length: 48 }, (_, i) => i / 48) };
  writeNpy(join(stageOf(run), file), changed);
  for (const lost of ['result.json', 'best.safetensors', 'last.safetensors']) rmSync(join(stageOf(run), lost));
  rmSync(join(run, 'results.json'));
  expect((await train(run)).code).toBe(0);
  expect((await dictionaryOf(run))?.data).toEqual(changed.data);
}, 60_000);

test('another run’s first stage serves, and without confounders the first stage is all there is', async () => {
  const [second, plain] = [at('second'), at('plain')];
  expect((await train(second, '--baseline-dir', at('run'))).code).toBe(0);
  expect(existsSync(stageOf(second, 'baseline'))).toBe(false);
  expect(existsSync(join(stageOf(second), file))).toBe(true);
  expect((await train(plain, '--set', 'aggregator.confounders=0')).code).toBe(0);
  expect(existsSync(stageOf(plain, 'baseline'))).toBe(false);
  expect(await dictionaryOf(plain)).toBeUndefined();
}, 60_000);

test('too few training bags for the dictionary are an error that says so', async () => {
  const { code, err } = await train(at('large'), '--set', 'aggregator.confounders=64');
  expect(code).not.toBe(0);
  expect(err).toMatch(/confounders: \d+ training bags give \d+ different bag vectors.*fewer/);
}, 60_000);
