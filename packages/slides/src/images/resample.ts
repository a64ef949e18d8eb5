import { MhimError } from '@mhim/tensor';
import type { RgbImage } from './rgb-image.js';

/** Resampling filters, by Pillow's names. */
export type Filter = 'bilinear' | 'bicubic' | 'lanczos';

/** The part of a picture that is resampled, in pixels: left, upper, right, lower; fractions count. */
export type Box = readonly [number, number, number, number];

/**
 * Resizes as Pillow does (`Image.resize`), byte for byte: antialiasing filters with coefficients in whole numbers of 2^-22,
 * rows first, then columns, each rounded to bytes.
 * @throws MhimError `config` for a size below 1 × 1
 */
export function resize(image: RgbImage, width: number, height: number, filter: Filter, box?: Box): RgbImage {
  if (!(Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0)) {
    throw new MhimError(`a picture cannot be resized to ${width} × ${height}.`, {
      code: 'config',
      hint: 'Expected whole numbers from 1.',
    });
  }
  // Pillow's box is of float32, which moves a fraction's last digits.
  const [left, upper, right, lower] = (box ?? [0, 0, image.width, image.height]).map(Math.fround) as [...Box];
  const columns = coefficients(image.width, left, right, width, filter);
  const rows = coefficients(image.height, upper, lower, height, filter);
  let { data } = image;
  const sameWidth = width === image.width && left === 0 && right === width;
  const sameHeight = height === image.height && upper === 0 && lower === height;
  if (!sameWidth) data = resampleRows(data, image.width, image.height, columns);
  if (!sameHeight) data = resampleColumns(data, width, rows);
  return { data: data === image.data ? data.slice() : data, width, height };
}

/** Weights of the input pixels of every output pixel, along one axis. */
interface Coefficients {
  /** First input pixel of each output pixel. */
  first: Int32Array;
  count: Int32Array;
  /** [outputs, taps], whole numbers of 2^-22. */
  weights: Int32Array;
  taps: number;
}

const PRECISION = 22;

function coefficients(inputs: number, from: number, to: number, outputs: number, filter: Filter): Coefficients {
  const { support: reach, weight } = filters[filter];
  const scale = (to - from) / outputs;
  const stretch = Math.max(1, scale);
  const support = reach * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weights = new Int32Array(outputs * taps);
  const row = new Float64Array(taps);
  for (let i = 0; i < outputs; i++) {
    const centre = from + (i + 0.5) * scale;
    const inverse = 1 / stretch;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inputs, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let k = 0; k < end - start; k++) {
      row[k] = weight((k + start - centre + 0.5) * inverse);
      sum += row[k] as number;
    }
    for (let k = 0; k < end - start; k++) {
      const share = sum === 0 ? (row[k] as number) : (row[k] as number) / sum;
      weights[i * taps + k] = Math.trunc((share < 0 ? -0.5 : 0.5) + share * 2 ** PRECISION);
    }
    first[i] = start;
    count[i] = end - start;
  }
  return { first, count, weights, taps };
}

const filters: Record<Filter, { support: number; weight: (x: number) => number }> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight: (x) => {
      const [a, t] = [-0.5, Math.abs(x)];
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

function resampleRows(data: Uint8Array, width: number, height: number, plan: Coefficients): Uint8Array {
  const { first, count, weights, taps } = plan;
  const outputs = first.length;
  const result = new Uint8Array(3 * outputs * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < outputs; x++) {
      let [red, green, blue] = [1 << (PRECISION - 1), 1 << (PRECISION - 1), 1 << (PRECISION - 1)];
      let from = 3 * (y * width + (first[x] as number));
      for (let k = 0, w = x * taps; k < (count[x] as number); k++, w++, from += 3) {
        const weight = weights[w] as number;
        red += (data[from] as number) * weight;
        green += (data[from + 1] as number) * weight;
        blue += (data[from + 2] as number) * weight;
      }
      result[at++] = clip(red);
      result[at++] = clip(green);
      result[at++] = clip(blue);
    }
  }
  return result;
}

function resampleColumns(data: Uint8Array, width: number, plan: Coefficients): Uint8Array {
  const { first, count, weights, taps } = plan;
  const outputs = first.length;
  const stride = 3 * width;
  const result = new Uint8Array(stride * outputs);
  const sums = new Int32Array(stride);
  for (let y = 0; y < outputs; y++) {
    sums.fill(1 << (PRECISION - 1));
    for (let k = 0; k < (count[y] as number); k++) {
      const weight = weights[y * taps + k] as number;
      const from = ((first[y] as number) + k) * stride;
      for (let i = 0; i < stride; i++) sums[i] = (sums[i] as number) + (data[from + i] as number) * weight;
    }
    for (let i = 0; i < stride; i++) result[y * stride + i] = clip(sums[i] as number);
  }
  return result;
}

function clip(sum: number): number {
  return Math.min(255, Math.max(0, sum >> PRECISION));
}

/** Averages blocks of whole pixels, as Pillow's `Image.reduce`; blocks at the right and lower edge may be smaller. */
export class BlockReducer {
  readonly width: number;
  readonly height: number;
  private readonly data: Uint8Array;

  /** @param width size of the picture that will come, with `height` */
  constructor(
    private readonly sourceWidth: number,
    private readonly sourceHeight: number,
    private readonly factorX: number,
    private readonly factorY: number,
  ) {
    this.width = Math.ceil(sourceWidth / factorX);
    this.height = Math.ceil(sourceHeight / factorY);
    this.data = new Uint8Array(3 * this.width * this.height);
  }

  /** Takes rows from `top` on, a multiple of the factor; all strips but the last have a multiple of it, too. */
  add(top: number, strip: RgbImage): void {
    const { factorX, factorY, width } = this;
    for (let y = 0; y < strip.height; y += factorY) {
      const rows = Math.min(factorY, this.sourceHeight - top - y);
      let at = 3 * ((top + y) / factorY) * width;
      for (let x = 0; x < strip.width; x += factorX) {
        const columns = Math.min(factorX, this.sourceWidth - x);
        const pixels = rows * columns;
        let [red, green, blue] = [pixels >> 1, pixels >> 1, pixels >> 1];
        for (let row = 0; row < rows; row++) {
          let from = 3 * ((y + row) * strip.width + x);
          for (let column = 0; column < columns; column++, from += 3) {
            red += strip.data[from] as number;
            green += strip.data[from + 1] as number;
            blue += strip.data[from + 2] as number;
          }
        }
        // Pillow divides by a reciprocal of 32 bits.
        const reciprocal = Math.floor(2 ** 24 / pixels);
        this.data[at++] = (red * reciprocal) / 2 ** 24;
        this.data[at++] = (green * reciprocal) / 2 ** 24;
        this.data[at++] = (blue * reciprocal) / 2 ** 24;
      }
    }
  }

  image(): RgbImage {
    return { data: this.data, width: this.width, height: this.height };
  }
}
