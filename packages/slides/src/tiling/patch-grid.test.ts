import { expect, test } from 'vitest';
import { levelsOf } from '../openslide/level.js';
import { patchGrid, type ContourCheck } from './patch-grid.js';

const levels = levelsOf([
  [400, 400],
  [200, 200],
]);
/** Corners (100, 100) and (299, 299). */
const square = { outline: Int32Array.of(100, 100, 299, 100, 299, 299, 100, 299), holes: [] };

async function count(contourCheck: ContourCheck, changes = {}, region = square) {
  const { coords } = await patchGrid([region], levels, { patchSize: 64, stepSize: 64, contourCheck, ...changes });
  return coords.length / 2;
}

test('the grid starts at the bounding box, x slow and y fast', async () => {
  const { coords, regions } = await patchGrid([square], levels, { patchSize: 100, stepSize: 100 });
  expect(Array.from(coords)).toEqual([100, 100, 100, 200, 200, 100, 200, 200]);
  expect(Array.from(regions)).toEqual([0, 0, 0, 0]);
});

test('the four checks take what CLAM’s take', async () => {
  // Starts at 100, 164, 228 and 292; the last reaches outside with its centre and its inner points.
  expect(await count('basic')).toBe(16);
  expect(await count('center')).toBe(9);
  expect(await count('four_pt_hard')).toBe(9);
  expect(await count('four_pt')).toBe(9);
  // A patch of 40 from 292 on has its nearer points at 302: outside; of 24 at 298: inside.
  expect(await count('four_pt', { patchSize: 24, stepSize: 64 })).toBe(16);
});

test('the border counts as inside, and as no hole', async () => {
  const hole = Int32Array.of(132, 132, 196, 132, 196, 196, 132, 196);
  // Patches of 64 from 100 on: the first centre, (132, 132), lies on the hole's corner; none lies inside but that of (164, 164)'s edge.
  expect(await count('center', {}, { ...square, holes: [hole] as never })).toBe(9);
  const around = Int32Array.of(120, 120, 150, 120, 150, 150, 120, 150);
  expect(await count('center', {}, { ...square, holes: [around] as never })).toBe(8);
});

test('without padding no patch reaches over the edge', async () => {
  const atEdge = { outline: Int32Array.of(300, 300, 399, 300, 399, 399, 300, 399), holes: [] };
  expect(await count('basic', {}, atEdge)).toBe(4);
  expect(await count('basic', { padding: false }, atEdge)).toBe(1);
});

test('a coarser level doubles patch and step', async () => {
  const { coords } = await patchGrid([square], levels, { level: 1, patchSize: 50, stepSize: 50 });
  expect(Array.from(coords)).toEqual([100, 100, 100, 200, 200, 100, 200, 200]);
  await expect(patchGrid([square], levels, { level: 2 })).rejects.toThrow(/level: is 2, expected a level below 2/);
});
