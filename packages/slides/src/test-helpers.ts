import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { RgbImage } from './images/rgb-image.js';
import { loadOpenSlide } from './openslide/library.js';

/** Whether slides can be read here; `npm test` sets OpenSlide up, unless there is no network. */
export const hasOpenSlide = await loadOpenSlide().then(
  () => true,
  () => false,
);
if (!hasOpenSlide) console.warn('OpenSlide is not here: tests that read slides are skipped.');

/** A folder that is removed after the tests of the file; gives paths in it. */
export function temporaryFolder(): (...parts: string[]) => string {
  const folder = mkdtempSync(join(tmpdir(), 'mhim-slides-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (...parts) => join(folder, ...parts);
}

/** A picture whose pixels a function gives. */
export function picture(width: number, height: number, pixel: (x: number, y: number) => readonly number[]): RgbImage {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(pixel(x, y), 3 * (y * width + x));
  return { data, width, height };
}

export const GLASS = [244, 243, 245] as const;
const STAIN = [180, 70, 150] as const;

/** Glass with two pieces of tissue, one of them with a hole; `scale` times coarser than 1024 × 768. */
export function tissuePicture(scale = 1): RgbImage {
  const within = (x: number, y: number, cx: number, cy: number, r: number) => (x - cx) ** 2 + (y - cy) ** 2 < r * r;
  return picture(1024 / scale, 768 / scale, (column, row) => {
    const [x, y] = [column * scale, row * scale];
    const hole = within(x, y, 300, 300, 90);
    const tissue = (within(x, y, 300, 300, 220) && !hole) || within(x, y, 760, 420, 150);
    // A little structure, so that patches differ.
    return tissue ? [STAIN[0] - (x % 32), STAIN[1] + (y % 32), STAIN[2]] : GLASS;
  });
}

export function blankPicture(width = 512, height = 512): RgbImage {
  return picture(width, height, () => GLASS);
}

/** A tiled, uncompressed pyramidal TIFF, which OpenSlide reads as `generic-tiff`. */
export function writeTiff(path: string, levels: readonly RgbImage[], { mpp }: { mpp?: number } = {}): void {
  const SIDE = 256;
  const chunks: Buffer[] = [];
  let size = 0;
  const add = (bytes: Buffer): number => {
    const at = size;
    chunks.push(bytes);
    size += bytes.length;
    return at;
  };
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  add(header);
  let link: (offset: number) => void = (offset) => header.writeUInt32LE(offset, 4);
  levels.forEach(({ data, width, height }, index) => {
    const offsets: number[] = [];
    for (let top = 0; top < height; top += SIDE) {
      for (let left = 0; left < width; left += SIDE) {
        const tile = Buffer.alloc(3 * SIDE * SIDE);
        for (let y = 0; y < Math.min(SIDE, height - top); y++) {
          const from = 3 * ((top + y) * width + left);
          tile.set(data.subarray(from, from + 3 * Math.min(SIDE, width - left)), 3 * y * SIDE);
        }
        offsets.push(add(tile));
      }
    }
    const words = (values: readonly number[]) => {
      const bytes = Buffer.alloc(4 * values.length);
      values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
      return bytes;
    };
    const LONG = 4;
    const RATIONAL = 5;
    const perCentimetre = mpp === undefined ? [] : [Math.round(1e7 / mpp), 1000];
    const tags: [tag: number, type: number, values: number[]][] = [
      [254, LONG, [index === 0 ? 0 : 1]],
      [256, LONG, [width]],
      [257, LONG, [height]],
      [258, 3, [8, 8, 8]],
      [259, LONG, [1]],
      [262, LONG, [2]],
      [277, LONG, [3]],
      ...(mpp === undefined
        ? []
        : ([282, 283].map((tag) => [tag, RATIONAL, perCentimetre]) as [number, number, number[]][])),
      [284, LONG, [1]],
      ...(mpp === undefined ? [] : ([[296, LONG, [3]]] as [number, number, number[]][])),
      [322, LONG, [SIDE]],
      [323, LONG, [SIDE]],
      [324, LONG, offsets],
      [325, LONG, offsets.map(() => 3 * SIDE * SIDE)],
    ];
    const entries = tags.map(([tag, type, values]) => {
      const entry = Buffer.alloc(12);
      entry.writeUInt16LE(tag, 0);
      entry.writeUInt16LE(type, 2);
      entry.writeUInt32LE(type === RATIONAL ? 1 : values.length, 4);
      if (type === 3) entry.writeUInt32LE(add(Buffer.from(Uint16Array.from(values).buffer)), 8);
      else entry.writeUInt32LE(values.length === 1 ? (values[0] as number) : add(words(values)), 8);
      return entry;
    });
    const count = Buffer.alloc(2);
    count.writeUInt16LE(tags.length);
    const next = Buffer.alloc(4);
    link(add(count));
    add(Buffer.concat(entries));
    add(next);
    link = (offset) => next.writeUInt32LE(offset);
  });
  writeFileSync(path, Buffer.concat(chunks));
}

/** Bytes that look random and are the same everywhere. */
export function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
}
