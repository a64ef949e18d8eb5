/** Everything the paper's Tables 7–12 vary, with the symbols of the paper. */
export interface MHIMv2Config {
  /** βh, the share of the bag masked for its high scores at the start of training (Fig. 6). */
  maskRatioHigh: number;
  /** `cosine` lets βh fall to 0 over training (Table 12). */
  maskRatioHighDecay: 'cosine' | 'none';
  /** Share masked of the candidates: 0.5 is RHSM, 1 is HSM (Table 12). */
  randomHigh: number;
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
  /** λ, the momentum of the teacher. 0 makes it the student of the step before, 1 keeps it fixed (Table 11). */
  momentum: number;
  /** Whether the teacher's dropout is active while it scores. */
  teacherDropout: boolean;
  /** Whether the teacher carries (and averages) a recycle network that it never uses, as the official code's does. */
  teacherRecycle: boolean;
  /** α of eq. 14. */
  consistencyWeight: number;
  /** Weight of the label loss, 1 in eq. 14. */
  labelWeight: number;
  /** τ of eq. 13. */
  temperature: number;
  /** What the baseline checkpoint initialises (Table 11). */
  initTeacher: boolean;
  /** `feature` copies the patch-to-embedding layer only ("FC" of Table 11). */
  initStudent: 'none' | 'feature' | 'all';
}

/** The configuration of the paper (default). Where the paper gives a range, the value of the reference runs. */
export const paper: Readonly<MHIMv2Config> = {
  maskRatioHigh: 0.03,
  maskRatioHighDecay: 'cosine',
  randomHigh: 0.5,
  keepRatio: 0.2,
  split: 'random',
  recycle: true,
  queries: 5,
  queryMomentum: 0.9999,
  recycleDropout: 0.1,
  recycleHeads: 8,
  recycleHeadDim: 64,
  recycleAtInference: true,
  momentum: 0.9999,
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
 * kept, no recycling at inference, teacher momentum 0.9997, no student initialisation.
 */
export const officialReadme: Readonly<MHIMv2Config> = {
  ...paper,
  maskRatioHighDecay: 'none',
  randomHigh: 1,
  keepRatio: 0.8,
  recycleAtInference: false,
  momentum: 0.9997,
  teacherRecycle: true,
  initStudent: 'none',
};

/** The named configurations. */
export const presets = { paper, 'official-readme': officialReadme } as const;

export type PresetName = keyof typeof presets;
