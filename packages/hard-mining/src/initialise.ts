import type { Aggregator } from '@mhim/mil-aggregators';
import { MhimError, type Module, type StateSource } from '@mhim/tensor';
import type { HardMining } from './hard-mining.js';

/**
 * Starts teacher and student from a baseline trained on the same fold (MHIM-v2 Alg. 2, Tables 10 and 11), as the configuration
 * says. A teacher that the baseline does not initialise starts as the student does.
 * @param baseline the baseline's state dict; names of the conference version and `module.` prefixes are understood
 * @throws MhimError `state-dict` unless every expected key was there in the right shape: a teacher that silently stays
 *   random is the official code's best hidden failure
 */
export function initialiseFromBaseline(model: HardMining, baseline: StateSource): void {
  const { initTeacher, initStudent } = model.config;
  const { student, teacher, hasOwnTeacher } = model;
  const state = officialNames(baseline);
  if (hasOwnTeacher && initTeacher) loadAll(teacher.aggregator, state, () => true, 'teacher');
  if (initStudent !== 'none') initialiseAggregator(student, state, initStudent, 'student');
  if (hasOwnTeacher && !initTeacher) teacher.copyFrom(model);
}

/**
 * Starts an aggregator from a trained one of its kind: all of it, or the patch-to-embedding layer only ("FC" of MHIM-v2
 * Table 11, whose lower part does so without any mining).
 * @throws MhimError `state-dict` unless every expected key was there in the right shape
 */
export function initialiseAggregator(
  aggregator: Aggregator,
  baseline: StateSource,
  part: 'feature' | 'all',
  who = 'model',
): void {
  const wanted = (key: string) => part === 'all' || key.startsWith(aggregator.featurePrefix);
  loadAll(aggregator, officialNames(baseline), wanted, who);
}

/**
 * Keys of older and wrapped checkpoints under today's official names, without what no model uses any more. Of a training
 * checkpoint, which holds `model`, `teacher` and `epoch`, the model counts.
 */
export function officialNames(state: StateSource): StateSource {
  const keys = Object.keys(state);
  const wrapped = keys.some((key) => key.startsWith('model.'));
  const renamed: StateSource = {};
  for (const key of keys) {
    if (wrapped && !key.startsWith('model.')) continue;
    const name = key
      .replace(/^model\./, '')
      .replace(/^module\./, '')
      .replace(OLD_FEATURE, 'feature.');
    if (name !== 'online_encoder.mask_token') renamed[name] = state[key] as StateSource[string];
  }
  return renamed;
}

/** What the feature layer was called in the conference version, and in its stand-alone models. */
const OLD_FEATURE = /^(?:patch_to_emb|patch_to_embed|feature0)\./;

function loadAll(target: Module, state: StateSource, wanted: (key: string) => boolean, who: string): void {
  const expected = ownNames(target).filter(wanted);
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

/** Names of parameters and buffers, each once. */
function ownNames(module: Module): string[] {
  const names = new Map<unknown, string>();
  for (const [name, tensor] of Object.entries(module.stateDict())) if (!names.has(tensor)) names.set(tensor, name);
  return [...names.values()];
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
