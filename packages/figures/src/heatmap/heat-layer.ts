import { checkCoords, checkLength } from '../check-report-data.js';
import { FigureError } from '../errors.js';
import { backgroundColour, heatColour, type HeatStyle, type Rgba } from '../heat-view/heat-colours.js';
import { gridStep } from '../map-layout.js';
import type { Numbers } from '../report-data.js';
import type { RgbaPixels } from './encode.js';

export interface PatchPlaces {
  /** [n, 2], upper left corners, level-0 pixels. */
  coords: Numbers;
  /** Side, level-0 pixels. */
  patchSize: number;
}

export interface HeatLayerOptions extends PatchPlaces {
  /** [n], from 0 to 1, as {@link normaliseScores} gives them. */
  shares: Numbers;
  style: HeatStyle;
  /** Of style `cyan`. */
  threshold?: number;
}

/** A part of a layer, in pixels of the picture that is painted. */
export interface PaintArea {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Pixels of the picture for one of level 0, in x and y. */
  scaleX: number;
  scaleY: number;
}

/**
 * Patches of a slide as a transparent picture, painted part by part. Where patches overlap, the highest share is on top, so the picture does not
 * depend on their order. Patches have the same edges in every part, and none is narrower than a pixel.
 */
export class HeatLayer {
  /** Patches from the lowest share to the highest. */
  private readonly order: Int32Array;
  private readonly buckets = new Map<string, number[]>();
  private readonly bucketSize: number;
  private readonly background: Rgba;

  /** @throws FigureError `data` for lists of different lengths, coordinates that are no numbers or a patch size that is none */
  constructor(private readonly options: HeatLayerOptions) {
    const { coords, shares, patchSize, style } = options;
    checkPlaces(options, shares.length);
    this.background = backgroundColour(style);
    const height = (i: number) => (Number.isNaN(shares[i]) ? -1 : (shares[i] as number));
    const place = (i: number, axis: 0 | 1) => coords[2 * i + axis] as number;
    this.order = Int32Array.from({ length: shares.length }, (_, i) => i).sort(
      (a, b) => height(a) - height(b) || place(a, 1) - place(b, 1) || place(a, 0) - place(b, 0),
    );
    this.bucketSize = 8 * patchSize;
    this.order.forEach((patch, rank) => {
      for (const key of this.keysOf(place(patch, 0), place(patch, 1), patchSize, patchSize)) {
        const bucket = this.buckets.get(key);
        if (bucket) bucket.push(rank);
        else this.buckets.set(key, [rank]);
      }
    });
  }

  paint({ left, top, width, height, scaleX, scaleY }: PaintArea): RgbaPixels {
    const { coords, shares, patchSize, style, threshold } = this.options;
    const data = new Uint8Array(4 * width * height);
    fill(data, width, 0, 0, width, height, this.background);
    for (const rank of this.ranksIn(left / scaleX, top / scaleY, width / scaleX, height / scaleY)) {
      const patch = this.order[rank] as number;
      const [x, y] = [coords[2 * patch] as number, coords[2 * patch + 1] as number];
      const [x0, y0] = [Math.round(x * scaleX), Math.round(y * scaleY)];
      const x1 = Math.max(x0 + 1, Math.round((x + patchSize) * scaleX));
      const y1 = Math.max(y0 + 1, Math.round((y + patchSize) * scaleY));
      const colour = heatColour(style, shares[patch] as number, threshold);
      fill(
        data,
        width,
        Math.max(0, x0 - left),
        Math.max(0, y0 - top),
        Math.min(width, x1 - left),
        Math.min(height, y1 - top),
        colour,
      );
    }
    return { data, width, height };
  }

  /** Ranks of the patches near an area of level 0, lowest first, each once. */
  private ranksIn(x: number, y: number, width: number, height: number): Iterable<number> {
    const wanted = Math.ceil(width / this.bucketSize + 1) * Math.ceil(height / this.bucketSize + 1);
    if (wanted > this.buckets.size) return this.order.keys();
    const { patchSize } = this.options;
    const found = new Set<number>();
    for (const key of this.keysOf(x - patchSize, y - patchSize, width + 2 * patchSize, height + 2 * patchSize)) {
      for (const rank of this.buckets.get(key) ?? []) found.add(rank);
    }
    return Int32Array.from(found).sort();
  }

  private *keysOf(x: number, y: number, width: number, height: number): Generator<string> {
    const index = (value: number) => Math.floor(value / this.bucketSize);
    for (let row = index(y); row <= index(y + height); row++) {
      for (let column = index(x); column <= index(x + width); column++) yield `${column} ${row}`;
    }
  }
}

/** The side of patches that lie on a grid: the grid's step. Undefined where they lie on none, or there is but one. */
export function guessPatchSize(coords: Numbers): number | undefined {
  return gridStep(coords) ?? undefined;
}

/** @throws FigureError `data` unless there are two finite numbers for each of n patches, and a size */
export function checkPlaces({ coords, patchSize }: PatchPlaces, patches: number): void {
  checkLength(coords, 'coords', 2 * patches, 'x and y of every patch');
  checkCoords(coords, patches);
  if (Number.isFinite(patchSize) && patchSize > 0) return;
  throw new FigureError(`expected a size above 0, got ${patchSize}.`, {
    code: 'data',
    path: 'patchSize',
    hint: 'It is the side of a patch in pixels of level 0.',
  });
}

function fill(
  data: Uint8Array,
  width: number,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  [red, green, blue, alpha]: Rgba,
): void {
  const bytes = [red, green, blue, 255 * alpha].map(Math.round) as [number, number, number, number];
  for (let y = y0; y < y1; y++) {
    for (let at = 4 * (y * width + x0), end = 4 * (y * width + x1); at < end; at += 4) {
      data[at] = bytes[0];
      data[at + 1] = bytes[1];
      data[at + 2] = bytes[2];
      data[at + 3] = bytes[3];
    }
  }
}
