import * as tf from '@tensorflow/tfjs';
import {
  featureLayer,
  Linear,
  MhimError,
  xavierNormal,
  zeros,
  type ActivationName,
  type Rng,
  type StateSource,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall } from './aggregator.js';
import { AttentionPooling } from './attention-pooling.js';

/** How the bag embedding and the mixed confounder become what the classifier sees. */
export type ConfounderMerge = 'cat' | 'add' | 'sub';

export interface IBMILConfig {
  /** Width of the raw features. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width d of the instances, default 512. In the `original` layout there is no feature layer, and d is `inputDim`. */
  embedDim?: number;
  /** After the feature layer, default `gelu`. */
  activation?: ActivationName;
  /** After the feature layer and activation, default 0.25. */
  dropout?: number;
  /** Width of the attention's hidden layer, default 128. */
  attentionDim?: number;
  /** K, the rows of the confounder dictionary, default 8 (Lin et al. 2023 try 2, 4, 8, 16). 0 is the model of the first stage. */
  confounders?: number;
  /** Width in which bag and confounders are compared, default 128. */
  confounderDim?: number;
  /** Default `cat`. */
  merge?: ConfounderMerge;
  /** Whether training changes the dictionary, default false. */
  learnConfounders?: boolean;
  /** Whose state-dict names: those of MHIM-v2's repository (default), or of the authors' attention model on given embeddings. */
  layout?: 'mhim' | 'original';
}

/** What the dictionary makes of a bag. */
export interface Deconfounded {
  /** Share of every confounder, [1, K]. */
  weights: tf.Tensor2D;
  /** The mixed confounder, [1, d]. */
  mix: tf.Tensor2D;
  /** What the classifier sees: [1, 2d] under `cat`, else [1, d]. */
  merged: tf.Tensor2D;
}

/**
 * Interventional bag MIL (Lin et al. 2023): attention pooling whose bag embedding is completed by a mix of K confounders, rows
 * of a dictionary found before training.
 *
 * Training has three stages. The first trains this model without dictionary (`confounders: 0`); the second clusters its bag
 * embeddings of all training bags by `confounderDictionary`; the third trains from scratch with the dictionary put in place
 * by {@link setConfounders}. A new model's dictionary is zero, under which it computes what the first stage's does.
 */
export class IBMIL extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<IBMILConfig>;
  override readonly featurePrefix = 'embedding.embed.0.';
  private readonly feature?: Linear;
  private readonly pooling: AttentionPooling;
  private readonly classifier: Linear;
  private readonly dictionary?: { query: Linear; key: Linear; rows: tf.Variable<tf.Rank.R2> };

  constructor(config: IBMILConfig, rng: Rng) {
    super();
    const c = (this.config = { ...ibmilDefaults, ...config });
    checkConfig(c);
    const original = c.layout === 'original';
    const dim = (this.embedDim = original ? c.inputDim : c.embedDim);
    this.inputDim = c.inputDim;
    this.classes = c.classes;
    const newLinear = (input: number, output: number) => new Linear(input, output, rng, { weightInit: xavierNormal });
    if (!original) this.feature = this.child('embedding.embed.0', newLinear(c.inputDim, dim));
    const names = { hidden: 'attention.0', gate: '', score: 'attention.2' };
    const attention = { dim, attentionDim: c.attentionDim, gated: false, activation: 'tanh', bias: true } as const;
    this.pooling = this.child('', new AttentionPooling({ ...attention, dropout: 0, names }, rng));
    const seen = c.confounders > 0 && c.merge === 'cat' ? 2 * dim : dim;
    this.classifier = this.child(original ? 'classifier' : 'head', newLinear(seen, c.classes));
    if (c.confounders === 0) return;
    const none = zeros<tf.Rank.R2>([c.confounders, dim], rng);
    this.dictionary = {
      rows: c.learnConfounders ? this.parameter('confounder_feat', none) : this.buffer('confounder_feat', none),
      query: this.child('W_q', newLinear(dim, c.confounderDim)),
      key: this.child('W_k', newLinear(dim, c.confounderDim)),
    };
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    if (!this.feature) return features;
    const { activation, dropout: rate } = this.config;
    return featureLayer(features, this.feature.weight, this.feature.bias, { activation, dropout: rate }, call);
  }

  aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): Aggregation {
    return this.pooling.forward(instances, call);
  }

  classify({ embedding }: Aggregation): tf.Tensor2D {
    return this.classifier.forward(this.deconfound(embedding)?.merged ?? embedding);
  }

  /**
   * W·(aᵢ zᵢ) without the bias: what the classifier makes of each instance's share of the bag embedding. The mixed confounder
   * is no instance's; under `cat` its half of W is left out.
   */
  instanceLogits(instances: tf.Tensor2D, { attention }: Aggregation): tf.Tensor2D {
    const { weight } = this.classifier;
    const own = tf.slice(weight, [0, 0], [-1, this.embedDim]);
    const logits: tf.Tensor2D = tf.matMul(instances, own, false, true);
    return tf.mul(logits, tf.reshape(attention as tf.Tensor2D, [-1, 1]));
  }

  /** Compares a bag embedding [1, d] with the confounders and mixes them (Lin et al. 2023 §3); nothing without a dictionary. */
  deconfound(embedding: tf.Tensor2D): Deconfounded | undefined {
    if (!this.dictionary) return undefined;
    const { query, key, rows } = this.dictionary;
    const { confounderDim, merge } = this.config;
    const products: tf.Tensor2D = tf.matMul(query.forward(embedding), key.forward(rows), false, true);
    const weights = tf.softmax(tf.div<tf.Tensor2D>(products, Math.sqrt(confounderDim)));
    const mix: tf.Tensor2D = tf.matMul(weights, rows);
    return { weights, mix, merged: merged(embedding, mix, merge) };
  }

  /**
   * Puts a dictionary in place, [K, d].
   * @throws MhimError `shape` when it is another's, `config` when the model has none
   */
  setConfounders(dictionary: StateSource[string]): void {
    if (!this.dictionary) {
      throw new MhimError('the model has no confounders.', {
        code: 'config',
        path: 'confounders',
        hint: `Create it with { confounders: ${dictionary.shape[0]} }.`,
      });
    }
    const expected = this.dictionary.rows.shape;
    if (dictionary.shape.join() !== expected.join()) {
      throw new MhimError(`the dictionary has shape [${dictionary.shape}], the model expects [${expected}].`, {
        code: 'shape',
        path: 'confounders',
      });
    }
    this.loadStateDict({ confounder_feat: dictionary }, { strict: false });
  }

  /** Unnormalised attention [1, n]. */
  attentionScores(instances: tf.Tensor2D): tf.Tensor2D {
    return this.pooling.scores(instances);
  }
}

/**
 * IBMIL inside MHIM: its first stage, since nothing there makes a dictionary. One that is given a number of confounders has to
 * be given a dictionary as well ({@link IBMIL.setConfounders}).
 */
export function mhimIBMIL(config: IBMILConfig): IBMILConfig {
  return { confounders: 0, ...config };
}

export const ibmilDefaults = {
  classes: 2,
  embedDim: 512,
  activation: 'gelu',
  dropout: 0.25,
  attentionDim: 128,
  confounders: 8,
  confounderDim: 128,
  merge: 'cat',
  learnConfounders: false,
  layout: 'mhim',
} as const;

function merged(embedding: tf.Tensor2D, mix: tf.Tensor2D, merge: ConfounderMerge): tf.Tensor2D {
  if (merge === 'cat') return tf.concat([embedding, mix], 1);
  return merge === 'add' ? tf.add(embedding, mix) : tf.sub(embedding, mix);
}

function checkConfig({ confounders }: Required<IBMILConfig>): void {
  if (Number.isInteger(confounders) && confounders >= 0) return;
  throw new MhimError(`expected a whole number, got ${confounders}.`, { code: 'config', path: 'confounders' });
}
