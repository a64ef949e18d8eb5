import type { Bag } from './bag.js';
import type { BagSource } from './bag-source.js';

/** Mean and scale of every feature, fitted on training instances only. */
export interface Standardiser {
  mean: Float32Array;
  /** Population standard deviation; 1 where a feature never varies. */
  std: Float32Array;
}

/** Fits a {@link Standardiser} on all instances of the given (training) bags, in double precision and one pass. */
export async function fitStandardiser(source: BagSource, train: readonly number[]): Promise<Standardiser> {
  const { width } = source;
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  let count = 0;
  for (const index of train) {
    const { features, instances } = await source.read(index);
    for (let i = 0; i < instances; i++) {
      const share = 1 / ++count;
      // Welford's update, which does not cancel when values are far from zero.
      for (let j = 0; j < width; j++) {
        const delta = (features[i * width + j] as number) - (mean[j] as number);
        const updated = (mean[j] as number) + delta * share;
        mean[j] = updated;
        squares[j] = (squares[j] as number) + delta * ((features[i * width + j] as number) - updated);
      }
    }
  }
  // Rounded first: a deviation that float32 has no number for is none.
  const std = Float32Array.from(squares, (sum) => Math.fround(Math.sqrt(sum / Math.max(1, count))) || 1);
  return { mean: Float32Array.from(mean), std };
}

/** The bag with features (x − mean)/std; the given bag stays as it is. */
export function standardise(bag: Bag, { mean, std }: Standardiser): Bag {
  const { features, width } = bag;
  const result = new Float32Array(features.length);
  for (let at = 0; at < features.length; at += width) {
    for (let j = 0; j < width; j++) {
      result[at + j] = ((features[at + j] as number) - (mean[j] as number)) / (std[j] as number);
    }
  }
  return { ...bag, features: result };
}
