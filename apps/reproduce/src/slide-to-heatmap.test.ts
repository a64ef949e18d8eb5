import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { obtainEfficientNetLite0 } from '@mhim/encoders';
import { HEAT_CALL, parseHeatScript, type HeatScores } from '@mhim/figures/heat-view';
import { decodeRgb } from '@mhim/figures/heatmap';
import { loadOpenSlide, obtainBuiltInSlide } from '@mhim/slides';
import { MhimError } from '@mhim/tensor';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tissuePicture, writeTiff } from '../../../packages/slides/src/test-helpers.js';
import { reproduce, temporaryFolder } from './test-helpers.js';

const path = temporaryFolder();

/** The real slide and the real encoder; a machine without OpenSlide, pip or network skips it. */
describe('from the built-in slide to a heatmap', { timeout: 180_000 }, () => {
  let unavailable: string | undefined;
  let slide: string;
  beforeAll(async () => {
    try {
      await loadOpenSlide();
      slide = await obtainBuiltInSlide('cmu-1-small-region', { log: () => undefined });
      await obtainEfficientNetLite0({ log: () => undefined });
    } catch (error) {
      if (!(error instanceof MhimError && error.code === 'dependency')) throw error;
      unavailable = error.message;
      console.warn(`The path from slide to heatmap is not tested: ${unavailable}`);
    }
  });
  beforeEach((context) => context.skip(unavailable !== undefined, unavailable));

  test('features of the default encoder say so', async () => {
    const options = ['--out', path('demo'), '--min-tissue', '1'];
    const { code, out, err } = await reproduce('slides', 'cmu-1-small-region', ...options);
    expect(err).toMatch(/Encoder: EfficientNet-Lite0, trained on photographs \(ImageNet\), 112 features; the default/);
    expect([code, out.includes('CMU-1-Small-Region  done          1       50            20')]).toEqual([0, true]);
    expect(readFileSync(path('demo', 'slides.csv'), 'utf8')).toMatch(/"EfficientNet-Lite0, trained on photographs/);
  });

  test('a run on features of the same encoder explains it', async () => {
    mkdirSync(path('drawn'));
    const labels = ['slide_id,label'];
    for (let i = 0; i < 4; i++) {
      writeTiff(path('drawn', `s${i}.tif`), [tissuePicture(i % 2 === 0 ? 1 : 2)], { mpp: 0.5 });
      labels.push(`s${i},${i % 2 === 0 ? 'large' : 'small'}`);
    }
    writeFileSync(path('labels.csv'), `${labels.join('\n')}\n`);
    const small = ['--min-tissue', '0.02', '--patch-size', '128'];
    expect((await reproduce('slides', path('drawn'), '--out', path('bags'), ...small)).code).toBe(0);
    const train = ['--data', path('bags', 'features'), '--labels', path('labels.csv'), '--model', 'ab-mil'];
    expect((await reproduce('train', ...train, '--k', '2', '--epochs', '1', '--out', path('run'))).code).toBe(0);

    const heat = ['heatmap', 'cmu-1-small-region', '--run', path('run')];
    const { code, out, err } = await reproduce(...heat, '--tile-size', '256', '--min-tissue', '1');
    expect(err).toMatch(
      /1 slide without features: made now, as those of .*bags but for the options given, with EfficientNet-Lite0/,
    );
    expect([code, out]).toEqual([0, expect.stringMatching(/1 of 1 slides/)]);
    const named = await reproduce(...heat, '--features', path('demo', 'features'), '--out', path('named'));
    expect([named.code, named.out]).toEqual([0, expect.stringMatching(/1 of 1 slides/)]);
    const folder = path('run', 'heatmaps', 'slides', 'CMU-1-Small-Region');
    const { attention, score, patchSize } = parseHeatScript(
      HEAT_CALL.scores,
      readFileSync(`${folder}/ab-mil/scores.js`, 'utf8'),
    ) as HeatScores;
    expect([attention?.length, score.length, patchSize]).toEqual([50, 50, 256]);
    // The features that were made here are those of `reproduce slides`.
    const apart = readFileSync(path('named', 'slides', 'CMU-1-Small-Region', 'ab-mil', 'scores.js'), 'utf8');
    expect((parseHeatScript(HEAT_CALL.scores, apart) as HeatScores).score).toEqual(score);
    const { width, height } = await decodeRgb(`${folder}/thumbnail.jpg`);
    expect(height / width).toBeCloseTo(2967 / 2220, 2);
    expect(existsSync(`${folder}/ab-mil/attention-probability.png`)).toBe(true);
  });

  test('a scan that is cut off, or has the wrong extension, is one clear error', async () => {
    const bytes = readFileSync(slide);
    mkdirSync(path('bad'));
    writeFileSync(path('bad', 'cut.svs'), bytes.subarray(0, bytes.length / 2));
    copyFileSync(path('labels.csv'), path('bad', 'table.ndpi'));
    const { code, err } = await reproduce('slides', path('bad'), '--out', path('none'), '--encoder', 'colour');
    expect(code).toBe(65);
    expect(err).toMatch(/1\/2 cut: failed: .*cut\.svs: .*(damaged|no whole-slide image)/);
    expect(err).toMatch(/2\/2 table: failed: .*table\.ndpi: is no whole-slide image/);
    expect(err).not.toMatch(/\n +at /);
    // OpenSlide goes by content: a scan under another scanner's name is read.
    copyFileSync(slide, path('renamed.tif'));
    const renamed = await reproduce('slides', path('renamed.tif'), '--out', path('re'), '--no-features');
    expect(renamed.code).toBe(0);
    const heat = await reproduce('heatmap', path('bad', 'cut.svs'), '--run', path('run'));
    expect([heat.code, heat.err]).toEqual([65, expect.stringMatching(/error: /)]);
  });
});
