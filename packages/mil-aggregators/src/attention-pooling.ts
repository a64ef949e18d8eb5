import * as tf from '@tensorflow/tfjs';
import {
  activate,
  dropout,
  keepMask,
  Linear,
  Module,
  xavierNormal,
  type ActivationName,
  type Call,
  type Initialiser,
  type Rng,
} from '@mhim/tensor';
import { attentionPool, type AttentionWeights } from './attention-pool.js';

export interface AttentionPoolingConfig {
  /** Width d of the instances. */
  dim: number;
  /** Width of the attention's hidden layer. */
  attentionDim: number;
  /** Two branches, one through a sigmoid gate (Ilse et al. 2018 eq. 9), instead of one (eq. 8). */
  gated: boolean;
  /** Of the (first) hidden branch. */
  activation: ActivationName;
  bias: boolean;
  /** Number of attention heads, each with a pooled vector of its own, default 1. */
  heads?: number;
  /** On each hidden branch while training. */
  dropout: number;
  /** State-dict names of the layers. */
  names: AttentionNames;
  weightInit?: Initialiser;
}

export interface AttentionNames {
  hidden: string;
  gate: string;
  score: string;
}

/** Attention-based pooling of Ilse et al. 2018: F = Σ aᵢ zᵢ, a = softmax over instances (MHIM-v2 eq. 1), for each head. */
export class AttentionPooling extends Module {
  readonly hidden: Linear;
  readonly gate?: Linear;
  readonly score: Linear;

  constructor(
    private readonly config: AttentionPoolingConfig,
    rng: Rng,
  ) {
    super();
    const { dim, attentionDim, gated, bias, names, heads = 1, weightInit = xavierNormal } = config;
    this.hidden = this.child(names.hidden, new Linear(dim, attentionDim, rng, { bias, weightInit }));
    if (gated) this.gate = this.child(names.gate, new Linear(dim, attentionDim, rng, { bias, weightInit }));
    this.score = this.child(names.score, new Linear(attentionDim, heads, rng, { bias, weightInit }));
  }

  /** Instances [n, d] → unnormalised attention [heads, n]. */
  scores(instances: tf.Tensor2D, call: Call = {}): tf.Tensor2D {
    const { activation, dropout: rate } = this.config;
    let hidden = dropout(activate(activation, this.hidden.forward(instances)), rate, call);
    if (this.gate) {
      hidden = tf.mul(hidden, dropout(tf.sigmoid(this.gate.forward(instances)), rate, call));
    }
    return tf.transpose(this.score.forward(hidden));
  }

  /**
   * Instances [n, d] → F [heads, d] and a [heads, n].
   * @param groups [g, n] for g groups pooled apart by one head, F [g, d] and a [g, n] then; see {@link attentionPool}
   */
  forward(
    instances: tf.Tensor2D,
    call: Call = {},
    groups?: tf.Tensor2D,
  ): { embedding: tf.Tensor2D; attention: tf.Tensor2D } {
    const { activation } = this.config;
    if (activation === 'tanh' || activation === 'relu') {
      return attentionPool(instances, this.weights(), activation, this.mask(instances.shape[0], call), groups);
    }
    const scores = this.scores(instances, call);
    const attention: tf.Tensor2D = tf.softmax(groups ? tf.add<tf.Tensor2D>(scores, groups) : scores);
    return { attention, embedding: tf.matMul(attention, instances) };
  }

  /** The product of both branches' dropout masks: an element survives where it survives in both. */
  private mask(n: number, call: Call): tf.Tensor2D | undefined {
    const { dropout: rate, attentionDim } = this.config;
    if (!call.training || rate === 0) return undefined;
    return keepMask([n, attentionDim], this.gate ? 1 - (1 - rate) ** 2 : rate, call) as tf.Tensor2D;
  }

  private weights(): AttentionWeights {
    const { hidden, gate, score } = this;
    return {
      hidden: hidden.weight,
      hiddenBias: hidden.bias,
      gate: gate?.weight,
      gateBias: gate?.bias,
      score: score.weight,
      scoreBias: score.bias,
    };
  }
}
