import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeatTiles } from '../heat-view/heat-file.js';
import { encodeJpeg, resized } from './encode.js';
import { pyramidTiles } from './pyramid-tiles.js';
import { halved, slideSize, type RgbPixels, type SlideImage } from './slide-image.js';
import { writeWhole, writeWholeFolder } from './write-whole.js';

export interface SlideTilesOptions {
  /** Side of a tile, a power of two. */
  tileSize?: number;
  /** The slide is halved until its longer side is no longer; 0 keeps level 0. Default 16,384. */
  maxSize?: number;
  /** Longer side of the thumbnail at most, default 2,048. */
  thumbnailSize?: number;
  /** Of the JPEG tiles, default 85. */
  quality?: number;
  /** Hears after each tile. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Tiles that may wait for the encoder while the next is read. */
const WAITING = 4;

/**
 * A deep-zoom pyramid of a slide, `slide.dzi` with `slide_files/`, and `thumbnail.jpg`, in one pass over the slide. The description
 * is written last, so where it is there, all is.
 * @returns what the page has to know of it
 */
export async function writeSlideTiles(
  image: SlideImage,
  folder: string,
  { tileSize = 512, maxSize = 16_384, thumbnailSize = 2048, quality = 85, onProgress, signal }: SlideTilesOptions = {},
): Promise<HeatTiles> {
  const size = slideSize(image);
  const finest = halvingsTo(size, maxSize);
  const thumb = Math.max(finest, halvingsTo(size, 2 * thumbnailSize));
  const tiles = slideTiles(image, { tileSize, maxSize });
  const highest = dziLevels(tiles);
  const overview = emptyPicture(halved(size, thumb));
  const total = tileCount(tiles);
  await writeWholeFolder(join(folder, 'slide_files'), async (files) => {
    for (let level = 0; level <= highest; level++) await mkdir(join(files, String(level)));
    const waiting = new Set<Promise<void>>();
    let done = 0;
    for await (const { halvings, column, row, pixels } of pyramidTiles(image, { tileSize, finest })) {
      signal?.throwIfAborted();
      if (halvings === thumb) paste(overview, pixels, column * tileSize, row * tileSize);
      const path = join(files, String(highest - (halvings - finest)), `${column}_${row}.jpg`);
      const write = encodeJpeg(pixels, quality).then((bytes) => writeFile(path, bytes));
      const settled = write.finally(() => waiting.delete(settled));
      settled.catch(() => undefined);
      waiting.add(settled);
      if (waiting.size >= WAITING) await Promise.race(waiting);
      onProgress?.(++done, total);
    }
    await Promise.all(waiting);
  });
  await writeWhole(join(folder, 'thumbnail.jpg'), await encodeJpeg(await resized(overview, thumbnailSize), 92));
  await writeWhole(join(folder, 'slide.dzi'), dziDescription(tiles));
  return tiles;
}

/** What {@link writeSlideTiles} makes of a slide, without making it. */
export function slideTiles(
  image: SlideImage,
  { tileSize = 512, maxSize = 16_384 }: Pick<SlideTilesOptions, 'tileSize' | 'maxSize'> = {},
): HeatTiles {
  const size = slideSize(image);
  return { ...halved(size, halvingsTo(size, maxSize)), tileSize, format: 'jpg' };
}

/** How often a size is halved until its longer side is no longer than `most`; 0 means as long as you like. */
function halvingsTo(size: { width: number; height: number }, most: number): number {
  let halvings = 0;
  while (most > 0 && Math.max(halved(size, halvings).width, halved(size, halvings).height) > most) halvings++;
  return halvings;
}

/** The number of the finest level: that of one pixel is 0. */
export function dziLevels({ width, height }: { width: number; height: number }): number {
  return Math.ceil(Math.log2(Math.max(width, height, 1)));
}

export function dziDescription({ width, height, tileSize, format }: HeatTiles): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="${format}" Overlap="0" TileSize="${tileSize}"><Size Width="${width}" Height="${height}"/></Image>
`;
}

function tileCount({ width, height, tileSize }: HeatTiles): number {
  let count = 0;
  for (let halvings = 0; ; halvings++) {
    const level = halved({ width, height }, halvings);
    const [columns, rows] = [Math.ceil(level.width / tileSize), Math.ceil(level.height / tileSize)];
    count += columns * rows;
    if (level.width <= 1 && level.height <= 1) return count;
  }
}

function emptyPicture({ width, height }: { width: number; height: number }): RgbPixels {
  return { data: new Uint8Array(3 * width * height), width, height };
}

function paste(target: RgbPixels, source: RgbPixels, left: number, top: number): void {
  for (let y = 0; y < source.height; y++) {
    const row = source.data.subarray(3 * y * source.width, 3 * (y + 1) * source.width);
    target.data.set(row, 3 * ((top + y) * target.width + left));
  }
}
