import { expect, test } from 'vitest';
import { blankPicture, picture, tissuePicture } from '../test-helpers.js';
import { tridentOtsu } from './trident-otsu.js';

test('separates stain from glass, fills small holes, ignores black', async () => {
  const image = tissuePicture(2);
  // A black frame, as scanners leave.
  image.data.fill(0, 0, 3 * image.width * 10);
  const { mask, thresholds } = await tridentOtsu(image, { minHole: 10_000 });
  const at = (x: number, y: number) => mask.data[y * mask.width + x];
  expect([at(150, 150), at(150, 75), at(380, 210), at(10, 5), at(10, 300)]).toEqual([1, 1, 1, 0, 0]);
  expect(thresholds[0]).toBeGreaterThan(120);
  const open = await tridentOtsu(image, { minHole: 10 });
  expect(open.mask.data[150 * mask.width + 150]).toBe(0);
});

test('nothing but glass is no tissue', async () => {
  const { mask } = await tridentOtsu(blankPicture(100, 100));
  expect(mask.data.every((value) => value === 0)).toBe(true);
});

test('specks are dropped', async () => {
  const image = picture(100, 100, (x, y) =>
    (x < 5 && y < 5) || (x > 40 && y > 40) ? [170, 60, 140] : [245, 230, 245],
  );
  const { mask } = await tridentOtsu(image, { minHole: 0 });
  expect([mask.data[2 * 100 + 2], mask.data[60 * 100 + 60]]).toEqual([0, 1]);
  expect(mask.data[20 * 100 + 20]).toBe(0);
});
