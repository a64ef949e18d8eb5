import { MhimError } from '@mhim/tensor';
import type { SlideLevel } from '../openslide/level.js';
import type { SlideReader } from '../openslide/slide-reader.js';
import type { CoordsFile } from './coords-file.js';
import { readingAt, type PatchReading } from './patch-plan.js';

/**
 * How the patches of a file are read from their slide: CLAM's from the level and with the side that it notes, TRIDENT's from the
 * level that fits their magnification, resampled where there is none.
 * @param path of the file, for messages
 * @throws MhimError `file-format` for a file that does not say how large its patches are, `data` for one of another slide
 */
export function readingOf(slide: SlideReader, file: CoordsFile, path: string): PatchReading {
  const { attributes, patchSizeLevel0 } = file;
  const { patch_size: patchSize, patch_level: level } = attributes;
  if (!isSide(patchSize) || !isSide(patchSizeLevel0)) {
    throw new MhimError('does not say how large its patches are.', {
      code: 'file-format',
      path,
      hint: 'Expected the attributes that CLAM (patch_size, patch_level, downsample) or TRIDENT (patch_size, patch_size_level0) write.',
    });
  }
  checkPlaces(slide, file, path);
  if (level === undefined) return readingAt(slide, patchSize, patchSizeLevel0 / patchSize);
  if (typeof level !== 'number' || !(level in slide.levels)) {
    throw otherSlide(
      path,
      `has patches of level ${String(level)}, the slide ${slide.path} has ${slide.levels.length}.`,
    );
  }
  return { patchSize, patchSizeLevel0, level, readSize: patchSize, resampled: false };
}

function isSide(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function checkPlaces({ levels, path: slide }: SlideReader, { coords, attributes }: CoordsFile, path: string): void {
  const { width, height } = levels[0] as SlideLevel;
  const { level0_width: madeOf = width, level0_height: high = height } = attributes;
  if (madeOf !== width || high !== height) {
    throw otherSlide(path, `is of a slide of ${madeOf} × ${high} pixels, ${slide} has ${width} × ${height}.`);
  }
  for (let i = 0; i < coords.length; i += 2) {
    const [x, y] = [coords[i] as number, coords[i + 1] as number];
    if (x < width && y < height) continue;
    throw otherSlide(path, `has a patch at (${x}, ${y}), beyond ${slide} of ${width} × ${height} pixels.`);
  }
}

function otherSlide(path: string, what: string): MhimError {
  return new MhimError(what, { code: 'data', path, hint: 'Is it the file of this slide?' });
}
