import { resizeLikePillow } from '@mhim/encoders';
import { MhimError } from '@mhim/tensor';
import type { RgbImage } from '../images/rgb-image.js';
import { bestLevelFor, type SlideLevel } from '../openslide/level.js';
import type { SlideReader } from '../openslide/slide-reader.js';

export interface PatchPlanOptions {
  /** At which patches are seen. Default 20. */
  magnification?: number;
  /** Side in pixels at that magnification. Default 256. */
  patchSize?: number;
  /** Pixels that neighbours share, at that magnification. Default 0. */
  overlap?: number;
  /** Magnification of level 0 for slides that do not say; goes before what the slide says. */
  baseMagnification?: number;
}

export const patchPlanDefaults = { magnification: 20, patchSize: 256, overlap: 0 } as const;

/** How a patch is read from a slide. */
export interface PatchReading {
  /** Side of a patch as the encoder sees it. */
  readonly patchSize: number;
  /** The same in level-0 pixels. */
  readonly patchSizeLevel0: number;
  /** Level that is read, and the side of what is read of it. */
  readonly level: number;
  readonly readSize: number;
  /** Whether what is read has to be resampled. */
  readonly resampled: boolean;
}

/** How patches of a magnification are laid and read. */
export interface PatchPlan extends PatchReading {
  readonly magnification: number;
  /** Of level 0. */
  readonly baseMagnification: number;
  readonly overlap: number;
  /** Distance of patches in level-0 pixels. */
  readonly stepLevel0: number;
}

/** A level whose scale is this near to the one that is wanted is taken for it; ratios of real pyramids are off by roundings. */
const SAME_SCALE = 0.01;

/**
 * Plans the patches of a slide.
 * @throws MhimError `data` when the slide does not say its resolution, or is coarser than what is asked for
 */
export function planPatches(slide: SlideReader, options: PatchPlanOptions = {}): PatchPlan {
  const { magnification, patchSize, overlap } = checkPatchPlan(options);
  const baseMagnification = options.baseMagnification ?? baseMagnificationOf(slide);
  if (baseMagnification === undefined) {
    throw new MhimError('does not say its resolution: neither microns per pixel nor an objective power.', {
      code: 'data',
      path: slide.path,
      hint: 'Give the magnification of its finest level: --base-magnification 40.',
    });
  }
  const scale = baseMagnification / magnification;
  if (scale < 1 - SAME_SCALE) {
    throw new MhimError(`was scanned at ${baseMagnification}×, patches at ${magnification}× would be blown up.`, {
      code: 'data',
      path: slide.path,
      hint: `Choose --magnification ${baseMagnification} or less.`,
    });
  }
  return {
    magnification,
    baseMagnification,
    overlap,
    stepLevel0: Math.round((patchSize - overlap) * scale),
    ...readingAt(slide, patchSize, scale),
  };
}

/** How patches `scale` times coarser than level 0 are read: from a level of that scale, else from the next finer one. */
export function readingAt({ levels }: SlideReader, patchSize: number, scale: number): PatchReading {
  const patchSizeLevel0 = Math.round(patchSize * scale);
  const level = levelFor(levels, scale);
  const { downsample } = levels[level] as SlideLevel;
  const fits = Math.abs(downsample / scale - 1) <= SAME_SCALE;
  const readSize = fits ? patchSize : Math.max(1, Math.round(patchSizeLevel0 / downsample));
  return { patchSize, patchSizeLevel0, level, readSize, resampled: readSize !== patchSize };
}

/**
 * Magnification of level 0: from microns per pixel, where known, in TRIDENT's steps (0.25 µm is 40×), else the objective power
 * that the file names.
 */
export function baseMagnificationOf({ mpp, objectivePower }: Pick<SlideReader, 'mpp' | 'objectivePower'>) {
  if (!mpp) return objectivePower;
  const step = magnificationSteps.find(([limit]) => (mpp[0] + mpp[1]) / 2 < limit);
  return step ? step[1] : objectivePower;
}

/** Microns per pixel below which a scan has this magnification. */
const magnificationSteps: readonly (readonly [number, number])[] = [
  [0.16, 80],
  [0.2, 60],
  [0.3, 40],
  [0.6, 20],
  [1.2, 10],
  [2.4, 5],
];

/** A patch as the encoder sees it: R, G, B, resampled as Pillow's bicubic filter does where the slide has no such level. */
export async function readPatch(slide: SlideReader, plan: PatchReading, x: number, y: number): Promise<RgbImage> {
  const image = await slide.readRegion(x, y, plan.level, plan.readSize, plan.readSize);
  return plan.resampled ? resizeLikePillow(image, plan.patchSize, plan.patchSize, 'bicubic') : image;
}

function levelFor(levels: readonly SlideLevel[], scale: number): number {
  const same = levels.findIndex(({ downsample }) => Math.abs(downsample / scale - 1) <= SAME_SCALE);
  return same >= 0 ? same : bestLevelFor(levels, scale);
}

/**
 * Options with their defaults.
 * @throws MhimError `config` naming the option, what it is and what it may be
 */
export function checkPatchPlan(options: PatchPlanOptions = {}): Required<Omit<PatchPlanOptions, 'baseMagnification'>> {
  const { magnification, patchSize, overlap, baseMagnification } = { ...patchPlanDefaults, ...defined(options) };
  const above0 = (value: number) => value > 0 && Number.isFinite(value);
  const rules: [string, unknown, boolean, string][] = [
    ['magnification', magnification, above0(magnification), 'a number above 0'],
    ['patchSize', patchSize, Number.isInteger(patchSize) && patchSize > 0, 'a whole number from 1'],
    ['overlap', overlap, Number.isInteger(overlap) && overlap >= 0 && overlap < patchSize, 'from 0 to below patchSize'],
    ['baseMagnification', baseMagnification, above0(baseMagnification ?? 1), 'a number above 0'],
  ];
  for (const [path, value, holds, expected] of rules)
    if (!holds) throw new MhimError(`is ${String(value)}, expected ${expected}.`, { code: 'config', path });
  return { magnification, patchSize, overlap };
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
