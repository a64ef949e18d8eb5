/** By Pillow's names. */
export type ResamplingFilter = 'bilinear' | 'bicubic' | 'lanczos';

/** Which inputs make each output along one axis, and with which weights. */
export interface ResamplingTaps {
  /** First input of each output. */
  readonly first: Int32Array;
  /** Number of inputs of each output. */
  readonly count: Int32Array;
  /** Weights that sum to 1, `stride` of them an output, of which the first `count` are meant. */
  readonly weights: Float64Array;
  readonly stride: number;
}

interface Kernel {
  readonly support: number;
  at(x: number): number;
}

/** Keys 1981 with a = −½, as Pillow and antialiasing PyTorch have it. */
const A = -0.5;

const kernels: Readonly<Record<ResamplingFilter, Kernel>> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    at: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
    },
  },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/**
 * The taps of an axis resampled from `input` to `output` samples: the filter is widened when shrinking, so that it
 * averages. Pillow's `resize` and PyTorch's `interpolate(antialias=True)` share them.
 * @param part of the input that is resampled, fractions count; default all of it
 */
export function resamplingTaps(
  input: number,
  output: number,
  filter: ResamplingFilter,
  [from, to]: readonly [number, number] = [0, input],
): ResamplingTaps {
  const { support, at } = kernels[filter];
  const scale = (to - from) / output;
  const widening = Math.max(1, scale);
  const narrowing = 1 / widening;
  const reach = support * widening;
  const stride = 2 * Math.ceil(reach) + 1;
  const [first, count] = [new Int32Array(output), new Int32Array(output)];
  const weights = new Float64Array(output * stride);
  for (let i = 0; i < output; i++) {
    const centre = from + (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(input, Math.trunc(centre + reach + 0.5));
    let sum = 0;
    for (let j = start; j < end; j++) {
      const weight = at((j - centre + 0.5) * narrowing);
      weights[i * stride + j - start] = weight;
      sum += weight;
    }
    if (sum !== 0) for (let j = 0; j < end - start; j++) (weights[i * stride + j] as number) /= sum;
    first[i] = start;
    count[i] = end - start;
  }
  return { first, count, weights, stride };
}
