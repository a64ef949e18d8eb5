import type * as tf from '@tensorflow/tfjs';
import { dropout, Linear, MhimError, Module, xavierNormal, zeros, type Call, type Rng } from '@mhim/tensor';
import { attendInGroups } from './attend-in-groups.js';
import type { TokenGroups } from './token-groups.js';

export interface GroupAttentionConfig {
  /** Width d of the tokens. */
  dim: number;
  /** Default 8; has to divide d. */
  heads?: number;
  /** Bias of queries, keys and values, default true. */
  qkvBias?: boolean;
  /** Taps of the position-encoding filter of each head; odd, or 0 for none. Default 0. */
  epegKernel?: number;
  /** On the result, default 0.1. */
  dropout?: number;
}

export const groupAttentionDefaults = { heads: 8, qkvBias: true, epegKernel: 0, dropout: 0.1 } as const;

/**
 * Multi-head self-attention within groups of tokens (Vaswani et al. 2017 §3.2), with the embedded position-encoding
 * generator of R2T-MIL §3.2 where asked for. State: `qkv.*`, `proj.*` and, with filters, `pe.weight` [h, 1, k, 1],
 * `pe.bias` [h].
 */
export class GroupAttention extends Module {
  readonly config: Required<GroupAttentionConfig>;
  private readonly qkv: Linear;
  private readonly proj: Linear;
  private readonly epeg?: PositionFilters;

  /** @throws MhimError `config` for heads that do not divide the width, or an even kernel */
  constructor(config: GroupAttentionConfig, rng: Rng) {
    super();
    const { dim, heads, qkvBias, epegKernel } = (this.config = { ...groupAttentionDefaults, ...config });
    if (dim % heads !== 0) {
      throw new MhimError(`${heads} heads do not divide a width of ${dim}.`, { code: 'config', path: 'heads' });
    }
    if (epegKernel > 0 && epegKernel % 2 === 0) {
      throw new MhimError(`expected an odd number of taps, got ${epegKernel}.`, { code: 'config', path: 'epegKernel' });
    }
    const weightInit = xavierNormal;
    this.qkv = this.child('qkv', new Linear(dim, 3 * dim, rng, { bias: qkvBias, weightInit }));
    this.proj = this.child('proj', new Linear(dim, dim, rng, { weightInit }));
    if (epegKernel > 0) this.epeg = this.child('pe', new PositionFilters(heads, epegKernel, rng));
  }

  /** Tokens [n, d] → [n, d]; each attends to those of its group. */
  forward(tokens: tf.Tensor2D, groups: TokenGroups, call: Call = {}): tf.Tensor2D {
    const { qkv, epeg, config } = this;
    const weights = { qkv: qkv.weight, qkvBias: qkv.bias, taps: epeg?.weight, tapsBias: epeg?.bias };
    const context = attendInGroups(tokens, weights, groups, config.heads);
    return dropout(this.proj.forward(context), config.dropout, call);
  }
}

/** A depthwise convolution's state, one channel a head. */
class PositionFilters extends Module {
  readonly weight: tf.Variable<tf.Rank.R4>;
  readonly bias: tf.Variable<tf.Rank.R1>;

  constructor(heads: number, taps: number, rng: Rng) {
    super();
    this.weight = this.parameter('weight', xavierNormal<tf.Rank.R4>([heads, 1, taps, 1], rng));
    this.bias = this.parameter('bias', zeros<tf.Rank.R1>([heads], rng));
  }
}
