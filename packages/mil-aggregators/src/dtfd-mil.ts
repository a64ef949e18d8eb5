import * as tf from '@tensorflow/tfjs';
import {
  activate,
  dropout,
  featureLayer,
  Linear,
  MhimError,
  Module,
  outsideTape,
  Rng,
  takeRows,
  xavierNormal,
  type ActivationName,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall, type BagTarget, type Prediction } from './aggregator.js';
import { AttentionPooling } from './attention-pooling.js';
import { distilledInstances, lastClassScore, type Distillation } from './distillation.js';
import { cutPseudoBags, pseudoBagMask, withEmptyRows, type PseudoBags } from './pseudo-bags.js';

export interface DTFDMILConfig {
  /** Width of the raw features. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width d of the instances, default 512. */
  embedDim?: number;
  /** After the feature layer, default `relu`. */
  activation?: ActivationName;
  /** After the feature layer and before both classifiers, default 0.25 as in MHIM-v2's comparison; 0 in Zhang et al. 2022. */
  dropout?: number;
  /** Residual blocks of two bias-free layers behind the feature layer, default 0. */
  residualBlocks?: number;
  /** Width of the hidden layer of both gated attentions, default 128. */
  attentionDim?: number;
  /** Pseudo-bags a bag is cut into, default 5 (Zhang et al. 2022 for CAMELYON-16; 8 for TCGA lung cancer). */
  groups?: number;
  /** Default `AFS`, as in the code of Zhang et al. 2022. */
  distillation?: Distillation;
  /** Instances that `MaxS` takes of each pseudo-bag, and `MaxMinS` of each of its ends. Default 1. */
  distilled?: number;
  /**
   * How training deals instances out to pseudo-bags: at random anew in every step (default), or in consecutive stretches of
   * the stored order. At inference they are always dealt out at random, but the same way every time.
   */
  order?: 'shuffled' | 'stored';
  /** Whether every pseudo-bag is trained on the bag's label too, default true. */
  tierOneLoss?: boolean;
  /**
   * What the second tier's loss trains. `separate` (default): the second tier alone, the first learns from its own loss.
   * `joint`: both.
   *
   * The original's two optimisers, one a tier, are these two cases of one optimiser. Adam treats every scalar parameter by
   * itself and the tiers share none, so two Adams of the same settings make the moves of one; what remains is which loss
   * reaches the first tier. The original clears what the second tier's loss left there before it is used, hence `separate`;
   * where both losses are taken backwards before either optimiser moves, they add up, hence `joint`.
   */
  tiers?: 'separate' | 'joint';
}

/** A call in which the pseudo-bags are given instead of dealt out. */
export interface DTFDCall extends AggregatorCall {
  pseudoBags?: PseudoBags;
}

/** What both tiers give. */
export interface DTFDAggregation extends Aggregation {
  /** Attention within the pseudo-bags: one row each, [groups, n], 0 outside. */
  attention: tf.Tensor2D;
  /** The first tier's logits of each pseudo-bag, [groups, c]. */
  pseudoLogits: tf.Tensor2D;
  /** What the second tier pools, [m, d]. */
  distilled: tf.Tensor2D;
  /** The instances that `distilled` are, for `MaxS` and `MaxMinS`. */
  selected?: Int32Array;
}

/**
 * Double-tier feature distillation (Zhang et al. 2022): a bag is cut into pseudo-bags, each is pooled by gated attention and
 * classified by its bag's label (first tier); what they hand on is a small bag of its own for the second tier, whose bag
 * embedding and logits are the model's. All pseudo-bags are pooled in one pass.
 */
export class DTFDMIL extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<DTFDMILConfig>;
  override readonly featurePrefix = 'dimReduction.';
  private readonly classifier: Linear;
  private readonly attention: AttentionPooling;
  private readonly feature: Linear;
  private readonly blocks: ResidualBlock[];
  private readonly bagAttention: AttentionPooling;
  private readonly bagClassifier: Linear;

  constructor(config: DTFDMILConfig, rng: Rng) {
    super();
    const c = (this.config = { ...dtfdDefaults, ...config });
    checkConfig(c);
    this.inputDim = c.inputDim;
    this.embedDim = c.embedDim;
    this.classes = c.classes;
    const weightInit = xavierNormal;
    const newClassifier = () => new Linear(c.embedDim, c.classes, rng, { weightInit });
    const newAttention = () =>
      new AttentionPooling(
        {
          dim: c.embedDim,
          attentionDim: c.attentionDim,
          gated: true,
          activation: 'tanh',
          bias: true,
          dropout: 0,
          names: { hidden: 'attention_V.0', gate: 'attention_U.0', score: 'attention_weights' },
        },
        rng,
      );
    this.classifier = this.child('classifier.fc', newClassifier());
    this.attention = this.child('attention', newAttention());
    this.feature = this.child('dimReduction.fc1', new Linear(c.inputDim, c.embedDim, rng, { weightInit, bias: false }));
    this.blocks = Array.from({ length: c.residualBlocks }, (_, i) =>
      this.child(`dimReduction.resBlocks.${i}`, new ResidualBlock(c.embedDim, rng)),
    );
    this.bagAttention = this.child('UClassifier.attention', newAttention());
    this.bagClassifier = this.child('UClassifier.classifier.fc', newClassifier());
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { activation, dropout: rate } = this.config;
    const instances = featureLayer(features, this.feature.weight, undefined, { activation, dropout: rate }, call);
    return this.blocks.reduce((x, block) => block.forward(x), instances);
  }

  /**
   * Both tiers up to the second one's bag embedding.
   * @throws MhimError `config` when training deals out at random without an Rng, `data` when given pseudo-bags do not divide
   *   the bag
   */
  aggregate(instances: tf.Tensor2D, call: DTFDCall = {}): DTFDAggregation {
    const { distillation, distilled: count, dropout: rate, tiers } = this.config;
    const n = instances.shape[0];
    const pseudoBags = call.pseudoBags ?? this.dealOut(n, call);
    const pooled = this.attention.forward(instances, call, pseudoBagMask(pseudoBags, n));
    const features = withEmptyRows(pooled.embedding, pseudoBags);
    const attention = withEmptyRows(pooled.attention, pseudoBags);
    const pseudoLogits = this.classifier.forward(dropout(features, rate, call));
    const selected =
      distillation === 'AFS'
        ? undefined
        : distilledInstances(this.lastClassScores(instances, attention), pseudoBags, count, distillation);
    const handedOn: tf.Tensor2D = selected ? takeRows(instances, selected) : features;
    const cut = call.training === true && tiers === 'separate';
    const distilled = cut ? outsideTape(() => tf.clone(handedOn)) : handedOn;
    const { embedding } = this.bagAttention.forward(distilled, call);
    return { embedding, attention, pseudoLogits, distilled, selected };
  }

  classify({ embedding }: Aggregation, call: AggregatorCall = {}): tf.Tensor2D {
    return this.bagClassifier.forward(dropout(embedding, this.config.dropout, call));
  }

  /**
   * W·(aᵢ zᵢ), what the first tier's classifier makes of each instance's share of its pseudo-bag (Zhang et al. 2022 §3),
   * without the bias that is common to all. The distillation ranks by the last class of it.
   */
  instanceLogits(instances: tf.Tensor2D, { attention }: Aggregation): tf.Tensor2D {
    const logits = tf.matMul(instances, this.classifier.weight, false, true);
    return tf.mul(logits, tf.reshape(tf.sum(attention as tf.Tensor2D, 0), [-1, 1]));
  }

  override forward(features: tf.Tensor2D, call: DTFDCall = {}): Prediction & DTFDAggregation {
    return super.forward(features, call) as Prediction & DTFDAggregation;
  }

  /** The second tier's loss, and the mean of the first tier's over pseudo-bags (Zhang et al. 2022 §3). */
  override loss(prediction: Prediction & DTFDAggregation, target: BagTarget): tf.Scalar {
    const second = target.loss(prediction.logits);
    return this.config.tierOneLoss ? tf.add(this.pseudoBagLoss(prediction, target), second) : second;
  }

  /** The first tier's loss alone. */
  pseudoBagLoss({ pseudoLogits }: DTFDAggregation, target: BagTarget): tf.Scalar {
    // By slices: tfjs has no gradient for splitting into one part.
    const each = Array.from({ length: pseudoLogits.shape[0] }, (_, g) =>
      target.loss(tf.slice(pseudoLogits, [g, 0], [1, -1])),
    );
    return tf.div(tf.addN(each), each.length);
  }

  private dealOut(n: number, { training, rng }: AggregatorCall): PseudoBags {
    const { groups, order } = this.config;
    if (!training) return cutPseudoBags(new Rng(INFERENCE_SEED).permutation(n), groups);
    if (order === 'stored') return cutPseudoBags(Int32Array.from(Array(n).keys()), groups);
    if (rng) return cutPseudoBags(rng.permutation(n), groups);
    throw new MhimError('training deals instances out to pseudo-bags at random and needs an Rng.', {
      code: 'config',
      hint: 'Pass { training: true, rng }.',
    });
  }

  /** Read back at once: a choice of instances has no gradient. */
  private lastClassScores(instances: tf.Tensor2D, attention: tf.Tensor2D): Float32Array {
    const scores = outsideTape(() => lastClassScore(this.instanceLogits(instances, { attention } as Aggregation)));
    const values = scores.dataSync() as Float32Array;
    scores.dispose();
    return values;
  }
}

/** x + relu(W₂·relu(W₁·x)), both layers without bias. */
class ResidualBlock extends Module {
  private readonly first: Linear;
  private readonly second: Linear;

  constructor(dim: number, rng: Rng) {
    super();
    const newLayer = () => new Linear(dim, dim, rng, { weightInit: xavierNormal, bias: false });
    this.first = this.child('block.0', newLayer());
    this.second = this.child('block.2', newLayer());
  }

  forward(x: tf.Tensor2D): tf.Tensor2D {
    const hidden = activate('relu', this.first.forward(x));
    return tf.add(x, activate('relu', this.second.forward(hidden)));
  }
}

/**
 * As the official repository of MHIM-v2 has it: contiguous pseudo-bags in training, no loss of the first tier, which learns
 * from the second's alone. Under `AFS` its classifier then stays as it was initialised.
 */
export function officialDTFD(config: DTFDMILConfig): DTFDMILConfig {
  return { order: 'stored', tierOneLoss: false, tiers: 'joint', ...config };
}

export const dtfdDefaults = {
  classes: 2,
  embedDim: 512,
  activation: 'relu',
  dropout: 0.25,
  residualBlocks: 0,
  attentionDim: 128,
  groups: 5,
  distillation: 'AFS',
  distilled: 1,
  order: 'shuffled',
  tierOneLoss: true,
  tiers: 'separate',
} as const;

/** Any fixed number: a bag's prediction must not depend on when it is asked for. */
const INFERENCE_SEED = 0;

function checkConfig({ groups, distilled, tierOneLoss, tiers }: Required<DTFDMILConfig>): void {
  for (const [path, value] of Object.entries({ groups, distilled })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new MhimError(`expected a whole number above 0, got ${value}.`, { code: 'config', path });
    }
  }
  if (!tierOneLoss && tiers === 'separate') {
    throw new MhimError('the first tier would learn from no loss at all.', {
      code: 'config',
      path: 'tiers',
      hint: 'Set tierOneLoss: true or tiers: "joint".',
    });
  }
}
