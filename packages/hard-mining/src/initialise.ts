import { MhimError, type Module, type StateSource } from '@mhim/tensor';
import type { MHIMv2 } from './mhim-v2.js';

/**
 * Starts teacher and student from a baseline trained on the same fold (MHIM-v2 Alg. 2, Table 11), as the configuration says.
 * @param baseline the baseline's state dict; names of the conference version and `module.` prefixes are understood
 * @throws MhimError `state-dict` unless every expected key was there in the right shape: a teacher that silently stays
 *   random is the official code's best hidden failure
 */
export function initialiseFromBaseline(model: MHIMv2, baseline: StateSource): void {
  const { initTeacher, initStudent } = model.config;
  const state = officialNames(baseline);
  if (initTeacher) loadAll(model.teacher.aggregator, state, () => true, 'teacher');
  if (initStudent === 'all') loadAll(model.student, state, () => true, 'student');
  if (initStudent === 'feature')
    loadAll(model.student, state, (key) => key.startsWith(model.student.featurePrefix), 'student');
}

/** Keys of older and wrapped checkpoints under today's official names. */
export function officialNames(state: StateSource): StateSource {
  const renamed: StateSource = {};
  for (const [key, value] of Object.entries(state)) {
    renamed[key.replace(/^module\./, '').replace(/^patch_to_emb\./, 'feature.')] = value;
  }
  return renamed;
}

function loadAll(target: Module, state: StateSource, wanted: (key: string) => boolean, who: string): void {
  const expected = [...target.parameters().keys()].filter(wanted);
  const report = target.loadStateDict(
    Object.fromEntries(Object.entries(state).filter(([key]) => expected.includes(key))),
    { strict: false },
  );
  const lost = expected.filter((key) => !report.loaded.includes(key));
  if (expected.length > 0 && lost.length === 0) return;
  throw new MhimError(`the baseline checkpoint does not initialise the ${who}: ${describe(lost, report.misshaped)}.`, {
    code: 'state-dict',
    hint: 'Train the baseline with the same aggregator, width and number of classes.',
  });
}

function describe(lost: string[], misshaped: { key: string; expected: number[]; found: number[] }[]): string {
  if (lost.length === 0) return 'it has no feature layer';
  return lost
    .map((key) => {
      const other = misshaped.find((entry) => entry.key === key);
      return other ? `${key} is [${other.found}], not [${other.expected}]` : `${key} is missing`;
    })
    .join(', ');
}
