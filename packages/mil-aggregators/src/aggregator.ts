import type * as tf from '@tensorflow/tfjs';
import { MhimError, Module, type Call } from '@mhim/tensor';

/** Where the instances of a bag lie: for aggregators that use it ({@link Aggregator.usesPositions}). */
export interface Positions {
  /** Column and row of each instance on the patch grid, [n, 2], x first. */
  xy: ArrayLike<number>;
  /** Columns of the grid. */
  width: number;
  /** Rows of the grid. */
  height: number;
}

/** One pass of a bag through an aggregator. */
export interface AggregatorCall extends Call {
  positions?: Positions;
}

/** What pooling a bag gives. */
export interface Aggregation {
  /** The bag embedding F, [1, d] ([c, d] for methods with one embedding a class). */
  embedding: tf.Tensor2D;
  /** Attention weights, [heads, n], for methods that have them. */
  attention?: tf.Tensor2D;
}

/**
 * How an instance's logits become the one number that hard mining ranks by: its largest class probability (MHIM-v2 eq. 6),
 * or its largest logit as it is.
 */
export type InstanceScore = 'probability' | 'logit';

/** The outcome of all four functions. */
export interface Prediction extends Aggregation {
  /** [1, c] */
  logits: tf.Tensor2D;
  /** [n, d] */
  instances: tf.Tensor2D;
}

/** The loss of the bag's label given logits [1, c]: cross-entropy, or a survival loss. */
export type LabelLoss = (logits: tf.Tensor2D) => tf.Scalar;

/** What a bag is trained towards. */
export interface BagTarget {
  loss: LabelLoss;
  /** The bag's class, for methods that also teach single instances; absent for survival. */
  label?: number;
}

/**
 * A multiple instance learning model as the composition of four functions, each callable alone
 * (MHIM-v2 §3.1: the bag embedding is pooled from instances, then classified).
 * Hard mining needs nothing else, so it runs over anything that implements them.
 */
export abstract class Aggregator extends Module {
  /** Width of the raw features. */
  abstract readonly inputDim: number;
  /** Width d of instances and bag embedding. */
  abstract readonly embedDim: number;
  /** Number of classes c (hazard bins for survival). */
  abstract readonly classes: number;

  /** How the names of the patch-to-embedding layer's parameters begin (the "FC" of MHIM-v2 Table 11). */
  readonly featurePrefix: string = 'feature.';

  /** What hard mining makes of {@link instanceLogits}. */
  readonly instanceScore: InstanceScore = 'probability';

  /** Whether the call's `positions` change anything; for others nobody need work them out. */
  get usesPositions(): boolean {
    return false;
  }

  /** Raw features [n, in] → instances [n, d]. */
  abstract embed(features: tf.Tensor2D, call?: AggregatorCall): tf.Tensor2D;

  /** Instances [n, d] → bag embedding, with attention where the method has one. */
  abstract aggregate(instances: tf.Tensor2D, call?: AggregatorCall): Aggregation;

  /** Bag embedding → logits [1, c]. */
  abstract classify(aggregation: Aggregation, call?: AggregatorCall): tf.Tensor2D;

  /**
   * Class-aware logits of every instance, [n, c]: what the classifier makes of each instance's share of the bag embedding
   * (MHIM-v2 eq. 6). Hard mining ranks by them. The call matters to methods with dropout on the way to the score.
   */
  abstract instanceLogits(instances: tf.Tensor2D, aggregation: Aggregation, call?: AggregatorCall): tf.Tensor2D;

  /** The composition `classify ∘ aggregate ∘ embed`. */
  forward(features: tf.Tensor2D, call: AggregatorCall = {}): Prediction {
    assertBag(features, this.inputDim);
    const instances = this.embed(features, call);
    const aggregation = this.aggregate(instances, call);
    return { ...aggregation, instances, logits: this.classify(aggregation, call) };
  }

  /** What training minimises for one bag: the label's loss. Methods with losses of their own add them. */
  loss({ logits }: Prediction, target: BagTarget, _call: AggregatorCall = {}): tf.Scalar {
    return target.loss(logits);
  }
}

/** @throws MhimError `shape` for an empty bag or features of another width */
export function assertBag(features: tf.Tensor2D, inputDim: number): void {
  const [instances, width] = features.shape;
  if (features.shape.length !== 2 || width !== inputDim) {
    throw new MhimError(`features have shape [${features.shape}], the model expects [n, ${inputDim}].`, {
      code: 'shape',
      hint: 'Were they extracted with another encoder?',
    });
  }
  if (instances === 0) {
    throw new MhimError('the bag has no instances.', { code: 'shape', hint: 'Leave empty slides out.' });
  }
}
