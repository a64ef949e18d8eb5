import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import type { Bag, BagSource } from '@mhim/datasets';
import { MHIMv2 } from '@mhim/hard-mining';
import { ABMIL, Mamba2D, type Aggregator } from '@mhim/mil-aggregators';
import { useBackend, type Rng } from '@mhim/tensor';
import { FeatureCache } from './feature-cache.js';
import { fit, type FitOptions } from './fit.js';
import { mhimLearner, supervisedLearner } from './learner.js';
import { constantRate } from './schedules.js';
import { toyBags } from './test-helpers.js';

beforeAll(async () => {
  await useBackend({ log: () => {} });
});

/** The toy bags with patches on a 4 × 2 grid, in an order of each bag's own. */
function placed(coordsOf: (bag: Bag, index: number) => Float32Array | undefined): BagSource {
  const { content, ...source } = toyBags({ instances: 5, bags: 6 });
  const bags = content.map((bag, i) => ({ ...bag, coords: coordsOf(bag, i) }));
  return { ...source, read: async (i) => bags[i] as Bag };
}

const onGrid = (shift: number) => (bag: Bag, index: number) =>
  Float32Array.from({ length: 2 * bag.instances }, (_, k) => {
    const cell = ((k >> 1) * 3 + index + shift) % 8;
    return 256 * (k % 2 === 0 ? cell % 4 : Math.floor(cell / 4));
  });

const inputDim = 6;
const bases: Record<string, (rng: Rng) => Aggregator> = {
  '2DMamba': (rng) => new Mamba2D({ inputDim, embedDim: 8, states: 2, attentionDim: 4 }, rng),
  'AB-MIL with positions': (rng) => new ABMIL({ inputDim, embedDim: 8, attentionDim: 4, position: 'sin-cos' }, rng),
};

const optionsFor = (base: (rng: Rng) => Aggregator, mined: boolean, source: BagSource): FitOptions => ({
  source,
  train: [0, 1, 2, 3],
  select: [4, 5],
  createLearner: (rng) =>
    mined ? mhimLearner(new MHIMv2(base, rng, { queries: 2, keepRatio: 0.5 })) : supervisedLearner(base(rng)),
  epochs: 2,
  schedule: constantRate(0.01),
  seed: 1,
  stream: 0,
});

test.each(
  Object.entries(bases).flatMap(([name, base]) =>
    [false, true].map((mined) => [name, mined ? 'mined' : 'alone', base] as const),
  ),
)('%s, %s, learns and predicts by where instances lie', async (_, how, base) => {
  const mined = how === 'mined';
  const before = tf.memory().numTensors;
  const [here, there] = [
    await fit(optionsFor(base, mined, placed(onGrid(0)))),
    await fit(optionsFor(base, mined, placed(onGrid(1)))),
  ];
  expect(tf.memory().numTensors).toBe(before);
  expect(await fit(optionsFor(base, mined, placed(onGrid(0))))).toEqual(here);
  expect(there.history).not.toEqual(here.history);
  expect(there.last.test.probabilities).not.toEqual(here.last.test.probabilities);
});

test('bags without coordinates are laid out on a square by 2DMamba, and refused by name where positions are embedded', async () => {
  const nowhere = placed(() => undefined);
  const run = (name: string) => fit(optionsFor(bases[name] as (rng: Rng) => Aggregator, false, nowhere));
  expect((await run('2DMamba')).epochs).toBe(2);
  await expect(run('AB-MIL with positions')).rejects.toThrow(/bag-\d.*positions/);
});

test('positions are worked out once, and for nobody who does not ask', async () => {
  let asked = 0;
  const { content, ...source } = toyBags({ instances: 5, bags: 1 });
  const bag = { ...(content[0] as Bag) };
  Object.defineProperty(bag, 'coords', {
    get: () => {
      asked++;
      return onGrid(0)(bag, 0);
    },
  });
  const positionsFrom = async (cache: FeatureCache) => cache.with(0, (_features, _bag, positions) => positions);
  const [silent, asking] = [false, true].map(
    (usesPositions) => new FeatureCache({ ...source, read: async () => bag }, undefined, 2 ** 20, usesPositions),
  ) as [FeatureCache, FeatureCache];
  expect([await positionsFrom(silent), asked]).toEqual([undefined, 0]);
  const first = await positionsFrom(asking);
  expect([first?.width, first?.height, first?.xy.length]).toEqual([4, 2, 10]);
  const before = asked;
  expect(await positionsFrom(asking)).toBe(first);
  expect(asked).toBe(before);
  silent.dispose();
  asking.dispose();
});
