import { MhimError } from '@mhim/tensor';
import type { SlideLevel } from '../openslide/level.js';
import { withOpenCV, type MatScope } from '../opencv.js';
import { boundingBox } from '../tissue/contours.js';
import type { TissueRegion } from '../tissue/segment-tissue.js';

/** When a patch counts as tissue (CLAM's `contour_fn`). */
export const CONTOUR_CHECKS = ['four_pt', 'four_pt_hard', 'center', 'basic'] as const;
export type ContourCheck = (typeof CONTOUR_CHECKS)[number];

export interface PatchGridConfig {
  /** Level that patches are read from. */
  level: number;
  /** Side of a patch, in that level's pixels. */
  patchSize: number;
  /** Distance of patches, in that level's pixels. */
  stepSize: number;
  /**
   * `four_pt`: any of four points around the centre lies in the tissue; `four_pt_hard`: all four; `center`: the centre;
   * `basic`: the upper left corner.
   */
  contourCheck: ContourCheck;
  /** Patches may reach over the slide's edges (`use_padding`). */
  padding: boolean;
}

export const patchGridDefaults: PatchGridConfig = {
  level: 0,
  patchSize: 256,
  stepSize: 256,
  contourCheck: 'four_pt',
  padding: true,
};

export interface PatchGrid {
  /** [n, 2]: upper left corners, x and y in level-0 pixels, in the order in which CLAM writes them. */
  readonly coords: Int32Array;
  /** [n]: which region each is of. */
  readonly regions: Int32Array;
}

/**
 * The patches of tissue regions, as CLAM's fast pipeline lays them (`process_contours`): a grid of its own for each region from
 * its bounding box on, x slow and y fast; a patch whose centre lies in a kept hole is dropped.
 */
export async function patchGrid(
  regions: readonly TissueRegion[],
  levels: readonly SlideLevel[],
  options: Partial<PatchGridConfig> = {},
): Promise<PatchGrid> {
  const config = checkGrid({ ...patchGridDefaults, ...options }, levels);
  const { downsamples } = levels[config.level] as SlideLevel;
  // CLAM cuts the ratios to whole numbers here: 2.0005 becomes 2.
  const [scaleX, scaleY] = [Math.trunc(downsamples[0]), Math.trunc(downsamples[1])];
  return gridOf(regions, levels[0] as SlideLevel, {
    patch: [config.patchSize * scaleX, config.patchSize * scaleY],
    step: [config.stepSize * scaleX, config.stepSize * scaleY],
    contourCheck: config.contourCheck,
    padding: config.padding,
  });
}

/** Patch and step in level-0 pixels, in x and y. */
export interface LevelZeroGrid {
  patch: readonly [number, number];
  step: readonly [number, number];
  contourCheck: ContourCheck;
  padding: boolean;
}

/** The same for a patch given in level-0 pixels. */
export function gridOf(
  regions: readonly TissueRegion[],
  { width, height }: Pick<SlideLevel, 'width' | 'height'>,
  { patch, step, contourCheck, padding }: LevelZeroGrid,
): Promise<PatchGrid> {
  return withOpenCV((scope) => {
    const coords: number[] = [];
    const owners: number[] = [];
    regions.forEach(({ outline, holes }, region) => {
      const [left, upper, w, h] = boundingBox(outline);
      const endX = padding ? left + w : Math.min(left + w, width - patch[0] + 1);
      const endY = padding ? upper + h : Math.min(upper + h, height - patch[1] + 1);
      const inTissue = insideOutline(scope, scope.polygon(outline), patch[0], contourCheck);
      const tests = holes.map((hole) => pointTest(scope, scope.polygon(hole)));
      const half = patch[0] / 2;
      for (let x = left; x < endX; x += step[0]) {
        for (let y = upper; y < endY; y += step[1]) {
          if (!inTissue(x, y) || tests.some((test) => test(x + half, y + half) > 0)) continue;
          coords.push(x, y);
          owners.push(region);
        }
      }
    });
    return { coords: Int32Array.from(coords), regions: Int32Array.from(owners) };
  });
}

/** +1 inside, 0 on the border, -1 outside. */
type PointTest = (x: number, y: number) => number;

function pointTest({ cv }: MatScope, polygon: ReturnType<MatScope['polygon']>): PointTest {
  return (x, y) => cv.pointPolygonTest(polygon, { x, y } as never, false);
}

function insideOutline(
  scope: MatScope,
  polygon: ReturnType<MatScope['polygon']>,
  size: number,
  check: ContourCheck,
): (x: number, y: number) => boolean {
  const test = pointTest(scope, polygon);
  const half = Math.floor(size / 2);
  const shift = Math.trunc(half * 0.5);
  const points: [number, number][] =
    shift > 0
      ? [
          [-shift, -shift],
          [shift, shift],
          [shift, -shift],
          [-shift, shift],
        ]
      : [[0, 0]];
  const inside =
    (x: number, y: number) =>
    ([dx, dy]: [number, number]) =>
      test(x + half + dx, y + half + dy) >= 0;
  switch (check) {
    case 'four_pt':
      return (x, y) => points.some(inside(x, y));
    case 'four_pt_hard':
      return (x, y) => points.every(inside(x, y));
    case 'center':
      return (x, y) => test(x + half, y + half) >= 0;
    case 'basic':
      return (x, y) => test(x, y) >= 0;
  }
}

function checkGrid(config: PatchGridConfig, levels: readonly SlideLevel[]): PatchGridConfig {
  const { level, patchSize, stepSize, contourCheck } = config;
  const size = (value: number) => Number.isInteger(value) && value > 0;
  const rules: [keyof PatchGridConfig, boolean, string][] = [
    ['level', level >= 0 && level < levels.length && Number.isInteger(level), `a level below ${levels.length}`],
    ['patchSize', size(patchSize), 'a whole number from 1'],
    ['stepSize', size(stepSize), 'a whole number from 1'],
    ['contourCheck', CONTOUR_CHECKS.includes(contourCheck), `one of ${CONTOUR_CHECKS.join(', ')}`],
  ];
  for (const [name, holds, expected] of rules) {
    if (!holds)
      throw new MhimError(`is ${String(config[name])}, expected ${expected}.`, { code: 'config', path: name });
  }
  return config;
}
