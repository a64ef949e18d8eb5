import type { RgbImage } from '../images/rgb-image.js';
import type { SlideLevel } from './level.js';

/** What segmentation and tiling need of a slide; `Slide` is one, a picture in memory another. */
export interface SlideReader {
  /** As CLAM calls the slide: file name without extension. */
  readonly name: string;
  readonly path: string;
  readonly levels: readonly SlideLevel[];
  /** Microns per pixel at level 0, where known. */
  readonly mpp?: readonly [number, number];
  /** Magnification of level 0, where known. */
  readonly objectivePower?: number;
  readonly properties: Readonly<Record<string, string>>;
  /** As {@link Slide.readRegion}. */
  readRegion(x: number, y: number, level: number, width: number, height: number): Promise<RgbImage>;
  /** As {@link Slide.readArgb}. */
  readArgb(x: number, y: number, level: number, width: number, height: number): Promise<Uint32Array>;
}

/** The most that is read at once, which is also the most that CLAM segments. Larger regions are read in strips. */
export const MAX_REGION_PIXELS = 1e8;

/** Pixels of a strip when level 0 is gone through. */
const STRIP_PIXELS = 2 ** 22;

export interface Strip {
  /** First row of the level. */
  readonly top: number;
  readonly rows: number;
  /** Premultiplied ARGB, [rows, width]. */
  readonly argb: Uint32Array;
}

/**
 * A whole level, from top to bottom, in strips of full width, the next one read while one is used: memory does not grow with
 * the slide. Coarser levels come in one piece as long as they may: their rows lie at fractions of level-0 pixels, so a second
 * read would start between two rows and be interpolated.
 * @param multiple number of rows that all strips but the last are a multiple of
 */
export async function* readStrips(slide: SlideReader, level: number, multiple = 1): AsyncGenerator<Strip> {
  const { width, height, downsamples } = slide.levels[level] as SlideLevel;
  const whole = level > 0 && width * height <= MAX_REGION_PIXELS;
  const fitting = Math.max(1, Math.floor(STRIP_PIXELS / Math.max(1, width) / multiple)) * multiple;
  const rows = whole ? height : fitting;
  const tops = Array.from({ length: Math.ceil(height / rows) }, (_, i) => i * rows);
  const read = async (top: number): Promise<Strip> => {
    const count = Math.min(rows, height - top);
    return { top, rows: count, argb: await slide.readArgb(0, Math.round(top * downsamples[1]), level, width, count) };
  };
  let next = tops.length > 0 ? read(0) : undefined;
  for (let i = 0; i < tops.length; i++) {
    const strip = await (next as Promise<Strip>);
    const following = tops[i + 1];
    next = following === undefined ? undefined : read(following);
    // Reported when its turn comes.
    next?.catch(() => undefined);
    yield strip;
  }
}
