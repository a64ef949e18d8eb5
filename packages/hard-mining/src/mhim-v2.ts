import * as tf from '@tensorflow/tfjs';
import { MhimError, Module, takeRows, type Rng } from '@mhim/tensor';
import {
  assertBag,
  type Aggregation,
  type Aggregator,
  type AggregatorCall,
  type BagTarget,
  type Positions,
} from '@mhim/mil-aggregators';
import { RecycleNetwork } from '@mhim/recycle-network';
import { consistencyLoss } from './consistency-loss.js';
import { instanceMargin } from './instance-score.js';
import { highScoreMask, lowScoreSplit, permuteWith, randomSplit, type Permute } from './masking.js';
import { paper, type MHIMv2Config } from './mhim-config.js';
import { updateTeacher } from './momentum-teacher.js';
import { cosineSchedule } from './schedules.js';
import { sequencePositions } from './sequence-positions.js';

/** One training step's view of the bag, made by the teacher before the student sees it (MHIM-v2 Alg. 1). */
export interface HardInstances {
  /** Easy instances, masked by their high scores; ascending. */
  masked: Int32Array;
  /** Go straight to the student, in this order. */
  kept: Int32Array;
  /** Go through the recycle network. Empty when the bag is too small to spare any. */
  recycled: Int32Array;
  /** The teacher's bag embedding, the target of the consistency loss. The caller disposes it. */
  target: tf.Tensor2D;
  /** The teacher's score of every instance (see `instanceMargin`), [n]. */
  scores: Float32Array;
}

/** Where training stands, for the schedules. */
export interface MiningCall {
  rng: Rng;
  /** Steps taken so far. */
  step?: number;
  /** Steps of the nominal schedule: epochs × bags. */
  totalSteps?: number;
  /** Fixed permutations instead of drawn ones: of the high-score candidates and of the survivors. */
  draws?: { highScore?: Permute; split?: Permute };
  /** Where the bag's instances lie, for aggregators that use it. */
  positions?: Positions;
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
  consistency: tf.Scalar;
  /** The recycled instances [K, d] that move the global query, if there were any. */
  recycled?: tf.Tensor2D;
}

/**
 * Masked hard instance mining with a momentum teacher and a global recycle network (MHIM-v2) over any aggregator.
 *
 * A step is {@link mine} → gradients of {@link studentPass} → optimiser → {@link afterStep}. Its parameters are the
 * student's, under the official names (`merge.*` first); the teacher is a module of its own.
 */
export class MHIMv2 extends Module {
  readonly config: MHIMv2Config;
  readonly student: Aggregator;
  readonly recycle?: RecycleNetwork;
  readonly teacher: MomentumTeacher;

  /**
   * @param createAggregator makes the student's aggregator, and a second one for the teacher
   */
  constructor(createAggregator: (rng: Rng) => Aggregator, rng: Rng, config: Partial<MHIMv2Config> = {}) {
    super();
    this.config = { ...paper, ...config };
    checkConfig(this.config);
    const newRecycle = () => {
      const { queries, queryMomentum, recycleDropout, recycleHeads, recycleHeadDim } = this.config;
      return new RecycleNetwork(
        {
          dim: this.student.embedDim,
          queries,
          queryMomentum,
          dropout: recycleDropout,
          heads: recycleHeads,
          headDim: recycleHeadDim,
        },
        rng,
      );
    };
    this.student = createAggregator(rng);
    if (this.config.recycle) this.recycle = this.child('merge', newRecycle());
    this.child('', this.student);
    const teacherRecycle = this.config.recycle && this.config.teacherRecycle ? newRecycle() : undefined;
    this.teacher = new MomentumTeacher(createAggregator(rng), teacherRecycle);
    this.teacher.copyFrom(this);
  }

  /**
   * Scores all instances with the teacher and decides what the student sees (MHIM-v2 Alg. 1). Nothing is recorded for
   * gradients. The teacher's dropout is active, as in the official training loop (`teacherDropout`).
   * @param features [n, in]
   */
  mine(features: tf.Tensor2D, call: MiningCall): HardInstances {
    const { rng, step = 0, totalSteps = 1, draws = {}, maskRatioHigh, positions } = call;
    const { config } = this;
    assertBag(features, this.student.inputDim);
    const { target, scores } = this.score(features, { training: config.teacherDropout, rng, positions });
    const ratio =
      maskRatioHigh ??
      (config.maskRatioHighDecay === 'cosine'
        ? cosineSchedule(config.maskRatioHigh, 0, step, totalSteps)
        : config.maskRatioHigh);
    const high = highScoreMask(scores, {
      ratio,
      randomRatio: config.randomHigh,
      permute: draws.highScore ?? permuteWith(rng),
    });
    const split =
      config.split === 'low-score'
        ? lowScoreSplit(high.kept, config.keepRatio, scores)
        : config.split === 'none'
          ? { kept: high.kept, recycled: new Int32Array() }
          : randomSplit(high.kept, config.keepRatio, draws.split ?? permuteWith(rng));
    if (!this.recycle && split.kept.length === 0) [split.kept, split.recycled] = [high.kept, split.kept];
    return { masked: high.masked, ...split, target, scores };
  }

  /**
   * The student on the hard instances, and its loss (MHIM-v2 Alg. 2).
   * @param features [n, in]
   * @param call `training: true` and an Rng while training; `positions` are those of the bag
   */
  studentPass(features: tf.Tensor2D, hard: HardInstances, target: BagTarget, call: AggregatorCall): StudentPass {
    const { consistencyWeight, temperature, labelWeight } = this.config;
    const { sequence, recycled, sequenceCall } = this.hardSequence(features, hard, call);
    const aggregation = this.student.aggregate(sequence, sequenceCall);
    const logits = this.student.classify(aggregation, sequenceCall);
    const label = this.student.loss({ ...aggregation, logits, instances: sequence }, target, sequenceCall);
    const consistency = consistencyLoss(aggregation.embedding, hard.target, temperature);
    const loss: tf.Scalar = tf.add(tf.mul(label, labelWeight), tf.mul(consistency, consistencyWeight));
    return { ...aggregation, logits, loss, labelLoss: label, consistency, recycled };
  }

  /** What follows the optimiser's update: the global query moves, then the teacher. */
  afterStep(recycled?: tf.Tensor2D): void {
    if (recycled) this.recycle?.updateQuery(recycled);
    updateTeacher(this.teacher, this, this.config.momentum);
  }

  /**
   * Prediction by the student alone on all instances, with the recycled instances of the whole bag appended when
   * `recycleAtInference` (MHIM-v2 §3.6).
   * @param features [n, in]
   * @returns logits [1, c]; attention covers the n instances and then the K recycled ones
   */
  predict(
    features: tf.Tensor2D,
    call: AggregatorCall = {},
  ): Aggregation & { logits: tf.Tensor2D; instances: tf.Tensor2D } {
    assertBag(features, this.student.inputDim);
    const instances = this.student.embed(features, call);
    const recycled = this.recycle && this.config.recycleAtInference ? this.recycle.forward(instances) : undefined;
    const appended = recycled ? tf.concat([instances, recycled]) : instances;
    const sequenceCall = recycled ? withPositions(call, { recycled: recycled.shape[0] }) : call;
    const aggregation = this.student.aggregate(appended, sequenceCall);
    return { ...aggregation, instances: appended, logits: this.student.classify(aggregation, sequenceCall) };
  }

  /** Frees the parameters of student and teacher. */
  override dispose(): void {
    super.dispose();
    this.teacher.dispose();
  }

  private score(features: tf.Tensor2D, call: AggregatorCall): { target: tf.Tensor2D; scores: Float32Array } {
    const [target, margins] = tf.tidy(() => {
      const { aggregator } = this.teacher;
      const instances = aggregator.embed(features, call);
      const aggregation = aggregator.aggregate(instances, call);
      return [aggregation.embedding, instanceMargin(aggregator.instanceLogits(instances, aggregation))];
    }) as [tf.Tensor2D, tf.Tensor1D];
    const scores = margins.dataSync() as Float32Array;
    margins.dispose();
    return { target, scores };
  }

  private hardSequence(
    features: tf.Tensor2D,
    { kept, recycled }: HardInstances,
    call: AggregatorCall,
  ): { sequence: tf.Tensor2D; recycled?: tf.Tensor2D; sequenceCall: AggregatorCall } {
    if (!this.recycle || recycled.length === 0) {
      // Rows that the student never sees need no embedding; raw features need no gradient.
      const seen = kept.length < features.shape[0] ? takeRows(features, kept) : features;
      const sequenceCall = seen === features ? call : withPositions(call, { kept });
      return { sequence: this.student.embed(seen, sequenceCall), sequenceCall };
    }
    const instances = this.student.embed(features, call);
    const brought = this.recycle.forward(instances, call, recycled);
    const sequence = kept.length === 0 ? brought : tf.concat([takeRows(instances, kept), brought]);
    return { sequence, recycled: brought, sequenceCall: withPositions(call, { kept, recycled: brought.shape[0] }) };
  }
}

/** The call with the positions of a sequence in place of its bag's. */
function withPositions(call: AggregatorCall, picked: Parameters<typeof sequencePositions>[1]): AggregatorCall {
  return call.positions ? { ...call, positions: sequencePositions(call.positions, picked) } : call;
}

/** The teacher of MHIM: the student's structure, moved by averaging only (MHIM-v2 §3.5). */
export class MomentumTeacher extends Module {
  constructor(
    readonly aggregator: Aggregator,
    recycle?: RecycleNetwork,
  ) {
    super();
    // The official code also averages a recycle network that the teacher never uses.
    if (recycle) this.child('merge', recycle);
    this.child('', aggregator);
  }

  /** Takes over the values of `source` for every parameter of its own. */
  copyFrom(source: Module): void {
    updateTeacher(this, source, 0);
  }
}

function checkConfig(config: MHIMv2Config): void {
  const shares = ['maskRatioHigh', 'randomHigh', 'keepRatio', 'momentum', 'queryMomentum'] as const;
  for (const name of shares) {
    const value = config[name];
    if (!(value >= 0 && value <= 1)) {
      throw new MhimError(`expected a number between 0 and 1, got ${value}.`, { code: 'config', path: name });
    }
  }
  if (!(config.temperature > 0)) {
    throw new MhimError(`expected a positive number, got ${config.temperature}.`, {
      code: 'config',
      path: 'temperature',
    });
  }
  if (!config.recycle && config.recycleAtInference) {
    throw new MhimError('there is no recycle network to run at inference.', {
      code: 'config',
      path: 'recycleAtInference',
      hint: 'Set recycle: true or recycleAtInference: false.',
    });
  }
}
