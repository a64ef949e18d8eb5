import * as tf from '@tensorflow/tfjs';
import {
  activate,
  BatchNorm,
  dropout,
  featureLayer,
  LayerNorm,
  Linear,
  Module,
  xavierNormal,
  type ActivationName,
  type Call,
  type Rng,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall } from './aggregator.js';
import { AttentionPooling } from './attention-pooling.js';
import { CrossRegionAttention } from './cross-region-attention.js';
import { RegionAttention } from './region-attention.js';
import type { RegionGrid } from './token-groups.js';

export interface R2TMILConfig {
  /** Width of the raw features. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width d of the instances, default 512. */
  embedDim?: number;
  /** After the feature layer, default `relu`. */
  activation?: ActivationName;
  /** After the feature layer and activation, default 0.25. */
  dropout?: number;
  /** Blocks of the re-embedding; all but the cross-region one are R-MSA, so there are `layers − 1`. Default 2. */
  layers?: number;
  /** Of R-MSA, default 8. */
  heads?: number;
  /** Regions along each side of the grid in R-MSA, default 8; inference takes at least 8. */
  regions?: number;
  /** Tokens along each side of a region of R-MSA; above 0 it decides in place of `regions`. Default 0. */
  regionSize?: number;
  /** R-MSA takes a bag of fewer instances as one region. Default 0. */
  minInstances?: number;
  /** R-MSA takes a bag whose padding exceeds n divided by this as one region. Default 0: none. */
  minRegionRatio?: number;
  /** Taps of the position encoding (EPEG) of R-MSA; odd, or 0 for none. Default 15. */
  epegKernel?: number;
  /** Whether the cross-region block (CR-MSA) follows, default true. */
  crossRegion?: boolean;
  /** Summaries of each region in CR-MSA, default 3. */
  summaries?: number;
  /** Of CR-MSA, default 8. */
  crossHeads?: number;
  /** Regions along each side of the grid in CR-MSA, default 8. */
  crossRegions?: number;
  /** Bias of queries, keys and values, default true. */
  qkvBias?: boolean;
  /** Adds the instances themselves to their re-embedding, default false. */
  shortcut?: boolean;
  /** A feed-forward network after each attention, default false. */
  feedForward?: boolean;
  /** Hidden width of that network over d, default 4. */
  feedForwardRatio?: number;
  /** Default `gelu`. */
  feedForwardActivation?: ActivationName;
  /** On the results of attention and feed-forward network, default 0.1. */
  encoderDropout?: number;
  /** Gated pooling (Ilse et al. 2018 eq. 9), default false. */
  gated?: boolean;
  /** Width of the pooling's hidden layer, default 128. */
  attentionDim?: number;
  /** Of the pooling's hidden layer, default `relu`. */
  attentionActivation?: ActivationName;
  /** Biases of the pooling's layers, default false. */
  attentionBias?: boolean;
  /** On the pooling's hidden branches, default 0. */
  attentionDropout?: number;
  /** Bias of the feature layer, default true. */
  featureBias?: boolean;
  /** Bias of the classifier, default true. */
  classifierBias?: boolean;
  /** Normalises features, or re-embedded instances. Default none. */
  norm?: 'none' | 'layer' | 'batch';
  /** Whether `norm` acts on the raw features or on the re-embedded instances. Default `features`. */
  normPosition?: 'features' | 'instances';
}

/** What R2T-MIL's pooling gives: hard mining ranks by the re-embedded instances, so they come along. */
export interface R2TAggregation extends Aggregation {
  /** [1, n] */
  attention: tf.Tensor2D;
  /** The instances after the re-embedding, [n, d]. */
  reembedded: tf.Tensor2D;
}

/**
 * Re-embedded regional transformer (R2T-MIL, Tang et al. 2024): attention within regions and across them re-embeds the
 * instances, attention pooling makes the bag. Instances lie on a square grid in their order, so the order matters.
 */
export class R2TMIL extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<R2TMILConfig>;
  private readonly feature: Linear;
  private readonly norm?: LayerNorm | BatchNorm;
  private readonly encoder: ReembeddingEncoder;
  private readonly pooling: AttentionPooling;
  private readonly classifier: Linear;

  /** @throws MhimError `config` for heads that do not divide the width, or an even EPEG kernel */
  constructor(config: R2TMILConfig, rng: Rng) {
    super();
    const c = (this.config = { ...r2tmilDefaults, ...config });
    this.inputDim = c.inputDim;
    this.embedDim = c.embedDim;
    this.classes = c.classes;
    const weightInit = xavierNormal;
    this.feature = this.child(
      'feature.0',
      new Linear(c.inputDim, c.embedDim, rng, { weightInit, bias: c.featureBias }),
    );
    const width = c.normPosition === 'features' ? c.inputDim : c.embedDim;
    if (c.norm === 'batch') this.norm = this.child('norm', new BatchNorm(width));
    if (c.norm === 'layer') this.norm = this.child('norm', new LayerNorm(width, { bias: c.featureBias }));
    this.encoder = this.child('online_encoder', new ReembeddingEncoder(c, rng));
    this.pooling = this.child(
      'pool_fn.attention',
      new AttentionPooling(
        {
          dim: c.embedDim,
          attentionDim: c.attentionDim,
          gated: c.gated,
          activation: c.attentionActivation,
          bias: c.attentionBias,
          dropout: c.attentionDropout,
          names: poolingNames(c),
        },
        rng,
      ),
    );
    this.classifier = this.child(
      'predictor',
      new Linear(c.embedDim, c.classes, rng, { weightInit, bias: c.classifierBias }),
    );
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { activation, dropout: rate, normPosition } = this.config;
    const input = this.norm && normPosition === 'features' ? this.norm.forward(features, call) : features;
    return featureLayer(input, this.feature.weight, this.feature.bias, { activation, dropout: rate }, call);
  }

  aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): R2TAggregation {
    const encoded = this.encoder.forward(instances, call);
    const reembedded =
      this.norm && this.config.normPosition === 'instances' ? this.norm.forward(encoded, call) : encoded;
    return { ...this.pooling.forward(reembedded, call), reembedded };
  }

  classify({ embedding }: Aggregation): tf.Tensor2D {
    return this.classifier.forward(embedding);
  }

  /** W·(aᵢ zᵢ) over the re-embedded instances zᵢ, without the classifier's bias: their shares of the bag's logits. */
  instanceLogits(_instances: tf.Tensor2D, { attention, reembedded }: R2TAggregation): tf.Tensor2D {
    const logits = tf.matMul(reembedded, this.classifier.weight, false, true);
    return tf.mul(logits, tf.reshape(attention, [-1, 1]));
  }

  /** Unnormalised attention [1, n] of re-embedded instances. */
  attentionScores({ reembedded }: R2TAggregation): tf.Tensor2D {
    return this.pooling.scores(reembedded);
  }

  /** Where n instances lie in the R-MSA blocks and in the CR-MSA block, where there are any. */
  regionGrids(n: number, call: Call = {}): { regional?: RegionGrid; cross?: RegionGrid } {
    return this.encoder.grids(n, call);
  }
}

/** The official configuration (epeg_k 15, crmsa_k 3, 8 × 8 regions, two blocks of 8 heads). */
export const r2tmilDefaults = {
  classes: 2,
  embedDim: 512,
  activation: 'relu',
  dropout: 0.25,
  layers: 2,
  heads: 8,
  regions: 8,
  regionSize: 0,
  minInstances: 0,
  minRegionRatio: 0,
  epegKernel: 15,
  crossRegion: true,
  summaries: 3,
  crossHeads: 8,
  crossRegions: 8,
  qkvBias: true,
  shortcut: false,
  feedForward: false,
  feedForwardRatio: 4,
  feedForwardActivation: 'gelu',
  encoderDropout: 0.1,
  gated: false,
  attentionDim: 128,
  attentionActivation: 'relu',
  attentionBias: false,
  attentionDropout: 0,
  featureBias: true,
  classifierBias: true,
  norm: 'none',
  normPosition: 'features',
} as const;

/** R-MSA blocks, then the CR-MSA block, then a LayerNorm (R2T-MIL Fig. 2). */
class ReembeddingEncoder extends Module {
  private readonly norm: LayerNorm;
  private readonly regional: ReembeddingBlock<RegionAttention>[];
  private readonly cross?: ReembeddingBlock<CrossRegionAttention>;

  constructor(
    private readonly config: Required<R2TMILConfig>,
    rng: Rng,
  ) {
    super();
    const { embedDim: dim, encoderDropout: rate, ...c } = config;
    this.norm = this.child('norm', new LayerNorm(dim));
    this.regional = Array.from({ length: c.layers - 1 }, (_, i) => {
      const attention = new RegionAttention({ ...c, dim, dropout: rate }, rng);
      return this.child(`layers.${i}`, new ReembeddingBlock(attention, config, rng));
    });
    if (!c.crossRegion) return;
    const { qkvBias, summaries, crossHeads: heads, crossRegions: regions } = c;
    const attention = new CrossRegionAttention({ dim, heads, qkvBias, summaries, regions, dropout: rate }, rng);
    this.cross = this.child('cr_msa', new ReembeddingBlock(attention, config, rng));
  }

  /** [n, d] → [n, d] */
  forward(instances: tf.Tensor2D, call: Call): tf.Tensor2D {
    const blocks = [...this.regional, ...(this.cross ? [this.cross] : [])];
    const encoded = blocks.reduce((x, block) => block.forward(x, call), instances);
    return this.norm.forward(this.config.shortcut ? tf.add(encoded, instances) : encoded);
  }

  grids(n: number, call: Call): { regional?: RegionGrid; cross?: RegionGrid } {
    return { regional: this.regional[0]?.attention.grid(n, call), cross: this.cross?.attention.grid(n) };
  }
}

/** Pre-norm residual attention, and a feed-forward network where asked for. */
class ReembeddingBlock<A extends RegionAttention | CrossRegionAttention> extends Module {
  readonly attention: A;
  private readonly norm: LayerNorm;
  private readonly feedForward?: { norm: LayerNorm; hidden: Linear; output: Linear };

  constructor(
    attention: A,
    private readonly config: Required<R2TMILConfig>,
    rng: Rng,
  ) {
    super();
    const { embedDim: dim, feedForward, feedForwardRatio } = config;
    this.norm = this.child('norm', new LayerNorm(dim));
    this.attention = this.child('attn', attention);
    if (!feedForward) return;
    const [hidden, weightInit] = [Math.trunc(dim * feedForwardRatio), xavierNormal];
    this.feedForward = {
      norm: this.child('norm2', new LayerNorm(dim)),
      hidden: this.child('mlp.fc1', new Linear(dim, hidden, rng, { weightInit })),
      output: this.child('mlp.fc2', new Linear(hidden, dim, rng, { weightInit })),
    };
  }

  forward(x: tf.Tensor2D, call: Call): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.attention.forward(this.norm.forward(x), call));
    if (!this.feedForward) return attended;
    const { norm, hidden, output } = this.feedForward;
    const { feedForwardActivation, encoderDropout: rate } = this.config;
    const inner = dropout(activate(feedForwardActivation, hidden.forward(norm.forward(attended))), rate, call);
    return tf.add(attended, dropout(output.forward(inner), rate, call));
  }
}

/** A PyTorch Sequential counts its dropout too, so the score layer's index depends on whether there is one. */
function poolingNames({ gated, attentionDropout }: Required<R2TMILConfig>) {
  return gated
    ? { hidden: 'attention_a.0', gate: 'attention_b.0', score: 'attention_c' }
    : { hidden: 'attention.0', gate: '', score: `attention.${attentionDropout > 0 ? 3 : 2}` };
}
