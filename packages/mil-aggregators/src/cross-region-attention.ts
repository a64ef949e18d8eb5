import * as tf from '@tensorflow/tfjs';
import { differentiable, kaimingUniform, Module, type Call, type Rng } from '@mhim/tensor';
import { GroupAttention, type GroupAttentionConfig } from './group-attention.js';
import { consecutiveGroups, RegionGrid } from './token-groups.js';

export interface CrossRegionAttentionConfig extends Omit<GroupAttentionConfig, 'epegKernel'> {
  /** Summaries k of each region, default 3. */
  summaries?: number;
  /** Regions along each side of the grid, default 8. */
  regions?: number;
}

/**
 * Cross-region multi-head self-attention, CR-MSA (R2T-MIL §3.3): each region is summed up in k tokens, the k-th tokens of
 * all regions attend to each other, and every instance takes from its region's tokens by its own weights.
 * State: `phi` [d, k], `attn.*`.
 */
export class CrossRegionAttention extends Module {
  readonly config: CrossRegionAttentionConfig;
  private readonly phi: tf.Variable<tf.Rank.R2>;
  private readonly attention: GroupAttention;

  constructor(config: CrossRegionAttentionConfig, rng: Rng) {
    super();
    this.config = config;
    const { dim, summaries = 3 } = config;
    // Officially Kaiming's rule, which takes the second axis for the fan-in: U(±1/√k).
    this.phi = this.parameter('phi', kaimingUniform(Math.sqrt(5))<tf.Rank.R2>([dim, summaries], rng));
    this.attention = this.child('attn', new GroupAttention({ ...config, epegKernel: 0 }, rng));
  }

  /** Instances [n, d] in their order → [n, d]. */
  forward(instances: tf.Tensor2D, call: Call = {}): tf.Tensor2D {
    const grid = this.grid(instances.shape[0]);
    const { count, size } = grid;
    const [dim, summaries] = this.phi.shape;
    const tokens = grid.into(instances);
    const scores: tf.Tensor2D = tf.matMul(tf.reshape(tokens, [count * size, dim]), this.phi);
    const byInstance: tf.Tensor3D = tf.reshape(scores, [count, size, summaries]);
    const bySummary: tf.Tensor3D = tf.transpose(byInstance, [0, 2, 1]);
    const dispatch: tf.Tensor3D = tf.transpose(tf.softmax(byInstance), [0, 2, 1]);
    const summed: tf.Tensor3D = tf.matMul(tf.softmax(bySummary), tokens);
    const given: tf.Tensor3D = tf.matMul(
      tf.mul(minMax(bySummary), dispatch) as tf.Tensor3D,
      this.attendAcross(summed, call),
      true,
    );
    return grid.outOf(given);
  }

  /** Where n instances lie. */
  grid(n: number): RegionGrid {
    return new RegionGrid(n, { regions: this.config.regions });
  }

  /** Summaries [g, k, d] → [g, k, d]; each attends to those of the same place in all regions. */
  private attendAcross(summed: tf.Tensor3D, call: Call): tf.Tensor3D {
    const [regions, summaries, dim] = summed.shape;
    const rows: tf.Tensor2D = tf.reshape(tf.transpose(summed, [1, 0, 2]), [summaries * regions, dim]);
    const attended = this.attention.forward(rows, consecutiveGroups(summaries, regions), call);
    return tf.transpose(tf.reshape(attended, [summaries, regions, dim]), [1, 0, 2]) as tf.Tensor3D;
  }
}

/** Keeps min–max scaling finite where all are equal. */
const MIN_MAX_EPSILON = 1e-8;

/**
 * Scales the last axis to [0, 1] by its smallest and largest value. Their gradients go to one place each, as PyTorch's
 * do, also among equal ones. [g, k, t] → [g, k, t]
 */
const minMax = differentiable((x: tf.Tensor3D) => {
  const least = tf.min(x, -1, true);
  const range = tf.add(tf.sub(tf.max(x, -1, true), least), MIN_MAX_EPSILON);
  const scaled: tf.Tensor3D = tf.div(tf.sub(x, least), range);
  return {
    value: scaled,
    save: [x, scaled, range],
    gradient: (dy, saved) => {
      const [input, y, spread] = saved as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
      const places = tf.range(0, input.shape[2], 1, 'int32');
      const at = (index: tf.Tensor) => tf.cast(tf.equal(tf.expandDims(index, -1), places), 'float32');
      const direct: tf.Tensor3D = tf.div(dy, spread);
      const dLargest = tf.neg(tf.sum(tf.mul(direct, y), -1, true));
      const dLeast = tf.sub(tf.neg(tf.sum(direct, -1, true)), dLargest);
      const toLeast = tf.mul(at(tf.argMin(input, -1)), dLeast);
      const toLargest = tf.mul(at(tf.argMax(input, -1)), dLargest);
      return [tf.addN([direct, toLeast, toLargest])];
    },
  };
});
