import {
  CONTOUR_CHECKS,
  patchGrid,
  polygonAreas,
  segmentationDefaults,
  segmentSaturation,
  segmentTissue,
  tissueMask,
  type ContourCheck,
  type PatchGrid,
  type SegmentationConfig,
  type SegmentationSteps,
  type SlideLevel,
} from '@mhim/slides';
import { clamFileFacts } from './slides-h5.js';
import type { ConformanceCase, Outputs } from '../conformance-case.js';
import { openCaseSlide, storedSaturation } from './slides-files.js';
import { boxesOf, crcOf, expectSame, histogramOf, joined, runLengths, sumOf } from './slides-values.js';

/** CLAM's segmentation and patches of a slide; from the stored saturation plane where the slide is not here. */
export async function clamCase(fixture: ConformanceCase): Promise<Outputs> {
  const config = configOf(fixture.config.parameters as Record<string, unknown>);
  const { sha256, name } = slideOf(fixture);
  const slide = await openCaseSlide(fixture, name, sha256);
  try {
    const stored = slide ? undefined : await storedSaturation(fixture, name, Number(fixture.values.seg_level));
    const levels = (slide ?? stored)?.levels as readonly SlideLevel[];
    const steps = slide
      ? await segmentTissue(slide, config)
      : await segmentSaturation(
          stored?.plane as SegmentationSteps['saturation'],
          stored?.level as number,
          levels[stored?.level as number]?.downsamples as [number, number],
          config,
        );
    expectSame(fixture, await clamValues(fixture, steps));
    return {
      ...(await segmentationOutputs(steps)),
      'out.bbox': boxesOf(steps.regions.map(({ outline }) => outline)),
      ...(await coordinateTables(fixture, steps, levels, true)),
    };
  } finally {
    slide?.close();
  }
}

function slideOf({ config, values }: ConformanceCase): { name: string; sha256?: string } {
  const files = values.files as { slide_sha256?: string } | undefined;
  return { name: String(config.slide), sha256: files?.slide_sha256 };
}

/** CLAM's parameters by its own names. */
function configOf(parameters: Record<string, unknown>): SegmentationConfig {
  const ids = (value: unknown) => (value === 'none' || value === undefined ? [] : String(value).split(',').map(Number));
  return {
    ...segmentationDefaults,
    level: Number(parameters.seg_level),
    saturationThreshold: Number(parameters.sthresh),
    medianKernel: Number(parameters.mthresh),
    closingKernel: Number(parameters.close),
    otsu: Boolean(parameters.use_otsu),
    minTissueArea: Number(parameters.a_t),
    minHoleArea: Number(parameters.a_h),
    maxHoles: Number(parameters.max_n_holes),
    keepIds: ids(parameters.keep_ids),
    excludeIds: ids(parameters.exclude_ids),
  };
}

/** The facts of a segmentation, by the names of the case's values. */
export async function clamValues(fixture: ConformanceCase, steps: SegmentationSteps): Promise<Record<string, unknown>> {
  const { outer, contours, regions } = steps;
  const areas = await polygonAreas(regions.flatMap(({ outline, holes }) => [outline, ...holes]));
  const mask = await tissueMask(steps);
  let at = 0;
  const tissue = regions.map(({ holes }) => {
    const outline = areas[at++] as number;
    return holes.reduce((left) => left - (areas[at++] as number), outline);
  });
  const listed = (fixture.config.parameters as { keep_ids?: string } | undefined)?.keep_ids ?? 'none';
  return {
    ...(listed === 'none' ? {} : { kept_ids_in_order: steps.keptIds }),
    seg_level: steps.level,
    level_dim: [steps.width, steps.height],
    level_downsample: [...steps.downsamples],
    scaled_ref_patch_area: steps.referenceArea,
    area_limit_tissue: steps.tissueLimit,
    area_limit_hole: steps.holeLimit,
    threshold: steps.threshold,
    'crc32.saturation': crcOf(steps.saturation.data),
    'crc32.median': crcOf(steps.median.data),
    'crc32.binary_before_closing': crcOf(steps.thresholded.data),
    'crc32.binary': crcOf(steps.binary.data),
    'sums.saturation': sumOf(steps.saturation.data),
    'sums.median': sumOf(steps.median.data),
    'sums.binary_pixels': sumOf(steps.binary.data) / 255,
    'sums.mask_pixels': sumOf(mask.data),
    contours_found: contours.polygons.length,
    outer_found: outer.length,
    holes_found: contours.polygons.length - outer.length,
    outer_kept: regions.length,
    holes_kept: regions.reduce((count, { holes }) => count + holes.length, 0),
    tissue_area_level0: tissue.reduce((a, b) => a + b, 0),
  };
}

/** The tensors of a segmentation. */
export async function segmentationOutputs(steps: SegmentationSteps): Promise<Outputs> {
  const { contours, outer, regions } = steps;
  const outlines = joined(regions.map(({ outline }) => outline));
  const holes = joined(regions.flatMap((region) => region.holes));
  return {
    'out.sat_hist': histogramOf(steps.saturation.data),
    'out.med_hist': histogramOf(steps.median.data),
    'out.binary_runs': runLengths(steps.binary.data),
    'out.raw_areas': steps.netAreas,
    'out.raw_outer_area': outer.map((i) => contours.areas[i] as number),
    'out.raw_n_points': contours.polygons.map(({ length }) => length / 2),
    'out.hierarchy': contours.hierarchy,
    'out.contour_pts': outlines.points,
    'out.contour_off': outlines.offsets,
    'out.hole_pts': holes.points,
    'out.hole_off': holes.offsets,
    'out.hole_parent': regions.flatMap((region, i) => region.holes.map(() => i)),
    'out.contour_area': await polygonAreas(regions.map(({ outline }) => outline)),
    'out.hole_area': await polygonAreas(regions.flatMap((region) => region.holes)),
    'out.mask_runs': runLengths((await tissueMask(steps)).data),
  };
}

/**
 * Every table of coordinates that a case asks for, and the files that hold them; a table's name says how:
 * `four_pt.pad1.p256.s256.l0`.
 */
export async function coordinateTables(
  fixture: ConformanceCase,
  { regions }: SegmentationSteps,
  levels: readonly SlideLevel[],
  asFiles = false,
): Promise<Outputs> {
  const outputs: Outputs = {};
  const counts: Record<string, unknown> = {};
  const files: Record<string, unknown> = {};
  for (const tensor of Object.keys(fixture.tensors)) {
    const [, key, check, padding, patch, step, level] =
      /^out\.coords\.((\w+)\.pad([01])\.p(\d+)\.s(\d+)\.l(\d+))$/.exec(tensor) ?? [];
    if (key === undefined || !CONTOUR_CHECKS.includes(check as ContourCheck)) continue;
    const grid: PatchGrid = await patchGrid(regions, levels, {
      contourCheck: check as ContourCheck,
      padding: padding === '1',
      patchSize: Number(patch),
      stepSize: Number(step),
      level: Number(level),
    });
    outputs[tensor] = grid.coords;
    outputs[`out.coords_contour.${key}`] = grid.regions;
    counts[key] = grid.regions.length;
    if (asFiles && grid.regions.length > 0)
      files[key] = await clamFileFacts(fixture, grid.coords, levels, Number(level), Number(patch));
  }
  expectSame(fixture, { n_coords: counts, ...(asFiles ? { h5_attributes: files } : {}) });
  return outputs;
}
