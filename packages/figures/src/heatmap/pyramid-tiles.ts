import { FigureError } from '../errors.js';
import { halved, slideSize, type RgbPixels, type SlideImage } from './slide-image.js';

export interface PyramidTile {
  /** How often the slide was halved: 0 is level 0. */
  halvings: number;
  column: number;
  row: number;
  pixels: RgbPixels;
}

/**
 * All tiles of a slide from the finest that is wanted to a single pixel, as deep-zoom pyramids have them, each level the average of 2 × 2 pixels of the finer.
 * A tile comes after those that it is made of; at any time there are four tiles a level in memory, whatever the size of the slide.
 * Levels of the slide itself are used where they are halvings.
 * @param finest halvings of the finest tiles
 * @throws FigureError `data` when the slide gives a region of another size
 */
export async function* pyramidTiles(
  image: SlideImage,
  { tileSize, finest = 0 }: { tileSize: number; finest?: number },
): AsyncGenerator<PyramidTile> {
  const size = slideSize(image);
  let top = finest;
  while (Math.max(halved(size, top).width, halved(size, top).height) > 1) top++;
  yield* tile(top, 0, 0);

  async function* tile(halvings: number, column: number, row: number): AsyncGenerator<PyramidTile, RgbPixels> {
    const level = halvings > finest ? undefined : levelAt(image, halvings);
    const pixels =
      level === undefined
        ? yield* fromFiner(halvings, column, row)
        : await readTile(image, level, halvings, column, row, tileSize);
    if (halvings >= finest) yield { halvings, column, row, pixels };
    return pixels;
  }

  async function* fromFiner(halvings: number, column: number, row: number): AsyncGenerator<PyramidTile, RgbPixels> {
    const whole = tileExtent(halved(size, halvings), column, row, tileSize);
    const finer = halved(size, halvings - 1);
    const pixels = { data: new Uint8Array(3 * whole.width * whole.height), ...whole };
    for (const [right, down] of QUADRANTS) {
      const [c, r] = [2 * column + right, 2 * row + down];
      if (c * tileSize >= finer.width || r * tileSize >= finer.height) continue;
      const child = yield* tile(halvings - 1, c, r);
      halveInto(pixels, child, (right * tileSize) / 2, (down * tileSize) / 2);
    }
    return pixels;
  }
}

const QUADRANTS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const;

/** The slide's own level that is `halvings` halvings of level 0, to the pixel by which vendors round otherwise. */
function levelAt(image: SlideImage, halvings: number): number | undefined {
  const { width, height } = slideSize(image);
  const near = (have: number, whole: number) => Math.abs(have - whole / 2 ** halvings) <= 1;
  const index = image.levels.findIndex((level) => near(level.width, width) && near(level.height, height));
  return index < 0 ? undefined : index;
}

function tileExtent(size: { width: number; height: number }, column: number, row: number, tileSize: number) {
  return {
    width: Math.min(tileSize, size.width - column * tileSize),
    height: Math.min(tileSize, size.height - row * tileSize),
  };
}

async function readTile(
  image: SlideImage,
  level: number,
  halvings: number,
  column: number,
  row: number,
  tileSize: number,
): Promise<RgbPixels> {
  const [left, top] = [column * tileSize, row * tileSize];
  const wanted = tileExtent(halved(slideSize(image), halvings), column, row, tileSize);
  const { width, height } = image.levels[level] as { width: number; height: number };
  const there = {
    width: Math.max(1, Math.min(wanted.width, width - left)),
    height: Math.max(1, Math.min(wanted.height, height - top)),
  };
  const region = await image.readRegion(left * 2 ** halvings, top * 2 ** halvings, level, there.width, there.height);
  if (region.data.length !== 3 * there.width * there.height) {
    throw new FigureError(
      `the slide gave ${region.data.length} bytes for a region of ${there.width} × ${there.height} pixels.`,
      { code: 'data', path: 'readRegion', hint: 'Expected three bytes a pixel.' },
    );
  }
  return extended(region, wanted);
}

/** Repeats the last column and row where the level ends a pixel early. */
function extended(region: RgbPixels, { width, height }: { width: number; height: number }): RgbPixels {
  if (region.width === width && region.height === height) return region;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const from = 3 * (Math.min(y, region.height - 1) * region.width + Math.min(x, region.width - 1));
      data.set(region.data.subarray(from, from + 3), at);
    }
  }
  return { data, width, height };
}

/** Averages blocks of 2 × 2 pixels, smaller at the right and lower edge, and puts them at a place of `target`. */
function halveInto(target: RgbPixels, source: RgbPixels, left: number, top: number): void {
  const [width, height] = [Math.ceil(source.width / 2), Math.ceil(source.height / 2)];
  const { data } = source;
  for (let y = 0; y < height; y++) {
    const upper = 3 * 2 * y * source.width;
    const lower = 2 * y + 1 < source.height ? upper + 3 * source.width : upper;
    for (let x = 0; x < width; x++) {
      const first = 6 * x;
      const second = 2 * x + 1 < source.width ? first + 3 : first;
      const at = 3 * ((top + y) * target.width + left + x);
      for (let c = 0; c < 3; c++) {
        const sum =
          (data[upper + first + c] as number) +
          (data[upper + second + c] as number) +
          (data[lower + first + c] as number) +
          (data[lower + second + c] as number);
        target.data[at + c] = (sum + 2) >> 2;
      }
    }
  }
}
