import type { Bag } from '@mhim/datasets';
import { guessPatchSize, type PatchPlaces } from '@mhim/figures/heatmap';
import { MhimError } from '@mhim/tensor';

export interface PlacesOptions {
  /** Side, level-0 pixels; by default the step of the grid that the patches lie on. */
  patchSize?: number;
  /** What coordinates are of: the patch's upper left corner (CLAM, TRIDENT) or its middle. */
  coordsAt?: 'corner' | 'centre';
}

/**
 * Where the patches of a bag lie on its slide.
 * @throws MhimError `data` for bags without coordinates, in other units than pixels, or beyond the slide
 */
export function placesOf(bag: Bag, slide: { width: number; height: number }, options: PlacesOptions): PatchPlaces {
  const at = { code: 'data', path: `bag "${bag.id}"` } as const;
  if (!bag.coords) {
    throw new MhimError('has no coordinates, so its patches have no place on the slide.', {
      ...at,
      hint: 'Use feature files with coords, as CLAM and TRIDENT write them.',
    });
  }
  if (bag.coordsUnit === 'um') {
    throw new MhimError('has coordinates in micrometres, which are not placed on slides yet.', {
      ...at,
      hint: 'Extract the features with coordinates in pixels of level 0.',
    });
  }
  const patchSize = options.patchSize ?? guessPatchSize(bag.coords);
  if (patchSize === undefined) {
    throw new MhimError('has patches that lie on no grid, so their size is not known.', {
      ...at,
      hint: 'Give it with --patch-size (pixels of level 0).',
    });
  }
  const shift = options.coordsAt === 'centre' ? patchSize / 2 : 0;
  const coords = bag.coords.map((value) => value - shift);
  let outside = 0;
  for (let i = 0; i < bag.instances; i++) {
    const [x, y] = [coords[2 * i] as number, coords[2 * i + 1] as number];
    if (!(x + patchSize > 0 && y + patchSize > 0 && x < slide.width && y < slide.height)) outside++;
  }
  if (outside > 0) {
    throw new MhimError(
      `${outside} of ${bag.instances} patches lie outside the slide of ${slide.width} × ${slide.height} pixels.`,
      { ...at, hint: 'Is it the right slide, and are coordinates pixels of its level 0?' },
    );
  }
  return { coords, patchSize };
}
