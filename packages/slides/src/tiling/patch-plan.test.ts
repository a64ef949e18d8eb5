import { expect, test } from 'vitest';
import { levelsOf } from '../openslide/level.js';
import type { SlideReader } from '../openslide/slide-reader.js';
import { baseMagnificationOf, planPatches } from './patch-plan.js';

function slide(sizes: [number, number][], resolution: Partial<SlideReader> = {}): SlideReader {
  return { name: 's', path: 's.svs', levels: levelsOf(sizes), properties: {}, ...resolution } as SlideReader;
}
const scan40 = slide(
  [
    [40_000, 40_000],
    [10_000, 10_000],
    [2500, 2500],
  ],
  { mpp: [0.2525, 0.2525] },
);

test('a level of the magnification is read as it is', () => {
  expect(planPatches(scan40, { magnification: 40 })).toMatchObject({ level: 0, readSize: 256, resampled: false });
  const plan = planPatches(scan40, { magnification: 10, overlap: 64 });
  expect(plan).toMatchObject({ level: 1, readSize: 256, resampled: false, patchSizeLevel0: 1024, stepLevel0: 768 });
});

test('where there is none, the next finer one is resampled', () => {
  expect(planPatches(scan40)).toMatchObject({ level: 0, readSize: 512, resampled: true, patchSizeLevel0: 512 });
  expect(planPatches(scan40, { magnification: 5 })).toMatchObject({ level: 1, readSize: 512, patchSizeLevel0: 2048 });
});

test('ratios that are off by a rounding are the level’s', () => {
  const pyramid = slide(
    [
      [4443, 3567],
      [2221, 1783],
    ],
    { objectivePower: 40 },
  );
  expect(planPatches(pyramid)).toMatchObject({ level: 1, resampled: false, patchSizeLevel0: 512 });
});

test('microns go before the objective power; steps are TRIDENT’s', () => {
  expect([0.12, 0.25, 0.499, 1, 2].map((mpp) => baseMagnificationOf({ mpp: [mpp, mpp] }))).toEqual([80, 40, 20, 10, 5]);
  expect(baseMagnificationOf({ mpp: [0.25, 0.25], objectivePower: 20 })).toBe(40);
  expect(baseMagnificationOf({ objectivePower: 20 })).toBe(20);
});

test('a slide without resolution, or too coarse, is refused with the remedy', () => {
  const unknown = slide([[1000, 1000]]);
  expect(() => planPatches(unknown)).toThrow(/s\.svs: does not say its resolution.*--base-magnification 40/);
  expect(planPatches(unknown, { baseMagnification: 40 })).toMatchObject({ readSize: 512 });
  expect(() => planPatches(slide([[10, 10]], { objectivePower: 10 }))).toThrow(
    /scanned at 10×.*--magnification 10 or less/,
  );
  expect(() => planPatches(unknown, { overlap: 256 })).toThrow(/overlap: is 256, expected from 0 to below patchSize/);
});
