import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/** A way to lay n tokens out in equal groups, within which attention acts. */
export interface TokenGroups {
  /** Number g of groups. */
  readonly count: number;
  /** Tokens t of a group. */
  readonly size: number;
  /** [n, c] → [g, t, c]; places that no token takes hold zeros. */
  into(rows: tf.Tensor2D): tf.Tensor3D;
  /** [g, t, c] → [n, c] */
  outOf(groups: tf.Tensor3D): tf.Tensor2D;
}

/** Consecutive tokens in `count` groups of `size`. */
export function consecutiveGroups(count: number, size: number): TokenGroups {
  return {
    count,
    size,
    into: (rows) => tf.reshape(rows, [count, size, rows.shape[1]]),
    outOf: (groups) => tf.reshape(groups, [count * size, groups.shape[2]]),
  };
}

export interface RegionOptions {
  /** Regions along each side of the grid, default 8. */
  regions?: number;
  /** Tokens along each side of a region; above 0 it decides in place of `regions`. Default 0. */
  regionSize?: number;
  /** A bag of fewer instances is one region. Default 0. */
  minInstances?: number;
  /** A bag whose padding exceeds n divided by this is one region. Default 0: none is. */
  minRegionRatio?: number;
}

/**
 * Instances in their order, row by row on the smallest square grid whose side the regions divide, with zero tokens
 * behind the last one (R2T-MIL §3.2). A group is one region, its tokens row by row.
 */
export class RegionGrid implements TokenGroups {
  readonly count: number;
  readonly size: number;
  /** Tokens along each side of the grid. */
  readonly side: number;
  /** Tokens along each side of a region. */
  readonly regionSize: number;
  /** Zero tokens behind the instances. */
  readonly padding: number;

  /** @param instances their number n, at least 1 */
  constructor(
    readonly instances: number,
    { regions = 8, regionSize = 0, minInstances = 0, minRegionRatio = 0 }: RegionOptions = {},
  ) {
    this.side = sideFor(instances, regionSize > 0 ? regionSize : regions);
    this.regionSize = regionSize > 0 ? regionSize : this.side / regions;
    const padding = this.side ** 2 - instances;
    if (instances < minInstances || padding > instances / (minRegionRatio + 1e-8)) {
      this.side = this.regionSize = sideFor(instances, 2);
    }
    this.padding = this.side ** 2 - instances;
    this.count = (this.side / this.regionSize) ** 2;
    this.size = this.regionSize ** 2;
  }

  into(rows: tf.Tensor2D): tf.Tensor3D {
    return differentiable((x: tf.Tensor2D) => ({
      value: this.partition(x),
      save: [],
      gradient: (dy) => [() => this.merge(dy)],
    }))(rows);
  }

  outOf(groups: tf.Tensor3D): tf.Tensor2D {
    return differentiable((x: tf.Tensor3D) => ({
      value: this.merge(x),
      save: [],
      gradient: (dy) => [() => this.partition(dy)],
    }))(groups);
  }

  private partition(rows: tf.Tensor2D): tf.Tensor3D {
    const { count, size, side, regionSize, padding } = this;
    const channels = rows.shape[1];
    const along = side / regionSize;
    return tf.tidy(() => {
      const padded = tf.pad2d(rows, [
        [0, padding],
        [0, 0],
      ]);
      const grid: tf.Tensor5D = tf.reshape(padded, [along, regionSize, along, regionSize, channels]);
      return tf.reshape(tf.transpose(grid, [0, 2, 1, 3, 4]), [count, size, channels]);
    });
  }

  private merge(groups: tf.Tensor3D): tf.Tensor2D {
    const { side, regionSize, instances } = this;
    const channels = groups.shape[2];
    const along = side / regionSize;
    return tf.tidy(() => {
      const regions: tf.Tensor5D = tf.reshape(groups, [along, along, regionSize, regionSize, channels]);
      const rows: tf.Tensor2D = tf.reshape(tf.transpose(regions, [0, 2, 1, 3, 4]), [side ** 2, channels]);
      return tf.slice(rows, [0, 0], [instances, channels]);
    });
  }
}

/** The least multiple of `step` that is no less than √n. */
function sideFor(n: number, step: number): number {
  return Math.ceil(Math.ceil(Math.sqrt(n)) / step) * step;
}
