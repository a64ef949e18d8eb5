import { readFileSync, writeFileSync } from 'node:fs';
import { writeBagStore, type Bag, type BagSource } from '@mhim/datasets';
import { CALLS_NONE } from '@mhim/training';
import { expect, test } from 'vitest';
import { reproduce, temporaryFolder } from '../test-helpers.js';
import { thresholdOf, type FoldModel } from './ensemble.js';

const at = temporaryFolder();
const json = (...parts: string[]) => JSON.parse(readFileSync(at(...parts), 'utf8')) as Record<string, unknown>;

/** Bags of one instance whose features say the label in training, and the other one in the test part. */
function contradicting(): BagSource {
  const bags = Array.from({ length: 20 }, (_, i): Bag => {
    const label = i % 2;
    const features = new Float32Array(4)
      .fill((label === 1) === i < 12 ? 1 : -1)
      .map((value, k) => value * (1 + (i + k) / 40));
    return { id: `bag-${i}`, label, instances: 1, width: 4, features };
  });
  return {
    ...{ name: 'contradicting', width: 4, classes: 2, simulated: true },
    bags: bags.map(({ id, label }) => ({ id, label })),
    read: async (i) => bags[i] as Bag,
    fingerprint: async () => 'contradicting',
    close: async () => {},
  };
}

test('a model that calls none positive is judged, and predicts, as it was in training', async () => {
  const source = contradicting();
  await writeBagStore(at('bags'), source);
  const ids = source.bags.map(({ id }) => id);
  writeFileSync(at('folds.json'), JSON.stringify({ folds: [{ train: ids.slice(0, 12), test: ids.slice(12) }] }));
  const trained = await reproduce(
    ...['train', '--data', at('bags'), '--folds', at('folds.json'), '--model', 'mean-pooling', '--epochs', '3'],
    ...['--lr', '0.05', '--out', at('run')],
  );
  expect(trained.code, trained.err).toBe(0);
  const fold = json('run', 'fold-0', 'metrics.json');
  expect(fold).toMatchObject({ auc: 0, accuracy: 0.5, threshold: CALLS_NONE });
  expect(json('run', 'fold-0', 'paper', 'mean-pooling', 'config.json').threshold).toBe(CALLS_NONE);

  const judged = await reproduce('evaluate', '--run', at('run'), '--json', at('figures.json'));
  expect(judged.out).toMatch(/fold 0 on its test part +8 +0\.0000 +0\.5000 +0\.0000 +> 1\n/);
  const { auc, accuracy, f1, f1Macro, threshold } = fold;
  expect((json('figures.json').rows as unknown[])[0]).toMatchObject({ auc, accuracy, f1, f1Macro, threshold });

  const predicted = await reproduce('predict', '--run', at('run'), '--data', at('bags'));
  const called = predicted.out
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').at(-1));
  expect(called).toEqual(ids.map(() => '0'));
});

const model = (config: object) => ({ model: { config: { classes: 2, ...config } } }) as unknown as FoldModel;

test.each<[string, object[], number]>([
  ['the mean of those stored', [{ threshold: 0.4 }, { threshold: 0.6 }], 0.5],
  ['with a fold that calls none', [{ threshold: 0.4 }, { threshold: CALLS_NONE }], (0.4 + CALLS_NONE) / 2],
  ['with one that an earlier version wrote as null', [{ threshold: 0.4 }, { threshold: null }], (0.4 + CALLS_NONE) / 2],
  ['without one that is undefined', [{ threshold: 0.4 }, { threshold: null, thresholdReason: 'why' }], 0.4],
  ['0.5 where none is known', [{ threshold: null, thresholdReason: 'why' }, {}], 0.5],
  ['0.5 of three classes, where it is not used', [{ classes: 3, threshold: null }], 0.5],
])('the threshold of several models: %s', (_, configs, expected) => {
  expect(thresholdOf(configs.map(model))).toBe(expected);
});
