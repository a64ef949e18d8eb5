import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { noise } from '../test-helpers.js';
import { BlockReducer, resize, type Filter } from './resample.js';

const image = { data: noise(3 * 53 * 37), width: 53, height: 37 };

/** Checksums of what Pillow 13.0 gives for the same picture. */
describe('resize', () => {
  test.each<[Filter, number, number, number]>([
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
    expect(crc32(resize(image, width, height, filter).data)).toBe(checksum);
  });

  test('takes a box of fractions', () => {
    expect(crc32(resize(image, 10, 9, 'lanczos', [0, 0, 50.6, 36.4]).data)).toBe(2380941732);
  });

  test('refuses a size that cannot be', () => {
    expect(() => resize(image, 0, 5, 'bicubic')).toThrow(/cannot be resized to 0 × 5/);
  });
});

test('blocks are averaged as Pillow does, in strips too', () => {
  for (const [x, y, checksum] of [
    [2, 2, 3098216370],
    [3, 5, 2512377125],
  ] as const) {
    const reducer = new BlockReducer(53, 37, x, y);
    for (let top = 0; top < 37; top += 10) {
      const height = Math.min(10, 37 - top);
      reducer.add(top, { data: image.data.subarray(3 * 53 * top, 3 * 53 * (top + height)), width: 53, height });
    }
    expect(crc32(reducer.image().data)).toBe(checksum);
  }
});
