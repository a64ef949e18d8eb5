/* Helpers of this package's tests; not published. */
import type { RgbImage } from './image.js';

/** Bytes without structure that any language can make: (7·i² + 37·i + 11) mod 256. */
export function madeImage(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (((i * i) % 256) * 7 + i * 37 + 11) % 256);
  return { data, width, height };
}
