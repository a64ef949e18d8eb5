import type { MHIMv2Config } from './mhim-v2-config.js';

export type AblationTable = 'Table 7' | 'Table 8' | 'Table 9' | 'Table 10' | 'Table 11' | 'Table 12';

const withoutRecycling = { recycle: false, recycleAtInference: false } as const;
const onlyHighScores = { ...withoutRecycling, split: 'none' } as const;

/**
 * The rows of the paper's ablations that are MHIM-v2, as what they change of its configuration (`paper`). The other rows are
 * the aggregator alone.
 */
export const ablations = {
  'Table 7': {
    '+RHSM': { ...onlyHighScores, consistencyWeight: 0 },
    '+RHSM+GRN': { consistencyWeight: 0 },
    '+RHSM+CL': onlyHighScores,
    '+RHSM+GRN+CL': {},
  },
  'Table 8': {
    Attention: { score: 'attention' },
    'Instance Probability': { score: 'probability' },
  },
  'Table 9': {
    'RHSM+CL': onlyHighScores,
    '+RSM': withoutRecycling,
    '+LSM+GRN': { split: 'low-score' },
    '+RSM+GRN': {},
  },
  'Table 10': {
    'Student copy': { teacher: 'student' },
    'Init.': { momentum: 1 },
    Momentum: { initTeacher: false },
    'Init.+Momentum': {},
  },
  'Table 11': {
    'w/ student init.': { initStudent: 'feature' },
    'w/o student init.': { initStudent: 'none' },
  },
  'Table 12': {
    'MHIM-v2': {},
    'w/o Decay': { maskRatioHighDecay: 'none' },
    'w/o RHSM': { randomHigh: 1 },
  },
} as const satisfies Record<AblationTable, Record<string, Partial<MHIMv2Config>>>;
