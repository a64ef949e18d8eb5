import { join } from 'node:path';
import { writeBagFile, type BagFileFormat } from '@mhim/datasets';
import { makeFolder } from '@mhim/tensor';
import { extractFeatures } from './features/extract-features.js';
import type { PatchEncoder } from './features/encoder.js';
import { writePng } from './images/png.js';
import type { SlideLevel } from './openslide/level.js';
import { Slide } from './openslide/slide.js';
import { tissueOverlay } from './tissue/overlay.js';
import { segmentTissue, type TissueRegion } from './tissue/segment-tissue.js';
import type { SegmentationConfig } from './tissue/segmentation-config.js';
import { findCoordsFile, readCoordsFile, writeClamCoords, writeTridentCoords } from './tiling/coords-file.js';
import { readingOf } from './tiling/coords-reading.js';
import { dropBlankPatches } from './tiling/drop-blank.js';
import { gridOf, type ContourCheck } from './tiling/patch-grid.js';
import {
  baseMagnificationOf,
  planPatches,
  type PatchPlan,
  type PatchPlanOptions,
  type PatchReading,
} from './tiling/patch-plan.js';

/** What is done with every slide. */
export interface SlidePipelineConfig {
  /** Folder of CLAM's or TRIDENT's patch files; with it no tissue is looked for, and only format and dtype below count. */
  coords?: string;
  segmentation: SegmentationConfig;
  patches: PatchPlanOptions;
  contourCheck: ContourCheck;
  /** Patches may reach over the slide's edges. */
  padding: boolean;
  /** Patches that are white or black are dropped, too. */
  dropBlank: boolean;
  /** Of the feature files. */
  format: Exclude<BagFileFormat, 'npy'>;
  dtype: 'float32' | 'float16';
}

export const slidePipelineDefaults: Omit<SlidePipelineConfig, 'segmentation'> = {
  patches: {},
  contourCheck: 'four_pt',
  padding: true,
  dropBlank: false,
  format: 'h5',
  dtype: 'float32',
};

/** Work that takes long, for whoever shows it. */
export type SlideStage = 'segmentation' | 'patches' | 'features';

export interface ProcessSlideOptions {
  config: SlidePipelineConfig;
  /** Without one, segmentation and patches only. */
  encoder?: PatchEncoder;
  batchSize?: number;
  signal?: AbortSignal;
  onStage?: (stage: SlideStage, done: number, total: number) => void;
}

/** What became of a slide. */
export interface SlideResult {
  slide: string;
  status: 'done' | 'no tissue' | 'failed';
  /** Why, for a failed slide. */
  reason?: string;
  regions: number;
  patches: number;
  baseMagnification?: number;
  mpp?: number;
  /** What made the features, where there are some. */
  encoder?: string;
  seconds: number;
}

/**
 * From a slide to its files below `out`: `masks/SLIDE.png` to look at, `patches/SLIDE.h5` and `patches/SLIDE_patches.h5` for
 * CLAM and TRIDENT (unless they are given), `features/SLIDE.h5` (or `.pt`, `.safetensors`). A slide without tissue gets the picture only.
 * @throws MhimError when the slide cannot be read, or does not say its resolution
 */
export async function processSlide(path: string, out: string, options: ProcessSlideOptions): Promise<SlideResult> {
  const { config, encoder, signal } = options;
  const start = performance.now();
  const slide = await Slide.open(path);
  try {
    const { reading, plan, regions, coords } = await (config.coords === undefined
      ? findPatches(slide, options)
      : givenPatches(slide, config.coords));
    signal?.throwIfAborted();
    const overlay = await tissueOverlay(slide, regions, { coords, patchSizeLevel0: reading.patchSizeLevel0 });
    writePng(join(folder(out, 'masks'), `${slide.name}.png`), overlay);
    const patches = coords.length / 2;
    if (patches > 0) {
      if (plan) await writeCoords(slide, plan, coords, out);
      if (encoder) await writeFeatures(slide, reading, coords, encoder, out, options);
    }
    return {
      slide: slide.name,
      status: patches > 0 ? 'done' : 'no tissue',
      regions: regions.length,
      patches,
      baseMagnification: plan?.baseMagnification ?? config.patches.baseMagnification ?? baseMagnificationOf(slide),
      mpp: slide.mpp?.[0],
      encoder: encoder && patches > 0 ? (encoder.title ?? encoder.name) : undefined,
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    slide.close();
  }
}

/** Where a slide's features go. */
export function featureFile(out: string, name: string, { format }: Pick<SlidePipelineConfig, 'format'>): string {
  return join(out, 'features', `${name}.${format}`);
}

/** Where a slide's patches lie, and how they are read. */
interface SlidePatches {
  reading: PatchReading;
  /** Where the patches are ours. */
  plan?: PatchPlan;
  regions: readonly TissueRegion[];
  coords: Int32Array;
}

async function findPatches(slide: Slide, options: ProcessSlideOptions): Promise<SlidePatches> {
  const { config, signal, onStage } = options;
  const plan = planPatches(slide, config.patches);
  onStage?.('segmentation', 0, 1);
  const { regions } = await segmentTissue(slide, config.segmentation);
  signal?.throwIfAborted();
  onStage?.('patches', 0, 1);
  return { reading: plan, plan, regions, coords: await layPatches(slide, plan, regions, options) };
}

async function givenPatches(slide: Slide, folder: string): Promise<SlidePatches> {
  const path = findCoordsFile(folder, slide.name);
  const file = await readCoordsFile(path);
  return { reading: readingOf(slide, file, path), regions: [], coords: file.coords };
}

async function layPatches(
  slide: Slide,
  plan: PatchPlan,
  regions: readonly TissueRegion[],
  { config, signal }: ProcessSlideOptions,
): Promise<Int32Array> {
  const { contourCheck, padding, dropBlank } = config;
  const { patchSizeLevel0: patch, stepLevel0: step } = plan;
  const { coords } = await gridOf(regions, slide.levels[0] as SlideLevel, {
    patch: [patch, patch],
    step: [step, step],
    contourCheck,
    padding,
  });
  return dropBlank ? dropBlankPatches(slide, plan, coords, { signal }) : coords;
}

/** CLAM knows no magnification: where the slide has no level of it, its file has larger patches of level 0. */
async function writeCoords(slide: Slide, plan: PatchPlan, coords: Int32Array, out: string): Promise<void> {
  const patches = folder(out, 'patches');
  const { name, levels } = slide;
  const place = plan.resampled
    ? { level: 0, patchSize: plan.patchSizeLevel0 }
    : { level: plan.level, patchSize: plan.patchSize };
  await writeClamCoords(join(patches, `${name}.h5`), coords, { name, levels, savePath: patches, ...place });
  await writeTridentCoords(join(patches, `${name}_patches.h5`), coords, { name, levels, plan, savePath: patches });
}

async function writeFeatures(
  slide: Slide,
  reading: PatchReading,
  coords: Int32Array,
  encoder: PatchEncoder,
  out: string,
  { config, batchSize, signal, onStage }: ProcessSlideOptions,
): Promise<void> {
  const features = await extractFeatures(slide, reading, coords, encoder, {
    batchSize,
    signal,
    onPatches: (done, total) => onStage?.('features', done, total),
  });
  folder(out, 'features');
  const bag = {
    id: slide.name,
    instances: coords.length / 2,
    width: encoder.width,
    features,
    coords: Float32Array.from(coords),
  };
  const notes = { encoder: encoder.name, encoder_title: encoder.title ?? encoder.name };
  await writeBagFile(featureFile(out, slide.name, config), bag, config.format, config.dtype, notes);
}

function folder(out: string, name: string): string {
  const path = join(out, name);
  makeFolder(path);
  return path;
}
