import { MhimError } from '@mhim/tensor';
import type { RgbImage } from '../image.js';
import { resamplingTaps, type ResamplingFilter } from './resampling-taps.js';

/** Pillow's weights are multiples of 2⁻²². */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** The part of an image that is resized, in pixels: left, upper, right, lower; fractions count. */
export type Box = readonly [number, number, number, number];

/**
 * Resizes as Pillow ≤ 12 does (`Image.resize`), byte for byte: columns first, then rows, each in integers with bytes in between.
 * An axis whose size stays is left alone.
 * @throws MhimError `config` for a size below 1 × 1
 */
export function resizeLikePillow(
  image: RgbImage,
  width: number,
  height: number,
  filter: ResamplingFilter,
  box: Box = [0, 0, image.width, image.height],
): RgbImage {
  if (!(Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0)) {
    throw new MhimError(`an image cannot be resized to ${width} × ${height}.`, {
      code: 'config',
      hint: 'Expected whole numbers from 1.',
    });
  }
  // Pillow's box is of float32, which moves a fraction's last digits.
  const [left, upper, right, lower] = box.map(Math.fround) as [...Box];
  const columns: Axis = { size: width, filter, part: [left, right] };
  const rows: Axis = { size: height, filter, part: [upper, lower] };
  const wide = stays(image.width, columns) ? image : alongRows(image, columns);
  return stays(image.height, rows) ? wide : alongColumns(wide, rows);
}

/** What becomes of an axis. */
interface Axis {
  readonly size: number;
  readonly filter: ResamplingFilter;
  readonly part: readonly [number, number];
}

function stays(input: number, { size, part }: Axis): boolean {
  return size === input && part[0] === 0 && part[1] === size;
}

function alongRows({ data, width, height }: RgbImage, axis: Axis): RgbImage {
  const { first, count, weights, stride } = integerTaps(width, axis);
  const newWidth = axis.size;
  const result = new Uint8Array(3 * newWidth * height);
  for (let y = 0, to = 0; y < height; y++) {
    const row = 3 * width * y;
    for (let x = 0; x < newWidth; x++, to += 3) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let from = row + 3 * (first[x] as number);
      const begin = x * stride;
      const end = begin + (count[x] as number);
      for (let k = begin; k < end; k++, from += 3) {
        const weight = weights[k] as number;
        red += weight * (data[from] as number);
        green += weight * (data[from + 1] as number);
        blue += weight * (data[from + 2] as number);
      }
      result[to] = toByte(red);
      result[to + 1] = toByte(green);
      result[to + 2] = toByte(blue);
    }
  }
  return { data: result, width: newWidth, height };
}

function alongColumns({ data, width, height }: RgbImage, axis: Axis): RgbImage {
  const { first, count, weights, stride } = integerTaps(height, axis);
  const newHeight = axis.size;
  const rowBytes = 3 * width;
  const result = new Uint8Array(rowBytes * newHeight);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < newHeight; y++) {
    sums.fill(HALF);
    for (let k = 0; k < (count[y] as number); k++) {
      const weight = weights[y * stride + k] as number;
      const from = ((first[y] as number) + k) * rowBytes;
      for (let i = 0; i < rowBytes; i++) (sums[i] as number) += weight * (data[from + i] as number);
    }
    const to = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) result[to + i] = toByte(sums[i] as number);
  }
  return { data: result, width, height: newHeight };
}

/** Weights in units of 2⁻²², rounded half away from zero; a sum of them times bytes stays within 32 bits. */
function integerTaps(input: number, { size, filter, part }: Axis) {
  const { first, count, weights, stride } = resamplingTaps(input, size, filter, part);
  const rounded = Int32Array.from(weights, (weight) =>
    Math.trunc(weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5)),
  );
  return { first, count, weights: rounded, stride };
}

function toByte(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
