import {
  closePlane,
  drawRegions,
  findContours,
  hsvOf,
  isBlackPatch,
  isWhitePatch,
  levelsOf,
  meanColour,
  meanSaturation,
  medianBlur,
  otsuPlane,
  pointTests,
  saturationOf,
  segmentSaturation,
  segmentationDefaults,
  thresholdPlane,
  tridentOtsu,
  type Polygon,
  type RgbImage,
} from '@mhim/slides';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { clamCase, clamValues, coordinateTables, segmentationOutputs } from './slides-clam.js';
import { openSlideCase } from './slides-openslide.js';
import { boxesOf, contourOutputs, crcOf, expectSame, histogramOf, runLengths } from './slides-values.js';

/** Whole-slide images: reading, CLAM's segmentation and patches, TRIDENT's Otsu. */
export const slideAdapters: Adapters = {
  'slides.steps': stepsCase,
  'slides.trident_otsu': tridentCase,
  'slides.clam': clamCase,
  'slides.openslide': openSlideCase,
};

/** Each operation by itself on a small picture, then CLAM's chain. */
async function stepsCase(fixture: ConformanceCase): Promise<Outputs> {
  const image = pictureOf(fixture);
  const { width, height } = image;
  const saturation = await saturationOf(image);
  const median = await medianBlur(saturation, 7);
  const threshold8 = await thresholdPlane(median, 8);
  const closed4 = await closePlane(threshold8, 4);
  const otsu = await otsuPlane(median);
  const contours = await findContours(threshold8);
  const contoursClosed = await findContours(closed4);
  const longest = longestOf(contoursClosed.polygons);
  const points = fixture.data('aux.ppt_points');
  const filled = await drawRegions([{ outline: longest, holes: [] }], width, height);
  const ink = Math.max(...fixture.data('out.fill'));

  const clam = fixture.config.clam as Record<string, number | boolean>;
  const steps = await segmentSaturation(saturation, 0, [1, 1], {
    ...segmentationDefaults,
    saturationThreshold: Number(clam.sthresh),
    medianKernel: Number(clam.mthresh),
    closingKernel: Number(clam.close),
    otsu: Boolean(clam.use_otsu),
    minTissueArea: Number(clam.a_t),
    minHoleArea: Number(clam.a_h),
    maxHoles: Number(clam.max_n_holes),
    referencePatch: Number(clam.ref_patch_size),
  });
  expectSame(fixture, await clamValues(fixture, steps), {
    otsu_threshold: otsu.threshold,
    n_contours_thresh8: contours.polygons.length,
    n_contours_closed4: contoursClosed.polygons.length,
    ppt_contour_index: contoursClosed.polygons.indexOf(longest),
    'crc32.rgb': crcOf(image.data),
  });
  return {
    'out.hsv': await hsvOf(image),
    ...Object.fromEntries(
      await Promise.all([3, 5, 7, 11].map(async (k) => [`out.median${k}`, (await medianBlur(saturation, k)).data])),
    ),
    'out.thresh8': threshold8.data,
    'out.thresh20': (await thresholdPlane(median, 20)).data,
    ...Object.fromEntries(
      await Promise.all([2, 3, 4, 5].map(async (k) => [`out.closed${k}`, (await closePlane(threshold8, k)).data])),
    ),
    'out.otsu_hist': histogramOf(median.data),
    'out.otsu_mask': otsu.plane.data,
    ...contourOutputs('out.contours_thresh8', contours),
    ...contourOutputs('out.contours_closed4', contoursClosed),
    'out.ppt': await pointTests(longest, points),
    'out.ppt_dist': await pointTests(longest, points, true),
    'out.fill': filled.data.map((value) => value * ink),
    ...(await blockOutputs(image)),
    ...(await segmentationOutputs(steps)),
    ...(await coordinateTables(fixture, steps, levelsOf([[width, height]]))),
    'out.bbox': boxesOf(steps.regions.map(({ outline }) => outline)),
  };
}

function pictureOf(fixture: ConformanceCase): RgbImage {
  const [height, width] = fixture.shape('input') as [number, number];
  return { data: fixture.data('input') as Uint8Array, width, height };
}

function longestOf(polygons: readonly Polygon[]): Polygon {
  return polygons.reduce((best, polygon) => (polygon.length > best.length ? polygon : best));
}

/** White and black decisions for blocks of 64 × 64, row by row. */
async function blockOutputs(image: RgbImage): Promise<Outputs> {
  const blocks: RgbImage[] = [];
  for (let y = 0; y + 64 <= image.height; y += 64)
    for (let x = 0; x + 64 <= image.width; x += 64) blocks.push(cut(image, x, y, 64));
  const whiter = (limit: number) => Promise.all(blocks.map(async (block) => Number(await isWhitePatch(block, limit))));
  return {
    'out.patch_sat_mean': await Promise.all(blocks.map(meanSaturation)),
    'out.patch_rgb_mean': blocks.flatMap(meanColour),
    'out.white15': await whiter(15),
    'out.white5': await whiter(5),
    'out.black50': blocks.map((block) => Number(isBlackPatch(block, 50))),
  };
}

function cut(image: RgbImage, x: number, y: number, side: number): RgbImage {
  const data = new Uint8Array(3 * side * side);
  for (let row = 0; row < side; row++) {
    const from = 3 * ((y + row) * image.width + x);
    data.set(image.data.subarray(from, from + 3 * side), 3 * row * side);
  }
  return { data, width: side, height: side };
}

async function tridentCase(fixture: ConformanceCase): Promise<Outputs> {
  const { mask, thresholds } = await tridentOtsu(pictureOf(fixture), {
    minObject: Number(fixture.config.remove_small_objects),
    minHole: Number(fixture.config.remove_small_holes),
  });
  expectSame(fixture, {
    threshold_pass1: thresholds[0],
    threshold_pass2: thresholds[1],
    tissue_pixels: mask.data.reduce((a, b) => a + b, 0),
  });
  return { 'out.tissue_runs': runLengths(mask.data) };
}
