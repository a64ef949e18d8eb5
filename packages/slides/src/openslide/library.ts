import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type * as koffi from 'koffi';
import { MhimError } from '@mhim/tensor';

/** A pointer of C's; what it points to is OpenSlide's own. */
export type Pointer = bigint;

/** The functions of OpenSlide 4 that we call, by their C names without prefix. */
export interface OpenSlideLibrary {
  /** Where the library was found. */
  readonly file: string;
  readonly version: string;
  detectVendor(path: string): string | null;
  open(path: string): Pointer | null;
  close(slide: Pointer): void;
  getError(slide: Pointer): string | null;
  getLevelCount(slide: Pointer): number;
  getLevelDimensions(slide: Pointer, level: number): [number, number];
  getLevelDownsample(slide: Pointer, level: number): number;
  getBestLevelForDownsample(slide: Pointer, downsample: number): number;
  getPropertyNames(slide: Pointer): string[];
  getPropertyValue(slide: Pointer, name: string): string | null;
  getAssociatedImageNames(slide: Pointer): string[];
  getAssociatedImageDimensions(slide: Pointer, name: string): [number, number];
  /** Fills `pixels` with premultiplied ARGB words; runs on a thread of Node's pool. */
  readRegion(
    slide: Pointer,
    pixels: Uint32Array,
    x: number,
    y: number,
    level: number,
    width: number,
    height: number,
  ): Promise<void>;
  readAssociatedImage(slide: Pointer, name: string, pixels: Uint32Array): Promise<void>;
}

let loaded: Promise<OpenSlideLibrary> | undefined;

/**
 * OpenSlide 4, loaded once a process: the file that MHIM_OPENSLIDE names, the one that `mhim-native openslide` put into the
 * cache, or the system's.
 * @throws MhimError `dependency` when there is none, with what to do
 */
export function loadOpenSlide(): Promise<OpenSlideLibrary> {
  loaded ??= find().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function find(): Promise<OpenSlideLibrary> {
  const koffi = await loadKoffi();
  const named = process.env.MHIM_OPENSLIDE;
  const file = fileName();
  const cached = join(cacheFolder(), `openslide-4-${process.platform}-${process.arch}`, file);
  const candidates = named ? [named] : [cached, file];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    if (candidate === cached && !existsSync(cached)) continue;
    try {
      return bind(koffi, candidate);
    } catch (cause) {
      reasons.push(cause instanceof Error ? cause.message.trim() : String(cause));
    }
  }
  throw new MhimError(`OpenSlide 4 was not found${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}.`, {
    code: 'dependency',
    hint: 'Run: npx @mhim/native openslide; or name the library in MHIM_OPENSLIDE.',
  });
}

type Koffi = typeof koffi;

async function loadKoffi(): Promise<Koffi> {
  try {
    const module = (await import('koffi')) as unknown as { default?: Koffi } & Koffi;
    return module.default ?? module;
  } catch (cause) {
    throw new MhimError(`koffi, through which OpenSlide is called, does not load: ${(cause as Error).message}.`, {
      code: 'dependency',
      hint: 'Install the packages again on this machine.',
      cause,
    });
  }
}

/** What `mhim-native` uses too. */
function cacheFolder(): string {
  return process.env.MHIM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mhim');
}

function fileName(): string {
  if (process.platform === 'win32') return 'libopenslide-1.dll';
  return process.platform === 'darwin' ? 'libopenslide.1.dylib' : 'libopenslide.so.1';
}

/** More names than any slide has; a list ends with a null pointer. */
const MAX_NAMES = 10_000;

function bind(koffi: Koffi, file: string): OpenSlideLibrary {
  const library = koffi.load(file);
  const version = String(library.func('const char *openslide_get_version()')());
  if (!/^[4-9]\./.test(version)) throw new Error(`${file} is OpenSlide ${version}`);
  const list = (pointer: Pointer | null): string[] => {
    const names: string[] = [];
    for (let i = 0; pointer && i < MAX_NAMES; i++) {
      const name = koffi.decode(pointer, i * koffi.sizeof('char *'), 'char *') as string | null;
      if (name === null) break;
      names.push(name);
    }
    return names;
  };
  const later = (call: { async: (...args: unknown[]) => void }, ...args: unknown[]) =>
    new Promise<void>((resolve, reject) =>
      call.async(...args, (error: unknown) => (error ? reject(error as Error) : resolve())),
    );
  const levelDimensions = library.func(
    'void openslide_get_level_dimensions(void *, int32_t, _Out_ int64_t *, _Out_ int64_t *)',
  );
  const associatedDimensions = library.func(
    'void openslide_get_associated_image_dimensions(void *, const char *, _Out_ int64_t *, _Out_ int64_t *)',
  );
  const propertyNames = library.func('void *openslide_get_property_names(void *)');
  const associatedNames = library.func('void *openslide_get_associated_image_names(void *)');
  const region = library.func(
    'void openslide_read_region(void *, void *, int64_t, int64_t, int32_t, int64_t, int64_t)',
  );
  const associated = library.func('void openslide_read_associated_image(void *, const char *, void *)');
  return {
    file,
    version,
    detectVendor: library.func('const char *openslide_detect_vendor(const char *)'),
    open: library.func('void *openslide_open(const char *)'),
    close: library.func('void openslide_close(void *)'),
    getError: library.func('const char *openslide_get_error(void *)'),
    getLevelCount: library.func('int32_t openslide_get_level_count(void *)'),
    getLevelDimensions: (slide, level) => {
      const [width, height] = [[0], [0]] as [[number], [number]];
      levelDimensions(slide, level, width, height);
      return [Number(width[0]), Number(height[0])];
    },
    getLevelDownsample: library.func('double openslide_get_level_downsample(void *, int32_t)'),
    getBestLevelForDownsample: library.func('int32_t openslide_get_best_level_for_downsample(void *, double)'),
    getPropertyNames: (slide) => list(propertyNames(slide) as Pointer | null),
    getPropertyValue: library.func('const char *openslide_get_property_value(void *, const char *)'),
    getAssociatedImageNames: (slide) => list(associatedNames(slide) as Pointer | null),
    getAssociatedImageDimensions: (slide, name) => {
      const [width, height] = [[0], [0]] as [[number], [number]];
      associatedDimensions(slide, name, width, height);
      return [Number(width[0]), Number(height[0])];
    },
    readRegion: (slide, pixels, x, y, level, width, height) => later(region, slide, pixels, x, y, level, width, height),
    readAssociatedImage: (slide, name, pixels) => later(associated, slide, name, pixels),
  };
}
