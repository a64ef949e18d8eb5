import * as tf from '@tensorflow/tfjs';
import { Aggregator, type Aggregation, type AggregatorCall } from '@mhim/mil-aggregators';
import { featureLayer, Linear, outsideTape, takeRows, type Rng } from '@mhim/tensor';

export interface TopKConfig {
  /** Width of the raw features. */
  inputDim: number;
  classes?: number;
  embedDim?: number;
  /** How many instances make the bag. */
  k?: number;
}

/** The bag is the mean of the k instances that the classifier is surest about. */
export class TopKMIL extends Aggregator {
  readonly inputDim: number;
  readonly classes: number;
  readonly embedDim: number;
  private readonly k: number;
  private readonly feature: Linear;
  private readonly classifier: Linear;

  constructor({ inputDim, classes = 2, embedDim = 256, k = 8 }: TopKConfig, rng: Rng) {
    super();
    [this.inputDim, this.classes, this.embedDim, this.k] = [inputDim, classes, embedDim, k];
    this.feature = this.child('feature.0', new Linear(inputDim, embedDim, rng));
    this.classifier = this.child('classifier', new Linear(embedDim, classes, rng));
  }

  /** Features [n, in] → instances [n, d]. */
  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { weight, bias } = this.feature;
    return featureLayer(features, weight, bias, { activation: 'gelu', dropout: 0.25 }, call);
  }

  /** Instances [n, d] → bag embedding [1, d]. */
  aggregate(instances: tf.Tensor2D): Aggregation {
    const k = Math.min(this.k, instances.shape[0]);
    // Which instances are the best has no gradient; what they are has.
    const best = outsideTape(() => tf.topk(tf.max(this.classifier.forward(instances), 1), k).indices as tf.Tensor1D);
    return { embedding: tf.mean(takeRows(instances, best), 0, true) };
  }

  /** Bag embedding [1, d] → logits [1, c]. */
  classify({ embedding }: Aggregation): tf.Tensor2D {
    return this.classifier.forward(embedding);
  }

  /** Instances [n, d] → logits [n, c]: what hard mining ranks by. */
  instanceLogits(instances: tf.Tensor2D): tf.Tensor2D {
    return this.classifier.forward(instances);
  }
}
