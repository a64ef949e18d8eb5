import { checkMiningConfig, checkShares, type MiningConfig } from './mining-config.js';

/** The options of the conference version (Tang et al. 2023). Ratios are shares of all n instances; the masks may overlap. */
export interface MHIMConfig extends MiningConfig {
  /** Share of the bag masked at random (RSM). */
  maskRatioRandom: number;
  /** Share of the bag masked for its low scores (LSM). */
  maskRatioLow: number;
}

const published: Readonly<MHIMConfig> = {
  maskRatioRandom: 0.5,
  maskRatioLow: 0,
  maskRatioHigh: 0.01,
  maskRatioHighDecay: 'cosine',
  randomHigh: 0.5,
  score: 'attention',
  headFusion: 'vote',
  teacher: 'momentum',
  momentum: 0.9999,
  momentumRise: 'none',
  teacherDropout: true,
  consistencyWeight: 0.1,
  labelWeight: 1,
  temperature: 0.1,
  initTeacher: true,
  initStudent: 'feature',
};

const c16 = published;
const nsclc: Readonly<MHIMConfig> = {
  ...published,
  maskRatioRandom: 0.7,
  maskRatioLow: 0.2,
  maskRatioHigh: 0.02,
  randomHigh: 1,
  momentumRise: 'cosine',
  consistencyWeight: 0.5,
};

/**
 * The published commands of the conference version, by data set and aggregator: CAMELYON16 and TCGA-NSCLC, ResNet-50 features.
 * Over DSMIL an instance counts by its largest attention of any class. The first is the default of `MHIM`.
 */
export const conferencePresets = {
  'c16-ab-mil': c16,
  'nsclc-ab-mil': nsclc,
  'c16-trans-mil': {
    ...c16,
    maskRatioRandom: 0,
    maskRatioLow: 0.8,
    maskRatioHigh: 0.03,
    momentumRise: 'cosine',
  },
  'nsclc-trans-mil': { ...nsclc, maskRatioRandom: 0.6, momentumRise: 'none' },
  'c16-ds-mil': { ...c16, headFusion: 'max' },
  'nsclc-ds-mil': { ...nsclc, headFusion: 'max' },
} as const satisfies Record<string, Readonly<MHIMConfig>>;

export type ConferencePresetName = keyof typeof conferencePresets;

/** @throws MhimError `config` naming the option, what was expected and what it is */
export function checkMHIMConfig(config: MHIMConfig): void {
  checkMiningConfig(config);
  checkShares(config, ['maskRatioRandom', 'maskRatioLow']);
}
