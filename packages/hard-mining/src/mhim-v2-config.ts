import { MhimError } from '@mhim/tensor';
import { checkMiningConfig, checkShares, checkWords, type MiningConfig } from './mining-config.js';

/** Everything the paper's Tables 7–12 vary, with the symbols of the paper. */
export interface MHIMv2Config extends MiningConfig {
  /** 1 − βl, the share of the survivors that the student sees directly. Given as the kept share, which is exact in doubles. */
  keepRatio: number;
  /** How survivors are split: at random (RSM), by low scores (LSM), or not at all (Table 9). */
  split: 'random' | 'low-score' | 'none';
  /** Whether split-off instances are recycled (GRN) or dropped (Table 9). */
  recycle: boolean;
  /** K, the number of global queries (Fig. 6). */
  queries: number;
  /** λq, the momentum of the global query. */
  queryMomentum: number;
  recycleDropout: number;
  recycleHeads: number;
  recycleHeadDim: number;
  /** Whether the recycled instances of the whole bag are appended at inference (§3.6). */
  recycleAtInference: boolean;
  /** Gives the recycle network's norm the gradient of the official code (see `RecycleNetworkConfig`) or that of the definition. */
  officialGradient: boolean;
  /** Whether the teacher carries (and averages) a recycle network that it never uses, as the official code's does. */
  teacherRecycle: boolean;
}

/** The configuration of the paper (default). Where the paper gives a range, the value of the reference runs. */
export const paper: Readonly<MHIMv2Config> = {
  maskRatioHigh: 0.03,
  maskRatioHighDecay: 'cosine',
  randomHigh: 0.5,
  score: 'probability',
  headFusion: 'vote',
  keepRatio: 0.2,
  split: 'random',
  recycle: true,
  queries: 5,
  queryMomentum: 0.9999,
  recycleDropout: 0.1,
  recycleHeads: 8,
  recycleHeadDim: 64,
  recycleAtInference: true,
  officialGradient: false,
  teacher: 'momentum',
  momentum: 0.9999,
  momentumRise: 'none',
  teacherDropout: true,
  teacherRecycle: false,
  consistencyWeight: 0.5,
  labelWeight: 1,
  temperature: 0.1,
  initTeacher: true,
  initStudent: 'feature',
};

/**
 * What the README command of the official repository sets, read literally: plain HSM without decay, 80 % of the survivors
 * kept, no recycling at inference, teacher momentum 0.9997, no student initialisation, gradients as the official code has them.
 */
export const officialReadme: Readonly<MHIMv2Config> = {
  ...paper,
  maskRatioHighDecay: 'none',
  randomHigh: 1,
  keepRatio: 0.8,
  recycleAtInference: false,
  officialGradient: true,
  momentum: 0.9997,
  teacherRecycle: true,
  initStudent: 'none',
};

/** The named configurations. */
export const presets = { paper, 'official-readme': officialReadme } as const;

export type PresetName = keyof typeof presets;

/** @throws MhimError `config` naming the option, what was expected and what it is */
export function checkMHIMv2Config(config: MHIMv2Config): void {
  checkMiningConfig(config);
  checkShares(config, ['keepRatio', 'queryMomentum', 'recycleDropout']);
  checkWords(config, { split: ['random', 'low-score', 'none'] });
  for (const path of ['queries', 'recycleHeads', 'recycleHeadDim'] as const) {
    if (Number.isInteger(config[path]) && config[path] >= 1) continue;
    throw new MhimError(`expected a whole number from 1, got ${config[path]}.`, { code: 'config', path });
  }
  if (config.recycle || !config.recycleAtInference) return;
  throw new MhimError('there is no recycle network to run at inference.', {
    code: 'config',
    path: 'recycleAtInference',
    hint: 'Set recycle: true or recycleAtInference: false.',
  });
}
