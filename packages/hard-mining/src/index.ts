export { ablations, type AblationTable } from './ablations.js';
export { consistencyLoss } from './consistency-loss.js';
export {
  HardMining,
  type HardInstances,
  type MiningCall,
  type TrainingProgress,
  type RankedBag,
  type StudentPass,
  type StudentPrediction,
  type StudentView,
} from './hard-mining.js';
export { initialiseAggregator, initialiseFromBaseline, officialNames } from './initialise.js';
export {
  assessInstances,
  instanceMargin,
  instanceProbability,
  rankingScore,
  type Assessment,
  type MiningScore,
} from './instance-score.js';
export {
  headVotes,
  highScoreMask,
  leaveOne,
  lowScoreMask,
  lowScoreSplit,
  maskCounts,
  permuteWith,
  randomMask,
  randomSplit,
  unionOf,
  type HeadFusion,
  type Permute,
  type ScoreHeads,
  type ScoreMaskOptions,
  type Selection,
} from './masking.js';
export { MHIM } from './mhim.js';
export { conferencePresets, type ConferencePresetName, type MHIMConfig } from './mhim-v1-config.js';
export { MHIMv2 } from './mhim-v2.js';
export { officialReadme, paper, presets, type MHIMv2Config, type PresetName } from './mhim-v2-config.js';
export { needsBaseline, type MiningConfig } from './mining-config.js';
export { MomentumTeacher, updateTeacher } from './momentum-teacher.js';
export { cosineSchedule, momentumSchedule } from './schedules.js';
