import * as tf from '@tensorflow/tfjs';
import {
  BatchNorm,
  featureLayer,
  LayerNorm,
  Linear,
  Module,
  normal,
  torchWeight,
  xavierNormal,
  zeros,
  type ActivationName,
  type Call,
  type Initialiser,
  type Rng,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall } from './aggregator.js';
import { NystromAttention, type AttendedTokens, type NystromAttentionConfig } from './nystrom-attention.js';
import { PPEG } from './ppeg.js';

/**
 * Which official module the model is, in its state-dict names, its initial values and in where the bag is filled up to a
 * square: before the attention (`stand-alone`, `original`) or inside the position encoding only (`mhim`).
 */
export type TransMILLayout = 'stand-alone' | 'mhim' | 'original';

export interface TransMILConfig {
  /** Width of the raw features: 1024 for ResNet-50 and UNI, 512 for PLIP. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width d of the instances, default 512 (MHIM-v2 §4.2). */
  embedDim?: number;
  /** After the feature layer, default `gelu`. */
  activation?: ActivationName;
  /** After the feature layer and activation, default 0.25. */
  dropout?: number;
  /** Attention heads, default 8. */
  heads?: number;
  /** Width of one head, default d/heads, 64. */
  headDim?: number;
  /** Landmarks of the attention, default d/2, 256. */
  landmarks?: number;
  /** On the result of each attention layer, default 0.1. */
  attentionDropout?: number;
  /** Position encoding between the layers, default `ppeg`. */
  position?: 'ppeg' | 'none';
  /** Normalises the raw features. Default none. */
  norm?: 'none' | 'layer' | 'batch';
  /** Bias of the feature layer, default true. */
  featureBias?: boolean;
  /** Bias of the classifier, default true. */
  classifierBias?: boolean;
  /** Default `stand-alone`. */
  layout?: TransMILLayout;
}

/** What {@link TransMIL.aggregate} gives. */
export interface TransMILAggregation extends Aggregation {
  /**
   * The first layer's attention of the class token to the instances, head by head, [heads, n]. Nyström's approximation
   * is signed and does not sum to 1; it has no gradient.
   */
  attention: tf.Tensor2D;
  /** The same of the second layer. */
  lastAttention: tf.Tensor2D;
  /** The first layer's values of the instances, [n, heads·headDim]. */
  values: tf.Tensor2D;
}

/**
 * TransMIL (Shao et al. 2021): a class token and the instances pass two layers of Nyström attention with a pyramid position
 * encoding between them; the class token is the bag embedding. Instances have an order here.
 */
export class TransMIL extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<TransMILConfig>;
  override readonly featurePrefix: string;
  private readonly classToken: tf.Variable<tf.Rank.R3>;
  private readonly feature: Linear;
  private readonly featureNorm?: LayerNorm | BatchNorm;
  private readonly layer1: AttentionLayer;
  private readonly position?: PPEG;
  private readonly layer2: AttentionLayer;
  private readonly norm: LayerNorm;
  private readonly classifier: Linear;

  constructor(config: TransMILConfig, rng: Rng) {
    super();
    const c = (this.config = resolved(config));
    const { embedDim: dim, featureBias: bias } = c;
    const { names, initial } = layouts[c.layout];
    this.inputDim = c.inputDim;
    this.embedDim = dim;
    this.classes = c.classes;
    this.featurePrefix = `${names.feature}.`;
    this.classToken = this.parameter(`${names.encoder}cls_token`, initial.classToken<tf.Rank.R3>([1, 1, dim], rng));
    const linear = { weightInit: initial.linear };
    // Officially a LayerNorm on the features is the first element of the feature layer's Sequential.
    const leads = c.norm === 'layer';
    if (leads) this.featureNorm = this.child(`${names.feature}.0`, new LayerNorm(c.inputDim, { bias }));
    if (c.norm === 'batch') this.featureNorm = this.child('norm1', new BatchNorm(c.inputDim));
    this.feature = this.child(
      `${names.feature}.${leads ? 1 : 0}`,
      new Linear(c.inputDim, dim, rng, { ...linear, bias }),
    );
    const layer = () =>
      new AttentionLayer(
        {
          dim,
          heads: c.heads,
          headDim: c.headDim,
          landmarks: c.landmarks,
          dropout: c.attentionDropout,
          weightInit: initial.linear,
          convolutionInit: initial.convolution,
        },
        rng,
      );
    this.layer1 = this.child(`${names.encoder}layer1`, layer());
    if (c.position === 'ppeg') {
      const { convolution: weightInit, convolutionBias: biasInit } = initial;
      this.position = this.child(names.encoder + names.position, new PPEG({ dim, weightInit, biasInit }, rng));
    }
    this.layer2 = this.child(`${names.encoder}layer2`, layer());
    this.norm = this.child(`${names.encoder}norm`, new LayerNorm(dim));
    this.classifier = this.child(
      names.classifier,
      new Linear(dim, c.classes, rng, { ...linear, bias: c.classifierBias }),
    );
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { activation, dropout: rate } = this.config;
    const input = this.featureNorm ? this.featureNorm.forward(features, call) : features;
    return featureLayer(input, this.feature.weight, this.feature.bias, { activation, dropout: rate }, call);
  }

  aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): TransMILAggregation {
    const n = instances.shape[0];
    const squares = layouts[this.config.layout].squaresFirst;
    const missing = squares ? Math.ceil(Math.sqrt(n)) ** 2 - n : 0;
    const repeated = missing > 0 ? [tf.slice(instances, [0, 0], [missing, -1])] : [];
    const classToken = tf.reshape(this.classToken, [1, -1]) as tf.Tensor2D;
    const first = this.layer1.forward(tf.concat([classToken, instances, ...repeated]), call);
    const last = this.layer2.firstToken(this.encodePositions(first.output, squares), call);
    return {
      embedding: this.norm.forward(last.output),
      attention: tf.slice(first.attention, [0, 1], [-1, n]),
      lastAttention: tf.slice(last.attention, [0, 1], [-1, n]),
      values: tf.slice(first.values, [1, 0], [n, -1]),
    };
  }

  classify({ embedding }: Aggregation): tf.Tensor2D {
    return this.classifier.forward(embedding);
  }

  /**
   * The classifier, without its bias, on what each instance brings into the first layer's class token: its values weighted
   * by their heads' attention and projected. The projection's bias is common to all instances but, beside margins that are
   * absolute, does tell them apart; its dropout acts as in the official teacher.
   */
  instanceLogits(instances: tf.Tensor2D, aggregation: Aggregation, call: AggregatorCall = {}): tf.Tensor2D {
    const { heads, headDim, attentionDropout: rate } = this.config;
    const n = instances.shape[0];
    const { attention, values } = aggregation as TransMILAggregation;
    const shares = tf.mul(tf.reshape(values, [n, heads, headDim]), tf.expandDims(tf.transpose(attention), 2));
    const context: tf.Tensor2D = tf.reshape(shares, [n, heads * headDim]);
    const { weight: projection, bias } = this.layer1.attention.toOut;
    const { weight } = this.classifier;
    if (call.training && rate > 0) {
      return tf.matMul(this.layer1.attention.project(context, call), weight, false, true);
    }
    const offset = tf.matMul(tf.reshape(bias as tf.Tensor1D, [1, -1]) as tf.Tensor2D, weight, false, true);
    return tf.add(tf.matMul(context, tf.matMul(weight, projection) as tf.Tensor2D, false, true), offset);
  }

  /** Position encoding of all tokens but the class token. */
  private encodePositions(tokens: tf.Tensor2D, squared: boolean): tf.Tensor2D {
    if (!this.position) return tokens;
    const instances = tf.slice(tokens, [1, 0], [-1, -1]);
    const encoded = squared ? this.position.onSquare(instances) : this.position.forward(instances);
    return tf.concat([tf.slice(tokens, [0, 0], [1, -1]), encoded]);
  }
}

/** The TransMIL base inside MHIM and its `mhim_pure` baseline; here the width of a head does not follow their number. */
export function mhimTransMIL(config: TransMILConfig): TransMILConfig {
  const embedDim = config.embedDim ?? transMILDefaults.embedDim;
  return { ...config, headDim: config.headDim ?? Math.floor(embedDim / 8), layout: 'mhim' };
}

/** The model of the TransMIL repository: ReLU and no dropout after the feature layer, names `_fc1` and `_fc2`. */
export function originalTransMIL(config: TransMILConfig): TransMILConfig {
  return { activation: 'relu', dropout: 0, ...config, layout: 'original' };
}

export const transMILDefaults = {
  classes: 2,
  embedDim: 512,
  activation: 'gelu',
  dropout: 0.25,
  heads: 8,
  headDim: 64,
  landmarks: 256,
  attentionDropout: 0.1,
  position: 'ppeg',
  norm: 'none',
  featureBias: true,
  classifierBias: true,
  layout: 'stand-alone',
} as const satisfies Omit<Required<TransMILConfig>, 'inputDim'>;

/** x + attention(LayerNorm(x)), Shao et al. 2021 eq. 7. State: `norm.*`, `attn.*`. */
class AttentionLayer extends Module {
  readonly attention: NystromAttention;
  private readonly norm: LayerNorm;

  constructor(config: NystromAttentionConfig, rng: Rng) {
    super();
    this.norm = this.child('norm', new LayerNorm(config.dim));
    this.attention = this.child('attn', new NystromAttention(config, rng));
  }

  /** [n, d] → [n, d], with attention and values */
  forward(tokens: tf.Tensor2D, call: Call): AttendedTokens {
    const { output, ...rest } = this.attention.forward(this.norm.forward(tokens), call);
    return { ...rest, output: tf.add(tokens, output) };
  }

  /** [n, d] → the first token [1, d], with its attention */
  firstToken(tokens: tf.Tensor2D, call: Call): { output: tf.Tensor2D; attention: tf.Tensor2D } {
    const { output, attention } = this.attention.firstToken(this.norm.forward(tokens), call);
    return { attention, output: tf.add(tf.slice(tokens, [0, 0], [1, -1]), output) };
  }
}

function resolved(config: TransMILConfig): Required<TransMILConfig> {
  const c = { ...transMILDefaults, ...config };
  return {
    ...c,
    headDim: config.headDim ?? Math.floor(c.embedDim / c.heads),
    landmarks: config.landmarks ?? Math.floor(c.embedDim / 2),
  };
}

interface Layout {
  names: { feature: string; encoder: string; position: string; classifier: string };
  initial: { linear: Initialiser; convolution: Initialiser; convolutionBias?: Initialiser; classToken: Initialiser };
  squaresFirst: boolean;
}

const layouts: Record<TransMILLayout, Layout> = {
  'stand-alone': {
    names: { feature: 'feature', encoder: '', position: 'pos_layer', classifier: 'classifier' },
    initial: {
      linear: xavierNormal,
      convolution: xavierNormal,
      convolutionBias: zeros,
      classToken: normal(1e-6),
    },
    squaresFirst: true,
  },
  mhim: {
    names: { feature: 'feature', encoder: 'online_encoder.', position: 'pos_embedding', classifier: 'predictor' },
    initial: { linear: xavierNormal, convolution: torchWeight, classToken: normal(1) },
    squaresFirst: false,
  },
  original: {
    names: { feature: '_fc1', encoder: '', position: 'pos_layer', classifier: '_fc2' },
    initial: { linear: torchWeight, convolution: torchWeight, classToken: normal(1e-6) },
    squaresFirst: true,
  },
};
