import * as tf from '@tensorflow/tfjs';
import { Module, takeRows, type Rng } from '@mhim/tensor';
import {
  assertBag,
  type Aggregation,
  type Aggregator,
  type AggregatorCall,
  type BagTarget,
  type Positions,
} from '@mhim/mil-aggregators';
import type { RecycleNetwork } from '@mhim/recycle-network';
import { consistencyLoss } from './consistency-loss.js';
import { assessInstances } from './instance-score.js';
import type { Permute, ScoreHeads } from './masking.js';
import type { MiningConfig } from './mining-config.js';
import { MomentumTeacher, updateTeacher } from './momentum-teacher.js';
import { cosineSchedule, momentumSchedule } from './schedules.js';
import { positionsOf, withRecycled } from './sequence-positions.js';

/** Which instances of a bag the student sees, and how. Together they are the bag. */
export interface StudentView {
  /** Left out; ascending. */
  masked: Int32Array;
  /** Go straight to the student, in this order. */
  kept: Int32Array;
  /** Split off; they go through the recycle network, where there is one. */
  recycled: Int32Array;
}

/** One training step's view of the bag, made by the teacher before the student sees it (MHIM-v2 Alg. 1). */
export interface HardInstances extends StudentView {
  /** The teacher's bag embedding, the target of the consistency loss, unless that has no weight. The caller disposes it. */
  target?: tf.Tensor2D;
  /** The teacher's score of every instance (see `MiningScore`), [n], or [heads, n] row by row. */
  scores: Float32Array;
}

/** Where training stands, for the schedules. */
export interface TrainingProgress {
  /** Steps taken so far. */
  step?: number;
  /** Steps of the nominal schedule: epochs × bags. */
  totalSteps?: number;
}

export interface MiningCall extends TrainingProgress {
  rng: Rng;
  positions?: Positions;
  /** Fixed permutations instead of drawn ones: of the bag, of the high-score candidates and of the survivors. */
  draws?: { random?: Permute; highScore?: Permute; split?: Permute };
  /** Overrides the scheduled high score mask ratio of this step. */
  maskRatioHigh?: number;
}

/** The student's share of one step; all tensors belong to the tape that computed them. */
export interface StudentPass extends Aggregation {
  /** [1, c] */
  logits: tf.Tensor2D;
  /** `labelWeight·label loss + consistencyWeight·consistency loss` (MHIM-v2 eq. 14). */
  loss: tf.Scalar;
  /** The aggregator's own training loss: the label's, with whatever the method adds to it. */
  labelLoss: tf.Scalar;
  /** Absent where it has no weight. */
  consistency?: tf.Scalar;
  /** The recycled instances [K, d] that move the global query, if there were any. */
  recycled?: tf.Tensor2D;
}

/** A student's prediction; with recycled instances, `instances` and `attention` have those behind the bag's own. */
export interface StudentPrediction extends Aggregation {
  /** [1, c] */
  logits: tf.Tensor2D;
  /** [n, d] */
  instances: tf.Tensor2D;
}

/** The teacher's scores as a mask takes them. */
export interface RankedBag extends Required<ScoreHeads> {
  /** [n], or [heads, n] row by row. */
  scores: Float32Array;
  /** Number of instances. */
  n: number;
}

/**
 * Masked hard instance mining: a student learns from what a teacher leaves it of each bag. What the versions of the method
 * differ in is which instances these are.
 *
 * A step is {@link mine} → gradients of {@link studentPass} → optimiser → {@link afterStep}. The module's parameters are the
 * student's, under the official names (`merge.*` first); a teacher of its own is a module of its own.
 */
export abstract class HardMining<C extends MiningConfig = MiningConfig> extends Module {
  /** The method, as configurations name it. */
  abstract readonly method: 'mhim' | 'mhim-v2';
  readonly student: Aggregator;
  readonly teacher: MomentumTeacher;
  readonly recycle?: RecycleNetwork;

  /**
   * @param createAggregator makes the student's aggregator, and a second one for a teacher of its own
   * @param createRecycle makes the recycle network for instances of width `dim`; and the teacher's, which averages it unused
   */
  protected constructor(
    readonly config: C,
    createAggregator: (rng: Rng) => Aggregator,
    rng: Rng,
    createRecycle: { student?: (dim: number) => RecycleNetwork; teacher?: (dim: number) => RecycleNetwork } = {},
  ) {
    super();
    this.student = createAggregator(rng);
    const { embedDim } = this.student;
    if (createRecycle.student) this.recycle = this.child('merge', createRecycle.student(embedDim));
    this.child('', this.student);
    if (!this.hasOwnTeacher) {
      this.teacher = new MomentumTeacher(this.student);
      return;
    }
    const teacherRecycle = createRecycle.teacher?.(embedDim);
    this.teacher = new MomentumTeacher(createAggregator(rng), teacherRecycle);
    this.teacher.copyFrom(this);
  }

  /** Whether the teacher has parameters of its own, or is the student. */
  get hasOwnTeacher(): boolean {
    return this.config.teacher === 'momentum';
  }

  /**
   * Scores all instances with the teacher and decides what the student sees (MHIM-v2 Alg. 1). Nothing is recorded for
   * gradients. The teacher's dropout is active, as in the official training loop (`teacherDropout`).
   * @param features [n, in]
   */
  mine(features: tf.Tensor2D, call: MiningCall): HardInstances {
    const { score, teacherDropout, headFusion, consistencyWeight } = this.config;
    assertBag(features, this.student.inputDim);
    const { rng, positions, maskRatioHigh = this.scheduledRatio(call) } = call;
    const { scores, heads, embedding } = assessInstances(this.teacher.aggregator, features, score, {
      training: teacherDropout,
      rng,
      positions,
    });
    const view = this.select({ scores, heads, fusion: headFusion, n: features.shape[0] }, maskRatioHigh, call);
    if (consistencyWeight > 0) return { ...view, scores, target: embedding };
    embedding.dispose();
    return { ...view, scores };
  }

  /**
   * The student on the hard instances, and its loss (MHIM-v2 Alg. 2).
   * @param features [n, in]
   * @param call `training: true` and an Rng while training
   */
  studentPass(features: tf.Tensor2D, hard: HardInstances, target: BagTarget, call: AggregatorCall): StudentPass {
    const { consistencyWeight, temperature, labelWeight } = this.config;
    const { instances, recycled, positions } = this.hardSequence(features, hard, call);
    const own = { ...call, positions };
    const aggregation = this.student.aggregate(instances, own);
    const logits = this.student.classify(aggregation, own);
    const labelLoss = this.student.loss({ ...aggregation, logits, instances }, target, own);
    const loss: tf.Scalar = tf.mul(labelLoss, labelWeight);
    if (!hard.target || consistencyWeight === 0) return { ...aggregation, logits, loss, labelLoss, recycled };
    const consistency = consistencyLoss(aggregation.embedding, hard.target, temperature);
    const whole: tf.Scalar = tf.add(loss, tf.mul(consistency, consistencyWeight));
    return { ...aggregation, logits, loss: whole, labelLoss, consistency, recycled };
  }

  /**
   * What follows the optimiser's update: the global query moves, then the teacher.
   * @param recycled of the step's {@link studentPass}
   */
  afterStep(recycled?: tf.Tensor2D, { step = 0, totalSteps = 1 }: TrainingProgress = {}): void {
    if (recycled) this.recycle?.updateQuery(recycled);
    const { momentum, momentumRise } = this.config;
    const scheduled = momentumRise === 'cosine' ? momentumSchedule(momentum, step, totalSteps) : momentum;
    if (this.hasOwnTeacher && scheduled < 1) updateTeacher(this.teacher, this, scheduled);
  }

  /**
   * Prediction by the student alone on all instances; MHIM-v2 appends the recycled instances of the whole bag
   * (MHIM-v2 §3.6).
   * @param features [n, in]
   */
  predict(features: tf.Tensor2D, call: AggregatorCall = {}): StudentPrediction {
    assertBag(features, this.student.inputDim);
    const own = this.student.embed(features, call);
    const recycled = this.recycledAtInference(own);
    const instances = recycled ? tf.concat([own, recycled]) : own;
    const { positions } = call;
    const whole = recycled && positions ? { ...call, positions: withRecycled(positions, recycled.shape[0]) } : call;
    const aggregation = this.student.aggregate(instances, whole);
    return { ...aggregation, instances, logits: this.student.classify(aggregation, whole) };
  }

  /** Frees the parameters of student and teacher. */
  override dispose(): void {
    super.dispose();
    if (this.hasOwnTeacher) this.teacher.dispose();
  }

  /**
   * Which instances the student sees; at least one, itself or recycled.
   * @param maskRatioHigh βh of this step
   */
  protected abstract select(bag: RankedBag, maskRatioHigh: number, call: MiningCall): StudentView;

  /** What inference appends to the bag's own instances. */
  protected recycledAtInference(_instances: tf.Tensor2D): tf.Tensor2D | undefined {
    return undefined;
  }

  private scheduledRatio({ step = 0, totalSteps = 1 }: TrainingProgress): number {
    const { maskRatioHigh, maskRatioHighDecay } = this.config;
    return maskRatioHighDecay === 'cosine' ? cosineSchedule(maskRatioHigh, 0, step, totalSteps) : maskRatioHigh;
  }

  private hardSequence(
    features: tf.Tensor2D,
    { kept, recycled }: StudentView,
    call: AggregatorCall,
  ): { instances: tf.Tensor2D; recycled?: tf.Tensor2D; positions?: Positions } {
    const positions = call.positions && positionsOf(call.positions, kept);
    if (!this.recycle || recycled.length === 0) {
      // Rows that the student never sees need no embedding; raw features need no gradient.
      const all = kept.length === features.shape[0] && kept.every((instance, i) => instance === i);
      const seen = all ? features : takeRows(features, kept);
      return { instances: this.student.embed(seen, { ...call, positions }), positions };
    }
    const embedded = this.student.embed(features, call);
    const brought = this.recycle.forward(embedded, call, recycled);
    return {
      instances: kept.length === 0 ? brought : tf.concat([takeRows(embedded, kept), brought]),
      recycled: brought,
      positions: positions && withRecycled(positions, brought.shape[0]),
    };
  }
}
