import { expect, test } from 'vitest';
import { saturationOf } from '../images/operations.js';
import { blankPicture, tissuePicture } from '../test-helpers.js';
import { boundingBox, polygonAreas } from './contours.js';
import { segmentSaturation } from './segment-tissue.js';
import { segmentationConfig, type SegmentationConfig } from './segmentation-config.js';
import { tissueMask } from './tissue-mask.js';

async function segment(changes: Partial<SegmentationConfig> = {}) {
  const saturation = await saturationOf(tissuePicture());
  const config = segmentationConfig('default', { referencePatch: 64, minTissueArea: 1, minHoleArea: 1, ...changes });
  return segmentSaturation(saturation, 0, [1, 1], config);
}

test('finds the pieces of tissue from the bottom up, with holes', async () => {
  const { regions } = await segment();
  expect(regions.map(({ holes }) => holes.length)).toEqual([0, 1]);
  const [small, large] = await polygonAreas(regions.map(({ outline }) => outline));
  expect(small).toBeCloseTo(Math.PI * 150 ** 2, -3.5);
  expect(large).toBeCloseTo(Math.PI * 220 ** 2, -3.5);
  expect(boundingBox(regions[0]?.outline as Int32Array)[0]).toBeGreaterThan(600);
});

test('the mask leaves holes out; pixels of it are those of the picture', async () => {
  const steps = await segment();
  const { data, width } = await tissueMask(steps);
  const at = (x: number, y: number) => data[y * width + x];
  expect([at(300, 300), at(300, 150), at(760, 420), at(10, 10)]).toEqual([0, 1, 1, 0]);
});

test('area limits drop pieces and holes', async () => {
  expect((await segment({ minTissueArea: 22 })).regions).toHaveLength(1);
  expect((await segment({ minTissueArea: 100 })).regions).toHaveLength(0);
  expect((await segment({ minHoleArea: 10 })).regions[1]?.holes).toHaveLength(0);
  expect((await segment({ maxHoles: 0 })).regions[1]?.holes).toHaveLength(0);
});

test('Otsu’s threshold lies between glass and stain', async () => {
  const { threshold, regions } = await segment({ otsu: true });
  expect(threshold).toBeGreaterThanOrEqual(2);
  expect(threshold).toBeLessThan(140);
  expect(regions).toHaveLength(2);
});

test('pieces are kept and left out by number', async () => {
  expect((await segment({ keepIds: [1] })).regions[0]?.holes).toHaveLength(1);
  expect((await segment({ excludeIds: [1] })).regions[0]?.holes).toHaveLength(0);
  await expect(segment({ keepIds: [5] })).rejects.toThrow(/no region 5; 2 were found/);
});

test('a slide without tissue has no regions, and no crash', async () => {
  const saturation = await saturationOf(blankPicture());
  const steps = await segmentSaturation(saturation, 0, [1, 1], segmentationConfig());
  expect(steps.regions).toEqual([]);
  expect((await tissueMask(steps)).data.every((value) => value === 0)).toBe(true);
});

test('coarser pictures are scaled by each axis’ own ratio, cut to whole pixels', async () => {
  const saturation = await saturationOf(tissuePicture(2));
  const config = segmentationConfig('default', { referencePatch: 64, minTissueArea: 1 });
  const { regions, referenceArea } = await segmentSaturation(saturation, 1, [2.0005, 1.999], config);
  expect(referenceArea).toBe(Math.trunc(4096 / (2.0005 * 1.999)));
  const [x, , , height] = boundingBox(regions[1]?.outline as Int32Array);
  expect(x).toBe(Math.trunc(Math.round(x / 2.0005) * 2.0005));
  expect(height).toBeLessThan(445);
});

test('options that cannot be are named', () => {
  expect(() => segmentationConfig('default', { medianKernel: 4 })).toThrow(
    /medianKernel: is 4, expected an odd number/,
  );
  expect(() => segmentationConfig('bwh-biopsi' as 'tcga')).toThrow(/bwh-biopsy/);
  expect(segmentationConfig('tcga', { otsu: undefined })).toMatchObject({
    minTissueArea: 16,
    minHoleArea: 4,
    otsu: false,
  });
});
