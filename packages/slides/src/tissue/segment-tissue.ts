import { MhimError } from '@mhim/tensor';
import { closePlane, medianBlur, otsuPlane, saturationOf, thresholdPlane } from '../images/operations.js';
import type { Plane } from '../images/plane.js';
import { BlockReducer } from '../images/block-reducer.js';
import { rgbOfArgb } from '../images/unpack-argb.js';
import { bestLevelFor, type SlideLevel } from '../openslide/level.js';
import { MAX_REGION_PIXELS, readStrips, type SlideReader } from '../openslide/slide-reader.js';
import { findContours, scalePolygon, type Contours, type Polygon } from './contours.js';
import { differenceOrder } from './python-set.js';
import { checkSegmentation, segmentationDefaults, type SegmentationConfig } from './segmentation-config.js';

/** A piece of tissue, in level-0 pixels. */
export interface TissueRegion {
  readonly outline: Polygon;
  readonly holes: readonly Polygon[];
}

/** Where the tissue of a slide is. */
export interface TissueSegmentation {
  /** The level that was segmented. */
  readonly level: number;
  /** Size of the picture that was segmented. */
  readonly width: number;
  readonly height: number;
  /** From that picture to level 0, in x and y. */
  readonly downsamples: readonly [number, number];
  /** Saturation above which a pixel was taken. */
  readonly threshold: number;
  /** Area of the reference patch in the picture's pixels; the limits below are multiples of it. */
  readonly referenceArea: number;
  /** Net areas must exceed these, in pixels of the picture. */
  readonly tissueLimit: number;
  readonly holeLimit: number;
  /** In CLAM's order. */
  readonly regions: readonly TissueRegion[];
}

/** The pictures and contours on the way, for those who look closer. */
export interface SegmentationSteps extends TissueSegmentation {
  readonly saturation: Plane;
  readonly median: Plane;
  readonly thresholded: Plane;
  /** After closing; of this the contours are taken. */
  readonly binary: Plane;
  readonly contours: Contours;
  /** Outer contours by number, before filtering, and their areas without holes. */
  readonly outer: readonly number[];
  readonly netAreas: Float64Array;
  /** Numbers, after the area filter, of the regions that are left. */
  readonly keptIds: readonly number[];
}

/**
 * Finds the tissue of a slide by CLAM's method (`WholeSlideImage.segmentTissue`, Lu et al. 2021), step for step: saturation,
 * median filter, threshold or Otsu, closing, contours with holes, area filters. A slide without tissue has no regions.
 * @throws MhimError `data` for a level that the slide has not, or a kept id beyond the regions
 */
export async function segmentTissue(
  slide: SlideReader,
  options: Partial<SegmentationConfig> = {},
): Promise<SegmentationSteps> {
  const config = checkSegmentation({ ...segmentationDefaults, ...options });
  const level = segmentationLevel(slide, config.level);
  const saturation = await saturationPlane(slide, level);
  const { width, height } = slide.levels[0] as SlideLevel;
  const downsamples = [width / saturation.width, height / saturation.height] as const;
  const exact = (slide.levels[level] as SlideLevel).downsamples;
  const sameSize = saturation.width === (slide.levels[level] as SlideLevel).width;
  return segmentSaturation(saturation, level, sameSize ? exact : downsamples, config);
}

/** The steps from a saturation plane on. */
export async function segmentSaturation(
  saturation: Plane,
  level: number,
  downsamples: readonly [number, number],
  config: SegmentationConfig,
): Promise<SegmentationSteps> {
  const median = await medianBlur(saturation, config.medianKernel);
  const { threshold, plane: thresholded } = config.otsu
    ? await otsuPlane(median)
    : {
        threshold: config.saturationThreshold,
        plane: await thresholdPlane(median, config.saturationThreshold),
      };
  const binary = config.closingKernel > 0 ? await closePlane(thresholded, config.closingKernel) : thresholded;
  const contours = await findContours(binary);
  const referenceArea = Math.trunc(config.referencePatch ** 2 / (downsamples[0] * downsamples[1]));
  const tissueLimit = config.minTissueArea * referenceArea;
  const holeLimit = config.minHoleArea * referenceArea;
  const { outer, netAreas, regions } = filterContours(contours, tissueLimit, holeLimit, config.maxHoles);
  const keptIds = keptOrder(regions.length, config);
  return {
    level,
    width: saturation.width,
    height: saturation.height,
    downsamples,
    threshold,
    referenceArea,
    tissueLimit,
    holeLimit,
    regions: keptIds.map((id) => scaleRegion(regions[id] as TissueRegion, downsamples)),
    saturation,
    median,
    thresholded,
    binary,
    contours,
    outer,
    netAreas,
    keptIds,
  };
}

function segmentationLevel({ levels, path }: SlideReader, level: number): number {
  if (level < 0) return bestLevelFor(levels, 64);
  if (level < levels.length) return level;
  throw new MhimError(`has no level ${level}; it has ${levels.length}.`, {
    code: 'data',
    path,
    hint: 'Choose a lower one, or -1 for automatic.',
  });
}

/**
 * Saturation of a whole level, read in strips. Where a level has more pixels than CLAM would segment (10^8), block averages
 * are segmented instead.
 */
async function saturationPlane(slide: SlideReader, level: number): Promise<Plane> {
  const { width, height } = slide.levels[level] as SlideLevel;
  if (width * height > MAX_REGION_PIXELS) return reducedSaturation(slide, level);
  const data = new Uint8Array(width * height);
  for await (const { top, rows, argb } of readStrips(slide, level)) {
    const { data: strip } = await saturationOf(rgbOfArgb(argb, width, rows));
    data.set(strip, top * width);
  }
  return { data, width, height };
}

async function reducedSaturation(slide: SlideReader, level: number): Promise<Plane> {
  const { width, height } = slide.levels[level] as SlideLevel;
  const factor = Math.ceil(Math.sqrt((4 * width * height) / MAX_REGION_PIXELS));
  const reducer = new BlockReducer(width, height, factor, factor);
  for await (const { top, rows, argb } of readStrips(slide, level, factor))
    reducer.add(top, rgbOfArgb(argb, width, rows));
  return saturationOf(reducer.image());
}

/** CLAM's `_filter_contours`: net area of an outer contour, then its largest holes. */
function filterContours({ polygons, hierarchy, areas }: Contours, tissueLimit: number, holeLimit: number, max: number) {
  const children = new Map<number, number[]>();
  const outer: number[] = [];
  for (let i = 0; i < polygons.length; i++) {
    const parent = hierarchy[4 * i + 3] as number;
    if (parent === -1) outer.push(i);
    else children.set(parent, [...(children.get(parent) ?? []), i]);
  }
  const area = (i: number) => areas[i] as number;
  const netAreas = Float64Array.from(outer, (i) => area(i) - sum((children.get(i) ?? []).map(area)));
  const regions = outer.flatMap((i, at): TissueRegion[] => {
    const net = netAreas[at] as number;
    if (net === 0 || !(net > tissueLimit)) return [];
    const largest = (children.get(i) ?? []).sort((a, b) => area(b) - area(a)).slice(0, max);
    const holes = largest.filter((hole) => area(hole) > holeLimit).map((hole) => polygons[hole] as Polygon);
    return [{ outline: polygons[i] as Polygon, holes }];
  });
  return { outer, netAreas, regions };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** The numbers of the regions to keep, in the order of the Python set that CLAM makes of them. */
function keptOrder(count: number, { keepIds, excludeIds }: SegmentationConfig): number[] {
  const beyond = keepIds.find((id) => id >= count);
  if (beyond !== undefined) {
    throw new MhimError(`there is no region ${beyond}; ${count} were found.`, {
      code: 'data',
      path: 'keepIds',
      hint: 'Regions are numbered from 0, after the area filter.',
    });
  }
  const ids = keepIds.length > 0 ? keepIds : Array.from({ length: count }, (_, i) => i);
  return differenceOrder(ids, excludeIds);
}

function scaleRegion({ outline, holes }: TissueRegion, scale: readonly [number, number]): TissueRegion {
  return { outline: scalePolygon(outline, scale), holes: holes.map((hole) => scalePolygon(hole, scale)) };
}
