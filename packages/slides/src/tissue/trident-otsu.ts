import { hsvOf } from '../images/operations.js';
import type { Plane } from '../images/plane.js';
import type { RgbImage } from '../images/rgb-image.js';
import { withOpenCV } from '../opencv.js';

export interface TridentOtsuConfig {
  /** Tissue of fewer pixels is dropped after the first pass. */
  minObject: number;
  /** Holes of fewer pixels are filled at the end. */
  minHole: number;
}

export const tridentOtsuDefaults: TridentOtsuConfig = { minObject: 60, minHole: 5000 };

export interface TridentOtsu {
  /** 1 for tissue. */
  readonly mask: Plane;
  /** Grey levels of the two passes; tissue is darker. */
  readonly thresholds: readonly [number, number];
}

/**
 * TRIDENT's segmentation without a network (`segmentation_models/model_zoo/otsu.py`, Zhang et al. 2025), of a thumbnail: black,
 * grey and dark pixels become white, Otsu's threshold of grey levels, and the same once more for the picture that is white outside what the first pass found.
 */
export async function tridentOtsu(image: RgbImage, options: Partial<TridentOtsuConfig> = {}): Promise<TridentOtsu> {
  const { minObject, minHole } = { ...tridentOtsuDefaults, ...options };
  const first = greyThreshold(await withoutArtefacts(image));
  const objects = await withoutSmall(first.mask, minObject);
  const second = greyThreshold(await withoutArtefacts(whitenOutside(image, objects)));
  const background = { ...second.mask, data: second.mask.data.map((value) => 1 - value) };
  const open = await withoutSmall(background, minHole);
  const mask = { ...open, data: open.data.map((value) => 1 - value) };
  return { mask, thresholds: [first.threshold, second.threshold] };
}

/** What is black, grey (saturation ≤ 10, value ≥ 70) or dark (value ≤ 85) becomes white: pen, dust, the scan's edges. */
async function withoutArtefacts(image: RgbImage): Promise<RgbImage> {
  const data = image.data.slice();
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 0) data.fill(255, i, i + 3);
  }
  const hsv = await hsvOf({ ...image, data });
  for (let i = 0; i < data.length; i += 3) {
    const [saturation, value] = [hsv[i + 1] as number, hsv[i + 2] as number];
    if ((saturation <= 10 && value >= 70) || value <= 85) data.fill(255, i, i + 3);
  }
  return { ...image, data };
}

/** TRIDENT multiplies by the inverted mask and adds 255 where that gave something: a channel that is 0 stays 0. */
function whitenOutside(image: RgbImage, mask: Plane): RgbImage {
  const data = image.data.map((value, i) => (mask.data[Math.floor(i / 3)] === 1 || value === 0 ? value : 255));
  return { ...image, data };
}

function greyThreshold({ data, width, height }: RgbImage): { threshold: number; mask: Plane } {
  const grey = new Float64Array(width * height);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    const [red, green, blue] = [data[at] as number, data[at + 1] as number, data[at + 2] as number];
    grey[i] = 255 * (0.2125 * (red / 255) + 0.7154 * (green / 255) + 0.0721 * (blue / 255));
  }
  const threshold = otsuOf(grey);
  return { threshold, mask: { data: Uint8Array.from(grey, (value) => (value < threshold ? 1 : 0)), width, height } };
}

const BINS = 256;

/** scikit-image's `threshold_otsu`: the bin centre, of 256 between minimum and maximum, with the largest variance between classes. */
function otsuOf(values: Float64Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  // One grey level alone is its own threshold: nothing is darker.
  if (!(high > low)) return low;
  const edges = Float64Array.from({ length: BINS + 1 }, (_, i) =>
    i === BINS ? high : low + (i * (high - low)) / BINS,
  );
  const counts = new Float64Array(BINS);
  for (const value of values) {
    let bin = Math.min(BINS - 1, Math.trunc(((value - low) / (high - low)) * BINS));
    if (value < (edges[bin] as number)) bin--;
    else if (bin < BINS - 1 && value >= (edges[bin + 1] as number)) bin++;
    counts[bin] = (counts[bin] as number) + 1;
  }
  const centres = Float64Array.from(counts, (_, i) => ((edges[i] as number) + (edges[i + 1] as number)) / 2);
  let [total, weighted] = [0, 0];
  counts.forEach((count, i) => {
    total += count;
    weighted += count * (centres[i] as number);
  });
  let [below, belowSum, best, threshold] = [0, 0, -1, low];
  for (let i = 0; i < BINS - 1; i++) {
    below += counts[i] as number;
    belowSum += (counts[i] as number) * (centres[i] as number);
    const above = total - below;
    const difference = belowSum / below - (weighted - belowSum) / above;
    const variance = below * above * difference * difference;
    if (variance > best) [best, threshold] = [variance, centres[i] as number];
  }
  return threshold;
}

/** Without connected pieces (over edges, not corners) of fewer than `minimum` pixels. */
function withoutSmall({ data, width, height }: Plane, minimum: number): Promise<Plane> {
  return withOpenCV((scope) => {
    const [labels, stats, centres] = [scope.empty(), scope.empty(), scope.empty()];
    const { cv } = scope;
    cv.connectedComponentsWithStats(scope.plane(data, width, height), labels, stats, centres, 4, cv.CV_32S);
    const AREA = 4;
    const large = Array.from({ length: stats.rows }, (_, i) => (stats.data32S[5 * i + AREA] as number) >= minimum);
    const pieces = labels.data32S;
    return {
      data: Uint8Array.from(data, (value, i) => (value === 1 && large[pieces[i] as number] ? 1 : 0)),
      width,
      height,
    };
  });
}
