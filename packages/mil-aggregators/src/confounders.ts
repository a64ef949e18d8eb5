import { MhimError, type HostTensor } from '@mhim/tensor';

export interface ConfounderOptions {
  /** Of the first centres, default 66 as in the code of Lin et al. 2023. */
  seed?: number;
  /** Most rounds of Lloyd's algorithm, default 20. */
  iterations?: number;
}

/**
 * The confounder dictionary of IBMIL (Lin et al. 2023 §3, stage 2): k-means over the directions of bag vectors, then the mean of
 * each cluster's vectors as they were.
 * @param bagVectors the bag embeddings of all training bags by the model of the first stage, [d] each
 * @param confounders K, the number of clusters
 * @returns [K, d]
 * @throws MhimError `data` when fewer than K bag vectors differ in direction, `config` unless K is a whole number above 0
 */
export async function confounderDictionary(
  bagVectors: readonly ArrayLike<number>[],
  confounders: number,
  { seed = 66, iterations = 20 }: ConfounderOptions = {},
): Promise<HostTensor> {
  if (!Number.isInteger(confounders) || confounders < 1) {
    throw new MhimError(`expected a whole number above 0, got ${confounders}.`, {
      code: 'config',
      path: 'confounders',
    });
  }
  const directions = bagVectors.map(unit);
  const different = new Set(directions.map((direction) => direction.join())).size;
  if (different < confounders) {
    throw new MhimError(`${bagVectors.length} training bags give ${different} different bag vectors.`, {
      code: 'data',
      path: 'confounders',
      hint: `A dictionary of ${confounders} needs as many; ask for fewer.`,
    });
  }
  // Loaded here because it brings a large library, and all aggregators share this package.
  const { kmeans } = await import('ml-kmeans');
  const clusters = kmeans(directions, confounders, { seed, maxIterations: iterations, tolerance: 0 });
  const nearest = clusters.nearest(directions);
  const members = clusters.centroids.map((centre, k) => {
    const own = bagVectors.filter((_, i) => nearest[i] === k);
    return own.length > 0 ? own : [bagVectors[closest(directions, centre)] as ArrayLike<number>];
  });
  const dim = directions[0]?.length ?? 0;
  const data = Float32Array.from({ length: confounders * dim }, (_, at) =>
    mean((members[Math.floor(at / dim)] as ArrayLike<number>[]).map((vector) => vector[at % dim] as number)),
  );
  return { dtype: 'F32', shape: [confounders, dim], data };
}

/** The vector over its length; a zero vector stays. */
function unit(vector: ArrayLike<number>): number[] {
  const values = Array.from(vector);
  const length = Math.hypot(...values) || 1;
  return values.map((value) => value / length);
}

/** Which direction is nearest to a centre that lost all its members on the way. */
function closest(directions: readonly number[][], centre: readonly number[]): number {
  const distances = directions.map((direction) =>
    direction.reduce((sum, x, j) => sum + (x - (centre[j] as number)) ** 2, 0),
  );
  return distances.indexOf(Math.min(...distances));
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
