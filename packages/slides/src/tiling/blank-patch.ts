import { saturationOf } from '../images/operations.js';
import type { RgbImage } from '../images/rgb-image.js';

/** Mean saturation of a patch, 0…255. */
export async function meanSaturation(patch: RgbImage): Promise<number> {
  const { data } = await saturationOf(patch);
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] as number;
  return sum / data.length;
}

/** Mean R, G and B of a patch. */
export function meanColour({ data }: RgbImage): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 3) {
    sums[0] += data[i] as number;
    sums[1] += data[i + 1] as number;
    sums[2] += data[i + 2] as number;
  }
  return sums.map((sum) => (3 * sum) / data.length) as [number, number, number];
}

/** Whether a patch is background: its mean saturation is below the threshold (CLAM's `isWhitePatch`). */
export async function isWhitePatch(patch: RgbImage, saturationThreshold = 5): Promise<boolean> {
  return (await meanSaturation(patch)) < saturationThreshold;
}

/** Whether a patch is black, outside the scan: each channel's mean is below the threshold (CLAM's `isBlackPatch`). */
export function isBlackPatch(patch: RgbImage, threshold = 40): boolean {
  return meanColour(patch).every((mean) => mean < threshold);
}
