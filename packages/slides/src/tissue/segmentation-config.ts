import { MhimError, suggestion } from '@mhim/tensor';

/** How tissue is found, by CLAM's method; CLAM's own names stand behind. */
export interface SegmentationConfig {
  /** Level that is segmented; -1 for the one nearest to 64-fold downsampling (`seg_level`). */
  level: number;
  /** Saturation from which on a pixel may be tissue, 0…255; ignored with `otsu` (`sthresh`). */
  saturationThreshold: number;
  /** Side of the median filter, odd (`mthresh`). */
  medianKernel: number;
  /** Side of the closing, 0 for none (`close`). */
  closingKernel: number;
  /** Otsu's threshold instead (`use_otsu`). */
  otsu: boolean;
  /** Least area of tissue, in patches of `referencePatch` at level 0 (`a_t`). */
  minTissueArea: number;
  /** Least area of a hole, in the same unit (`a_h`). */
  minHoleArea: number;
  /** Only so many holes a piece of tissue are kept, the largest (`max_n_holes`). */
  maxHoles: number;
  /** Pieces to keep, by their number after the area filter; empty for all (`keep_ids`). */
  keepIds: readonly number[];
  /** Pieces to leave out (`exclude_ids`). */
  excludeIds: readonly number[];
  /** Side of the reference patch (`ref_patch_size`). */
  referencePatch: number;
}

export const segmentationDefaults: SegmentationConfig = {
  level: -1,
  saturationThreshold: 8,
  medianKernel: 7,
  closingKernel: 4,
  otsu: false,
  minTissueArea: 100,
  minHoleArea: 16,
  maxHoles: 8,
  keepIds: [],
  excludeIds: [],
  referencePatch: 512,
};

/** CLAM's presets. */
export const SEGMENTATION_PRESETS = {
  default: {},
  'bwh-biopsy': {
    saturationThreshold: 15,
    medianKernel: 11,
    closingKernel: 2,
    minTissueArea: 1,
    minHoleArea: 1,
    maxHoles: 2,
  },
  'bwh-resection': { saturationThreshold: 15, medianKernel: 11 },
  tcga: { minTissueArea: 16, minHoleArea: 4 },
} as const satisfies Record<string, Partial<SegmentationConfig>>;

export type SegmentationPreset = keyof typeof SEGMENTATION_PRESETS;

/**
 * A preset with changes.
 * @throws MhimError `config` for an unknown preset or a value that cannot be
 */
export function segmentationConfig(
  preset: SegmentationPreset = 'default',
  changes: Partial<SegmentationConfig> = {},
): SegmentationConfig {
  if (!Object.hasOwn(SEGMENTATION_PRESETS, preset)) {
    const names = Object.keys(SEGMENTATION_PRESETS);
    throw new MhimError(`there is no preset "${preset}".`, {
      code: 'config',
      hint: `Choose one of ${names.join(', ')}.${suggestion(preset, names)}`,
    });
  }
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return checkSegmentation({ ...segmentationDefaults, ...SEGMENTATION_PRESETS[preset], ...given });
}

/** @throws MhimError `config` naming the option, what it is and what it may be */
export function checkSegmentation(config: SegmentationConfig): SegmentationConfig {
  const { level, saturationThreshold, medianKernel, closingKernel, maxHoles, referencePatch } = config;
  const rules: [keyof SegmentationConfig, boolean, string][] = [
    ['level', Number.isInteger(level) && level >= -1, 'a level, or -1 for automatic'],
    ['saturationThreshold', saturationThreshold >= 0 && saturationThreshold <= 255, 'from 0 to 255'],
    ['medianKernel', Number.isInteger(medianKernel) && medianKernel % 2 === 1 && medianKernel > 0, 'an odd number'],
    ['closingKernel', Number.isInteger(closingKernel) && closingKernel >= 0, 'a whole number, 0 for no closing'],
    ['minTissueArea', config.minTissueArea >= 0, '0 or more'],
    ['minHoleArea', config.minHoleArea >= 0, '0 or more'],
    ['maxHoles', Number.isInteger(maxHoles) && maxHoles >= 0, 'a whole number from 0'],
    ['referencePatch', Number.isInteger(referencePatch) && referencePatch > 0, 'a whole number from 1'],
    ['keepIds', config.keepIds.every(isId), 'whole numbers from 0'],
    ['excludeIds', config.excludeIds.every(isId), 'whole numbers from 0'],
  ];
  for (const [name, holds, expected] of rules) {
    if (holds) continue;
    throw new MhimError(`is ${String(config[name])}, expected ${expected}.`, { code: 'config', path: name });
  }
  return config;
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0;
}
