export { consistencyLoss } from './consistency-loss.js';
export { initialiseFromBaseline, officialNames } from './initialise.js';
export { instanceMargin, instanceProbability, rankingScore } from './instance-score.js';
export {
  headVotes,
  highScoreMask,
  lowScoreMask,
  lowScoreSplit,
  maskCounts,
  permuteWith,
  randomMask,
  randomSplit,
  unionOf,
  type Permute,
  type ScoreMaskOptions,
  type Selection,
} from './masking.js';
export { officialReadme, paper, presets, type MHIMv2Config, type PresetName } from './mhim-config.js';
export { MHIMv2, MomentumTeacher, type HardInstances, type MiningCall, type StudentPass } from './mhim-v2.js';
export { updateTeacher } from './momentum-teacher.js';
export { cosineSchedule, momentumSchedule } from './schedules.js';
