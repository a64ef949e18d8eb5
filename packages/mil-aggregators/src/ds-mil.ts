import * as tf from '@tensorflow/tfjs';
import {
  BatchNorm,
  featureLayer,
  LayerNorm,
  Linear,
  MhimError,
  outsideTape,
  xavierNormal,
  type ActivationName,
  type Rng,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall, type BagTarget, type Prediction } from './aggregator.js';
import { ClassConvolution } from './class-convolution.js';
import { columnMaximum } from './column-maximum.js';
import { criticalScores, type QueryWeights } from './critical-scores.js';
import type { MhimUse } from './mhim-use.js';
import { valuePool } from './value-pool.js';

/** Whose state-dict names (and so whose checkpoints) the model carries. */
export type DSMILLayout = 'stand-alone' | 'mhim' | 'original';

export interface DSMILConfig {
  /** Width of the raw features. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width d of the instances, default 512; layout `original` has no feature layer, so there it is `inputDim`. */
  embedDim?: number;
  /** After the feature layer, default `gelu`. */
  activation?: ActivationName;
  /** After the feature layer and activation, default 0.25. */
  dropout?: number;
  /** The query network: one linear layer, or two with ReLU and tanh. Default `nonlinear`. */
  query?: 'nonlinear' | 'linear';
  /** Width of the queries, default 128. */
  queryDim?: number;
  /**
   * What is pooled: a linear layer of the instances with ReLU, the same without (the first release of the original code),
   * or the instances themselves (its present default). Default `rectified`.
   */
  values?: 'rectified' | 'linear' | 'instances';
  /**
   * `bag`: the bag stream predicts, and each stream has a loss of its own (Li et al. 2021). `mean`: the two streams' logits
   * are averaged before softmax and loss (MHIM-v2's code). `mean-probability`: each stream has its loss, and their class
   * probabilities are averaged to predict (the code of MHIM's conference version); for classes only. Default `bag`.
   */
  prediction?: 'bag' | 'mean' | 'mean-probability';
  /** Of the bag stream's loss, default 0.5 (Li et al. 2021). */
  labelWeight?: number;
  /**
   * Of the instance stream's loss, at the largest instance logits; default 0.5. Without it nothing would teach the instance
   * classifier which instances are critical.
   */
  instanceWeight?: number;
  /** Biases of feature layer, classifiers, values and the first query layer, default true. */
  bias?: boolean;
  /** Normalises features and bag embeddings. Default none. */
  norm?: 'none' | 'layer' | 'batch';
  /** Default `stand-alone`. */
  layout?: DSMILLayout;
}

/** What DSMIL's two streams give; the embedding has one row a class. */
export interface DSMILAggregation extends Aggregation {
  /** Of the instance classifier, [n, c]. */
  instanceLogits: tf.Tensor2D;
  /** The largest of each class, [1, c]: what the instance stream makes of the bag. */
  maximum: tf.Tensor2D;
}

/**
 * Dual-stream MIL (Li et al. 2021; "DSMIL" of MHIM-v2). One stream classifies instances and takes each class's largest
 * logit; the other pools all instances by how near they are to that critical instance, and classifies the pooled values.
 * The defaults are the official repository's stand-alone baseline; {@link mhimDSMIL} gives the base inside MHIM.
 */
export class DSMIL extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<DSMILConfig>;
  override readonly instanceScore = 'logit';
  private readonly featureNorm?: LayerNorm | BatchNorm;
  private readonly feature?: Linear;
  private readonly instanceClassifier: Linear;
  private readonly queryFirst: Linear;
  private readonly querySecond?: Linear;
  private readonly value?: Linear;
  private readonly bagNorm?: LayerNorm | BatchNorm;
  private readonly bagClassifier: ClassConvolution;

  constructor(config: DSMILConfig, rng: Rng) {
    super();
    const c = (this.config = { ...dsmilDefaults, ...config });
    const names = layouts[c.layout];
    this.inputDim = c.inputDim;
    this.embedDim = names.feature ? c.embedDim : c.inputDim;
    this.classes = c.classes;
    const linear = (name: string, from: number, to: number, bias = c.bias) =>
      this.child(name, new Linear(from, to, rng, { weightInit: xavierNormal, bias }));
    if (names.feature) {
      this.featureNorm = this.normOfFeatures(names.feature);
      this.feature = linear(`${names.feature}.${c.norm === 'layer' ? 1 : 0}`, c.inputDim, c.embedDim);
    }
    this.instanceClassifier = linear(names.instanceClassifier, this.embedDim, c.classes);
    const bag = names.bagClassifier;
    this.queryFirst = linear(c.query === 'linear' ? `${bag}.q` : `${bag}.q.0`, this.embedDim, c.queryDim);
    if (c.query === 'nonlinear') this.querySecond = linear(`${bag}.q.2`, c.queryDim, c.queryDim, true);
    if (c.values !== 'instances') this.value = linear(`${bag}.v.1`, this.embedDim, this.embedDim);
    if (c.norm !== 'none') {
      const Norm = c.norm === 'layer' ? LayerNorm : BatchNorm;
      this.bagNorm = this.child(`${bag}.norm`, new Norm(this.embedDim));
    }
    this.bagClassifier = this.child(
      `${bag}.fcc`,
      new ClassConvolution(c.classes, this.embedDim, rng, { bias: c.bias }),
    );
    if (names.unusedPredictor) linear(names.unusedPredictor, this.embedDim, c.classes);
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    if (!this.feature) return features;
    const { activation, dropout: rate } = this.config;
    const input = this.featureNorm ? this.featureNorm.forward(features, call) : features;
    return featureLayer(input, this.feature.weight, this.feature.bias, { activation, dropout: rate }, call);
  }

  aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): DSMILAggregation {
    const instanceLogits = this.instanceClassifier.forward(instances);
    const critical = outsideTape(() => tf.cast(tf.argMax(instanceLogits, 0), 'int32') as tf.Tensor1D);
    const scores = criticalScores(instances, critical, this.queryWeights());
    const { embedding, attention } = valuePool(
      instances,
      scores,
      this.value && {
        weight: this.value.weight,
        bias: this.value.bias,
        rectified: this.config.values === 'rectified',
      },
    );
    return {
      embedding: this.bagNorm ? this.bagNorm.forward(embedding, call) : embedding,
      attention,
      instanceLogits,
      maximum: columnMaximum(instanceLogits),
    };
  }

  /** Under `mean-probability` the logarithms of the averaged probabilities, whose softmax these are. */
  classify(aggregation: DSMILAggregation): tf.Tensor2D {
    const bag = this.bagLogits(aggregation);
    switch (this.config.prediction) {
      case 'bag':
        return bag;
      case 'mean':
        return tf.mul(tf.add(bag, aggregation.maximum), 0.5);
      case 'mean-probability':
        return logMeanSoftmax(bag, aggregation.maximum);
    }
  }

  /** The bag stream's logits alone, [1, c]. */
  bagLogits({ embedding }: Aggregation): tf.Tensor2D {
    return this.bagClassifier.forward(embedding);
  }

  /** The instance classifier's logits, not weighted by attention; their largest ranks an instance (see `instanceScore`). */
  instanceLogits(instances: tf.Tensor2D, aggregation?: Partial<DSMILAggregation>): tf.Tensor2D {
    return aggregation?.instanceLogits ?? this.instanceClassifier.forward(instances);
  }

  override loss(prediction: Prediction & DSMILAggregation, target: BagTarget): tf.Scalar {
    const { prediction: predicts, labelWeight, instanceWeight } = this.config;
    if (predicts === 'mean') return target.loss(prediction.logits);
    if (predicts === 'mean-probability' && target.label === undefined) {
      throw new MhimError('mean-probability averages class probabilities, and a survival target has no classes.', {
        code: 'config',
        path: 'aggregator.prediction',
        hint: 'Set it to mean.',
      });
    }
    const bag = tf.mul(target.loss(predicts === 'bag' ? prediction.logits : this.bagLogits(prediction)), labelWeight);
    return tf.add(bag, tf.mul(target.loss(prediction.maximum), instanceWeight)) as tf.Scalar;
  }

  private queryWeights(): QueryWeights {
    const { queryFirst, querySecond } = this;
    return {
      first: queryFirst.weight,
      firstBias: queryFirst.bias,
      second: querySecond?.weight,
      secondBias: querySecond?.bias,
    };
  }

  private normOfFeatures(name: string): LayerNorm | BatchNorm | undefined {
    const { norm, inputDim, embedDim, bias } = this.config;
    if (norm === 'layer') return this.child(`${name}.0`, new LayerNorm(inputDim, { bias }));
    if (norm === 'none') return undefined;
    const features = this.child('norm', new BatchNorm(inputDim));
    // Officially made and saved, never used.
    this.child('norm1', new BatchNorm(embedDim));
    return features;
  }
}

/**
 * The DSMIL base inside MHIM and its `mhim_pure` baseline, with the names of the `MHIM` class. MHIM-v2 averages logits; the
 * conference version averaged losses and probabilities, of classes.
 */
export function mhimDSMIL(config: DSMILConfig, { method, task }: MhimUse = {}): DSMILConfig {
  const prediction = method === 'mhim' && task !== 'survival' ? 'mean-probability' : 'mean';
  return { prediction, layout: 'mhim', ...config };
}

/** ln ½(softmax a + softmax b), [1, c] each, without leaving logarithms. */
function logMeanSoftmax(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const both: tf.Tensor2D = tf.concat([tf.logSoftmax(a), tf.logSoftmax(b)]);
  return tf.sub(tf.logSumExp(both, 0, true), Math.LN2);
}

/** The official repository's stand-alone baseline. */
export const dsmilDefaults = {
  classes: 2,
  embedDim: 512,
  activation: 'gelu',
  dropout: 0.25,
  query: 'nonlinear',
  queryDim: 128,
  values: 'rectified',
  prediction: 'bag',
  labelWeight: 0.5,
  instanceWeight: 0.5,
  bias: true,
  norm: 'none',
  layout: 'stand-alone',
} as const;

interface LayoutNames {
  feature?: string;
  instanceClassifier: string;
  bagClassifier: string;
  /** `MHIM` makes its linear predictor for every base; over DSMIL nothing uses it. */
  unusedPredictor?: string;
}

const layouts: Record<DSMILLayout, LayoutNames> = {
  'stand-alone': { feature: 'feature', instanceClassifier: 'i_classifier', bagClassifier: 'b_classifier' },
  mhim: {
    feature: 'feature',
    instanceClassifier: 'online_encoder.i_classifier.0',
    bagClassifier: 'online_encoder.b_classifier',
    unusedPredictor: 'predictor',
  },
  original: { instanceClassifier: 'i_classifier.fc.0', bagClassifier: 'b_classifier' },
};
