/* Helpers of this package's tests; not published. */
import type { RgbImage } from './image.js';

/** Bytes without structure that any language can make: (7·i² + 37·i + 11) mod 256. */
export function madeImage(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (((i * i) % 256) * 7 + i * 37 + 11) % 256);
  return { data, width, height };
}

/** Numbers in [offset − scale, offset + scale) that any language can make: a hash of position and seed. */
export function madeNumbers(count: number, seed: number, scale = 1, offset = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let h = (Math.imul(i + 1, 0x9e3779b1) + seed) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) >>> 0;
    return ((h >>> 8) / 0x800000 - 1) * scale + offset;
  });
}
