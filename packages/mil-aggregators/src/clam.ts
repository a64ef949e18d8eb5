import * as tf from '@tensorflow/tfjs';
import {
  crossEntropy,
  featureLayer,
  Linear,
  takeRows,
  xavierNormal,
  type ActivationName,
  type Rng,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall, type BagTarget, type Prediction } from './aggregator.js';
import { AttentionPooling } from './attention-pooling.js';
import { clusterInstances, type ClusteringTask } from './instance-clustering.js';
import { topKSvm } from './top-k-svm.js';

/** Whose state-dict names the model carries; they differ where there is no dropout. */
export type CLAMLayout = 'stand-alone' | 'original';

export interface CLAMConfig {
  /** Width of the raw features. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width d of the instances, default 512. */
  embedDim?: number;
  /** After the feature layer, default `gelu` as in MHIM-v2's recipes; the original has `relu`. */
  activation?: ActivationName;
  /** After the feature layer and activation, default 0.25. */
  dropout?: number;
  /** Gated attention (Ilse et al. 2018 eq. 9), default true. */
  gated?: boolean;
  /** Width of the attention's hidden layer, default 256 ("small"; "big" is 384). */
  attentionDim?: number;
  /** On the hidden attention branches, default 0.25. */
  attentionDropout?: number;
  /** Bias of the feature layer, default true. */
  featureBias?: boolean;
  /** Biases of the bag classifiers, default true. */
  classifierBias?: boolean;
  /** Instances of highest, and of lowest, attention that the instance loss samples, default 8 (all of a smaller bag). */
  sampled?: number;
  /** Whether classes exclude each other, so that the other classes' classifiers learn too. Default false. */
  subtyping?: boolean;
  /** Of the instance classifiers: smooth top-1 SVM or cross-entropy. Default `svm`. */
  instanceLoss?: 'svm' | 'cross-entropy';
  /** Of the bag's loss, default 0.7 (Lu et al. 2021). */
  labelWeight?: number;
  /** Of the instance loss, default 0.3 (Lu et al. 2021). */
  instanceWeight?: number;
  /** Default `stand-alone`. */
  layout?: CLAMLayout;
}

/** What each instance classifier said of its sampled instances, [m, 2], beside what it should have said. */
export interface InstanceVerdict extends ClusteringTask {
  logits: tf.Tensor2D;
}

/**
 * Clustering-constrained attention MIL (Lu et al. 2021): attention pooling as in AB-MIL, with instance classifiers that
 * learn, from the bag's most and least attended instances, what shows a class. They act in training only, and only where
 * the bag has a class: a survival target has no instance loss.
 */
export class CLAM extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<CLAMConfig>;
  override readonly featurePrefix = 'attention_net.0.';
  private readonly feature: Linear;
  private readonly pooling: AttentionPooling;
  private readonly classifiers: Linear[];
  private readonly instanceClassifiers: Linear[];

  /** @param branches one attention for the bag (CLAM-SB), or one for each class (CLAM-MB) */
  constructor(config: CLAMConfig, rng: Rng, branches: 'single' | 'multiple') {
    super();
    const c = (this.config = { ...clamDefaults, ...config });
    this.inputDim = c.inputDim;
    this.embedDim = c.embedDim;
    this.classes = c.classes;
    const linear = (name: string, from: number, to: number, bias = true) =>
      this.child(name, new Linear(from, to, rng, { weightInit: xavierNormal, bias }));
    const each = Array.from({ length: c.classes }, (_, i) => i);
    const multiple = branches === 'multiple';
    this.feature = linear('attention_net.0', c.inputDim, c.embedDim, c.featureBias);
    this.pooling = this.child(
      // A PyTorch Sequential counts its dropout too; the original has one even at rate 0.
      `attention_net.${c.dropout > 0 || c.layout === 'original' ? 3 : 2}`,
      new AttentionPooling(
        {
          dim: c.embedDim,
          attentionDim: c.attentionDim,
          gated: c.gated,
          activation: 'tanh',
          bias: true,
          heads: multiple ? c.classes : 1,
          dropout: c.attentionDropout,
          names: {
            hidden: c.gated ? 'attention_a.0' : 'module.0',
            gate: 'attention_b.0',
            score: c.gated ? 'attention_c' : `module.${c.attentionDropout > 0 ? 3 : 2}`,
          },
        },
        rng,
      ),
    );
    this.classifiers = multiple
      ? each.map((i) => linear(`classifiers.${i}`, c.embedDim, 1, c.classifierBias))
      : [linear('classifiers', c.embedDim, c.classes, c.classifierBias)];
    this.instanceClassifiers = each.map((i) => linear(`instance_classifiers.${i}`, c.embedDim, 2));
    // The class indices that the official SVM loss registers.
    this.skip('instance_loss_fn.labels');
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { activation, dropout: rate } = this.config;
    return featureLayer(features, this.feature.weight, this.feature.bias, { activation, dropout: rate }, call);
  }

  /** One bag embedding and attention for all classes, [1, d] and [1, n], or one a class, [c, d] and [c, n]. */
  aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): Aggregation {
    return this.pooling.forward(instances, call);
  }

  classify({ embedding }: Aggregation): tf.Tensor2D {
    const product = tf.sum(tf.mul(embedding, this.classWeights()), 1);
    const biases = this.classifiers.flatMap(({ bias }) => bias ?? []);
    return tf.reshape(biases.length > 0 ? tf.add(product, tf.concat(biases)) : product, [1, -1]);
  }

  /** w_c·(a_c,i zᵢ) with the attention of the class or of all classes; without bias, as in AB-MIL. */
  instanceLogits(instances: tf.Tensor2D, { attention }: Aggregation): tf.Tensor2D {
    const logits = tf.matMul(instances, this.classWeights(), false, true);
    return tf.mul(logits, tf.transpose(attention as tf.Tensor2D));
  }

  override loss(prediction: Prediction, target: BagTarget): tf.Scalar {
    const { labelWeight, instanceWeight } = this.config;
    const bag: tf.Scalar = tf.mul(target.loss(prediction.logits), labelWeight);
    if (target.label === undefined || instanceWeight === 0) return bag;
    return tf.add(bag, tf.mul(this.instanceLoss(prediction, target.label), instanceWeight));
  }

  /** Sum of the instance classifiers' losses for a bag of class `label`; when subtyping, their mean over the classes. */
  instanceLoss(prediction: Pick<Prediction, 'instances' | 'attention'>, label: number): tf.Scalar {
    const { instanceLoss, subtyping } = this.config;
    const losses = this.judgeInstances(prediction, label).map(({ logits, targets }) =>
      instanceLoss === 'svm' ? topKSvm(logits, targets) : crossEntropy(logits, targets),
    );
    return tf.div(tf.addN(losses), subtyping ? this.classes : 1);
  }

  /** The sampled instances' logits, for each instance classifier that a bag of class `label` teaches. */
  judgeInstances(
    { instances, attention }: Pick<Prediction, 'instances' | 'attention'>,
    label: number,
  ): InstanceVerdict[] {
    const { indices, tasks } = clusterInstances(attention as tf.Tensor2D, label, this.config);
    const chosen = takeRows(instances, indices);
    let start = 0;
    return tasks.map((task) => {
      const own = tf.slice(chosen, [start, 0], [task.targets.length, -1]);
      start += task.targets.length;
      return { ...task, logits: (this.instanceClassifiers[task.class] as Linear).forward(own) };
    });
  }

  /** Unnormalised attention, [1, n] or [c, n], as pathology heat maps often show it. */
  attentionScores(instances: tf.Tensor2D): tf.Tensor2D {
    return this.pooling.scores(instances);
  }

  /** The bag classifiers' weights as one matrix, [c, d]. */
  private classWeights(): tf.Tensor2D {
    return tf.concat(this.classifiers.map(({ weight }) => weight)) as tf.Tensor2D;
  }
}

/** CLAM with one attention branch, and a classifier of all classes on what it pools. */
export class CLAMSB extends CLAM {
  constructor(config: CLAMConfig, rng: Rng) {
    super(config, rng, 'single');
  }
}

/** CLAM with an attention branch and a classifier for each class. */
export class CLAMMB extends CLAM {
  constructor(config: CLAMConfig, rng: Rng) {
    super(config, rng, 'multiple');
  }
}

/** The published "small" network, with the activation of MHIM-v2's recipes. */
export const clamDefaults = {
  classes: 2,
  embedDim: 512,
  activation: 'gelu',
  dropout: 0.25,
  gated: true,
  attentionDim: 256,
  attentionDropout: 0.25,
  featureBias: true,
  classifierBias: true,
  sampled: 8,
  subtyping: false,
  instanceLoss: 'svm',
  labelWeight: 0.7,
  instanceWeight: 0.3,
  layout: 'stand-alone',
} as const;
