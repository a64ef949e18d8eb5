import type * as tf from '@tensorflow/tfjs';
import { Module, type Call, type Rng } from '@mhim/tensor';
import { GroupAttention, type GroupAttentionConfig } from './group-attention.js';
import { RegionGrid, type RegionOptions } from './token-groups.js';

export interface RegionAttentionConfig extends GroupAttentionConfig, RegionOptions {}

/** Regions along each side of the grid for bags above {@link LARGE_BAG}, whatever was asked for. */
const REGIONS_OF_LARGE_BAG = 16;
const LARGE_BAG = 100_000;
/** Fewer regions than these are for training only. */
const LEAST_REGIONS_AT_INFERENCE = 8;

/** Region multi-head self-attention, R-MSA (R2T-MIL §3.2): instances attend to those of their region. State: `attn.*`. */
export class RegionAttention extends Module {
  readonly config: RegionAttentionConfig;
  private readonly attention: GroupAttention;

  constructor(config: RegionAttentionConfig, rng: Rng) {
    super();
    this.config = config;
    this.attention = this.child('attn', new GroupAttention(config, rng));
  }

  /** Instances [n, d] in their order → [n, d]. */
  forward(instances: tf.Tensor2D, call: Call = {}): tf.Tensor2D {
    return this.attention.forward(instances, this.grid(instances.shape[0], call), call);
  }

  /**
   * Where n instances lie. As in the official code, bags above 100,000 instances get 16 regions a side, and inference
   * takes at least 8, even of a model trained with fewer.
   */
  grid(n: number, { training = false }: Call = {}): RegionGrid {
    const { regions: asked = 8 } = this.config;
    const regions = n > LARGE_BAG ? REGIONS_OF_LARGE_BAG : asked;
    return new RegionGrid(n, {
      ...this.config,
      regions: training ? regions : Math.max(regions, LEAST_REGIONS_AT_INFERENCE),
    });
  }
}
