import type * as tf from '@tensorflow/tfjs';
import type { Aggregator } from '@mhim/mil-aggregators';
import { RecycleNetwork } from '@mhim/recycle-network';
import type { Rng } from '@mhim/tensor';
import { HardMining, type MiningCall, type RankedBag, type StudentView } from './hard-mining.js';
import { highScoreMask, leaveOne, lowScoreSplit, permuteWith, randomSplit } from './masking.js';
import { checkMHIMv2Config, paper, type MHIMv2Config } from './mhim-v2-config.js';

/**
 * Masked hard instance mining with a momentum teacher and a global recycle network (MHIM-v2) over any aggregator: the
 * easiest instances are masked, most of the others are recycled into a few.
 */
export class MHIMv2 extends HardMining<MHIMv2Config> {
  readonly method = 'mhim-v2';

  /**
   * @param createAggregator makes the student's aggregator, and a second one for a teacher of its own
   * @param config options that differ from the paper's
   * @throws MhimError `config` for options that cannot be
   */
  constructor(createAggregator: (rng: Rng) => Aggregator, rng: Rng, config: Partial<MHIMv2Config> = {}) {
    const complete = { ...paper, ...config };
    checkMHIMv2Config(complete);
    const create = (dim: number) => new RecycleNetwork(recycleConfig(complete, dim), rng);
    const { recycle, teacherRecycle } = complete;
    super(complete, createAggregator, rng, {
      student: recycle ? create : undefined,
      teacher: recycle && teacherRecycle ? create : undefined,
    });
  }

  /** The high score mask, then the split of the survivors (MHIM-v2 §3.3.2–3.3.3). */
  protected select({ scores, heads, fusion }: RankedBag, ratio: number, call: MiningCall): StudentView {
    const { randomHigh, split, keepRatio } = this.config;
    const permute = permuteWith(call.rng);
    const { draws = {} } = call;
    const options = { ratio, randomRatio: randomHigh, permute: draws.highScore ?? permute, heads, fusion };
    const { masked, kept } = leaveOne(highScoreMask(scores, options), scores, 'highest', options);
    if (split === 'none') return { masked, kept, recycled: new Int32Array() };
    const parts =
      split === 'low-score'
        ? lowScoreSplit(kept, keepRatio, scores, { heads, fusion })
        : randomSplit(kept, keepRatio, draws.split ?? permute);
    // With nothing to recycle what is split off, a bag too small to split is left whole.
    if (!this.recycle && parts.kept.length === 0) return { masked, kept, recycled: new Int32Array() };
    return { masked, ...parts };
  }

  protected override recycledAtInference(instances: tf.Tensor2D): tf.Tensor2D | undefined {
    return this.config.recycleAtInference ? this.recycle?.forward(instances) : undefined;
  }
}

function recycleConfig(config: MHIMv2Config, dim: number) {
  const { queries, queryMomentum, recycleDropout, recycleHeads, recycleHeadDim, officialGradient } = config;
  return {
    dim,
    queries,
    queryMomentum,
    dropout: recycleDropout,
    heads: recycleHeads,
    headDim: recycleHeadDim,
    officialGradient,
  };
}
