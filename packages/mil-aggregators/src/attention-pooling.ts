import * as tf from '@tensorflow/tfjs';
import {
  activate,
  dropout,
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

/** Attention-based pooling of Ilse et al. 2018: F = Σ aᵢ zᵢ, a = softmax over instances (MHIM-v2 eq. 1). */
export class AttentionPooling extends Module {
  readonly hidden: Linear;
  readonly gate?: Linear;
  readonly score: Linear;

  constructor(
    private readonly config: AttentionPoolingConfig,
    rng: Rng,
  ) {
    super();
    const { dim, attentionDim, gated, bias, names, weightInit = xavierNormal } = config;
    this.hidden = this.child(names.hidden, new Linear(dim, attentionDim, rng, { bias, weightInit }));
    if (gated) this.gate = this.child(names.gate, new Linear(dim, attentionDim, rng, { bias, weightInit }));
    this.score = this.child(names.score, new Linear(attentionDim, 1, rng, { bias, weightInit }));
  }

  /** Instances [n, d] → unnormalised attention [1, n]. */
  scores(instances: tf.Tensor2D, call: Call = {}): tf.Tensor2D {
    const { activation, dropout: rate } = this.config;
    let hidden = dropout(activate(activation, this.hidden.forward(instances)), rate, call);
    if (this.gate) {
      hidden = tf.mul(hidden, dropout(tf.sigmoid(this.gate.forward(instances)), rate, call));
    }
    return tf.reshape(this.score.forward(hidden), [1, -1]);
  }

  /**
   * Instances [n, d] → F [1, d] and a [1, n].
   * @param mask [g, n] for g groups pooled apart, F [g, d] and a [g, n] then; see {@link attentionPool}
   */
  forward(
    instances: tf.Tensor2D,
    call: Call = {},
    mask?: tf.Tensor2D,
  ): { embedding: tf.Tensor2D; attention: tf.Tensor2D } {
    const { activation, dropout: rate } = this.config;
    const drops = call.training === true && rate > 0;
    if (!drops && (activation === 'tanh' || activation === 'relu')) {
      return attentionPool(instances, this.weights(), activation, mask);
    }
    const scores = this.scores(instances, call);
    const attention: tf.Tensor2D = tf.softmax(mask ? tf.add<tf.Tensor2D>(scores, mask) : scores);
    return { attention, embedding: tf.matMul(attention, instances) };
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
