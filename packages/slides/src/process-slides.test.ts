import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBags } from '@mhim/datasets';
import { decode } from 'fast-png';
import { beforeAll, describe, expect, test } from 'vitest';
import { colourEncoder } from './features/colour-encoder.js';
import type { PatchEncoder } from './features/encoder.js';
import { slidePipelineDefaults, type SlidePipelineConfig } from './process-slide.js';
import { knownResult, processSlides, readSlidesConfig } from './process-slides.js';
import { blankPicture, hasOpenSlide, temporaryFolder, tissuePicture, writeTiff } from './test-helpers.js';
import { segmentationConfig } from './tissue/segmentation-config.js';
import { readCoordsFile } from './tiling/coords-file.js';
import { dropBlankPatches } from './tiling/drop-blank.js';
import { planPatches } from './tiling/patch-plan.js';
import { Slide } from './openslide/slide.js';

const path = temporaryFolder();
const config: SlidePipelineConfig = {
  ...slidePipelineDefaults,
  segmentation: segmentationConfig('default', { referencePatch: 64, minTissueArea: 1, minHoleArea: 1 }),
  patches: { patchSize: 64 },
};

beforeAll(async () => {
  await import('node:fs/promises').then(({ mkdir }) => mkdir(path('slides')));
  writeTiff(path('slides', 'tissue.tif'), [tissuePicture(), tissuePicture(4)], { mpp: 0.25 });
  writeTiff(path('slides', 'blank.tif'), [blankPicture()], { mpp: 0.5 });
  writeTiff(path('slides', 'unknown.tif'), [tissuePicture()]);
  writeFileSync(path('slides', 'broken.svs'), 'no slide');
  writeFileSync(path('slides', 'notes.txt'), 'no slide, and none by name');
});

describe.runIf(hasOpenSlide)('processSlides', () => {
  test('takes a folder to bags; a bad slide costs only itself', async () => {
    const seen: string[] = [];
    const results = await processSlides({
      slides: path('slides'),
      out: path('out'),
      config,
      encoder: colourEncoder(),
      onSlide: (_, __, name) => seen.push(name),
    });
    expect(seen).toEqual(['blank', 'broken', 'tissue', 'unknown']);
    expect(results.map(({ status }) => status)).toEqual(['no tissue', 'failed', 'done', 'failed']);
    expect(results[1]?.reason).toMatch(/is no whole-slide image/);
    expect(results[3]?.reason).toMatch(/does not say its resolution/);
    expect(existsSync(path('out', 'features', 'blank.h5'))).toBe(false);
    expect(readFileSync(path('out', 'slides.csv'), 'utf8')).toMatch(/blank,no tissue,0,0,20,0\.5,/);

    const bags = await openBags(path('out', 'features'));
    const bag = await bags.read(0);
    expect(bag).toMatchObject({ id: 'tissue', instances: results[2]?.patches, width: 6 });
    const clam = await readCoordsFile(path('out', 'patches', 'tissue.h5'));
    expect(Array.from(clam.coords)).toEqual(Array.from(bag.coords as Float32Array));
    // 40× scan, 20× patches, no such level: CLAM reads twice the side at level 0.
    expect(clam.attributes).toMatchObject({ patch_level: 0, patch_size: 128 });
    const trident = await readCoordsFile(path('out', 'patches', 'tissue_patches.h5'));
    expect(trident.attributes).toMatchObject({ patch_size: 64, patch_size_level0: 128, target_magnification: 20 });
    const mask = decode(readFileSync(path('out', 'masks', 'tissue.png')));
    expect([mask.width, mask.height]).toEqual([1024, 768]);
  });

  test('the same call again leaves what is done', async () => {
    const before: boolean[] = [];
    let encoded = 0;
    const encoder: PatchEncoder = {
      ...colourEncoder(),
      encode: (images) => (encoded++, colourEncoder().encode(images)),
    };
    const options = { slides: path('slides'), out: path('out'), config, encoder };
    await processSlides({ ...options, onResult: (_, known) => before.push(known) });
    expect(before).toEqual([true, false, true, false]);
    expect(encoded).toBe(0);
  });

  test('says how it was made, and what is done already', async () => {
    const one = { slides: [path('slides', 'tissue.tif')], out: path('noted'), config };
    const encoder = (weights: string): PatchEncoder => ({ ...colourEncoder(), options: { weights } });
    await processSlides({ ...one, encoder: encoder('/here/uni.bin') });
    for (const folder of [path('noted'), path('noted', 'features')])
      expect(readSlidesConfig(folder)).toMatchObject({
        path: path('noted'),
        config: { ...config, encoder: 'colour', encoderOptions: { weights: '/here/uni.bin' } },
      });
    expect(readSlidesConfig(path('slides'))).toBeUndefined();
    // The same encoder from another place is the same.
    await processSlides({ ...one, encoder: encoder('/there/uni.bin') });
    expect(readSlidesConfig(path('noted'))?.config.encoderOptions).toEqual({ weights: '/there/uni.bin' });
    const wanted = { config, encoder: true };
    expect(knownResult(one.slides[0] as string, path('noted'), wanted)?.status).toBe('done');
    expect(knownResult(path('slides', 'blank.tif'), path('noted'), wanted)).toBeUndefined();
    writeTiff(path('tissue.tif'), [tissuePicture()], { mpp: 0.25 });
    expect(knownResult(path('tissue.tif'), path('noted'), wanted)).toBeUndefined();
  });

  test('an encoder may be added later; other options need another folder', async () => {
    const options = { slides: path('slides', 'tissue.tif'), out: path('later'), config };
    expect((await processSlides(options))[0]).toMatchObject({ status: 'done' });
    expect(existsSync(path('later', 'features'))).toBe(false);
    const pt: SlidePipelineConfig = { ...config, format: 'pt', dtype: 'float16' };
    await processSlides({ ...options, config: pt, encoder: colourEncoder() });
    expect(existsSync(path('later', 'features', 'tissue.pt'))).toBe(true);
    await expect(processSlides({ ...options, config: { ...pt, padding: false } })).rejects.toThrow(
      /was made with padding true, now it is false/,
    );
    const other = { ...colourEncoder(), name: 'other' };
    await expect(processSlides({ ...options, config: pt, encoder: other })).rejects.toThrow(/encoder "colour"/);
    await expect(
      processSlides({ ...options, out: path('none'), config: { ...config, dtype: 'float16' } }),
    ).rejects.toThrow(/float32 only/);
  });

  test.each([
    ['slides.csv', 'slide_id,label'],
    ['config.json', '{"lr": 1}'],
    ['features', undefined],
  ])('leaves the %s of others alone', async (name, text) => {
    const out = path(`others-${name}`);
    mkdirSync(text === undefined ? join(out, name) : out, { recursive: true });
    if (text !== undefined) writeFileSync(join(out, name), text);
    await expect(processSlides({ slides: path('slides', 'tissue.tif'), out, config })).rejects.toThrow(
      `${join(out, name)}: is not from here: this folder holds something else. Choose another --out.`,
    );
    expect(readdirSync(out)).toEqual([name]);
    if (text !== undefined) expect(readFileSync(join(out, name), 'utf8')).toBe(text);
  });

  test('an encoder that gives NaN, or another width, fails the slide', async () => {
    const options = { slides: path('slides', 'tissue.tif'), config };
    for (const [width, reason] of [
      [2, /bad gave NaN/],
      [3, /bad gave features \[\d+,3\], expected \[\d+, 2\]/],
    ] as const) {
      const bad: PatchEncoder = {
        name: 'bad',
        width: 2,
        encode: ({ length }) => ({ shape: [length, width], data: new Float32Array(length * width).fill(NaN) }),
      };
      const [result] = await processSlides({ ...options, out: path(`bad-${width}`), encoder: bad });
      expect(result).toMatchObject({ status: 'failed', reason: expect.stringMatching(reason) as string });
    }
  });

  test('an interrupt ends the folder between patches', async () => {
    const controller = new AbortController();
    const options = { slides: path('slides'), out: path('stopped'), config, encoder: colourEncoder(), batchSize: 4 };
    await expect(
      processSlides({
        ...options,
        signal: controller.signal,
        onStage: (stage, done) => stage === 'features' && done > 0 && controller.abort(new Error('stop')),
      }),
    ).rejects.toThrow('stop');
    expect(existsSync(path('stopped', 'features', 'tissue.h5'))).toBe(false);
  });

  test('white and black patches are dropped when asked', async () => {
    const slide = await Slide.open(path('slides', 'tissue.tif'));
    const plan = planPatches(slide, { patchSize: 64, magnification: 40 });
    // Glass, tissue, and mostly outside the slide.
    const coords = Int32Array.of(0, 0, 150, 300, 1010, 750);
    expect(Array.from(await dropBlankPatches(slide, plan, coords))).toEqual([150, 300]);
    slide.close();
    const options = { slides: path('slides', 'tissue.tif'), out: path('some'), config: { ...config, dropBlank: true } };
    expect((await processSlides(options))[0]?.patches).toBeGreaterThan(0);
  });
});
