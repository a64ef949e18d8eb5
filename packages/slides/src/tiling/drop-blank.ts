import type { SlideReader } from '../openslide/slide-reader.js';
import { isBlackPatch, isWhitePatch } from './blank-patch.js';
import { readPatch, type PatchPlan } from './patch-plan.js';

export interface DropBlankOptions {
  /** Mean saturation below which a patch is background. Default 15, as CLAM's slow path uses. */
  white?: number;
  /** Mean of each channel below which a patch is black. Default 50. */
  black?: number;
  signal?: AbortSignal;
}

/** Patches read at a time. */
const TOGETHER = 16;

/** The patches that are neither background nor black: each is read and looked at (CLAM's slow path). */
export async function dropBlankPatches(
  slide: SlideReader,
  plan: PatchPlan,
  coords: Int32Array,
  { white = 15, black = 50, signal }: DropBlankOptions = {},
): Promise<Int32Array> {
  const kept: number[] = [];
  for (let from = 0; from < coords.length; from += 2 * TOGETHER) {
    signal?.throwIfAborted();
    const group = coords.subarray(from, from + 2 * TOGETHER);
    const corners = Array.from(
      { length: group.length / 2 },
      (_, i) => [group[2 * i], group[2 * i + 1]] as [number, number],
    );
    const blank = await Promise.all(
      corners.map(async ([x, y]) => {
        const patch = await readPatch(slide, plan, x, y);
        return isBlackPatch(patch, black) || (await isWhitePatch(patch, white));
      }),
    );
    corners.forEach((corner, i) => {
      if (!blank[i]) kept.push(...corner);
    });
  }
  return Int32Array.from(kept);
}
