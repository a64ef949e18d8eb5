import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readBagFile } from '@mhim/datasets';
import { loadOpenSlide, type SlidePipelineConfig } from '@mhim/slides';
import { beforeAll, describe, expect, test } from 'vitest';
import { blankPicture, tissuePicture, writeTiff } from '../../../packages/slides/src/test-helpers.js';
import { checkFeatures } from './slides/check-features.js';
import { reproduce, temporaryFolder } from './test-helpers.js';

const path = temporaryFolder();
const hasOpenSlide = await loadOpenSlide().then(
  () => true,
  () => false,
);

beforeAll(() => {
  mkdirSync(path('slides'));
  writeTiff(path('slides', 'one.tif'), [tissuePicture()], { mpp: 0.5 });
  writeTiff(path('slides', 'two.tif'), [tissuePicture(2)], { mpp: 0.5 });
  writeFileSync(path('slides', 'broken.svs'), 'no slide');
  writeFileSync(path('labels.csv'), 'slide_id,label\none,tumour\ntwo,normal\nthree,normal\n');
});

describe.runIf(hasOpenSlide)('reproduce slides', () => {
  const options = ['--min-tissue', '0.02', '--patch-size', '64', '--encoder', 'colour'];

  test('makes bags, and the exit code says that a slide failed', async () => {
    const { code, out, err } = await reproduce('slides', path('slides'), '--out', path('bags'), ...options);
    expect(code).toBe(65);
    expect(out).toMatch(/one +done +2 +\d+ +20/);
    expect(err).toMatch(/1\/3 broken: failed: .*broken\.svs: is no whole-slide image/);
    expect(err).toMatch(/error: 1 of 3 slides failed/);
    expect(existsSync(path('bags', 'features', 'two.h5'))).toBe(true);
    const again = await reproduce('slides', path('slides'), '--out', path('bags'), ...options);
    expect(again.err).toMatch(/2\/3 one: .*done before/);
  });

  test('every option of CLAM’s segmentation can be said, and is noted', async () => {
    const clam = ['--otsu', '--median-kernel', '5', '--closing-kernel', '0', '--min-hole', '0.01', '--max-holes', '1'];
    const more = ['--reference-patch', '256', '--min-tissue', '0.1', '--exclude-pieces', '1', '--no-padding'];
    const one = ['slides', path('slides', 'one.tif'), '--no-features'];
    const { code, out } = await reproduce(...one, '--out', path('clam'), ...clam, ...more);
    expect([code, out]).toEqual([0, expect.stringMatching(/one +done +1 +\d+ +20/)]);
    const { segmentation, padding } = JSON.parse(
      readFileSync(path('clam', 'config.json'), 'utf8'),
    ) as SlidePipelineConfig;
    expect(padding).toBe(false);
    expect(segmentation).toEqual({
      ...{ level: -1, saturationThreshold: 8, medianKernel: 5, closingKernel: 0, otsu: true, minTissueArea: 0.1 },
      ...{ minHoleArea: 0.01, maxHoles: 1, keepIds: [], excludeIds: [1], referencePatch: 256 },
    });
    const even = await reproduce(...one, '--out', path('even'), '--median-kernel', '4');
    expect([even.code, even.err]).toEqual([2, expect.stringMatching(/medianKernel: is 4, expected an odd number/)]);
    const beyond = await reproduce(...one, '--out', path('beyond'), '--keep-pieces', '9', '--min-tissue', '0.02');
    expect([beyond.code, beyond.err]).toEqual([65, expect.stringMatching(/there is no region 9; 2 were found/)]);
    expect((await reproduce(...one, '--out', path('x'), '--keep-pieces', '1;2')).err).toMatch(/such as 0,2/);
  });

  test('check reads the bags and joins them with labels', async () => {
    const { code, out, err } = await reproduce('slides', 'check', path('bags'), '--labels', path('labels.csv'));
    expect(out).toMatch(/2 feature files in .*\ninstances: \d+ to \d+, median \d+\nwidth 6\ncoordinates in 2 of 2/);
    expect(out).toMatch(/labels: 2 of 2 slides\nclasses: normal: 1, tumour: 1/);
    expect(code).toBe(65);
    expect(err).toMatch(/error: 1 problems: .*three/);
    writeFileSync(path('bags', 'features', 'four.h5'), 'no HDF5');
    const { lines, problems } = await checkFeatures(path('bags', 'features'));
    expect(lines[0]).toMatch(/3 feature files .*, 1 unusable/);
    expect(problems).toEqual([expect.stringMatching(/four\.h5/)]);
  });

  test('features of patches that are there are the same; float16 is written where it can be', async () => {
    const given = ['--coords', path('bags', 'patches'), '--encoder', 'colour'];
    const { err } = await reproduce('slides', path('slides', 'one.tif'), '--out', path('given'), ...given);
    expect(err).toMatch(/1\/1 one: \d+ patches, /);
    const [ours, theirs] = await Promise.all(
      ['bags', 'given'].map((folder) => readBagFile(path(folder, 'features', 'one.h5'))),
    );
    expect(theirs?.coords).toEqual(ours?.coords);
    expect(theirs?.features).toEqual(ours?.features);
    const half = await reproduce('slides', path('slides', 'one.tif'), '--out', path('half'), ...given, '--float16');
    expect(half.code).toBe(0);
    const { features, coords } = await readBagFile(path('half', 'features', 'one.safetensors'));
    expect(coords).toEqual(ours?.coords);
    expect(Math.abs((features[0] as number) - (ours?.features[0] as number))).toBeLessThan(1e-3);
    // Of two there are patches, but it is another slide than one of that name.
    writeTiff(path('two.tif'), [blankPicture(256, 256)], { mpp: 0.5 });
    const other = await reproduce('slides', path('two.tif'), '--out', path('other'), ...given);
    expect(other.err).toMatch(
      /is of a slide of 512 × 384 pixels, .*two\.tif has 256 × 256\. Is it the file of this slide/,
    );
  });

  test('a slide without tissue is told, not failed', async () => {
    writeTiff(path('blank.tif'), [blankPicture()], { mpp: 0.5 });
    const { code, out, err } = await reproduce('slides', path('blank.tif'), '--out', path('blank'), '--no-features');
    expect(code).toBe(0);
    expect(out).toMatch(/blank +no tissue +0 +0/);
    expect(err).toMatch(/No tissue on 1 of 1 slides: look at masks/);
  });
});

test('what cannot be is one line', async () => {
  const at = ['--out', path('x')];
  expect(await reproduce('slides', path('none'), ...at)).toMatchObject({
    code: 65,
    err: expect.stringMatching(/none: there is no such file or folder/) as string,
  });
  expect((await reproduce('slides', path('slides'))).err).toMatch(/--out: a folder for the results is needed/);
  expect((await reproduce('slides', path('slides'), ...at, '--encoder', 'color')).err).toMatch(/colour/);
  expect((await reproduce('slides', path('slides'), ...at, '--encoder', 'uni')).err).toMatch(
    /--weights: the encoder uni needs weights\. Name a file: pytorch_model\.bin .*Without --encoder, EfficientNet-Lite0/,
  );
  const onnx = ['--encoder', 'onnx', '--weights', path('labels.csv')];
  expect((await reproduce('slides', path('slides'), ...at, ...onnx)).err).toMatch(/preprocessing: an ONNX model/);
  expect((await reproduce('slides', path('slides'), ...at, '--encoder', 'colour', '--weights', 'w.pt')).err).toMatch(
    /--weights: is nothing that the encoder colour has/,
  );
  expect((await reproduce('slides', path('slides'), ...at, '--weights', 'w.pt')).err).toMatch(
    /weights need the name of their encoder/,
  );
  expect((await reproduce('slides', path('slides'), ...at, '--overlap', '300')).err).toMatch(/overlap: is 300/);
  const half = ['--float16', '--format', 'h5', '--encoder', 'colour'];
  expect((await reproduce('slides', path('slides'), ...at, ...half)).err).toMatch(
    /float32 only\. Write safetensors or pt/,
  );
  expect((await reproduce('slides', path('slides'), ...at, '--coords', path('no'), '--encoder', 'colour')).err).toMatch(
    /no: there is no such folder of patches/,
  );
  expect((await reproduce('slides', path('slides'), ...at, '--coords', 'x', '--patch-size', '64')).code).not.toBe(0);
  expect((await reproduce('slides', 'check', path('none'))).err).toMatch(/no such folder/);
});
