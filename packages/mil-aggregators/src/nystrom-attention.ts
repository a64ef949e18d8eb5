import * as tf from '@tensorflow/tfjs';
import {
  differentiable,
  dropout,
  Linear,
  MhimError,
  Module,
  torchWeight,
  type Call,
  type Initialiser,
  type Rng,
} from '@mhim/tensor';
import { depthwiseConvolution } from './depthwise-convolution.js';
import { mergeHeads, projectHeads, splitHeads } from './heads.js';
import { landmarkGroups, type LandmarkGroups } from './landmark-groups.js';
import { PseudoInverse } from './pseudo-inverse.js';
import { attend, mixAttention, softmaxOfEqual } from './softmax-attention.js';

export interface NystromAttentionConfig {
  /** Width d of the tokens. */
  dim: number;
  /** Default 8. */
  heads?: number;
  /** Width w of one head, default 64. */
  headDim?: number;
  /** m, default 256. */
  landmarks?: number;
  /** Of the pseudo-inverse, default 6. */
  iterations?: number;
  /** Taps of the depthwise convolution of the values that is added, an odd number; 0 for none. Default 33. */
  residualKernel?: number;
  /** On the result, default 0. */
  dropout?: number;
  weightInit?: Initialiser;
  convolutionInit?: Initialiser;
}

export const nystromAttentionDefaults = {
  heads: 8,
  headDim: 64,
  landmarks: 256,
  iterations: 6,
  residualKernel: 33,
  dropout: 0,
  weightInit: torchWeight,
  convolutionInit: torchWeight,
} as const;

/** What attention gives for every token. */
export interface AttendedTokens {
  /** [n, d] */
  output: tf.Tensor2D;
  /** How much of each token the first one takes, head by head, [h, n]: signed, its sum not 1, and without a gradient. */
  attention: tf.Tensor2D;
  /** [n, h·w] */
  values: tf.Tensor2D;
}

/** Means of consecutive tokens, and their attention to one another; the first of the k may stand for several of zeros. */
export interface Landmarks {
  groups: LandmarkGroups;
  /** Scaled by 1/√w, [h, k, w] */
  queries: tf.Tensor3D;
  /** [h, k, w] */
  keys: tf.Tensor3D;
  /** [h, k, k], the first column for all that the first landmark stands for. */
  attention: tf.Tensor3D;
}

/**
 * Nyström approximation of self-attention (Xiong et al. 2021 eq. 13–15): through m landmarks,
 * softmax(q·k̃ᵀ)·softmax(q̃·k̃ᵀ)⁺·softmax(q̃·kᵀ)·v, in time and memory linear in the number of tokens.
 *
 * The sequence is thought to start with zero tokens up to a multiple of m; they take their share of the softmax over
 * tokens. Where they are many, as in a small bag, none of them is computed more than once ({@link LandmarkGroups}). State: `to_qkv.weight` [3·h·w, d], `to_out.0.weight` [d, h·w], `to_out.0.bias`, `res_conv.weight` [h, 1, taps, 1].
 */
export class NystromAttention extends Module {
  readonly config: Required<NystromAttentionConfig>;
  readonly toQueryKeyValue: Linear;
  readonly toOut: Linear;
  private readonly taps?: tf.Variable<tf.Rank.R4>;

  /** @throws MhimError `config` for a size below 1 or an even residual kernel */
  constructor(config: NystromAttentionConfig, rng: Rng) {
    super();
    const c = (this.config = { ...nystromAttentionDefaults, ...config });
    const { dim, weightInit } = c;
    for (const name of ['heads', 'headDim', 'landmarks'] as const) {
      if (!Number.isInteger(c[name]) || c[name] < 1) {
        throw new MhimError(`expected a positive whole number, got ${c[name]}.`, { code: 'config', path: name });
      }
    }
    if (c.residualKernel > 0 && c.residualKernel % 2 === 0) {
      throw new MhimError(`expected an odd number of taps, got ${c.residualKernel}.`, {
        code: 'config',
        path: 'residualKernel',
      });
    }
    const inner = c.heads * c.headDim;
    this.toQueryKeyValue = this.child('to_qkv', new Linear(dim, 3 * inner, rng, { bias: false, weightInit }));
    this.toOut = this.child('to_out.0', new Linear(inner, dim, rng, { weightInit }));
    if (c.residualKernel > 0) {
      const shape: [number, number, number, number] = [c.heads, 1, c.residualKernel, 1];
      this.taps = this.parameter('res_conv.weight', c.convolutionInit<tf.Rank.R4>(shape, rng));
    }
  }

  /** Tokens [n, d] → the attended tokens. */
  forward(tokens: tf.Tensor2D, call: Call = {}): AttendedTokens {
    const { heads, iterations } = this.config;
    const [wq, wk, wv] = this.weights();
    const { groups, queries, keys, attention } = this.landmarks(tokens);
    const { zeroKeys, equalKeys, equalLandmarks: equal } = groups;
    const inverse = new PseudoInverse(attention, iterations, equal);
    const values: tf.Tensor2D = tf.matMul(tokens, wv, false, true);
    const query = projectHeads(tokens, wq, heads);
    const scaledKeys: tf.Tensor3D = tf.mul(keys, this.scale);
    const first = inverse.transposedTimes(this.column(this.firstRow(query, scaledKeys, equal)));
    const { output: gathered, mixed } = attend(
      queries,
      projectHeads(tokens, wk, heads, zeroKeys),
      splitHeads(values, heads, zeroKeys),
      { mix: this.column(first), equal: equalKeys },
    );
    const { output } = attend(query, scaledKeys, inverse.times(gathered), { equal });
    return {
      output: this.project(this.taps ? tf.add(mergeHeads(output), this.convolved(values)) : mergeHeads(output), call),
      attention: tf.squeeze(this.unpadded(mixed as tf.Tensor3D, tokens.shape[0]), [1]),
      values,
    };
  }

  /**
   * The same for the first token alone, at a fraction of the cost: no other query is needed, and of the values only a
   * weighted sum for each head, which is taken before they are projected.
   * @param tokens [n, d]
   * @returns output [1, d] and the first token's attention [h, n]
   */
  firstToken(tokens: tf.Tensor2D, call: Call = {}): { output: tf.Tensor2D; attention: tf.Tensor2D } {
    const { heads, headDim, iterations } = this.config;
    const n = tokens.shape[0];
    const [wq, wk, wv] = this.weights();
    const { groups, queries, keys, attention } = this.landmarks(tokens);
    const { zeroKeys, equalKeys, equalLandmarks } = groups;
    const inverse = new PseudoInverse(attention, iterations, equalLandmarks);
    const query = projectHeads(tf.slice(tokens, [0, 0], [1, -1]), wq, heads);
    const scaledKeys: tf.Tensor3D = tf.mul(keys, this.scale);
    const first = this.firstRow(query, scaledKeys, equalLandmarks);
    const mix = this.column(inverse.transposedTimes(this.column(first)));
    const every = mixAttention(mix, queries, projectHeads(tokens, wk, heads, zeroKeys), equalKeys);
    const weights = tf.squeeze(this.unpadded(every, n), [1]) as tf.Tensor2D;
    const sums: tf.Tensor2D = tf.matMul(this.taps ? tf.add<tf.Tensor2D>(weights, this.firstTaps(n)) : weights, tokens);
    const context: tf.Tensor = tf.matMul(
      tf.expandDims(sums, 1) as tf.Tensor3D,
      tf.reshape(wv, [heads, headDim, -1]) as tf.Tensor3D,
      false,
      true,
    );
    return { output: this.project(tf.reshape(context, [1, heads * headDim]), call), attention: weights };
  }

  /** Tokens [n, d] → their landmarks. Means and projections commute, so the few means are projected. */
  landmarks(tokens: tf.Tensor2D): Landmarks {
    const { heads, landmarks } = this.config;
    const groups = landmarkGroups(tokens.shape[0], landmarks);
    const means = groupMeans(tokens, groups);
    const [wq, wk] = this.weights();
    const queries: tf.Tensor3D = tf.mul(projectHeads(means, wq, heads), this.scale);
    const keys = projectHeads(means, wk, heads);
    const logits: tf.Tensor3D = tf.matMul(queries, keys, false, true);
    return { groups, queries, keys, attention: softmaxOfEqual(logits, groups.equalLandmarks) };
  }

  /** Output projection and dropout: [n, h·w] → [n, d]. */
  project(context: tf.Tensor2D, call: Call = {}): tf.Tensor2D {
    return dropout(this.toOut.forward(context), this.config.dropout, call);
  }

  private get scale(): number {
    return this.config.headDim ** -0.5;
  }

  /** Of query, key and value, [h·w, d] each. */
  private weights(): [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D] {
    return tf.split(this.toQueryKeyValue.weight, 3) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  }

  private firstRow(query: tf.Tensor3D, keys: tf.Tensor3D, equal: number): tf.Tensor3D {
    const first: tf.Tensor3D = tf.slice(query, [0, 0, 0], [-1, 1, -1]);
    return softmaxOfEqual(tf.matMul<tf.Tensor3D>(first, keys, false, true), equal);
  }

  /** [h, 1, m] ↔ [h, m, 1] */
  private column(x: tf.Tensor3D): tf.Tensor3D {
    const [heads, rows, columns] = x.shape;
    return tf.reshape(x, [heads, columns, rows]);
  }

  private unpadded(x: tf.Tensor3D, n: number): tf.Tensor3D {
    return tf.slice(x, [0, 0, x.shape[2] - n], [-1, -1, n]);
  }

  /** Values [n, h·w] convolved along the tokens, every head with its own taps. */
  private convolved(values: tf.Tensor2D): tf.Tensor2D {
    const { heads, headDim, residualKernel: taps } = this.config;
    const inner = heads * headDim;
    const byTap = tf.reshape(tf.transpose(tf.reshape(this.taps as tf.Tensor4D, [heads, taps])), [taps, heads, 1]);
    const kernel = tf.reshape(tf.mul(byTap, tf.ones([1, 1, headDim])), [taps, 1, inner, 1]) as tf.Tensor4D;
    return tf.reshape(depthwiseConvolution(tf.reshape(values, [1, -1, 1, inner]) as tf.Tensor4D, kernel), [-1, inner]);
  }

  /** What the convolution adds to the first token, as weights of the tokens: the later half of its taps. [h, n] */
  private firstTaps(n: number): tf.Tensor2D {
    const { heads, residualKernel } = this.config;
    const half = (residualKernel + 1) / 2;
    const reached = Math.min(n, half);
    const taps: tf.Tensor2D = tf.reshape(this.taps as tf.Tensor4D, [heads, residualKernel]);
    return tf.pad(tf.slice(taps, [0, half - 1], [-1, reached]), [
      [0, 0],
      [0, n - reached],
    ]);
  }
}

/** Means of k groups of consecutive tokens, the first of them filled up with zeros. [n, d] → [k, d] */
function groupMeans(tokens: tf.Tensor2D, { count, size, front }: LandmarkGroups): tf.Tensor2D {
  const [n, dim] = tokens.shape;
  return differentiable((x: tf.Tensor2D) => {
    const filled = tf.pad(x, [
      [front, 0],
      [0, 0],
    ]);
    return {
      value: tf.mean(tf.reshape(filled, [count, size, dim]), 1) as tf.Tensor2D,
      save: [],
      gradient: (dy) => [
        () => {
          const each = tf.reshape(tf.div(dy, size), [count, 1, dim]);
          const all = tf.reshape(tf.broadcastTo(each, [count, size, dim]), [count * size, dim]);
          return tf.slice(all, [front, 0], [n, -1]) as tf.Tensor2D;
        },
      ],
    };
  })(tokens);
}
