import type { Aggregator } from '@mhim/mil-aggregators';
import type { LoadOptions, LoadReport, Rng, StateSource } from '@mhim/tensor';
import { HardMining, type MiningCall, type RankedBag, type StudentView } from './hard-mining.js';
import { officialNames } from './initialise.js';
import { highScoreMask, leaveOne, lowScoreMask, permuteWith, randomMask, unionOf, type Selection } from './masking.js';
import { checkMHIMConfig, conferencePresets, type MHIMConfig } from './mhim-v1-config.js';

/**
 * The conference version of masked hard instance mining (Tang et al. 2023, "MHIM-MIL"; `MHIM(…)` in the tables of MHIM-v2)
 * over any aggregator: what random, low score and high score masks leave goes to the student, the rest is dropped.
 */
export class MHIM extends HardMining<MHIMConfig> {
  readonly method = 'mhim';

  /**
   * @param createAggregator makes the student's aggregator, and a second one for a teacher of its own
   * @param config options that differ from those published for CAMELYON16 over AB-MIL
   * @throws MhimError `config` for options that cannot be
   */
  constructor(createAggregator: (rng: Rng) => Aggregator, rng: Rng, config: Partial<MHIMConfig> = {}) {
    const complete = { ...conferencePresets['c16-ab-mil'], ...config };
    checkMHIMConfig(complete);
    super(complete, createAggregator, rng);
  }

  /** Takes checkpoints of the conference version's code too, whose feature layer is `patch_to_emb`. */
  override loadStateDict(source: StateSource, options?: LoadOptions): LoadReport {
    return super.loadStateDict(officialNames(source), options);
  }

  /**
   * Random, low score and high score mask, in the official order; each over the whole bag, so that they overlap. What is left
   * stays in the bag's order.
   */
  protected select({ scores, heads, fusion, n }: RankedBag, ratio: number, call: MiningCall): StudentView {
    const { maskRatioRandom, maskRatioLow, randomHigh } = this.config;
    const permute = permuteWith(call.rng);
    const { draws = {} } = call;
    const masks: Selection[] = [];
    if (maskRatioRandom > 0) masks.push(randomMask(n, maskRatioRandom, draws.random ?? permute));
    if (maskRatioLow > 0) masks.push(lowScoreMask(scores, { ratio: maskRatioLow, heads, fusion }));
    if (ratio > 0) {
      const options = { ratio, randomRatio: randomHigh, permute: draws.highScore ?? permute, heads, fusion };
      masks.push(highScoreMask(scores, options));
    }
    // Together the masks may cover a small bag: then the highest score alone is left.
    return { ...leaveOne(unionOf(n, masks), scores, 'lowest', { heads, fusion }), recycled: new Int32Array() };
  }
}
