import { resizeLikePillow } from '@mhim/encoders';
import { bestLevelFor, type SlideLevel } from '../openslide/level.js';
import { readStrips, type SlideReader } from '../openslide/slide-reader.js';
import { BlockReducer } from './block-reducer.js';
import type { RgbImage } from './rgb-image.js';
import { rgbOnBackground } from './unpack-argb.js';

/** Pillow reduces by whole blocks first, down to twice the size that is wanted. */
const REDUCING_GAP = 2;

/**
 * A picture of the whole slide of at most `maxWidth` × `maxHeight`, byte for byte as openslide-python's `get_thumbnail`: on the
 * slide's background colour, block averages, then Lanczos. The level is read in strips.
 */
export async function thumbnail(slide: SlideReader, maxWidth: number, maxHeight = maxWidth): Promise<RgbImage> {
  const { width: width0, height: height0 } = slide.levels[0] as SlideLevel;
  const level = bestLevelFor(slide.levels, Math.max(width0 / maxWidth, height0 / maxHeight));
  const { width, height } = slide.levels[level] as SlideLevel;
  const [toWidth, toHeight] = fittingSize(width, height, maxWidth, maxHeight);
  const factorX = Math.max(1, Math.trunc(width / toWidth / REDUCING_GAP));
  const factorY = Math.max(1, Math.trunc(height / toHeight / REDUCING_GAP));
  const reducer = new BlockReducer(width, height, factorX, factorY);
  const background = backgroundOf(slide);
  for await (const { top, rows, argb } of readStrips(slide, level, factorY)) {
    reducer.add(top, rgbOnBackground(argb, width, rows, background));
  }
  const box = [0, 0, width / factorX, height / factorY] as const;
  return resizeLikePillow(reducer.image(), toWidth, toHeight, 'lanczos', box);
}

/** A region of the slide on its background colour, to be looked at: what was not scanned is white rather than black. */
export async function readOnBackground(
  slide: SlideReader,
  ...region: Parameters<SlideReader['readArgb']>
): Promise<RgbImage> {
  const [, , , width, height] = region;
  return rgbOnBackground(await slide.readArgb(...region), width, height, backgroundOf(slide));
}

/** The largest size of the same shape; of the two whole numbers around the shorter side the one that keeps the shape better. */
function fittingSize(width: number, height: number, maxWidth: number, maxHeight: number): [number, number] {
  const [x, y] = [Math.floor(maxWidth), Math.floor(maxHeight)];
  if (x >= width && y >= height) return [width, height];
  const aspect = width / height;
  if (x / y >= aspect) return [nearest(y * aspect, (n) => Math.abs(aspect - n / y)), y];
  return [x, nearest(x / aspect, (n) => (n === 0 ? 0 : Math.abs(aspect - x / n)))];
}

function nearest(value: number, distance: (n: number) => number): number {
  const [low, high] = [Math.floor(value), Math.ceil(value)];
  return Math.max(1, distance(high) < distance(low) ? high : low);
}

/** White where the slide names no colour. */
function backgroundOf({ properties }: SlideReader): [number, number, number] {
  const colour = properties['openslide.background-color'] ?? '';
  const hex = /^[0-9a-f]{6}$/i.test(colour) ? colour : 'ffffff';
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}
