import { resized } from './encode.js';
import type { PatchPlaces } from './heat-layer.js';
import type { Numbers } from '../report-data.js';
import { slideSize, type RgbPixels, type SlideImage } from './slide-image.js';

/**
 * The patches with the highest scores, highest first; of patches that cover each other by more than half in both directions only the highest,
 * or a gallery of overlapping patches would show one place again and again.
 * @returns indices, at most `count`
 */
export function topPatches(scores: Numbers, { coords, patchSize }: PatchPlaces, count: number): number[] {
  const order = Array.from(scores, (_, i) => i)
    .filter((i) => Number.isFinite(scores[i]))
    .sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const chosen: number[] = [];
  const near = (a: number, b: number, axis: 0 | 1) =>
    Math.abs((coords[2 * a + axis] as number) - (coords[2 * b + axis] as number)) < patchSize / 2;
  for (const patch of order) {
    if (chosen.length >= count) break;
    if (!chosen.some((other) => near(patch, other, 0) && near(patch, other, 1))) chosen.push(patch);
  }
  return chosen;
}

/** Smaller patches, of nuclei say, are shown with what surrounds them, level-0 pixels. */
const LEAST_VIEW = 96;

/** A patch as a square picture of `side` pixels, from the coarsest level that has as many. */
export async function patchPicture(
  image: SlideImage,
  { coords, patchSize }: PatchPlaces,
  patch: number,
  side = 224,
): Promise<RgbPixels> {
  const { width } = slideSize(image);
  const view = Math.max(LEAST_VIEW, patchSize);
  const margin = (view - patchSize) / 2;
  const left = Math.max(0, Math.round((coords[2 * patch] as number) - margin));
  const top = Math.max(0, Math.round((coords[2 * patch + 1] as number) - margin));
  let level = 0;
  image.levels.forEach((candidate, i) => {
    if (view * (candidate.width / width) >= side) level = i;
  });
  const scale = (image.levels[level] as { width: number }).width / width;
  const pixels = Math.max(1, Math.round(view * scale));
  return resized(await image.readRegion(left, top, level, pixels, pixels), side, true);
}

/** Pictures of one size in rows, as one. */
export function contactSheet(pictures: readonly RgbPixels[], columns: number, gap = 6): RgbPixels {
  const side = pictures[0]?.width ?? 1;
  const across = Math.max(1, Math.min(columns, pictures.length));
  const rows = Math.max(1, Math.ceil(pictures.length / across));
  const [width, height] = [across * (side + gap) + gap, rows * (side + gap) + gap];
  const data = new Uint8Array(3 * width * height).fill(255);
  pictures.forEach((picture, i) => {
    const left = gap + (i % across) * (side + gap);
    const top = gap + Math.floor(i / across) * (side + gap);
    for (let y = 0; y < picture.height; y++) {
      const row = picture.data.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width);
      data.set(row, 3 * ((top + y) * width + left));
    }
  });
  return { data, width, height };
}
