import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { resizeLikePillow } from '@mhim/encoders';
import { thumbnail } from '../images/thumbnail.js';
import { hasOpenSlide, temporaryFolder, tissuePicture, writeTiff } from '../test-helpers.js';
import { bestLevelFor, levelsOf } from './level.js';
import { readStrips } from './slide-reader.js';
import { Slide } from './slide.js';

const path = temporaryFolder();
const [fine, coarse] = [tissuePicture(), tissuePicture(4)];

beforeAll(() => writeTiff(path('a.tif'), [fine, coarse], { mpp: 0.25 }));

describe.runIf(hasOpenSlide)('Slide', () => {
  test('knows its pyramid and resolution', async () => {
    const slide = await Slide.open(path('a.tif'));
    expect(slide).toMatchObject({ name: 'a', vendor: 'generic-tiff', objectivePower: undefined, associatedImages: {} });
    expect(slide.levels).toEqual([
      { width: 1024, height: 768, downsample: 1, downsamples: [1, 1] },
      { width: 256, height: 192, downsample: 4, downsamples: [4, 4] },
    ]);
    expect(slide.mpp?.[0]).toBeCloseTo(0.25, 9);
    expect([1, 3.9, 4, 64].map((downsample) => slide.bestLevelForDownsample(downsample))).toEqual([0, 0, 1, 1]);
    slide.close();
  });

  test('reads regions as they are stored, and black outside', async () => {
    const slide = await Slide.open(path('a.tif'));
    const region = await slide.readRegion(250, 100, 0, 40, 20);
    for (const [x, y] of [
      [0, 0],
      [39, 19],
      [6, 11],
    ] as const) {
      const from = 3 * ((100 + y) * fine.width + 250 + x);
      const at = 3 * (y * 40 + x);
      expect(region.data.subarray(at, at + 3)).toEqual(fine.data.subarray(from, from + 3));
    }
    const edge = await slide.readRegionRgba(1014, 758, 0, 20, 20);
    expect(Array.from(edge.subarray(0, 4))).toEqual([244, 243, 245, 255]);
    expect(Array.from(edge.subarray(-4))).toEqual([0, 0, 0, 0]);
    const level1 = await slide.readRegion(0, 0, 1, 256, 192);
    expect(level1.data).toEqual(coarse.data);
    slide.close();
  });

  test('goes through a level in strips, and makes the thumbnail of them', async () => {
    const slide = await Slide.open(path('a.tif'));
    const rows: number[] = [];
    for await (const strip of readStrips(slide, 0)) rows.push(strip.rows);
    expect(rows.reduce((a, b) => a + b)).toBe(768);
    const small = await thumbnail(slide, 100);
    expect([small.width, small.height]).toEqual([100, 75]);
    // Level 1 is less than twice as large as what is wanted: no block averages before.
    expect(small.data).toEqual(resizeLikePillow(coarse, 100, 75, 'lanczos').data);
    slide.close();
  });

  test('says what is wrong with a file in one sentence', async () => {
    writeFileSync(path('text.svs'), 'no slide');
    writeFileSync(path('empty.tif'), '');
    await expect(Slide.open(path('none.svs'))).rejects.toThrow(/no such file/);
    await expect(Slide.open(path('text.svs'))).rejects.toThrow(/text\.svs: is no whole-slide image/);
    await expect(Slide.open(path('empty.tif'))).rejects.toThrow(/damaged: it has no content/);
    await expect(Slide.open(path('.'))).rejects.toThrow(/is a folder/);
  });

  test('a truncated slide fails where it is read, not with blank pixels', async () => {
    const whole = readFileSync(path('a.tif'));
    // The directories of this file are behind the pixels; what lies between is cut out by zeroing a tile's offset.
    const broken = Buffer.from(whole);
    const tiles = broken.indexOf(Buffer.from([0x08, 0, 0, 0, 0x08, 0, 3, 0]));
    expect(tiles).toBeGreaterThan(0);
    broken.writeUInt32LE(0xfffffff0, tiles);
    writeFileSync(path('broken.tif'), broken);
    const attempt = async () => {
      const slide = await Slide.open(path('broken.tif'));
      try {
        return await slide.readRegion(0, 0, 0, 64, 64);
      } finally {
        slide.close();
      }
    };
    await expect(attempt()).rejects.toMatchObject({ code: 'file-format' });
  });

  test('refuses regions that cannot be, and reads after close', async () => {
    const slide = await Slide.open(path('a.tif'));
    await expect(slide.readRegion(0, 0, 2, 8, 8)).rejects.toThrow(/no region 8 × 8 at \(0, 0\) of level 2/);
    await expect(slide.readRegion(0.5, 0, 0, 8, 8)).rejects.toThrow(/whole numbers/);
    await expect(slide.readRegion(0, 0, 0, 20_000, 20_000)).rejects.toThrow(/too large to be read at once/);
    await expect(slide.readAssociatedImage('label')).rejects.toThrow(/has no image "label"/);
    const late = slide.readRegion(0, 0, 0, 512, 512);
    slide.close();
    await expect(late).resolves.toMatchObject({ width: 512 });
    await expect(slide.readRegion(0, 0, 0, 8, 8)).rejects.toThrow(/is closed/);
  });
});

test('levels: the coarsest that is not coarser, per-axis ratios', () => {
  const levels = levelsOf([
    [4443, 3567],
    [2221, 1783],
  ]);
  expect(levels[1]?.downsamples.map((ratio) => ratio.toFixed(4))).toEqual(['2.0005', '2.0006']);
  expect([1, 2, 2.0005, 2.001, 64].map((downsample) => bestLevelFor(levels, downsample))).toEqual([0, 0, 0, 1, 1]);
});
