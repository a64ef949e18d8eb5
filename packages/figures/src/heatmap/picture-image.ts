import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { FigureError } from '../errors.js';
import type { RgbPixels, SlideImage } from './slide-image.js';

/** A picture file as a slide of one level. */
export interface PictureImage extends SlideImage {
  close(): Promise<void>;
}

export interface PictureOptions {
  /** Pictures with more pixels are kept on the disk, default 50 million (150 MB). */
  maxPixelsInMemory?: number;
  mpp?: readonly [number, number];
}

/** Larger ones are slides and belong into a pyramid. */
const MAX_PIXELS = 4e9;

/**
 * Opens a PNG, JPEG, WebP or TIFF picture; transparency becomes white. Small ones are decoded into memory, large ones once into tiles of a
 * temporary file, so that any region is read without decoding what lies above it.
 * @throws FigureError `data` for a file that is damaged or of another kind
 */
export async function openPicture(path: string, options: PictureOptions = {}): Promise<PictureImage> {
  const { maxPixelsInMemory = 5e7, mpp } = options;
  const { width, height } = await named(path, async () => {
    const size = await sharp(path, { limitInputPixels: MAX_PIXELS }).metadata();
    return { width: size.width, height: size.height };
  });
  const levels = [{ width, height }];
  if (width * height <= maxPixelsInMemory) {
    const data = await named(path, () => asRgb(sharp(path)).raw().toBuffer());
    return {
      levels,
      mpp,
      readRegion: async (x, y, _level, w, h) => crop({ data, width, height }, x, y, w, h),
      close: async () => undefined,
    };
  }
  const folder = await mkdtemp(join(tmpdir(), 'mhim-picture-'));
  const close = () => rm(folder, { recursive: true, force: true });
  const file = join(folder, 'tiles.tif');
  try {
    const source = sharp(path, { limitInputPixels: MAX_PIXELS, sequentialRead: true });
    const tiled = asRgb(source).tiff({
      tile: true,
      tileWidth: 256,
      tileHeight: 256,
      compression: 'none',
      bigtiff: true,
    });
    await named(path, () => tiled.toFile(file));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    levels,
    mpp,
    readRegion: (x, y, _level, w, h) => named(path, () => readTiled(file, { width, height }, x, y, w, h)),
    close,
  };
}

/** As sharp reads it; 8 bits, three colours. */
function asRgb(image: Sharp): Sharp {
  return image.flatten({ background: '#ffffff' }).toColourspace('srgb').removeAlpha();
}

async function named<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0];
    throw new FigureError(`cannot be read as a picture (${reason}).`, {
      code: 'data',
      path,
      hint: 'Is it whole, and a PNG, JPEG, WebP or TIFF file?',
      cause,
    });
  }
}

async function readTiled(
  file: string,
  size: { width: number; height: number },
  x: number,
  y: number,
  width: number,
  height: number,
): Promise<RgbPixels> {
  const [left, top] = [Math.max(0, Math.floor(x)), Math.max(0, Math.floor(y))];
  const [right, bottom] = [Math.min(size.width, Math.floor(x) + width), Math.min(size.height, Math.floor(y) + height)];
  if (right <= left || bottom <= top) return blank(width, height);
  const inside = { left, top, width: right - left, height: bottom - top };
  const data = await sharp(file, { limitInputPixels: MAX_PIXELS }).extract(inside).raw().toBuffer();
  const region = { data, width: inside.width, height: inside.height };
  return inside.width === width && inside.height === height
    ? region
    : crop(region, Math.floor(x) - left, Math.floor(y) - top, width, height);
}

/** A part of a picture; what lies outside is white. */
function crop({ data, width, height }: RgbPixels, x: number, y: number, w: number, h: number): RgbPixels {
  const result = blank(w, h);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [from, to] = [Math.max(0, -left), Math.min(w, width - left)];
  for (let row = Math.max(0, -top); row < Math.min(h, height - top) && from < to; row++) {
    const start = 3 * ((top + row) * width + left);
    result.data.set(data.subarray(start + 3 * from, start + 3 * to), 3 * (row * w + from));
  }
  return result;
}

function blank(width: number, height: number): RgbPixels {
  return { data: new Uint8Array(3 * width * height).fill(255), width, height };
}
