import { MhimError } from '@mhim/tensor';
import type { MiningScore } from './instance-score.js';
import type { HeadFusion } from './masking.js';

/** What MHIM and MHIM-v2 have in common: teacher, high score mask, losses and initialisation. */
export interface MiningConfig {
  /** βh, the share of the bag masked for its high scores at the start of training (Fig. 6). */
  maskRatioHigh: number;
  /** `cosine` lets βh fall to 0 over training (Table 12). */
  maskRatioHighDecay: 'cosine' | 'none';
  /** Share masked of the candidates: 0.5 is RHSM, 1 is HSM (Table 12). */
  randomHigh: number;
  /** What the teacher ranks instances by (Table 8). */
  score: MiningScore;
  /** How attention of several heads ranks together; without effect on scores of one row. */
  headFusion: HeadFusion;
  /** A model of its own that follows the student by averaging, or the student itself ("student copy" of Table 10). */
  teacher: 'momentum' | 'student';
  /** λ, the momentum of the teacher. 0 makes it the student of the step before, 1 keeps it fixed (Table 10). */
  momentum: number;
  /** `cosine` lets λ rise to 1 over training. */
  momentumRise: 'cosine' | 'none';
  /** Whether the teacher's dropout is active while it scores. */
  teacherDropout: boolean;
  /** α of eq. 14. At 0 the consistency loss is not computed (Table 7). */
  consistencyWeight: number;
  /** Weight of the label loss, 1 in eq. 14. */
  labelWeight: number;
  /**
   * τ of eq. 13: the smaller, the sharper the teacher's target. The paper gives none; 0.1 is the default of the official command line, 1 of
   * the official class.
   */
  temperature: number;
  /** Whether a baseline checkpoint initialises a teacher of its own (Table 10). */
  initTeacher: boolean;
  /** What of the student a baseline checkpoint initialises; `feature` is the "FC" of Table 11. */
  initStudent: 'none' | 'feature' | 'all';
}

/** Whether training starts from a baseline checkpoint at all. */
export function needsBaseline({ teacher, initTeacher, initStudent }: MiningConfig): boolean {
  return (teacher === 'momentum' && initTeacher) || initStudent !== 'none';
}

/** @throws MhimError `config` naming the option, what was expected and what it is */
export function checkMiningConfig(config: MiningConfig): void {
  checkShares(config, ['maskRatioHigh', 'randomHigh', 'momentum']);
  checkWords(config, {
    maskRatioHighDecay: ['cosine', 'none'],
    score: ['probability', 'attention'],
    headFusion: ['vote', 'union', 'max'],
    teacher: ['momentum', 'student'],
    momentumRise: ['cosine', 'none'],
    initStudent: ['none', 'feature', 'all'],
  });
  for (const path of ['consistencyWeight', 'labelWeight'] as const) {
    if (!(config[path] >= 0)) throw wrong(path, 'a number that is not negative', config[path]);
  }
  if (!(config.temperature > 0)) throw wrong('temperature', 'a positive number', config.temperature);
}

/** @throws MhimError `config` for an option that is no number from 0 to 1 */
export function checkShares<C extends object>(config: C, paths: readonly (keyof C & string)[]): void {
  for (const path of paths) {
    const value: unknown = config[path];
    if (!(typeof value === 'number' && value >= 0 && value <= 1)) throw wrong(path, 'a number between 0 and 1', value);
  }
}

/** @throws MhimError `config` for an option that is none of its words */
export function checkWords<C extends object>(
  config: C,
  words: { readonly [K in keyof C & string]?: readonly C[K][] },
): void {
  for (const [path, allowed] of Object.entries(words) as [keyof C & string, readonly unknown[]][]) {
    if (!allowed.includes(config[path])) throw wrong(path, `one of ${allowed.join(', ')}`, config[path]);
  }
}

function wrong(path: string, expected: string, value: unknown): MhimError {
  return new MhimError(`expected ${expected}, got ${JSON.stringify(value)}.`, { code: 'config', path });
}
