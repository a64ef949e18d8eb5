import * as tf from '@tensorflow/tfjs';
import { featureLayer, Linear, xavierNormal, type ActivationName, type Rng } from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall } from './aggregator.js';
import { columnMaximum } from './column-maximum.js';

export interface InstancePoolingConfig {
  /** Width of the raw features. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width of the hidden layer, default 512. */
  embedDim?: number;
  /** Default `gelu`. */
  activation?: ActivationName;
  /** After the hidden layer, default 0.25. */
  dropout?: number;
}

export const instancePoolingDefaults = { classes: 2, embedDim: 512, activation: 'gelu', dropout: 0.25 } as const;

/** Classifies every instance and pools the logits: the instance-level baselines of MHIM-v2 (spec: `head.0`, `head.3`). */
abstract class InstancePooling extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<InstancePoolingConfig>;
  override readonly featurePrefix = 'head.0.';
  private readonly hidden: Linear;
  private readonly classifier: Linear;

  constructor(config: InstancePoolingConfig, rng: Rng) {
    super();
    const c = (this.config = { ...instancePoolingDefaults, ...config });
    this.inputDim = c.inputDim;
    this.embedDim = c.embedDim;
    this.classes = c.classes;
    this.hidden = this.child('head.0', new Linear(c.inputDim, c.embedDim, rng, { weightInit: xavierNormal }));
    // A PyTorch Sequential counts its dropout too, so the classifier's index depends on whether there is one.
    const index = c.dropout > 0 ? 3 : 2;
    this.classifier = this.child(`head.${index}`, new Linear(c.embedDim, c.classes, rng, { weightInit: xavierNormal }));
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { activation, dropout: rate } = this.config;
    return featureLayer(features, this.hidden.weight, this.hidden.bias, { activation, dropout: rate }, call);
  }

  /** Here the pooled logits are the bag embedding. */
  aggregate(instances: tf.Tensor2D): Aggregation {
    return { embedding: this.pool(this.classifier.forward(instances)) };
  }

  classify({ embedding }: Aggregation): tf.Tensor2D {
    return embedding;
  }

  instanceLogits(instances: tf.Tensor2D): tf.Tensor2D {
    return this.classifier.forward(instances);
  }

  /** Instance logits [n, c] → bag logits [1, c]. */
  protected abstract pool(logits: tf.Tensor2D): tf.Tensor2D;
}

/** The bag's logits are the mean of its instances'. */
export class MeanPooling extends InstancePooling {
  protected pool(logits: tf.Tensor2D): tf.Tensor2D {
    return tf.mean(logits, 0, true);
  }
}

/** The bag's logits are, class by class, the largest of its instances'. */
export class MaxPooling extends InstancePooling {
  protected pool(logits: tf.Tensor2D): tf.Tensor2D {
    return columnMaximum(logits);
  }
}
