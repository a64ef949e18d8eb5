import { encode } from 'fast-png';
import { writeFileAtomic } from '@mhim/tensor';
import type { RgbImage } from './rgb-image.js';

/** Writes a picture as PNG, atomically. */
export function writePng(path: string, { data, width, height }: RgbImage): void {
  writeFileAtomic(path, encode({ data, width, height, depth: 8, channels: 3 }));
}
