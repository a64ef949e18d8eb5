import * as tf from '@tensorflow/tfjs';
import {
  BatchNorm,
  featureLayer,
  LayerNorm,
  Linear,
  MhimError,
  xavierNormal,
  type ActivationName,
  type Rng,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall } from './aggregator.js';
import { AttentionPooling, type AttentionNames } from './attention-pooling.js';
import { sinCosPositions } from './position-embedding.js';

/** Whose state-dict names (and so whose checkpoints) the model carries. */
export type ABMILLayout = 'stand-alone' | 'mhim' | 'ilse';

export interface ABMILConfig {
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
  /** Gated attention (Ilse et al. 2018 eq. 9), default false. */
  gated?: boolean;
  /** Width of the attention's hidden layer, default 128. */
  attentionDim?: number;
  /** Of the attention's hidden layer, default `tanh` (Ilse et al. 2018 eq. 8). */
  attentionActivation?: ActivationName;
  /** On the hidden attention branches, default 0. */
  attentionDropout?: number;
  /** Biases of the attention layers, default true. */
  attentionBias?: boolean;
  /** Bias of the feature layer and of layer norms, default true. */
  featureBias?: boolean;
  /** Bias of the classifier, default true. */
  classifierBias?: boolean;
  /**
   * Normalises features or instances, and the bag embedding; of the gated model only the former, though officially it has
   * the parameters for the latter too. Default none.
   */
  norm?: 'none' | 'layer' | 'batch';
  /** Whether `norm` acts on the raw features or on the embedded instances. Default `features`. */
  normPosition?: 'features' | 'instances';
  /** Adds sine-cosine position embeddings to the instances; the call then needs `positions`. Default none. */
  position?: 'none' | 'sin-cos';
  /** Default `stand-alone`. */
  layout?: ABMILLayout;
}

/**
 * Attention-based deep MIL (Ilse et al. 2018; "AB-MIL" of MHIM-v2): feature layer, attention pooling, linear classifier.
 * The defaults are the paper's stand-alone baseline; {@link mhimABMIL} gives the base inside MHIM and
 * {@link gatedABMIL} the gated one of the official repository.
 */
export class ABMIL extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<ABMILConfig>;
  private readonly feature: Linear;
  private readonly pooling: AttentionPooling;
  private readonly classifier: Linear;
  private readonly norm?: LayerNorm | BatchNorm;
  private readonly bagNorm?: LayerNorm | BatchNorm;

  constructor(config: ABMILConfig, rng: Rng) {
    super();
    const c = (this.config = { ...abmilDefaults, ...config });
    const names = layouts[c.layout];
    this.inputDim = c.inputDim;
    this.embedDim = c.embedDim;
    this.classes = c.classes;
    // Officially a LayerNorm on the features is the first element of the feature layer's Sequential.
    const leads = c.norm === 'layer' && c.normPosition === 'features';
    if (c.norm !== 'none') {
      const normOf = (dim: number) =>
        c.norm === 'layer' ? new LayerNorm(dim, { bias: c.featureBias }) : new BatchNorm(dim);
      const dim = c.normPosition === 'features' ? c.inputDim : c.embedDim;
      this.norm = this.child(leads ? names.feature : 'norm', normOf(dim));
      this.bagNorm = this.child('norm1', normOf(c.embedDim));
    }
    const weightInit = xavierNormal;
    this.feature = this.child(
      leads ? names.featureAfterNorm : names.feature,
      new Linear(c.inputDim, c.embedDim, rng, { weightInit, bias: c.featureBias }),
    );
    this.pooling = this.child(
      names.pooling,
      new AttentionPooling(
        {
          dim: c.embedDim,
          attentionDim: c.attentionDim,
          gated: c.gated,
          activation: c.attentionActivation,
          bias: c.attentionBias,
          dropout: c.attentionDropout,
          names: c.gated ? names.gatedAttention : names.attention,
        },
        rng,
      ),
    );
    const classifier = c.gated ? names.gatedClassifier : names.classifier;
    this.classifier = this.child(
      classifier,
      new Linear(c.embedDim, c.classes, rng, { weightInit, bias: c.classifierBias }),
    );
  }

  override get usesPositions(): boolean {
    return this.config.position !== 'none';
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { normPosition, activation, dropout: rate, position } = this.config;
    const input = this.norm && normPosition === 'features' ? this.norm.forward(features, call) : features;
    const instances = featureLayer(input, this.feature.weight, this.feature.bias, { activation, dropout: rate }, call);
    const placed = position === 'none' ? instances : this.placed(instances, call);
    return this.norm && normPosition === 'instances' ? this.norm.forward(placed, call) : placed;
  }

  /** Instances with their position embeddings. */
  private placed(instances: tf.Tensor2D, { positions }: AggregatorCall): tf.Tensor2D {
    if (!positions) {
      throw new MhimError('position embeddings need the instances’ grid positions.', {
        code: 'config',
        hint: 'Pass { positions } with the call; bags have them where their files hold coordinates.',
      });
    }
    return tf.add(instances, sinCosPositions(positions, this.embedDim));
  }

  aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): Aggregation {
    const { embedding, attention } = this.pooling.forward(instances, call);
    const normed = this.bagNorm && !this.config.gated ? this.bagNorm.forward(embedding, call) : embedding;
    return { embedding: normed, attention };
  }

  classify({ embedding }: Aggregation): tf.Tensor2D {
    return this.classifier.forward(embedding);
  }

  /**
   * W·(aᵢ zᵢ): the classifier on each attention-weighted instance, without its bias, which would swamp logits of size
   * aᵢ ≈ 1/n and, being common to all instances, tells them not apart.
   */
  instanceLogits(instances: tf.Tensor2D, { attention }: Aggregation): tf.Tensor2D {
    const logits = tf.matMul(instances, this.classifier.weight, false, true);
    return tf.mul(logits, tf.reshape(attention as tf.Tensor2D, [-1, 1]));
  }

  /** Unnormalised attention [1, n], as pathology heat maps often show it. */
  attentionScores(instances: tf.Tensor2D): tf.Tensor2D {
    return this.pooling.scores(instances);
  }
}

/** The AB-MIL base inside MHIM and its `mhim_pure` baseline: ReLU attention without biases, names of the `MHIM` class. */
export function mhimABMIL(config: ABMILConfig): ABMILConfig {
  return { attentionActivation: 'relu', attentionBias: false, layout: 'mhim', ...config };
}

/** The official repository's gated AB-MIL: attention of width 384 with dropout 0.25 on both branches. */
export function gatedABMIL(config: ABMILConfig): ABMILConfig {
  return { gated: true, attentionDim: 384, attentionDropout: 0.25, ...config };
}

/** The paper's stand-alone baseline. */
export const abmilDefaults = {
  classes: 2,
  embedDim: 512,
  activation: 'gelu',
  dropout: 0.25,
  gated: false,
  attentionDim: 128,
  attentionActivation: 'tanh',
  attentionDropout: 0,
  attentionBias: true,
  featureBias: true,
  classifierBias: true,
  norm: 'none',
  normPosition: 'features',
  position: 'none',
  layout: 'stand-alone',
} as const;

interface LayoutNames {
  feature: string;
  featureAfterNorm: string;
  pooling: string;
  attention: AttentionNames;
  gatedAttention: AttentionNames;
  classifier: string;
  gatedClassifier: string;
}

const plain: AttentionNames = { hidden: 'attention.0', gate: '', score: 'attention.2' };
const gated: AttentionNames = { hidden: 'attention_a.0', gate: 'attention_b.0', score: 'attention_c' };

const layouts: Record<ABMILLayout, LayoutNames> = {
  'stand-alone': {
    feature: 'feature.0',
    featureAfterNorm: 'feature.1',
    pooling: '',
    attention: plain,
    gatedAttention: gated,
    classifier: 'classifier',
    gatedClassifier: 'classifier.0',
  },
  mhim: {
    feature: 'feature.0',
    featureAfterNorm: 'feature.1',
    pooling: 'online_encoder.attention',
    attention: plain,
    gatedAttention: gated,
    classifier: 'predictor',
    gatedClassifier: 'predictor',
  },
  ilse: {
    feature: 'feature_extractor_part2.0',
    featureAfterNorm: 'feature_extractor_part2.1',
    pooling: '',
    attention: plain,
    gatedAttention: { hidden: 'attention_V.0', gate: 'attention_U.0', score: 'attention_w' },
    classifier: 'classifier.0',
    gatedClassifier: 'classifier.0',
  },
};
