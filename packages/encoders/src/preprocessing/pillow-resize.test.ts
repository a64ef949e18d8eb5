import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { resizeLikePillow } from './pillow-resize.js';
import type { ResamplingFilter } from './resampling-taps.js';

const image = {
  data: Uint8Array.from({ length: 3 * 53 * 37 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255),
  width: 53,
  height: 37,
};

/** Checksums of what Pillow 13.0 gives for the same image, of which these shapes are as in Pillow 12. */
describe('resizeLikePillow', () => {
  test.each<[ResamplingFilter, number, number, number]>([
    ['bilinear', 20, 15, 874380774],
    ['bilinear', 90, 70, 3859463174],
    ['bilinear', 53, 12, 3676628777],
    ['bicubic', 20, 15, 3562996734],
    ['bicubic', 90, 70, 105850526],
    ['bicubic', 53, 12, 3794965957],
    ['lanczos', 20, 15, 1155708369],
    ['lanczos', 90, 70, 3375947813],
    ['lanczos', 53, 12, 3106595384],
  ])('%s to %i × %i is Pillow’s, byte for byte', (filter, width, height, checksum) => {
    expect(crc32(resizeLikePillow(image, width, height, filter).data)).toBe(checksum);
  });

  test('takes a box of fractions', () => {
    expect(crc32(resizeLikePillow(image, 10, 9, 'lanczos', [0, 0, 50.6, 36.4]).data)).toBe(2380941732);
  });

  test('refuses a size that cannot be', () => {
    expect(() => resizeLikePillow(image, 0, 5, 'bicubic')).toThrow(/cannot be resized to 0 × 5/);
  });
});
