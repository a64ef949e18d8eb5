import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import { withH5, writeH5, type H5File } from '@mhim/datasets';
import type { SlideLevel } from '../openslide/level.js';
import type { PatchPlan } from './patch-plan.js';

/** Patches of a slide as CLAM's and TRIDENT's files hold them. */
export interface CoordsFile {
  /** [n, 2]: upper left corners in level-0 pixels. */
  readonly coords: Int32Array;
  readonly patches: number;
  readonly name?: string;
  /** Side of a patch in level-0 pixels, where the file says. */
  readonly patchSizeLevel0?: number;
  /** The attributes of `coords` as they stand in the file. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ClamCoordsOptions {
  /** Slide's name. */
  name: string;
  levels: readonly SlideLevel[];
  /** Level that CLAM reads patches from, and their side there. */
  level: number;
  patchSize: number;
  /** Folder of the file, which CLAM notes. */
  savePath: string;
}

/**
 * Writes coordinates as CLAM does (`patches/SLIDE.h5`): `coords` int64 [n, 2] with its attributes; its feature extraction reads
 * them.
 */
export function writeClamCoords(path: string, coords: Int32Array, options: ClamCoordsOptions): Promise<void> {
  const { name, levels, level, patchSize, savePath } = options;
  const { width, height, downsamples } = levels[level] as SlideLevel;
  return writeCoords(
    path,
    coords,
    [1, 2],
    [null, 2],
    [
      ['patch_size', [patchSize], '<q', []],
      ['patch_level', [level], '<q', []],
      ['downsample', [...downsamples], '<d', [2]],
      ['downsampled_level_dim', [width, height], '<q', [2]],
      ['level_dim', [width, height], '<q', [2]],
      ['name', name],
      ['save_path', savePath],
    ],
  );
}

export interface TridentCoordsOptions {
  name: string;
  levels: readonly SlideLevel[];
  plan: PatchPlan;
  savePath: string;
}

/** Writes coordinates as TRIDENT does (`patches/SLIDE_patches.h5`): the same, with sizes at the magnification of the patches. */
export function writeTridentCoords(path: string, coords: Int32Array, options: TridentCoordsOptions): Promise<void> {
  const { name, levels, plan, savePath } = options;
  const { width, height } = levels[0] as SlideLevel;
  const whole = (value: number): [number[], string] => [[value], Number.isInteger(value) ? '<q' : '<d'];
  return writeCoords(path, coords, undefined, undefined, [
    ['patch_size', [plan.patchSize], '<q', []],
    ['patch_size_level0', [plan.patchSizeLevel0], '<q', []],
    ['level0_magnification', ...whole(plan.baseMagnification), []],
    ['target_magnification', ...whole(plan.magnification), []],
    ['overlap', [plan.overlap], '<q', []],
    ['level0_width', [width], '<q', []],
    ['level0_height', [height], '<q', []],
    ['name', name],
    ['savetodir', savePath],
  ]);
}

type Attribute =
  readonly [name: string, text: string] | readonly [name: string, values: number[], dtype: string, shape: number[]];

function writeCoords(
  path: string,
  coords: Int32Array,
  chunks: number[] | undefined,
  maxshape: (number | null)[] | undefined,
  attributes: readonly Attribute[],
): Promise<void> {
  return writeH5(path, (file) => {
    const data = BigInt64Array.from(coords, BigInt);
    const shape = [coords.length / 2, 2];
    const dataset = file.create_dataset({ name: 'coords', data, shape, dtype: '<q', chunks, maxshape });
    for (const [name, value, dtype, size] of attributes) {
      if (typeof value === 'string') dataset.create_attribute(name, value);
      else if (dtype === '<q') dataset.create_attribute(name, BigInt64Array.from(value, BigInt), size, dtype);
      else dataset.create_attribute(name, Float64Array.from(value), size, dtype);
    }
  });
}

/**
 * The file of a slide's patches in a folder that CLAM, TRIDENT or `processSlides` wrote: TRIDENT's where there are both, since it knows
 * magnifications.
 * @throws MhimError `file-missing` when there is none
 */
export function findCoordsFile(folder: string, name: string): string {
  const places = [folder, join(folder, 'patches')];
  const files = [`${name}_patches.h5`, `${name}.h5`].flatMap((file) => places.map((place) => join(place, file)));
  const found = files.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new MhimError(`there are no patches of the slide "${name}".`, {
    code: 'file-missing',
    path: folder,
    hint: `Expected ${name}_patches.h5 (TRIDENT) or ${name}.h5 (CLAM).`,
  });
}

/**
 * Reads the coordinates of CLAM, of TRIDENT, or of a feature file that has some.
 * @throws MhimError `file-format` for a file without them
 */
export function readCoordsFile(path: string): Promise<CoordsFile> {
  return withH5(path, (file) => {
    const dataset = file.get('coords') as Dataset | null;
    const shape = dataset?.shape ?? [];
    // A slide without patches may have been written as [0].
    const empty = dataset !== null && shape.reduce((a, b) => a * b, 1) === 0;
    if (!dataset || !(empty || (shape.length === 2 && shape[1] === 2))) {
      throw new MhimError('has no table "coords" of two columns.', {
        code: 'file-format',
        path,
        hint: 'Expected a file of patches as CLAM or TRIDENT write them.',
      });
    }
    const coords = empty ? new Int32Array(0) : Int32Array.from(dataset.value as ArrayLike<number>, Number);
    const attributes = Object.fromEntries(
      Object.entries(dataset.attrs).map(([name, { value }]) => [name, plain(value)]),
    );
    return {
      coords,
      patches: coords.length / 2,
      name: typeof attributes.name === 'string' ? attributes.name : undefined,
      patchSizeLevel0: sizeAtLevel0(attributes),
      attributes,
    };
  });
}

type Dataset = {
  shape: number[] | null;
  value: unknown;
  attrs: Record<string, { value: unknown }>;
} & NonNullable<ReturnType<H5File['get']>>;

/** TRIDENT says it; of CLAM it is the side at its level times the cut downsample. */
function sizeAtLevel0(attributes: Record<string, unknown>): number | undefined {
  if (typeof attributes.patch_size_level0 === 'number') return attributes.patch_size_level0;
  const { patch_size: size, downsample } = attributes;
  const first = Array.isArray(downsample) ? (downsample[0] as unknown) : downsample;
  return typeof size === 'number' && typeof first === 'number' ? size * Math.trunc(first) : undefined;
}

/** Numbers for 64-bit integers, arrays for typed arrays. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  return value;
}
