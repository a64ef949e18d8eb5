import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { noise } from '../test-helpers.js';
import { BlockReducer } from './block-reducer.js';

const image = { data: noise(3 * 53 * 37), width: 53, height: 37 };

/** Checksums of what Pillow 13.0 gives for the same picture. */
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
